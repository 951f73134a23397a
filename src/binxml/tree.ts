/**
 * The Binary XML tree as it is stored: elements with substitution slots, and template instances with their values.
 * `resolve.ts` turns it into the element tree of one event.
 */

/** No dependency id: the element is never left out because of a Null value. */
export const NO_DEPENDENCY = -1;

export interface ElementNode {
  readonly kind: 'element';
  readonly name: string;
  /** Index of the value whose Null type leaves the whole element out, or {@link NO_DEPENDENCY}. */
  readonly dependency: number;
  readonly attributes: readonly AttributeNode[];
  readonly content: readonly ContentNode[];
  /** Closed by the empty-element token: rendered as `<x/>`. */
  readonly empty: boolean;
}

export interface AttributeNode {
  readonly name: string;
  readonly value: readonly AttributePart[];
}

export interface TextNode {
  readonly kind: 'text';
  readonly text: string;
}

export interface CDataNode {
  readonly kind: 'cdata';
  readonly text: string;
}

/** `&#N;` */
export interface CharRefNode {
  readonly kind: 'charref';
  readonly code: number;
}

/** `&name;` */
export interface EntityRefNode {
  readonly kind: 'entityref';
  readonly name: string;
}

export interface PiNode {
  readonly kind: 'pi';
  readonly target: string;
  readonly data: string;
}

/** A value slot of a template. */
export interface SubstitutionNode {
  readonly kind: 'substitution';
  readonly index: number;
  /** The type the template declares. A hint only: the value descriptor's type wins. */
  readonly type: number;
  readonly optional: boolean;
}

/** A template used in one record, with that record's values. */
export interface InstanceNode {
  readonly kind: 'instance';
  readonly template: Template;
  readonly values: ValueTable;
}

export type AttributePart = TextNode | CharRefNode | EntityRefNode | SubstitutionNode;
export type ContentNode =
  | ElementNode
  | TextNode
  | CDataNode
  | CharRefNode
  | EntityRefNode
  | PiNode
  | SubstitutionNode
  | InstanceNode;

/** The top-level nodes of a document, of a template definition, or of a nested (type 0x21) value. */
export type Fragment = readonly ContentNode[];

/** A template definition. One object per distinct content: compiled forms may hang on its identity. */
export interface Template {
  /** 32 lower-case hex digits with dashes, without braces. */
  readonly guid: string;
  readonly root: Fragment;
}

/**
 * The values of one template instance, still in their bytes. Value i is `bytes[offsets[i] … offsets[i] + sizes[i])`
 * and has type `types[i]`. Types and sizes are the record's claims: a reader checks them (see `value.ts`).
 */
export interface ValueTable {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Byte offset in `bytes` of the first value descriptor: u16 size, u8 type, u8 0, four bytes each. */
  readonly descriptors: number;
  /** Byte offset in `bytes` of the first value; the others follow without gaps. */
  readonly firstValue: number;
  /** Decodes value i of type 0x21: a nested document. */
  nested(index: number): Fragment;
}
