import { hexOffset } from '../bytes/hex.ts';
import { u16, u32 } from '../bytes/little-endian.ts';
import { nameHash } from '../bytes/name-hash.ts';
import { sidSize } from '../bytes/sid.ts';
import { utf16Text } from '../bytes/utf16.ts';
import { CHUNK_HEADER_SIZE } from './layout.ts';
import type { CheckId, Report } from './verify-report.ts';

/*
 * A second reading of Binary XML, for the verifier alone. It shares neither code nor tables with the reader and the
 * writer, so that a mistake of theirs does not excuse itself here; token and type numbers are those of MS-EVEN6 2.2.12.
 */

const MORE = 0x40;
const NO_DEPENDENCY = 0xffff;
const MAX_DEPTH = 64;

/** Bytes of an item by value type; -1 any, -2 even, -3 a SID, -4 four or eight. Missing: no such type in a log. */
const VALUE_SIZES: ReadonlyMap<number, number> = new Map([
  [0x00, -1],
  [0x01, -2],
  [0x02, -1],
  [0x03, 1],
  [0x04, 1],
  [0x05, 2],
  [0x06, 2],
  [0x07, 4],
  [0x08, 4],
  [0x09, 8],
  [0x0a, 8],
  [0x0b, 4],
  [0x0c, 8],
  [0x0d, 4],
  [0x0e, -1],
  [0x0f, 16],
  [0x10, -4],
  [0x11, 8],
  [0x12, 16],
  [0x13, -3],
  [0x14, 4],
  [0x15, 8],
  [0x21, -1],
]);

/** Where an event says when it was written and which id it has: a value's index, or literal text. */
interface Mention {
  slot?: number;
  text?: string;
}

interface Definition {
  readonly guid: string;
  /** One more than the highest substitution index. */
  slots: number;
  readonly time: Mention;
  readonly recordId: Mention;
}

/** A typed value in the chunk. */
export interface PlacedValue {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/** A template in use. */
interface Instance {
  readonly definition: Definition;
  readonly values: readonly PlacedValue[];
}

/** What a record's event says about itself; text where it is literal. */
export interface EventMentions {
  readonly time: PlacedValue | string | undefined;
  readonly recordId: PlacedValue | string | undefined;
}

/** The document cannot be read any further; the reason has been reported. */
class Unreadable extends Error {}

/** Which of the checks about references, definitions and values hold in the documents of one chunk. */
export class DocumentVerifier {
  /** Name entries found inline, by offset. */
  readonly names = new Map<number, string>();
  /** Definitions found inline, by offset. */
  readonly definitions = new Map<number, Definition>();
  readonly #bytes: Uint8Array;
  readonly #report: Report;
  readonly #nameTexts = new Set<string>();
  readonly #guids = new Set<string>();
  #at = 0;
  #end = 0;
  /** The definition being read; undefined outside of one. */
  #definition: Definition | undefined;
  /** Names of the open elements, outermost first. */
  #path: string[] = [];
  #literalTime: Mention = {};
  #literalId: Mention = {};
  #nested = 0;

  constructor(bytes: Uint8Array, report: Report) {
    this.#bytes = bytes;
    this.#report = report;
  }

