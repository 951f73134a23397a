import { hexOffset } from '../bytes/hex.ts';
import { EvtError } from '../errors/evt-error.ts';

/** Damaged or hostile Binary XML: ERROR_EVT_INVALID_EVENT_DATA (15005), with the place it was met. */
export class BinXmlError extends EvtError {
  override readonly name: string = 'BinXmlError';
  /** Byte offset in the chunk. */
  readonly chunkOffset: number;
  /** What is wrong, without the offset. */
  readonly what: string;

  constructor(chunkOffset: number, what: string) {
    super('ERROR_EVT_INVALID_EVENT_DATA', 'Binary XML', `${what}, at chunk offset ${hexOffset(chunkOffset)}`);
    this.chunkOffset = chunkOffset;
    this.what = what;
  }
}
