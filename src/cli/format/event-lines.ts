import type { EventRecord } from '../../index.ts';

/** How events become lines. Each piece of text it gives is whole lines. */
export interface Formatter {
  readonly head: string;
  /** @throws EvtError ERROR_EVT_INVALID_EVENT_DATA (15005) for an event that is damaged inside */
  event(event: EventRecord, index: number): string;
  readonly tail: string;
}