  /**
   * Reads the document of a record.
   * @param end the record's size copy stands here
   * @returns offset behind the end token and what the event says of itself; undefined when it cannot be read
   */
  record(at: number, end: number): { end: number; mentions: EventMentions } | undefined {
    this.#at = at;
    this.#end = end;
    this.#definition = undefined;
    this.#path = [];
    this.#literalTime = {};
    this.#literalId = {};
    this.#nested = 0;
    let instance: Instance | undefined;
    try {
      if (this.#need(4) && u32(this.#bytes, this.#at) !== 0x0001010f) this.#fail('W12', 'no fragment header');
      this.#at += 4;
      const token = this.#peek();
      if (token === 0x0c) instance = this.#templateInstance();
      else if (token === 0x01 || token === 0x41) this.#element();
      else this.#fail('W12', `token ${hexOffset(token)} where the event must start`);
      if (this.#peek() !== 0) this.#fail('W12', `token ${hexOffset(this.#peek())} where the document must end`);
      this.#at++;
    } catch (error) {
      if (error instanceof Unreadable) return undefined;
      throw error;
    }
    const of = (mention: Mention) => (mention.slot === undefined ? mention.text : instance?.values[mention.slot]);
    const mentions = {
      time: of(instance?.definition.time ?? this.#literalTime),
      recordId: of(instance?.definition.recordId ?? this.#literalId),
    };
    return { end: this.#at, mentions };
  }

  #fail(check: CheckId, what: string, at = this.#at): never {
    this.#report(check, at, what);
    throw new Unreadable();
  }

  #need(size: number): true {
    if (this.#at + size > this.#end) this.#fail('W12', `${size} bytes are needed, ${this.#end - this.#at} are left`);
    return true;
  }

  #peek(): number {
    this.#need(1);
    return this.#bytes[this.#at]!;
  }

  #u16(): number {
    this.#need(2);
    this.#at += 2;
    return u16(this.#bytes, this.#at - 2);
  }

  #u32(): number {
    this.#need(4);
    this.#at += 4;
    return u32(this.#bytes, this.#at - 4);
  }

  #element(): void {
    const start = this.#at;
    if (this.#path.length >= MAX_DEPTH) this.#fail('W12', `elements are nested more than ${MAX_DEPTH} deep`);
    const hasAttributes = (this.#bytes[this.#at++]! & MORE) !== 0;
    const dependency = this.#definition === undefined ? NO_DEPENDENCY : this.#u16();
    const size = this.#u32();
    const sizeEnd = this.#at + size;
    const name = this.#name();
    this.#path.push(name);
    if (hasAttributes) this.#attributes();
    const close = this.#peek();
    this.#at++;
    let optionals: number[] = [];
    if (close === 0x02) optionals = this.#content();
    else if (close !== 0x03) this.#fail('W14', `token ${hexOffset(close)} where a start tag must close`, this.#at - 1);
    this.#path.pop();
    if (this.#at !== sizeEnd) {
      this.#report(
        'W13',
        start,
        `element "${name}" claims to end at ${hexOffset(sizeEnd)}, not ${hexOffset(this.#at)}`,
      );
    }
    if (dependency !== NO_DEPENDENCY && !optionals.includes(dependency)) {
      this.#report('W20', start, `element "${name}" depends on value ${dependency}, which is not its content`);
    }
  }

  /** Up to and with the end tag. Indexes of the optional substitutions directly inside. */
  #content(): number[] {
    const optionals: number[] = [];
    for (;;) {
      const token = this.#peek();
      if (token === 0x04) {
        this.#at++;
        return optionals;
      }
      if (token === 0x01 || token === 0x41) this.#element();
      else if (token === 0x0c) this.#templateInstance();
      else if (token === 0x0a) this.#processingInstruction();
      else {
        if (token === 0x0e) optionals.push(u16(this.#bytes, this.#at + 1));
        this.#characters(true, this.#mention());
      }
    }
  }

  /** Which fact about the event the text directly inside the innermost open element gives. */
  #mention(attribute = ''): Mention | undefined {
    const path = `${this.#path.join('/')}${attribute}`;
    if (path === 'Event/System/TimeCreated@SystemTime') return this.#definition?.time ?? this.#literalTime;
    if (path === 'Event/System/EventRecordID') return this.#definition?.recordId ?? this.#literalId;
    return undefined;
  }

  #attributes(): void {
    const start = this.#at;
    const size = this.#u32();
    const listEnd = this.#at + size;
    let more = true;
    while (more) {
      const token = this.#peek();
      if ((token & ~MORE) !== 0x06) this.#fail('W14', `token ${hexOffset(token)} where an attribute must stand`);
      more = (token & MORE) !== 0;
      this.#at++;
      const name = this.#name();
      for (let next = this.#peek(); next !== 0x06 && next !== 0x46 && next !== 0x02 && next !== 0x03; ) {
        this.#characters(false, this.#mention(`@${name}`));
        next = this.#peek();
      }
    }
    if (this.#at !== listEnd) {
      this.#report('W13', start, `attribute list claims to end at ${hexOffset(listEnd)}, not ${hexOffset(this.#at)}`);
    }
  }

  #processingInstruction(): void {
    this.#at++;
    this.#name();
    if (this.#peek() !== 0x0b) this.#fail('W12', 'a processing instruction has no data');
    this.#at++;
    this.#counted();
  }

  /** Text, a reference, a CDATA section or a substitution. */
  #characters(inContent: boolean, mention: Mention | undefined): void {
    const at = this.#at;
    const token = this.#peek();
    this.#at++;
    switch (token & ~MORE) {
      case 0x05: {
        if (this.#peek() !== 1) this.#fail('W12', 'text has another type than 1');
        this.#at++;
        const text = this.#counted();
        if (mention) mention.text = (mention.text ?? '') + text;
        break;
      }
      case 0x07:
        if (!inContent) this.#fail('W12', 'a CDATA section in an attribute', at);
        this.#counted();
        break;
      case 0x08:
        this.#u16();
        break;
      case 0x09:
        this.#name();
        break;
      case 0x0d:
      case 0x0e: {
        if (this.#definition === undefined) this.#fail('W21', 'a substitution stands outside a definition', at);
        if (token & MORE) this.#fail('W14', 'a substitution has the "more" bit', at);
        const index = this.#u16();
        this.#need(1);
        this.#at++;
        this.#definition.slots = Math.max(this.#definition.slots, index + 1);
        if (mention) mention.slot = index;
        return;
      }
      default:
        this.#fail('W12', `token ${hexOffset(token)} is not known here`, at);
    }
    const next = this.#peek() & ~MORE;
    const follows = next === 0x05 || (next >= 0x07 && next <= 0x09);
    if (follows !== ((token & MORE) !== 0)) {
      this.#report(
        'W14',
        at,
        `character data ${follows ? 'follows, but' : 'does not follow, and'} the token says otherwise`,
      );
    }
  }

  #counted(): string {
    const units = this.#u16();
    this.#need(2 * units);
    this.#at += 2 * units;
    return utf16Text(this.#bytes, this.#at - 2 * units, units);
  }

  #name(): string {
    const at = this.#at;
    const target = this.#u32();
    if (target === this.#at) return this.#nameEntry();
    const known = this.names.get(target);
    if (known !== undefined) return known;
    if (target >= this.#bytes.length || target < CHUNK_HEADER_SIZE) {
      this.#fail('W19', `a name reference to ${hexOffset(target)}`, at);
    }
    return this.#fail('W15', `a name reference to ${hexOffset(target)}, where no name entry starts`, at);
  }

  #nameEntry(): string {
    const start = this.#at;
    this.#u32();
    const hash = this.#u16();
    const name = this.#counted();
    if (this.#u16() !== 0) this.#report('W16', start, `name "${name}" does not end with zero`);
    if (hash !== (nameHash(name) & 0xffff)) this.#report('W16', start, `name "${name}" has the wrong hash`);
    if (this.#nameTexts.has(name)) this.#report('W16', start, `name "${name}" is defined twice`);
    this.#nameTexts.add(name);
    this.names.set(start, name);
    return name;
  }

  #templateInstance(): Instance {
    const at = this.#at;
    this.#need(10);
    if (this.#bytes[at + 1] !== 1) this.#fail('W12', 'a template instance does not start with 1', at + 1);
    const id = u32(this.#bytes, at + 2);
    const target = u32(this.#bytes, at + 6);
    this.#at = at + 10;
    const definition = target === this.#at ? this.#define() : this.definitions.get(target);
    if (definition === undefined) {
      if (target >= this.#bytes.length || target < CHUNK_HEADER_SIZE) {
        this.#fail('W19', `a definition reference to ${hexOffset(target)}`, at + 6);
      }
      this.#fail('W18', `a definition reference to ${hexOffset(target)}, where none starts`, at + 6);
    }
    if (u32(this.#bytes, target + 4) !== id) this.#report('W18', at + 2, 'a template id is not its GUID’s first dword');
    const valuesAt = this.#at;
    const values = this.#values();
    if (definition.slots > values.length) {
      this.#report('W21', valuesAt, `${values.length} values for ${definition.slots} substitutions`);
    }
    return { definition, values };
  }

  #define(): Definition {
    const start = this.#at;
    this.#need(24);
    const guid = Array.from(this.#bytes.subarray(start + 4, start + 20), (byte) => byte.toString(16)).join('.');
    if (this.#guids.has(guid)) this.#report('W18', start, 'a GUID is defined twice');
    this.#guids.add(guid);
    const definition: Definition = { guid, slots: 0, time: {}, recordId: {} };
    this.definitions.set(start, definition);
    const size = u32(this.#bytes, start + 20);
    this.#at = start + 24;
    const end = this.#at + size;
    const outer = { definition: this.#definition, path: this.#path };
    this.#definition = definition;
    this.#path = [];
    if (this.#need(4) && u32(this.#bytes, this.#at) !== 0x0001010f) {
      this.#fail('W12', 'a definition has no fragment header');
    }
    this.#at += 4;
    if ((this.#peek() & ~MORE) !== 0x01) this.#fail('W12', 'a definition does not start with an element');
    this.#element();
    if (this.#peek() !== 0) this.#fail('W12', 'a definition does not end behind its element');
    this.#at++;
    this.#definition = outer.definition;
    this.#path = outer.path;
    if (this.#at !== end) {
      this.#fail('W13', `a definition claims to end at ${hexOffset(end)}, not ${hexOffset(this.#at)}`, start + 20);
    }
    return definition;
  }

  #values(): PlacedValue[] {
    const count = this.#u32();
    const table = this.#at;
    if (count * 4 > this.#end - table) this.#fail('W12', `${count} values do not fit`, table - 4);
    this.#at += 4 * count;
    const values: PlacedValue[] = [];
    for (let i = 0; i < count; i++) {
      const size = u16(this.#bytes, table + 4 * i);
      const type = this.#bytes[table + 4 * i + 2]!;
      if (this.#bytes[table + 4 * i + 3] !== 0)
        this.#report('W22', table + 4 * i, `value ${i}: no zero behind its type`);
      this.#need(size);
      const placed = { type, offset: this.#at, size };
      values.push(placed);
      if (type === 0x21) this.#nestedDocument(size);
      else if (!this.#fits(placed))
        this.#report('W22', placed.offset, `value ${i}: ${size} bytes of type ${hexOffset(type)}`);
      this.#at = placed.offset + size;
    }
    return values;
  }

  #fits({ type, offset, size }: PlacedValue): boolean {
    const isArray = (type & 0x80) !== 0;
    const kind = VALUE_SIZES.get(type & 0x7f);
    if (kind === undefined || (isArray && (type === 0x80 || type === 0x8e || type === 0xa1))) return false;
    switch (kind) {
      case -1:
        return true;
      case -2:
        return size % 2 === 0;
      case -3: {
        let at = offset;
        do {
          const one = sidSize(this.#bytes, at, offset + size - at);
          if (one === undefined) return isArray && size === 0;
          at += one;
        } while (isArray && at < offset + size);
        return at === offset + size;
      }
      case -4:
        return isArray ? size % 4 === 0 : size === 4 || size === 8;
      default:
        return isArray ? size % kind === 0 : size === kind;
    }
  }

  /** The document of a nested value: header perhaps, then nodes, then the end token as the value's last byte. */
  #nestedDocument(size: number): void {
    const outer = { end: this.#end, definition: this.#definition, path: this.#path };
    const end = this.#at + size;
    if (++this.#nested > MAX_DEPTH) this.#fail('W12', `values are nested more than ${MAX_DEPTH} deep`);
    this.#end = end;
    this.#definition = undefined;
    this.#path = ['(nested)'];
    if (size >= 4 && u32(this.#bytes, this.#at) === 0x0001010f) this.#at += 4;
    for (let token = this.#peek(); token !== 0; token = this.#peek()) {
      if (token === 0x0c) this.#templateInstance();
      else if (token === 0x01 || token === 0x41) this.#element();
      else this.#fail('W12', `token ${hexOffset(token)} in a nested value`);
    }
    this.#at++;
    if (this.#at !== end) this.#fail('W12', `${end - this.#at} bytes behind the end of a nested value`);
    this.#nested--;
    this.#end = outer.end;
    this.#definition = outer.definition;
    this.#path = outer.path;
  }
}
