import { InstanceCursor } from '../binxml/instance-cursor.ts';
import type { Fragment } from '../binxml/tree.ts';
import type { Chunk } from './chunk.ts';

/** The record that is looked at: as an instance in place where it is one, and as a tree for who asks. */
export class RecordCursor {
  readonly instance = new InstanceCursor();
  /** {@link instance} is the record's whole document. */
  isInstance = false;
  #chunk: Chunk | undefined;
  #chunkOffset = 0;
  #document: Fragment | undefined;

  /** Moves on to a record. */
  look(chunk: Chunk, chunkOffset: number): void {
    this.#chunk = chunk;
    this.#chunkOffset = chunkOffset;
    this.#document = undefined;
    this.isInstance = chunk.readInstance(chunkOffset, this.instance);
  }

  /** @throws BinXmlError when it is damaged */
  get document(): Fragment {
    this.#document ??= this.#chunk!.document(this.#chunkOffset);
    return this.#document;
  }
}
