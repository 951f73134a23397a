import { GUID_SIZE, guidBytes } from '../bytes/guid.ts';
import { sidBytes } from '../bytes/sid.ts';
import { EvtError } from '../errors/evt-error.ts';
import type { Fragment, ValueTable } from './tree.ts';
import { ARRAY, FIXED_SIZE, ValueType } from './value-type.ts';

/** A value's size is stored in 16 bits. */
export const MAX_VALUE_SIZE = 0xffff;

/** A value to be written: made by {@link value}, immutable, good for any number of events. */
export interface TypedValue {
  /** A {@link ValueType}, perhaps with {@link ARRAY}. */
  readonly type: number;
  /** Bytes it takes in the record; 0 for nested Binary XML, whose size depends on the chunk it is written to. */
  readonly sizeBytes: number;
  /** Integers as numbers up to 32 bits and bigint for 64, text as its UTF-16 units, nested Binary XML as its nodes. */
  readonly content: number | bigint | string | Uint8Array | Fragment;
}

function invalid(detail: string): EvtError {
  return new EvtError('ERROR_INVALID_PARAMETER', 'typed value', detail);
}

function typed(type: number, sizeBytes: number, content: TypedValue['content']): TypedValue {
  if (sizeBytes > MAX_VALUE_SIZE) {
    throw invalid(`a value of ${sizeBytes} bytes: an event stores at most ${MAX_VALUE_SIZE} per value`);
  }
  return { type, sizeBytes, content };
}

function integer(type: number, low: number, high: number, content: number): TypedValue {
  if (!Number.isInteger(content) || content < low || content > high) {
    throw invalid(`${content} is no integer from ${low} to ${high}`);
  }
  return { type, sizeBytes: FIXED_SIZE[type]!, content };
}

function integer64(type: number, signed: boolean, content: bigint): TypedValue {
  if (content !== (signed ? BigInt.asIntN(64, content) : BigInt.asUintN(64, content))) {
    throw invalid(`${content} does not fit ${signed ? 'a signed' : 'an unsigned'} 64-bit integer`);
  }
  return { type, sizeBytes: 8, content };
}

function real(type: number, content: number): TypedValue {
  const view = new DataView(new ArrayBuffer(FIXED_SIZE[type]!));
  if (type === ValueType.Real32) view.setFloat32(0, content, true);
  else view.setFloat64(0, content, true);
  return typed(type, view.byteLength, new Uint8Array(view.buffer));
}

function parsed(type: number, what: string, text: string, bytes: Uint8Array | undefined): TypedValue {
  if (bytes === undefined) throw invalid(`"${text}" is no ${what}`);
  return typed(type, bytes.length, bytes);
}

/** Fields of a SYSTEMTIME, UTC: month and day from 1. */
export interface SystemTimeFields {
  readonly year: number;
  readonly month: number;
  readonly weekday: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
}

/**
 * Makers of typed values, one per value type.
 * @throws EvtError ERROR_INVALID_PARAMETER (87) for what the type cannot hold, and for more than 65,535 bytes
 */
