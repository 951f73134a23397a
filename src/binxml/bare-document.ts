import { utf16Text } from '../bytes/utf16.ts';
import { type InstanceCursor, type InstanceReader, NO_SLOT } from './instance-cursor.ts';
import { xmlName } from './name.ts';
import { MORE, NAME_HEADER, Token } from './token.ts';
import { type AttributeNode, type ContentNode, type ElementNode, NO_DEPENDENCY, type Template } from './tree.ts';
import { ValueType } from './value-type.ts';

/**
 * Documents without a template, as forwarded events have them, looked at as if they had one: their elements are the template,
 * their texts its values. Records of one kind then share one template, and what was compiled for it.
 *
 * Elements, attributes and text only. What else may stand in a document, and all damage, is left to the reader.
 */

const MAX_DEPTH = 64;
const MAX_STEPS = 4096;
const MAX_TEXTS = 512;
/** Distinct shapes kept; a crafted log may have any number. */
const MAX_SHAPES = 4096;

/** Bytes up to which a loop copies sooner than a call. */
const SHORT_TEXT = 48;

// Steps of a shape. A name's number follows the first two.
const ELEMENT = -1;
const ATTRIBUTE = -2;
const TEXT = -3;
const CLOSE_START = -4;
const CLOSE_EMPTY = -5;
const END = -6;

interface Shape {
  readonly steps: Int32Array;
  /** Undefined for one that no document may have. */
  readonly template: Template | undefined;
}

// Shared by the chunks of a thread: shapes and names repeat from chunk to chunk.
const shapes = new Map<number, Shape[]>();
let shapeCount = 0;
const numbers = new Map<string, number>();
const names: string[] = [];

// One document at a time.
const steps = new Int32Array(MAX_STEPS);
const textAt = new Int32Array(MAX_TEXTS);
const textSize = new Int32Array(MAX_TEXTS);

function numberOf(name: string): number {
  let number = numbers.get(name);
  if (number === undefined) {
    number = names.length;
    names.push(name);
    numbers.set(name, number);
  }
  return number;
}

