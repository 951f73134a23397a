/**
 * The element tree of one event: templates filled in, absent parts left out, array values spread over repeated
 * elements. This is what is rendered, and what the query language is defined on.
 */

/** A typed value, still in its bytes: `bytes[offset … offset + size)`. Never an array, never nested Binary XML. */
export interface Value {
  /** A {@link ValueType}. */
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly size: number;
}

/** Character data written in the template or record itself. */
export interface EventText {
  readonly kind: 'text';
  readonly text: string;
}

/** A value that filled a substitution. */
export interface EventValue {
  readonly kind: 'value';
  readonly value: Value;
}

export interface EventCharRef {
  readonly kind: 'charref';
  readonly code: number;
}

export interface EventEntityRef {
  readonly kind: 'entityref';
  readonly name: string;
}

export interface EventCData {
  readonly kind: 'cdata';
  readonly text: string;
}

export interface EventPi {
  readonly kind: 'pi';
  readonly target: string;
  readonly data: string;
}

export type AttributeText = EventText | EventValue | EventCharRef | EventEntityRef;

export interface EventAttribute {
  readonly name: string;
  readonly value: readonly AttributeText[];
}

export interface EventElement {
  readonly kind: 'element';
  readonly name: string;
  readonly attributes: readonly EventAttribute[];
  readonly children: readonly EventContent[];
  /** Written `<x/>` rather than `<x></x>` when it has no children. */
  readonly empty: boolean;
  /**
   * Which item of an array value this element repeats for, counted from 0; -1 for an element that stands once.
   * XML shows the repeated elements one by one; the JSON shape folds them into one member.
   */
  readonly item: number;
}

export type EventContent = EventElement | EventText | EventValue | EventCharRef | EventEntityRef | EventCData | EventPi;
