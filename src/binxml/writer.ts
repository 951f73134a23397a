import { guidBytes } from '../bytes/guid.ts';
import { u16, u32 } from '../bytes/little-endian.ts';
import { nameHash, unitsHash } from '../bytes/name-hash.ts';
import { EvtError } from '../errors/evt-error.ts';
import { definitionGuid, definitionText, slotCount } from './definition.ts';
import { xmlName } from './name.ts';
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
import { MAX_VALUE_SIZE } from './typed-value.ts';
import { ValueType } from './value-type.ts';

/** Deepest element nesting and deepest nesting of values: what a careful reader takes. Real events have nine and two. */
const MAX_ELEMENT_DEPTH = 64;
const MAX_NESTED_DEPTH = 8;
/** Text, CDATA sections and names are counted in 16 bits. */
const MAX_UNITS = 0xffff;
/** Fragment header: token, major version 1, minor version 1, flags 0. */
const FRAGMENT_HEADER: readonly number[] = [Token.FragmentHeader, 1, 1, 0];
/** Up to here a loop copies faster than `set` of a subarray (measured on Node 20). */
const SHORT_COPY = 48;

/** The buffer's end was reached: what was being written belongs somewhere else. Not an error to show to anybody. */
export class BufferFull extends Error {
  override readonly name: string = 'BufferFull';
}
/** Made once: it is thrown for every chunk that fills up, and nobody looks at its stack. */
const FULL = new BufferFull('the buffer is full');

/** What a definition is filed under. */
interface Identity {
  readonly guid: Uint8Array;
  readonly hash: number;
}
const identities = new WeakMap<Template, Identity>();
const texts = new WeakMap<Template, string>();

function invalid(detail: string): EvtError {
  return new EvtError('ERROR_EVT_INVALID_EVENT_DATA', 'Binary XML writer', detail);
}

/** Definitions in the dialect of the wire, GUID and size included: they say the same wherever they stand. */
const wireDefinitions = new WeakMap<Template, Uint8Array>();
const WIRE_BUCKETS = { strings: 1, templates: 1 } as const;

/**
 * Writes Binary XML into a chunk in the dialect of log files: a name and a template definition stand inline where the
 * chunk first uses them, are referred to by offset afterwards, and hang in the chains of the chunk's two hash tables.
 *
 * Entries are chained when their offset is written, before what they hold, in document order: the bytes are those
 * that Windows writes.
 *
 * In the dialect of the wire (MS-EVEN6 2.2.12) every name and every definition stands where it is used.
 */
export class BinXmlWriter {
  readonly bytes: Uint8Array;
  /** Offset of the newest name per bucket, 0 for none. */
  readonly stringTable: Uint32Array;
  /** Offset of the newest template definition per bucket, 0 for none. */
  readonly templateTable: Uint32Array;
  /** Offset of the next byte to be written. */
  at: number;
  readonly #names = new Map<string, number>();
  /** Definitions of this chunk by GUID. */
  readonly #templates = new Map<string, { readonly template: Template; readonly offset: number }>();
  /** The same by identity: what almost every record needs. */
  readonly #offsets = new Map<Template, number>();
  /** What was defined since {@link mark}, oldest first. */
  readonly #newNames: string[] = [];
  readonly #newTemplates: Template[] = [];
  readonly #isWire: boolean;

  /** A writer of the wire's dialect. @param bytes zeroed */
  static forWire(bytes: Uint8Array): BinXmlWriter {
    return new BinXmlWriter(bytes, 0, WIRE_BUCKETS, true);
  }

  /**
   * @param bytes   the chunk, zeroed behind `at`; offsets in it are chunk offsets
   * @param buckets of the string table and of the template table
   */
  constructor(
    bytes: Uint8Array,
    at: number,
    buckets: { readonly strings: number; readonly templates: number },
    isWire = false,
  ) {
    this.#isWire = isWire;
    this.bytes = bytes;
    this.at = at;
    this.stringTable = new Uint32Array(buckets.strings);
    this.templateTable = new Uint32Array(buckets.templates);
  }

  /** From here on, {@link rollBack} forgets what is written. */
  mark(): void {
    this.#newNames.length = 0;
    this.#newTemplates.length = 0;
  }