export const value = {
  /** Absent: optional parts of the template that use it are left out. */
  none: { type: ValueType.Null, sizeBytes: 0, content: 0 } as TypedValue,
  /** Text. Readers stop at the first U+0000, as Windows does. */
  string: (text: string): TypedValue => typed(ValueType.String, 2 * text.length, text),
  /** Text in some ANSI code page, already encoded: the log does not store which. */
  ansi: (bytes: Uint8Array): TypedValue => typed(ValueType.AnsiString, bytes.length, bytes),
  int8: (n: number): TypedValue => integer(ValueType.Int8, -0x80, 0x7f, n),
  uint8: (n: number): TypedValue => integer(ValueType.UInt8, 0, 0xff, n),
  int16: (n: number): TypedValue => integer(ValueType.Int16, -0x8000, 0x7fff, n),
  uint16: (n: number): TypedValue => integer(ValueType.UInt16, 0, 0xffff, n),
  int32: (n: number): TypedValue => integer(ValueType.Int32, -0x8000_0000, 0x7fff_ffff, n),
  uint32: (n: number): TypedValue => integer(ValueType.UInt32, 0, 0xffff_ffff, n),
  int64: (n: bigint): TypedValue => integer64(ValueType.Int64, true, n),
  uint64: (n: bigint): TypedValue => integer64(ValueType.UInt64, false, n),
  real32: (n: number): TypedValue => real(ValueType.Real32, n),
  real64: (n: number): TypedValue => real(ValueType.Real64, n),
  bool: (flag: boolean): TypedValue => ({ type: ValueType.Bool, sizeBytes: 4, content: flag ? 1 : 0 }),
  binary: (bytes: Uint8Array): TypedValue => typed(ValueType.Binary, bytes.length, bytes),
  /** `54849625-5478-4994-a5ba-3e3b0328c30d`, with or without braces. */
  guid: (text: string): TypedValue => parsed(ValueType.Guid, 'GUID', text, guidBytes(text)),
  /** A GUID in its 16 bytes, the first three fields little-endian. */
  guidOf: (bytes: Uint8Array): TypedValue => {
    if (bytes.length !== GUID_SIZE) throw invalid(`${bytes.length} bytes are no GUID`);
    return typed(ValueType.Guid, GUID_SIZE, bytes);
  },
  /** A pointer-sized integer of a 32-bit or 64-bit machine. */
  sizeT: (n: bigint, bits: 32 | 64): TypedValue => {
    if (n !== BigInt.asUintN(bits, n)) throw invalid(`${n} does not fit ${bits} bits`);
    return { type: ValueType.SizeT, sizeBytes: bits / 8, content: bits === 64 ? n : Number(n) };
  },
  /** 100 ns units since 1601-01-01 UTC. */
  fileTime: (ticks: bigint): TypedValue => integer64(ValueType.FileTime, false, ticks),
  systemTime: (fields: SystemTimeFields): TypedValue => {
    const { year, month, weekday, day, hour, minute, second, millisecond } = fields;
    const units = [year, month, weekday, day, hour, minute, second, millisecond];
    if (units.some((n) => !Number.isInteger(n) || n < 0 || n > 0xffff)) throw invalid('a SYSTEMTIME field is no u16');
    return typed(ValueType.SysTime, 16, Uint8Array.from(units.flatMap((n) => [n & 0xff, n >>> 8])));
  },
  /** `S-1-5-18` */
  sid: (text: string): TypedValue => parsed(ValueType.Sid, 'SID', text, sidBytes(text)),
  hexInt32: (n: number): TypedValue => integer(ValueType.HexInt32, 0, 0xffff_ffff, n),
  hexInt64: (n: bigint): TypedValue => integer64(ValueType.HexInt64, false, n),
  /** An array of strings: the element that holds it stands once per item. No item may hold U+0000, which ends it. */
  strings: (items: readonly string[]): TypedValue => {
    if (items.some((item) => item.includes('\0'))) throw invalid('a string of an array holds U+0000');
    const units = items.map((item) => `${item}\0`).join('');
    return typed(ARRAY | ValueType.String, 2 * units.length, units);
  },
  /**
   * An array of any other type: `value.array(ValueType.UInt16, [value.uint16(1), value.uint16(2)])`.
   * Not of Binary or nested Binary XML, which have no arrays.
   */
  array: (type: number, items: readonly TypedValue[]): TypedValue => {
    if (items.some((item) => item.type !== type)) throw invalid('the items of an array differ in type');
    if (type === ValueType.String) return value.strings(items.map((item) => String(item.content)));
    if (!(type === ValueType.AnsiString || type === ValueType.Sid || type === ValueType.SizeT || FIXED_SIZE[type])) {
      throw invalid(`there are no arrays of value type ${type}`);
    }
    const ended = type === ValueType.AnsiString ? 1 : 0;
    const size = items.reduce((sum, item) => sum + item.sizeBytes + ended, 0);
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const item of items) {
      if (ended && item.content instanceof Uint8Array && item.content.includes(0)) {
        throw invalid('an ANSI string of an array holds a zero byte');
      }
      putValue(item, bytes, view, at);
      at += item.sizeBytes + ended;
    }
    return typed(ARRAY | type, size, bytes);
  },
  /** Nested Binary XML: elements or a template instance in place of a substitution in element content. */
  fragment: (nodes: Fragment): TypedValue => ({ type: ValueType.BinXml, sizeBytes: 0, content: nodes }),
} as const;

/** Writes a value's bytes. Nested Binary XML has none of its own. */
function putValue(item: TypedValue, bytes: Uint8Array, view: DataView, at: number): void {
  const { content } = item;
  if (typeof content === 'string') {
    for (let i = 0, to = at; i < content.length; i++, to += 2) {
      const unit = content.charCodeAt(i);
      bytes[to] = unit;
      bytes[to + 1] = unit >>> 8;
    }
  } else if (typeof content === 'number') {
    for (let i = 0, rest = content; i < item.sizeBytes; i++, rest >>= 8) bytes[at + i] = rest;
  } else if (typeof content === 'bigint') {
    view.setBigUint64(at, BigInt.asUintN(64, content), true);
  } else if (content instanceof Uint8Array) {
    bytes.set(content, at);
  }
}

/** Bytes that the value tables of many events share: allocating each its own costs more than filling it. */
const POOL_SIZE = 64 * 1024;
let pool = new Uint8Array(POOL_SIZE);
let poolView = new DataView(pool.buffer);
let poolUsed = 0;

/** The values of one template instance, laid out as a record stores them: descriptors, then bytes without gaps. */
export function valueTable(values: readonly TypedValue[]): ValueTable {
  let size = 4 * values.length;
  for (const item of values) size += item.sizeBytes;
  if (size > POOL_SIZE - poolUsed) {
    pool = new Uint8Array(Math.max(POOL_SIZE, size));
    poolView = new DataView(pool.buffer);
    poolUsed = 0;
  }
  const bytes = pool;
  const descriptors = poolUsed;
  poolUsed += size;
  const firstValue = descriptors + 4 * values.length;
  let at = firstValue;
  for (let i = 0; i < values.length; i++) {
    const item = values[i]!;
    const descriptor = descriptors + 4 * i;
    bytes[descriptor] = item.sizeBytes;
    bytes[descriptor + 1] = item.sizeBytes >>> 8;
    bytes[descriptor + 2] = item.type;
    putValue(item, bytes, poolView, at);
    at += item.sizeBytes;
  }
  return {
    bytes,
    count: values.length,
    descriptors,
    firstValue,
    nested: (index) => (values[index]!.type === ValueType.BinXml ? (values[index]!.content as Fragment) : []),
  };
}
