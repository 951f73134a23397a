import type { EventRecord, LineFormat } from '../../index.ts';
import type { EventTexts } from '../event-texts.ts';

/** How events become lines. Each piece of text it gives is whole lines. */
export interface Formatter {
  readonly head: string;
  /** The lines are those that a reader gives by itself, many times faster. */
  readonly lines?: LineFormat | undefined;
  /** It shows the events' texts, where there are any. */
  readonly showsTexts?: boolean;
  /**
   * @param texts of the event's publisher, as far as they are known
   * @throws EvtError ERROR_EVT_INVALID_EVENT_DATA (15005) for an event that is damaged inside
   */
  event(event: EventRecord, index: number, texts?: EventTexts): string;
  readonly tail: string;
}