  /** Forgets names and definitions written since {@link mark}, goes back to `at` and zeroes everything behind it. */
  rollBack(at: number): void {
    for (let i = this.#newNames.length - 1; i >= 0; i--) {
      const name = this.#newNames[i]!;
      const offset = this.#names.get(name)!;
      this.stringTable[nameHash(name) % this.stringTable.length] = u32(this.bytes, offset);
      this.#names.delete(name);
    }
    for (let i = this.#newTemplates.length - 1; i >= 0; i--) {
      const template = this.#newTemplates[i]!;
      const offset = this.#offsets.get(template)!;
      this.templateTable[identity(template).hash % this.templateTable.length] = u32(this.bytes, offset);
      this.#offsets.delete(template);
      this.#templates.delete(template.guid);
    }
    this.mark();
    this.bytes.fill(0, at, this.at);
    this.at = at;
  }

  /**
   * A document with its header and end token: a record's event, which is one template instance or literal elements.
   * @throws BufferFull when the buffer ends first
   * @throws EvtError ERROR_EVT_INVALID_EVENT_DATA (15005) for what Binary XML cannot say
   */
  document(nodes: Fragment): void {
    this.#fragment(nodes, true, false, 0);
  }

  #fragment(nodes: Fragment, header: boolean, inDefinition: boolean, nested: number): void {
    if (nested > MAX_NESTED_DEPTH) throw invalid(`values are nested more than ${MAX_NESTED_DEPTH} deep`);
    if (header) {
      this.#need(FRAGMENT_HEADER.length);
      for (const byte of FRAGMENT_HEADER) this.bytes[this.at++] = byte;
    }
    this.#content(nodes, inDefinition, nested, 0);
    this.#byte(Token.EndOfFragment);
  }

  #content(nodes: readonly ContentNode[], inDefinition: boolean, nested: number, depth: number): void {
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!;
      if (node.kind === 'element') this.#element(node, inDefinition, nested, depth + 1);
      else if (node.kind === 'instance') this.#instance(node, nested);
      else this.#characters(node, nodes[i + 1], inDefinition);
    }
  }

  #element(node: ElementNode, inDefinition: boolean, nested: number, depth: number): void {
    if (depth > MAX_ELEMENT_DEPTH) throw invalid(`elements are nested more than ${MAX_ELEMENT_DEPTH} deep`);
    if (node.empty && node.content.length > 0) throw invalid(`element "${node.name}" is empty and has content`);
    const hasAttributes = node.attributes.length > 0;
    this.#byte(hasAttributes ? Token.OpenStartElement | MORE : Token.OpenStartElement);
    if (inDefinition) this.#u16(node.dependency === NO_DEPENDENCY ? DEPENDENCY_NONE : node.dependency);
    const sizeAt = this.#size();
    this.#name(node.name);
    if (hasAttributes) this.#attributes(node.attributes, inDefinition);
    if (node.empty) {
      this.#byte(Token.CloseEmptyElement);
    } else {
      this.#byte(Token.CloseStartElement);
      this.#content(node.content, inDefinition, nested, depth);
      this.#byte(Token.EndElement);
    }
    this.#fillSize(sizeAt);
  }

  #attributes(attributes: readonly AttributeNode[], inDefinition: boolean): void {
    const sizeAt = this.#size();
    for (let i = 0; i < attributes.length; i++) {
      const { name, value } = attributes[i]!;
      this.#byte(i < attributes.length - 1 ? Token.Attribute | MORE : Token.Attribute);
      this.#name(name);
      for (let j = 0; j < value.length; j++) this.#characters(value[j]!, value[j + 1], inDefinition);
    }
    this.#fillSize(sizeAt);
  }

  /** @param next what stands behind it: character data carries a bit when more of it follows */
  #characters(
    node: AttributePart | Exclude<ContentNode, ElementNode | InstanceNode>,
    next: ContentNode | undefined,
    inDefinition: boolean,
  ): void {
    const more = next !== undefined && isCharacterData(next) ? MORE : 0;
    switch (node.kind) {
      case 'text':
        this.#text(node.text, more);
        return;
      case 'cdata':
        this.#byte(Token.CData | more);
        this.#counted(node.text, 'a CDATA section');
        return;
      case 'charref':
        this.#byte(Token.CharRef | more);
        this.#u16(node.code);
        return;
      case 'entityref':
        this.#byte(Token.EntityRef | more);
        this.#name(node.name);
        return;
      case 'pi':
        this.#byte(Token.PiTarget);
        this.#name(node.target);
        this.#byte(Token.PiData);
        this.#counted(node.data, 'a processing instruction');
        return;
      case 'substitution':
        if (!inDefinition) throw invalid(`substitution ${node.index} stands outside a template definition`);
        this.#byte(node.optional ? Token.OptionalSubstitution : Token.Substitution);
        this.#u16(node.index);
        this.#byte(node.type);
    }
  }

  /** Text beyond what one token can count goes on in the next, cut between characters. */
  #text(text: string, more: number): void {
    let from = 0;
    do {
      let to = Math.min(text.length, from + MAX_UNITS);
      if (to < text.length && (text.charCodeAt(to - 1) & 0xfc00) === 0xd800) to--;
      this.#byte(Token.Text | (to < text.length ? MORE : more));
      this.#byte(ValueType.String);
      this.#counted(to - from === text.length ? text : text.slice(from, to), 'text');
      from = to;
    } while (from < text.length);
  }

  #counted(text: string, what: string): void {
    if (text.length > MAX_UNITS) throw invalid(`${what} of ${text.length} UTF-16 units: it can have ${MAX_UNITS}`);
    this.#u16(text.length);
    this.#units(text);
  }

  #units(text: string): void {
    this.#need(2 * text.length);
    const { bytes } = this;
    let at = this.at;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      bytes[at++] = unit;
      bytes[at++] = unit >>> 8;
    }
    this.at = at;
  }

  /** A reference to a name, and the name itself where the chunk has not had it yet. */
  #name(name: string): void {
    const known = this.#names.get(name);
    if (known !== undefined) {
      this.#u32(known);
      return;
    }
    if (this.#isWire) {
      this.#wireName(name);
      return;
    }
    checkName(name);
    this.#need(4 + NAME_HEADER + 2 * name.length + 2);
    const offset = this.at + 4;
    const hash = nameHash(name);
    const bucket = hash % this.stringTable.length;
    this.#u32(offset);
    this.#u32(this.stringTable[bucket]!);
    this.#u16(hash & 0xffff);
    this.#u16(name.length);
    this.#units(name);
    this.#u16(0);
    this.stringTable[bucket] = offset;
    this.#names.set(name, offset);
    this.#newNames.push(name);
  }

  #wireName(name: string): void {
    checkName(name);
    this.#u16(nameHash(name) & 0xffff);
    this.#u16(name.length);
    this.#units(name);
    this.#u16(0);
  }

  #instance({ template, values }: InstanceNode, nested: number): void {
    if (values.count < slotCount(template)) {
      throw invalid(`template ${template.guid} has ${slotCount(template)} substitutions, ${values.count} values came`);
    }
    if (this.#isWire) {
      this.#wireDefinition(template, nested);
      this.#values(values, nested);
      return;
    }
    const defined = this.#own(template);
    this.#byte(Token.TemplateInstance);
    this.#byte(1);
    this.#copy(identity(defined).guid, 0, 4);
    const known = this.#offsets.get(defined);
    if (known === undefined) this.#define(defined, nested);
    else this.#u32(known);
    this.#values(values, nested);
  }

  /**
   * The template that stands for `template` in this chunk: itself, or an equal one that is defined already. A GUID is
   * defined once per chunk, so another content under a taken GUID gets the GUID of its content instead.
   */
  #own(template: Template): Template {
    if (this.#offsets.has(template)) return template;
    const twin = this.#templates.get(template.guid);
    if (twin === undefined) return template;
    if (templateText(twin.template) === templateText(template)) return twin.template;
    const guid = definitionGuid(template.root);
    if (guid === template.guid) throw invalid(`template ${guid} is defined twice in one chunk, with different content`);
    return this.#own({ guid, root: template.root });
  }

  #define(template: Template, nested: number): void {
    this.#need(4 + DEFINITION_HEADER);
    const { guid, hash } = identity(template);
    const offset = this.at + 4;
    const bucket = hash % this.templateTable.length;
    this.#u32(offset);
    this.#u32(this.templateTable[bucket]!);
    this.templateTable[bucket] = offset;
    this.#offsets.set(template, offset);
    this.#templates.set(template.guid, { template, offset });
    this.#newTemplates.push(template);
    this.#copy(guid, 0, guid.length);
    const sizeAt = this.#size();
    this.#fragment(template.root, true, true, nested + 1);
    this.#fillSize(sizeAt);
  }

  #wireDefinition(template: Template, nested: number): void {
    this.#byte(Token.TemplateInstance);
    this.#byte(0);
    const known = wireDefinitions.get(template);
    if (known !== undefined) {
      this.#copy(known, 0, known.length);
      return;
    }
    const start = this.at;
    const { guid } = identity(template);
    this.#copy(guid, 0, guid.length);
    const sizeAt = this.#size();
    this.#fragment(template.root, true, true, nested + 1);
    this.#fillSize(sizeAt);
    wireDefinitions.set(template, this.bytes.slice(start, this.at));
  }

  /** Values keep their bytes, garbage of Null values included; only nested Binary XML depends on where it stands. */
  #values(values: ValueTable, nested: number): void {
    const { bytes, count, descriptors, firstValue } = values;
    this.#u32(count);
    const table = this.at;
    this.#copy(bytes, descriptors, 4 * count);
    let pending = firstValue;
    let from = firstValue;
    for (let i = 0; i < count; i++) {
      const size = u16(bytes, descriptors + 4 * i);
      if (bytes[descriptors + 4 * i + 2] === ValueType.BinXml) {
        this.#copy(bytes, pending, from - pending);
        pending = from + size;
        const start = this.at;
        const nodes = values.nested(i);
        this.#fragment(nodes, hasHeader(nodes, bytes, from, size), false, nested + 1);
        const written = this.at - start;
        if (written > MAX_VALUE_SIZE) throw invalid(`value ${i} takes ${written} bytes: it can have ${MAX_VALUE_SIZE}`);
        this.bytes[table + 4 * i] = written;
        this.bytes[table + 4 * i + 1] = written >>> 8;
      }
      from += size;
    }
    this.#copy(bytes, pending, from - pending);
  }

  #need(size: number): void {
    if (this.at + size > this.bytes.length) throw FULL;
  }

  #byte(value: number): void {
    this.#need(1);
    this.bytes[this.at++] = value;
  }

  #u16(value: number): void {
    this.#need(2);
    this.bytes[this.at++] = value;
    this.bytes[this.at++] = value >>> 8;
  }

  #u32(value: number): void {
    this.#need(4);
    const { bytes } = this;
    bytes[this.at++] = value;
    bytes[this.at++] = value >>> 8;
    bytes[this.at++] = value >>> 16;
    bytes[this.at++] = value >>> 24;
  }

  #copy(from: Uint8Array, offset: number, size: number): void {
    this.#need(size);
    if (size <= SHORT_COPY) for (let i = 0; i < size; i++) this.bytes[this.at + i] = from[offset + i]!;
    else this.bytes.set(from.subarray(offset, offset + size), this.at);
    this.at += size;
  }

  /** Leaves room for a size in bytes that {@link #fillSize} knows later. */
  #size(): number {
    this.#u32(0);
    return this.at - 4;
  }

  #fillSize(sizeAt: number): void {
    const end = this.at;
    this.at = sizeAt;
    this.#u32(end - sizeAt - 4);
    this.at = end;
  }
}

