import type { Fragment, Template, ValueTable } from './tree.ts';

/** Instead of a slot: the instance has no nested document; or arrays, several documents, or too few values. */
export const NO_SLOT = -1;
export const UNUSUAL_SLOT = -2;

/** What a cursor asks of the reader of its chunk. */
export interface InstanceReader {
  readInstance(offset: number, end: number, cursor: InstanceCursor, depth: number): boolean;
  nestedOf(cursor: InstanceCursor, index: number): Fragment;
}

const NOTHING: Template = { guid: '', root: [] };

/**
 * A template instance looked at in place: one object for all records, where a tree would make several for each.
 * `BinXmlReader.readInstance` points it at a record; it is only good until the next.
 */
export class InstanceCursor implements ValueTable {
  bytes: Uint8Array = new Uint8Array(0);
  template: Template = NOTHING;
  count = 0;
  descriptors = 0;
  firstValue = 0;
  /** Value index of the one nested document, {@link NO_SLOT}, or {@link UNUSUAL_SLOT}. */
  bodySlot = NO_SLOT;
  /** How many values are nested documents. */
  documents = 0;
  /** Where the nested document lies. */
  bodyOffset = 0;
  bodySize = 0;
  /** Memory of its own, for values that lie nowhere in this order. */
  own: Uint8Array = new Uint8Array(0);
  reader: InstanceReader | undefined;
  depth = 0;

  nested(index: number): Fragment {
    return this.reader!.nestedOf(this, index);
  }

  /** Points another cursor at the nested document. False when that is no single instance in order. */
  readBody(into: InstanceCursor): boolean {
    return this.reader!.readInstance(this.bodyOffset, this.bodyOffset + this.bodySize, into, this.depth + 1);
  }
}
