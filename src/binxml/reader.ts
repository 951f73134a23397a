import { guidText } from '../bytes/guid.ts';
import { hexOffset } from '../bytes/hex.ts';
import { u16, u32 } from '../bytes/little-endian.ts';
import { utf16Text } from '../bytes/utf16.ts';
import { BareDocuments } from './bare-document.ts';
import { BinXmlError } from './error.ts';
import { type InstanceCursor, NO_SLOT, UNUSUAL_SLOT } from './instance-cursor.ts';
import { xmlName } from './name.ts';
import { type DefinitionForm, type TemplateCache, TemplateRecorder } from './template-cache.ts';
import { DEFINITION_HEADER, DEPENDENCY_NONE, MORE, NAME_HEADER, Token } from './token.ts';
import {
  type AttributeNode,
  type AttributePart,
  type ContentNode,
  type ElementNode,
  type Fragment,
  type InstanceNode,
  NO_DEPENDENCY,
  type Template,
  type ValueTable,
} from './tree.ts';
import { ARRAY, ValueType } from './value-type.ts';

/** Deepest element nesting that is read. Real logs have nine levels. */
const MAX_ELEMENT_DEPTH = 64;
/** Deepest nesting of template instances and nested values. Real logs have two levels. */
const MAX_NESTED_DEPTH = 8;
/** Most values one instance may have. Real logs have 42. */
const MAX_VALUES = 10_240;
/**
 * Tokens read from one chunk before the rest of it is refused. A full chunk of real events has some 30,000; crafted
 * definitions that point into each other could otherwise cost minutes.
 */
const MAX_TOKENS_PER_CHUNK = 2_000_000;

/** So many names are compared one by one. */
const FEW_ATTRIBUTES = 8;

/** In the wire's dialect: bytes of a name before its characters, and of an instance before its template's fragment. */
const WIRE_NAME_HEADER = 4;
const WIRE_INSTANCE_HEADER = 22;

/** A warning about something that was read all the same. `chunkOffset` is the place, `what` a sentence. */
export type Note = (chunkOffset: number, what: string) => void;

/** A document and where it ended: the offset behind its end token. */
export interface Document {
  readonly fragment: Fragment;
  readonly end: number;
}

/** Definitions of the wire's dialect that were met before. */
export interface WireTemplates {
  /** The template whose definition, GUID and size included, these bytes are. */
  find(definition: Uint8Array): Template | undefined;
  add(definition: Uint8Array, template: Template): void;
}

/**
 * Reads the Binary XML of one chunk, in the dialect of log files: names and template definitions stand inline at
 * their first use and are referred to by chunk offset afterwards. In the dialect of the wire (MS-EVEN6 2.2.12) they stand inline
 * wherever they are used.
 *
 * Throws {@link BinXmlError} on damage. Every offset, count, size and depth is checked before it is believed.
 */
export class BinXmlReader {
  /** The chunk: offsets in it are chunk offsets. */
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #cache: TemplateCache;
  readonly #names = new Map<number, string>();
  readonly #templates = new Map<number, Template>();
  /** Definitions being read right now: one that contains itself is refused. */
  readonly #open = new Set<number>();
  #bare: BareDocuments | undefined;
  #note: Note | undefined;
  #recorder: TemplateRecorder | undefined;
  #tokens = 0;
  #at = 0;

  /** Of the wire's dialect; undefined in that of log files. */
  readonly #wire: WireTemplates | undefined;

  constructor(bytes: Uint8Array, cache: TemplateCache, wire?: WireTemplates) {
    this.#wire = wire;
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#cache = cache;
  }

  /** Where warnings of the following reads go. */
  set note(note: Note | undefined) {
    this.#note = note;
  }