function checkName(name: string): void {
  if (name === '' || xmlName(name) !== name) throw invalid(`"${name}" is no XML name`);
  if (name.length > MAX_UNITS) throw invalid(`a name of ${name.length} UTF-16 units: it can have ${MAX_UNITS}`);
}

/**
 * Whether a nested document starts with a fragment header. A stored one keeps its form; a new one has the form that
 * Windows gives it: a template instance stands behind a header, literal elements without one.
 */
function hasHeader(nodes: Fragment, bytes: Uint8Array, offset: number, size: number): boolean {
  return size === 0 ? nodes[0]?.kind === 'instance' : bytes[offset] === Token.FragmentHeader;
}

function isCharacterData({ kind }: ContentNode): boolean {
  return kind === 'text' || kind === 'cdata' || kind === 'charref' || kind === 'entityref';
}

function identity(template: Template): Identity {
  let known = identities.get(template);
  if (known === undefined) {
    const guid = guidBytes(template.guid);
    if (guid === undefined) throw invalid(`"${template.guid}" is no GUID for a template`);
    known = { guid, hash: unitsHash(guid, 0, guid.length / 2) };
    identities.set(template, known);
  }
  return known;
}

function templateText(template: Template): string {
  let text = texts.get(template);
  if (text === undefined) {
    text = definitionText(template.root);
    texts.set(template, text);
  }
  return text;
}
