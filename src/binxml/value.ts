import { guidText } from '../bytes/guid.ts';
import { hexUpper } from '../bytes/hex.ts';
import { i32, i64, u16, u32, u64 } from '../bytes/little-endian.ts';
import { sidSize, sidText } from '../bytes/sid.ts';
import { fileTimeText, systemTimeText } from '../bytes/time.ts';
import { utf16Length, utf16Text } from '../bytes/utf16.ts';
import type { Value } from './event-tree.ts';
import { realText } from './real.ts';
import { ARRAY, FIXED_SIZE, ValueType } from './value-type.ts';

/** How values are written, where Windows' own releases differ or nothing in the log says. */
export interface ValueStyle {
  /** Fraction digits of a FILETIME: 7 as Windows writes now, 9 as it did before 2020. */
  readonly timeDigits: 7 | 9;
  /** GUID values in upper case, as Windows wrote at first. */
  readonly upperCaseGuids: boolean;
  /** Code page of ANSI strings, as a WHATWG encoding label. No log stores it: Windows uses the reading machine's. */
  readonly ansiEncoding: string;
}

/** Windows 10 and 11 since December 2020. */
export const CURRENT_STYLE: ValueStyle = { timeDigits: 7, upperCaseGuids: false, ansiEncoding: 'windows-1252' };

/** True when a fixed-size type has fewer bytes than it needs; such a value is shown as hex, as is an unknown type. */
function isShort(type: number, size: number): boolean {
  const need = FIXED_SIZE[type] ?? 0;
  return size < need;
}

/** The text of a value as it stands in event XML, before escaping. */
export function valueText(value: Value, style: ValueStyle = CURRENT_STYLE): string {
  const { type, bytes, offset, size } = value;
  if (isShort(type, size)) return hexUpper(bytes, offset, size);
  switch (type) {
    case ValueType.Null:
      return '';
    case ValueType.String:
    case ValueType.EvtXml: {
      const units = size >> 1;
      return utf16Text(bytes, offset, utf16Length(bytes, offset, units));
    }
    case ValueType.AnsiString:
      return ansiText(bytes, offset, size, style.ansiEncoding);
    case ValueType.Int8:
      return String((bytes[offset]! << 24) >> 24);
    case ValueType.UInt8:
      return String(bytes[offset]);
    case ValueType.Int16:
      return String((u16(bytes, offset) << 16) >> 16);
    case ValueType.UInt16:
      return String(u16(bytes, offset));
    case ValueType.Int32:
      return String(i32(bytes, offset));
    case ValueType.UInt32:
      return String(u32(bytes, offset));
    case ValueType.Int64:
      return i64(bytes, offset).toString();
    case ValueType.UInt64:
      return unsigned64Text(bytes, offset, 10);
    case ValueType.Real32:
      return realText(new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getFloat32(0, true), 32);
    case ValueType.Real64:
      return realText(new DataView(bytes.buffer, bytes.byteOffset + offset, 8).getFloat64(0, true), 64);
    case ValueType.Bool:
      return u32(bytes, offset) === 0 ? 'false' : 'true';
    case ValueType.Guid: {
      const text = guidText(bytes, offset);
      return `{${style.upperCaseGuids ? text.toUpperCase() : text}}`;
    }
    case ValueType.SizeT:
      if (size < 4) return hexUpper(bytes, offset, size);
      return `0x${size >= 8 ? unsigned64Text(bytes, offset, 16) : u32(bytes, offset).toString(16)}`;
    case ValueType.FileTime:
      return fileTimeText(bytes, offset, style.timeDigits);
    case ValueType.SysTime:
      return systemTimeText(bytes, offset, style.timeDigits);
    case ValueType.Sid:
      return sidText(bytes, offset, size) ?? hexUpper(bytes, offset, size);
    case ValueType.HexInt32:
      return `0x${u32(bytes, offset).toString(16)}`;
    case ValueType.HexInt64:
      return `0x${unsigned64Text(bytes, offset, 16)}`;
    default:
      return hexUpper(bytes, offset, size);
  }
}

function unsigned64Text(bytes: Uint8Array, offset: number, radix: 10 | 16): string {
  const high = u32(bytes, offset + 4);
  return high < 0x20_0000
    ? (high * 0x1_0000_0000 + u32(bytes, offset)).toString(radix)
    : u64(bytes, offset).toString(radix);
}

const ansiDecoders = new Map<string, InstanceType<typeof TextDecoder>>();

function ansiText(bytes: Uint8Array, offset: number, size: number, encoding: string): string {
  let end = offset;
  while (end < offset + size && bytes[end] !== 0) end++;
  const decoder = ansiDecoders.get(encoding) ?? new TextDecoder(encoding);
  ansiDecoders.set(encoding, decoder);
  return decoder.decode(bytes.subarray(offset, end));
}