  /**
   * The document at `offset`, ended by its end token or by `end`.
   * @throws BinXmlError with the chunk offset of the damage
   */
  readDocument(offset: number, end: number): Document {
    const resume = this.#at;
    this.#at = offset;
    try {
      const fragment = this.#fragment(end, false, 0);
      return { fragment, end: this.#at };
    } finally {
      this.#at = resume;
    }
  }

  /** Reads the nested document of a type 0x21 value. Nothing but zero bytes may follow its end token. */
  readNested(offset: number, end: number, depth: number): Fragment {
    if (depth > MAX_NESTED_DEPTH) throw new BinXmlError(offset, `values are nested more than ${MAX_NESTED_DEPTH} deep`);
    const resume = this.#at;
    const recorder = this.#recorder;
    this.#recorder = undefined;
    this.#at = offset;
    try {
      return this.#fragment(end, false, depth);
    } finally {
      this.#at = resume;
      this.#recorder = recorder;
    }
  }

  /**
   * The template that the instance at `offset` uses, without reading its values.
   * @throws BinXmlError as reading the instance would
   */
  templateOfInstance(offset: number, end: number): Template {
    if (offset + 10 > end) throw new BinXmlError(offset, 'template instance is cut off');
    const target = u32(this.bytes, offset + 6);
    const inline = target === offset + 10;
    if (!inline && target > offset) {
      throw new BinXmlError(offset + 6, `template definition refers forward to ${hexOffset(target)}`);
    }
    return this.#templateAt(target, u32(this.bytes, offset + 2), inline ? end : this.bytes.length, offset, 0);
  }

  /**
   * Points a cursor at the document at `offset`, when that is one template instance, or one element, and in order as far as it
   * is looked at; nested documents are not.
   * @returns false for everything else: {@link readDocument} reads it, or says what is wrong
   */
  readInstance(offset: number, end: number, cursor: InstanceCursor, depth = 0): boolean {
    const { bytes } = this;
    const view = this.#view;
    const at = bytes[offset] === Token.FragmentHeader ? offset + 4 : offset;
    if (at + 14 > end || depth >= MAX_NESTED_DEPTH) return false;
    if ((bytes[at]! & ~MORE) === Token.OpenStartElement) {
      this.#bare ??= new BareDocuments(bytes);
      return this.#bare.read(at, end, cursor);
    }
    if (bytes[at] !== Token.TemplateInstance) return false;
    const target = view.getUint32(at + 6, true);
    const inline = target === at + 10;
    if ((!inline && target > at) || target + DEFINITION_HEADER > bytes.length) return false;
    let template =
      view.getInt32(at + 2, true) === view.getInt32(target + 4, true) ? this.#templates.get(target) : undefined;
    if (template === undefined) {
      template = this.#templateIfWhole(at, end);
      if (template === undefined) return false;
    }
    const from = inline ? target + DEFINITION_HEADER + view.getUint32(target + 20, true) : at + 10;
    if (from + 4 > end) return false;
    const count = view.getUint32(from, true);
    const descriptors = from + 4;
    if (count > MAX_VALUES || descriptors + 4 * count > end) return false;
    const firstValue = descriptors + 4 * count;
    let bodySlot = NO_SLOT;
    let documents = 0;
    let value = firstValue;
    for (let i = 0; i < count; i++) {
      const descriptor = view.getInt32(descriptors + 4 * i, true);
      const type = (descriptor >> 16) & 0xff;
      if (type >= ValueType.BinXml) {
        if ((type & ARRAY) !== 0 || bodySlot !== NO_SLOT) {
          bodySlot = UNUSUAL_SLOT;
          if (type === ValueType.BinXml) documents++;
        } else if (type === ValueType.BinXml) {
          documents++;
          bodySlot = i;
          cursor.bodyOffset = value;
          cursor.bodySize = descriptor & 0xffff;
        }
      }
      value += descriptor & 0xffff;
    }
    if (value > end || (value < end && bytes[value] !== Token.EndOfFragment)) return false;
    cursor.bytes = bytes;
    cursor.template = template;
    cursor.count = count;
    cursor.descriptors = descriptors;
    cursor.firstValue = firstValue;
    cursor.bodySlot = bodySlot;
    cursor.documents = documents;
    cursor.reader = this;
    cursor.depth = depth;
    return true;
  }

  #templateIfWhole(at: number, end: number): Template | undefined {
    try {
      return this.templateOfInstance(at, end);
    } catch (error) {
      if (error instanceof BinXmlError) return undefined;
      throw error;
    }
  }