export class BareDocuments implements InstanceReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #names = new Map<number, number>();
  #at = 0;
  #stepCount = 0;
  #textCount = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /**
   * Points a cursor at the element at `offset`, which must be all of the document. Its values are a copy.
   * @returns false for what is not that simple
   */
  read(offset: number, end: number, cursor: InstanceCursor): boolean {
    this.#at = offset;
    this.#stepCount = 0;
    this.#textCount = 0;
    if (!this.#element(end, 1)) return false;
    if (this.#at < end && this.#bytes[this.#at] !== Token.EndOfFragment) return false;
    const template = this.#template();
    if (template === undefined) return false;
    this.#fill(cursor, template);
    return true;
  }

  readInstance(): boolean {
    return false;
  }

  nestedOf(): [] {
    return [];
  }

  #step(step: number): boolean {
    if (this.#stepCount >= MAX_STEPS) return false;
    steps[this.#stepCount++] = step;
    return true;
  }

  #element(end: number, depth: number): boolean {
    const bytes = this.#bytes;
    const from = this.#at;
    if (depth > MAX_DEPTH || from + 9 > end) return false;
    const hasAttributes = (bytes[from]! & MORE) !== 0;
    this.#at = from + 5;
    if (!this.#step(ELEMENT) || !this.#name(end)) return false;
    if (hasAttributes && !this.#attributes(end)) return false;
    if (this.#at >= end) return false;
    const close = bytes[this.#at++]!;
    if (close === Token.CloseEmptyElement) return this.#step(CLOSE_EMPTY);
    if (close !== Token.CloseStartElement || !this.#step(CLOSE_START)) return false;
    while (this.#at < end) {
      const token = bytes[this.#at]!;
      if (token === Token.EndElement) {
        this.#at++;
        return this.#step(END);
      }
      const isWhole = (token & ~MORE) === Token.OpenStartElement ? this.#element(end, depth + 1) : this.#text(end);
      if (!isWhole) return false;
    }
    return false;
  }

  #attributes(end: number): boolean {
    if (this.#at + 4 > end) return false;
    const size = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    const listEnd = this.#at + size;
    if (size === 0 || listEnd > end) return false;
    while (this.#at < listEnd) {
      if ((this.#bytes[this.#at]! & ~MORE) !== Token.Attribute) return false;
      this.#at++;
      if (!this.#step(ATTRIBUTE) || !this.#name(listEnd)) return false;
      while (this.#at < listEnd && (this.#bytes[this.#at]! & ~MORE) !== Token.Attribute) {
        if (!this.#text(listEnd)) return false;
      }
    }
    return true;
  }

  #text(end: number): boolean {
    const at = this.#at;
    if (at + 4 > end || (this.#bytes[at]! & ~MORE) !== Token.Text || this.#bytes[at + 1] !== ValueType.String)
      return false;
    const size = 2 * this.#view.getUint16(at + 2, true);
    if (at + 4 + size > end || this.#textCount >= MAX_TEXTS) return false;
    textAt[this.#textCount] = at + 4;
    textSize[this.#textCount++] = size;
    this.#at = at + 4 + size;
    return this.#step(TEXT);
  }

  #name(end: number): boolean {
    const at = this.#at;
    if (at + 4 > end) return false;
    const target = this.#view.getUint32(at, true);
    this.#at = at + 4;
    let number = this.#names.get(target);
    if (number === undefined) {
      if (target > at + 4 || target + NAME_HEADER + 2 > this.#bytes.length) return false;
      const units = this.#view.getUint16(target + 6, true);
      if (target + NAME_HEADER + 2 * units > this.#bytes.length) return false;
      const name = xmlName(utf16Text(this.#bytes, target + NAME_HEADER, units));
      if (name === undefined) return false;
      number = numberOf(name);
      this.#names.set(target, number);
    }
    if (target === at + 4) {
      this.#at += NAME_HEADER + 2 * this.#view.getUint16(target + 6, true) + 2;
      if (this.#at > end) return false;
    } else if (target > at) return false;
    return this.#step(number);
  }

  /** The template of the steps just made. */
  #template(): Template | undefined {
    const count = this.#stepCount;
    let hash = count;
    for (let i = 0; i < count; i++) hash = (Math.imul(hash, 31) + steps[i]!) | 0;
    let list = shapes.get(hash);
    for (const shape of list ?? []) if (isSame(shape.steps, count)) return shape.template;
    if (shapeCount >= MAX_SHAPES) {
      shapes.clear();
      shapeCount = 0;
      list = undefined;
    }
    const shape = { steps: steps.slice(0, count), template: new TemplateOfSteps(steps).template };
    if (list === undefined) shapes.set(hash, [shape]);
    else list.push(shape);
    shapeCount++;
    return shape.template;
  }

  /** Gives the cursor values of its own, as a record's stand: descriptors, then the texts without gaps. */
  #fill(cursor: InstanceCursor, template: Template): void {
    const count = this.#textCount;
    let size = 4 * count;
    for (let i = 0; i < count; i++) size += textSize[i]!;
    if (cursor.own.length < size) cursor.own = new Uint8Array(2 * size);
    const { own } = cursor;
    let to = 4 * count;
    for (let i = 0; i < count; i++) {
      const bytes = textSize[i]!;
      own[4 * i] = bytes;
      own[4 * i + 1] = bytes >> 8;
      own[4 * i + 2] = ValueType.String;
      own[4 * i + 3] = 0;
      const from = textAt[i]!;
      if (bytes < SHORT_TEXT) for (let j = 0; j < bytes; j++) own[to + j] = this.#bytes[from + j]!;
      else own.set(this.#bytes.subarray(from, from + bytes), to);
      to += bytes;
    }
    cursor.bytes = own;
    cursor.template = template;
    cursor.count = count;
    cursor.descriptors = 0;
    cursor.firstValue = 4 * count;
    cursor.bodySlot = NO_SLOT;
    cursor.documents = 0;
    cursor.reader = this;
    cursor.depth = 0;
  }
}

function isSame(other: Int32Array, count: number): boolean {
  if (other.length !== count) return false;
  for (let i = 0; i < count; i++) if (other[i] !== steps[i]) return false;
  return true;
}

/** Makes a template of steps: each text is a substitution. */
class TemplateOfSteps {
  readonly template: Template | undefined;
  readonly #steps: Int32Array;
  #at = 0;
  #slot = 0;
  #distinct = true;

  constructor(all: Int32Array) {
    this.#steps = all;
    const root = this.#element();
    // An attribute that stands twice makes a document damaged.
    this.template = this.#distinct ? { guid: '', root: [root] } : undefined;
  }

  #next(): number {
    return this.#steps[this.#at++]!;
  }

  #substitution(): ContentNode & { kind: 'substitution' } {
    return { kind: 'substitution', index: this.#slot++, type: ValueType.String, optional: false };
  }

  #element(): ElementNode {
    this.#at++;
    const name = names[this.#next()]!;
    const attributes: AttributeNode[] = [];
    let step = this.#next();
    while (step === ATTRIBUTE) {
      const attribute = names[this.#next()]!;
      if (attributes.some((other) => other.name === attribute)) this.#distinct = false;
      const value = [];
      for (step = this.#next(); step === TEXT; step = this.#next()) value.push(this.#substitution());
      attributes.push({ name: attribute, value });
    }
    const content: ContentNode[] = [];
    const empty = step === CLOSE_EMPTY;
    if (!empty) {
      for (step = this.#next(); step !== END; step = this.#next()) {
        if (step === TEXT) content.push(this.#substitution());
        else {
          this.#at--;
          content.push(this.#element());
        }
      }
    }
    return { kind: 'element', name, dependency: NO_DEPENDENCY, attributes, content, empty };
  }
}
