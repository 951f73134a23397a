import type { EventElement } from '../../binxml/event-tree.ts';
import { InstanceCursor } from '../../binxml/instance-cursor.ts';
import { resolveDocument } from '../../binxml/resolve.ts';
import type { Fragment } from '../../binxml/tree.ts';
import { EvtError } from '../../errors/evt-error.ts';
import type { Chunk } from '../../evtx/chunk.ts';
import { storedTime } from '../../render/stored-time.ts';
import { eventTime } from '../../render/system-values.ts';
import type { EventPosition, LineFormat, LogEvent } from '../service.ts';
import type { FoundRecord } from './log-walker.ts';
import { threadRenderer } from './renderer.ts';

// One for all: it is only looked at on the spot.
const cursor = new InstanceCursor();

/** Knows what a bookmark of an event holds. */
interface Positions {
  position(event: LocalEvent): EventPosition;
}

/** An event of a log file: a view into its chunk, decoded when somebody asks. */
export class LocalEvent implements LogEvent {
  readonly path: string;
  readonly found: FoundRecord;
  /** What the order that it comes from notes of its place. */
  place: object | undefined;
  readonly #queryIds: () => readonly number[];
  #ids: readonly number[] | undefined;
  #position: EventPosition | undefined;
  #positions: Positions | undefined;
  #tree: readonly EventElement[] | undefined;

  /** @param queryIds works out, when somebody asks, which Query elements select it */
  constructor(found: FoundRecord, path: string, queryIds: () => readonly number[]) {
    this.found = found;
    this.path = path;
    this.#queryIds = queryIds;
  }

  get queryIds(): readonly number[] {
    this.#ids ??= this.#queryIds();
    return this.#ids;
  }

  get recordId(): bigint {
    return this.found.chunk.recordId(this.found.chunkOffset);
  }

  get writtenTime(): bigint {
    return this.found.chunk.writtenTime(this.found.chunkOffset);
  }

  get recovered(): boolean {
    return this.found.recovered;
  }

  /** Set once, when the event is handed out: the position belongs to the result set, not to the record. */
  set position(position: EventPosition) {
    this.#position = position;
  }

  /** The same, for a position that is worked out when somebody asks. */
  handOut(positions: Positions): void {
    this.#positions = positions;
  }

  get position(): EventPosition {
    const position = this.#position ?? this.#positions?.position(this);
    if (position === undefined) throw new TypeError('the event has not been handed out');
    return position;
  }

  get document(): Fragment {
    return this.found.document;
  }

  get tree(): readonly EventElement[] {
    this.#tree ??= resolveDocument(this.document);
    return this.#tree;
  }

  text(format: LineFormat): string {
    const { chunk, chunkOffset } = this.found;
    return threadRenderer().text(chunk, chunkOffset, format);
  }

  /** FILETIME that orders events of several logs. */
  get time(): bigint {
    return timeOfRecord(this.found.chunk, this.found.chunkOffset);
  }
}

/** FILETIME that orders the events of several logs. An event that cannot be decoded goes by its header. */
export function timeOfRecord(chunk: Chunk, chunkOffset: number): bigint {
  try {
    const stored = chunk.readInstance(chunkOffset, cursor) ? storedTime(cursor) : undefined;
    return stored ?? eventTime(resolveDocument(chunk.document(chunkOffset))[0], chunk.writtenTime(chunkOffset));
  } catch (error) {
    if (error instanceof EvtError) return chunk.writtenTime(chunkOffset);
    throw error;
  }
}