  /** Decodes the nested document in slot `index` of an instance. */
  nestedOf({ descriptors, firstValue, depth }: InstanceCursor, index: number): Fragment {
    let offset = firstValue;
    for (let i = 0; i < index; i++) offset += u16(this.bytes, descriptors + 4 * i);
    const size = u16(this.bytes, descriptors + 4 * index);
    return this.readNested(offset, offset + size, depth + 1);
  }

  /** The form of a definition that has been read. */
  formOfDefinition(offset: number): DefinitionForm | undefined {
    return this.#cache.form(this.bytes, offset, u32(this.bytes, offset + 20));
  }

  /** Top-level nodes up to the end token or `end`. */
  #fragment(end: number, inDefinition: boolean, depth: number): ContentNode[] {
    const nodes: ContentNode[] = [];
    while (this.#at < end) {
      const at = this.#at;
      const byte = this.bytes[at]!;
      this.#count(at);
      switch (byte) {
        case Token.EndOfFragment:
          this.#at++;
          return nodes;
        case Token.FragmentHeader:
          this.#need(4, end, 'fragment header');
          this.#at += 4;
          break;
        case Token.TemplateInstance:
          nodes.push(this.#instance(end, depth));
          break;
        case Token.OpenStartElement:
        case Token.OpenStartElement | MORE:
          nodes.push(this.#element(end, inDefinition, depth, 1));
          break;
        default:
          nodes.push(this.#characters(byte, end, inDefinition));
      }
    }
    return nodes;
  }

  #count(at: number, tokens = 1): void {
    this.#tokens += tokens;
    if (this.#tokens > MAX_TOKENS_PER_CHUNK) {
      throw new BinXmlError(at, `the chunk holds more than ${MAX_TOKENS_PER_CHUNK} tokens`);
    }
  }

  #need(size: number, end: number, what: string): void {
    if (this.#at + size > end) {
      throw new BinXmlError(this.#at, `${what} needs ${size} bytes, ${Math.max(0, end - this.#at)} are left`);
    }
  }

  #element(end: number, inDefinition: boolean, nested: number, depth: number): ElementNode {
    const start = this.#at;
    if (depth > MAX_ELEMENT_DEPTH)
      throw new BinXmlError(start, `elements are nested more than ${MAX_ELEMENT_DEPTH} deep`);
    const hasAttributes = (this.bytes[start]! & MORE) !== 0;
    this.#at++;
    let dependency = NO_DEPENDENCY;
    if (inDefinition) {
      this.#need(2, end, 'dependency id');
      const id = u16(this.bytes, this.#at);
      if (id !== DEPENDENCY_NONE) dependency = id;
      this.#at += 2;
    }
    this.#need(4, end, 'element size');
    const size = u32(this.bytes, this.#at);
    this.#at += 4;
    const sizeStart = this.#at;
    const name = this.#name(end, 'element name');
    const attributes = hasAttributes ? this.#attributes(end, inDefinition) : [];
    this.#need(1, end, 'end of start tag');
    const close = this.bytes[this.#at++]!;
    if (close === Token.CloseEmptyElement) {
      return { kind: 'element', name, dependency, attributes, content: [], empty: true };
    }
    if (close !== Token.CloseStartElement) {
      throw new BinXmlError(this.#at - 1, `token ${hexOffset(close)} where the start tag of "${name}" must close`);
    }
    const content: ContentNode[] = [];
    for (;;) {
      if (this.#at >= end || this.bytes[this.#at] === Token.EndOfFragment) {
        this.#note?.(this.#at, `element "${name}" is not closed`);
        break;
      }
      const byte = this.bytes[this.#at]!;
      this.#count(this.#at);
      if (byte === Token.EndElement) {
        this.#at++;
        if (this.#at - sizeStart !== size)
          this.#note?.(sizeStart - 4, `element "${name}" claims ${size} bytes and has ${this.#at - sizeStart}`);
        break;
      }
      if ((byte & ~MORE) === Token.OpenStartElement) content.push(this.#element(end, inDefinition, nested, depth + 1));
      else if (byte === Token.TemplateInstance) content.push(this.#instance(end, nested));
      else content.push(this.#characters(byte, end, inDefinition));
    }
    return { kind: 'element', name, dependency, attributes, content, empty: false };
  }

  #attributes(end: number, inDefinition: boolean): AttributeNode[] {
    this.#need(4, end, 'attribute list size');
    const size = u32(this.bytes, this.#at);
    this.#at += 4;
    const listEnd = this.#at + size;
    if (size === 0 || listEnd > end)
      throw new BinXmlError(this.#at - 4, `attribute list of ${size} bytes, ${end - this.#at} are left`);
    const attributes: AttributeNode[] = [];
    // A set is worth its price where there are many.
    let names: Set<string> | undefined;
    while (this.#at < listEnd) {
      const byte = this.bytes[this.#at]!;
      this.#count(this.#at);
      if ((byte & ~MORE) !== Token.Attribute) {
        throw new BinXmlError(this.#at, `token ${hexOffset(byte)} where an attribute must stand`);
      }
      this.#at++;
      const nameAt = this.#at;
      const name = this.#name(listEnd, 'attribute name');
      const isTwin = names?.has(name) ?? attributes.some((attribute) => attribute.name === name);
      if (isTwin) throw new BinXmlError(nameAt, `attribute "${name}" stands twice`);
      if (attributes.length === FEW_ATTRIBUTES) names = new Set(attributes.map((attribute) => attribute.name));
      names?.add(name);
      const value: AttributePart[] = [];
      while (this.#at < listEnd && (this.bytes[this.#at]! & ~MORE) !== Token.Attribute) {
        this.#count(this.#at);
        const partAt = this.#at;
        const part = this.#characters(this.bytes[partAt]!, listEnd, inDefinition);
        if (part.kind === 'cdata' || part.kind === 'pi') {
          throw new BinXmlError(
            partAt,
            `attribute "${name}" holds a ${part.kind === 'pi' ? 'processing instruction' : 'CDATA section'}`,
          );
        }
        value.push(part);
      }
      attributes.push({ name, value });
    }
    return attributes;
  }

  /** Everything that is neither element nor template instance. */
  #characters(byte: number, end: number, inDefinition: boolean): Exclude<ContentNode, ElementNode | InstanceNode> {
    const at = this.#at;
    switch (byte) {
      case Token.Text:
      case Token.Text | MORE: {
        this.#need(4, end, 'text');
        if (this.bytes[at + 1] !== 1) throw new BinXmlError(at + 1, `text has type ${this.bytes[at + 1]} instead of 1`);
        this.#at += 2;
        return { kind: 'text', text: this.#counted(end, 'text') };
      }
      case Token.CData:
      case Token.CData | MORE:
        this.#at++;
        return { kind: 'cdata', text: this.#counted(end, 'CDATA section') };
      case Token.CharRef:
      case Token.CharRef | MORE: {
        this.#need(3, end, 'character reference');
        this.#at += 3;
        return { kind: 'charref', code: u16(this.bytes, at + 1) };
      }
      case Token.EntityRef:
      case Token.EntityRef | MORE:
        this.#at++;
        return { kind: 'entityref', name: this.#name(end, 'entity name') };
      case Token.PiTarget: {
        this.#at++;
        const target = this.#name(end, 'processing instruction target');
        if (this.#at >= end || this.bytes[this.#at] !== Token.PiData) {
          throw new BinXmlError(this.#at, `processing instruction "${target}" has no data token`);
        }
        this.#at++;
        return { kind: 'pi', target, data: this.#counted(end, 'processing instruction') };
      }
      case Token.Substitution:
      case Token.OptionalSubstitution: {
        if (!inDefinition) throw new BinXmlError(at, 'a substitution stands outside a template definition');
        this.#need(4, end, 'substitution');
        this.#at += 4;
        return {
          kind: 'substitution',
          index: u16(this.bytes, at + 1),
          type: this.bytes[at + 3]!,
          optional: byte === Token.OptionalSubstitution,
        };
      }
      default:
        throw new BinXmlError(at, `token ${hexOffset(byte)} is not known here`);
    }
  }

  /** u16 count, then that many UTF-16 units. */
  #counted(end: number, what: string): string {
    this.#need(2, end, what);
    const units = u16(this.bytes, this.#at);
    this.#at += 2;
    this.#need(2 * units, end, what);
    const text = utf16Text(this.bytes, this.#at, units);
    this.#at += 2 * units;
    return text;
  }

  /** A name reference: u32 offset of the name entry, which follows at once when this is its first use. */
  #name(end: number, what: string): string {
    if (this.#wire !== undefined) return this.#wireName(end, what);
    this.#need(4, end, what);
    const at = this.#at;
    const target = u32(this.bytes, at);
    this.#at += 4;
    if (target === this.#at) {
      this.#need(NAME_HEADER + 2, end, what);
      const size = NAME_HEADER + 2 * u16(this.bytes, target + 6) + 2;
      this.#need(size, end, what);
      this.#at += size;
    } else if (target > at) {
      throw new BinXmlError(at, `${what} refers forward to chunk offset ${hexOffset(target)}`);
    }
    const name = this.#nameAt(target, at, what);
    this.#recorder?.name(at, target === at + 4);
    return name;
  }

  /** A name where it stands: u16 hash, u16 count of units, the units, u16 0. */
  #wireName(end: number, what: string): string {
    this.#need(WIRE_NAME_HEADER + 2, end, what);
    const at = this.#at;
    const units = u16(this.bytes, at + 2);
    const size = WIRE_NAME_HEADER + 2 * units + 2;
    this.#need(size, end, what);
    const name = xmlName(utf16Text(this.bytes, at + WIRE_NAME_HEADER, units));
    if (name === undefined) throw new BinXmlError(at, `${what} is empty`);
    this.#at += size;
    return name;
  }

  #nameAt(target: number, at: number, what: string): string {
    const known = this.#names.get(target);
    if (known !== undefined) return known;
    const left = this.bytes.length - target;
    if (left < NAME_HEADER + 2) throw new BinXmlError(at, `${what} refers past the chunk, to ${hexOffset(target)}`);
    const units = u16(this.bytes, target + 6);
    if (NAME_HEADER + 2 * units > left) throw new BinXmlError(at, `${what} of ${units} units does not fit the chunk`);
    // Names that lie upon each other cost more than a chunk has bytes.
    this.#count(at, units);
    const name = xmlName(utf16Text(this.bytes, target + NAME_HEADER, units));
    if (name === undefined) throw new BinXmlError(at, `${what} is empty`);
    this.#names.set(target, name);
    return name;
  }

  /** Byte 0x0c, u8, u32 id, u32 definition offset, [definition], then the values. */
  #instance(end: number, depth: number): InstanceNode {
    const at = this.#at;
    if (depth >= MAX_NESTED_DEPTH) throw new BinXmlError(at, `templates are nested more than ${MAX_NESTED_DEPTH} deep`);
    if (this.#wire !== undefined) return this.#wireInstance(this.#wire, end, depth);
    this.#need(10, end, 'template instance');
    const id = u32(this.bytes, at + 2);
    const target = u32(this.bytes, at + 6);
    this.#at += 10;
    // An instance inside a definition would make the definition's identity depend on values: never compare it raw.
    this.#recorder?.giveUp();
    const inline = target === this.#at;
    if (!inline && target > at)
      throw new BinXmlError(at + 6, `template definition refers forward to ${hexOffset(target)}`);
    const template = this.#templateAt(target, id, inline ? end : this.bytes.length, at, depth);
    if (inline) this.#at = target + DEFINITION_HEADER + u32(this.bytes, target + 20);
    return { kind: 'instance', template, values: this.#values(end, depth) };
  }

  /** Byte 0x0c, u8, the definition (GUID, u32 size, fragment), then the values. */
  #wireInstance(known: WireTemplates, end: number, depth: number): InstanceNode {
    this.#need(WIRE_INSTANCE_HEADER, end, 'template instance');
    const at = this.#at + 2;
    const start = this.#at + WIRE_INSTANCE_HEADER;
    const size = u32(this.bytes, start - 4);
    if (size === 0 || size > end - start) {
      throw new BinXmlError(start - 4, `template definition of ${size} bytes, ${end - start} are left`);
    }
    const definition = this.bytes.subarray(at, start + size);
    let template = known.find(definition);
    if (template === undefined) {
      this.#at = start;
      template = { guid: guidText(this.bytes, at), root: this.#fragment(start + size, true, depth + 1) };
      known.add(definition, template);
    }
    // What stands behind the definition's end token is not looked at.
    this.#at = start + size;
    return { kind: 'instance', template, values: this.#values(end, depth) };
  }

  #templateAt(target: number, id: number, end: number, at: number, depth: number): Template {
    const known = this.#templates.get(target);
    // Whichever use comes first, one with another id is damaged.
    if (known !== undefined && u32(this.bytes, target + 4) === id) return known;
    if (target + DEFINITION_HEADER > end)
      throw new BinXmlError(at, `template definition at ${hexOffset(target)} lies outside`);
    const size = u32(this.bytes, target + 20);
    const start = target + DEFINITION_HEADER;
    if (size === 0 || size > end - start) {
      throw new BinXmlError(target + 20, `template definition of ${size} bytes, ${end - start} are left`);
    }
    if (u32(this.bytes, target + 4) !== id) {
      throw new BinXmlError(at, `template definition at ${hexOffset(target)} has another id than its use`);
    }
    if (this.#open.has(target))
      throw new BinXmlError(at, `template definition at ${hexOffset(target)} contains itself`);
    const cached = this.#cache.find(this.bytes, target, size);
    const template = cached ?? this.#define(target, size, depth);
    this.#templates.set(target, template);
    return template;
  }

  #define(target: number, size: number, depth: number): Template {
    const outer = this.#recorder;
    const resume = this.#at;
    const recorder = new TemplateRecorder(this.bytes, target, size);
    this.#recorder = recorder;
    this.#open.add(target);
    const start = target + DEFINITION_HEADER;
    this.#at = start;
    try {
      const root = this.#fragment(start + size, true, depth + 1);
      return this.#cache.add({ guid: guidText(this.bytes, target + 4), root }, recorder);
    } finally {
      this.#recorder = outer;
      this.#at = resume;
      this.#open.delete(target);
    }
  }

  /** u32 count, that many descriptors (u16 size, u8 type, u8 0), then the values without gaps. */
  #values(end: number, depth: number): ValueTable {
    this.#need(4, end, 'value count');
    const count = u32(this.bytes, this.#at);
    const descriptors = this.#at + 4;
    if (count > MAX_VALUES || descriptors + 4 * count > end) {
      throw new BinXmlError(this.#at, `${count} values do not fit the ${end - descriptors} bytes left`);
    }
    const firstValue = descriptors + 4 * count;
    let valuesEnd = firstValue;
    for (let at = descriptors; at < firstValue; at += 4) valuesEnd += u16(this.bytes, at);
    if (valuesEnd > end) {
      throw new BinXmlError(descriptors, `values of ${valuesEnd - firstValue} bytes, ${end - firstValue} are left`);
    }
    this.#at = valuesEnd;
    return new ChunkValues(this, count, descriptors, firstValue, depth + 1);
  }
}

class ChunkValues implements ValueTable {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly descriptors: number;
  readonly firstValue: number;
  readonly #reader: BinXmlReader;
  readonly #depth: number;

  constructor(reader: BinXmlReader, count: number, descriptors: number, firstValue: number, depth: number) {
    this.#reader = reader;
    this.bytes = reader.bytes;
    this.count = count;
    this.descriptors = descriptors;
    this.firstValue = firstValue;
    this.#depth = depth;
  }

  nested(index: number): Fragment {
    let offset = this.firstValue;
    for (let i = 0; i < index; i++) offset += u16(this.bytes, this.descriptors + 4 * i);
    const size = u16(this.bytes, this.descriptors + 4 * index);
    return this.#reader.readNested(offset, offset + size, this.#depth);
  }
}