/** Items of an array type are this type; undefined for the two that make no sense (binary, Binary XML) and for no array. */
export function arrayItemType(type: number): number | undefined {
  if ((type & ARRAY) === 0) return undefined;
  const item = type & ~ARRAY;
  return item === ValueType.Binary || item === ValueType.BinXml || item === ValueType.Null ? undefined : item;
}

/**
 * The items of an array value, in place.
 *
 * Strings end with a U+0000, the last one perhaps without; empty strings count. A SID gives its own length. Bytes that
 * are left over when the size is no multiple of the item's are dropped. An array of size 0 has no items.
 */
export function arrayItems(value: Value): Value[] {
  const itemType = arrayItemType(value.type);
  if (itemType === undefined) return [value];
  const { bytes } = value;
  const end = value.offset + value.size;
  const items: Value[] = [];
  let at = value.offset;
  const push = (size: number) => items.push({ type: itemType, bytes, offset: at, size });
  switch (itemType) {
    case ValueType.String:
    case ValueType.EvtXml:
      while (at + 2 <= end) {
        const units = utf16Length(bytes, at, (end - at) >> 1);
        push(2 * units);
        at += 2 * units + 2;
      }
      return items;
    case ValueType.AnsiString:
      while (at < end) {
        let stop = at;
        while (stop < end && bytes[stop] !== 0) stop++;
        push(stop - at);
        at = stop + 1;
      }
      return items;
    case ValueType.Sid:
      for (let size = sidSize(bytes, at, end - at); size !== undefined; size = sidSize(bytes, at, end - at)) {
        push(size);
        at += size;
      }
      return items;
    default: {
      const size = itemType === ValueType.SizeT ? (value.size % 8 === 0 ? 8 : 4) : (FIXED_SIZE[itemType] ?? 0);
      if (size === 0) return [value];
      for (; at + size <= end; at += size) push(size);
      return items;
    }
  }
}

/**
 * A value as EVT_VARIANT gives it: the type of EVT_VARIANT_TYPE and a JavaScript value.
 *
 * number for integers up to 32 bits and reals, bigint for 64 bits, FILETIME (100 ns since 1601) and SizeT, boolean,
 * Uint8Array (a copy) for binary, string for text, GUID (`{…}`), SID (`S-1-…`) and SYSTEMTIME, null for Null.
 * An array type (`0x80 | item`) holds an array of those.
 */
export interface Variant {
  readonly type: number;
  readonly value: VariantValue;
}

export type VariantScalar = null | string | number | bigint | boolean | Uint8Array;
export type VariantValue = VariantScalar | readonly VariantScalar[];

/** The typed value. A fixed-size value with too few bytes comes out as Binary. */
export function valueVariant(value: Value, style: ValueStyle = CURRENT_STYLE): Variant {
  if (arrayItemType(value.type) !== undefined) {
    return { type: value.type, value: arrayItems(value).map((item) => scalar(item, style)) };
  }
  const { type, bytes, offset, size } = value;
  const malformed = isShort(type, size) || (type === ValueType.Sid && sidSize(bytes, offset, size) === undefined);
  if (malformed || (type === ValueType.SizeT && size < 4)) {
    return { type: ValueType.Binary, value: bytes.slice(offset, offset + size) };
  }
  return { type, value: scalar(value, style) };
}

function scalar(value: Value, style: ValueStyle): VariantScalar {
  const { type, bytes, offset, size } = value;
  if (isShort(type, size)) return bytes.slice(offset, offset + size);
  switch (type) {
    case ValueType.Null:
      return null;
    case ValueType.Int8:
      return (bytes[offset]! << 24) >> 24;
    case ValueType.UInt8:
      return bytes[offset]!;
    case ValueType.Int16:
      return (u16(bytes, offset) << 16) >> 16;
    case ValueType.UInt16:
      return u16(bytes, offset);
    case ValueType.Int32:
      return i32(bytes, offset);
    case ValueType.UInt32:
    case ValueType.HexInt32:
      return u32(bytes, offset);
    case ValueType.Int64:
      return i64(bytes, offset);
    case ValueType.UInt64:
    case ValueType.HexInt64:
    case ValueType.FileTime:
      return u64(bytes, offset);
    case ValueType.SizeT:
      return size >= 8 ? u64(bytes, offset) : BigInt(u32(bytes, offset));
    case ValueType.Real32:
      return new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getFloat32(0, true);
    case ValueType.Real64:
      return new DataView(bytes.buffer, bytes.byteOffset + offset, 8).getFloat64(0, true);
    case ValueType.Bool:
      return u32(bytes, offset) !== 0;
    case ValueType.String:
    case ValueType.AnsiString:
    case ValueType.Guid:
    case ValueType.SysTime:
    case ValueType.Sid:
    case ValueType.EvtXml:
      return valueText(value, style);
    default:
      return bytes.slice(offset, offset + size);
  }
}
