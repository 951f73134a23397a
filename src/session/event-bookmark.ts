import { bookmarkXml, parseBookmark } from '../service/bookmark.ts';
import type { EventPosition } from '../service/service.ts';

/** A position in one or several logs, to come back to later: the text of its XML is all there is to keep. */
export class EventBookmark {
  readonly position: EventPosition;

  constructor(position: EventPosition) {
    this.position = position;
  }

  /** @throws EvtError ERROR_EVT_MALFORMED_XML_TEXT (15008) when it is no XML, ERROR_INVALID_PARAMETER (87) when no bookmark */
  static parse(xml: string): EventBookmark {
    return new EventBookmark(parseBookmark(xml, 'EventBookmark'));
  }

  /** The XML that Windows' tools read and write, for example in `wevtutil qe /bm:`. */
  get xml(): string {
    return bookmarkXml(this.position);
  }

  toString(): string {
    return this.xml;
  }
}
