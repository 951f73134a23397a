import { realText } from '../binxml/real.ts';
import type { Variant, VariantScalar, VariantValue } from '../binxml/value.ts';
import { ARRAY, ValueType } from '../binxml/value-type.ts';
import { hexUpper } from '../bytes/hex.ts';
import { fileTimeText } from '../bytes/time.ts';

/** FILETIME as ISO text in UTC, seven digits; empty for an event that has no time. */
export function timeText(fileTime: bigint | undefined): string {
  if (fileTime === undefined) return '';
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, fileTime, true);
  return fileTimeText(bytes, 0, 7);
}

/** A value in the spelling that it has in the event's XML, so that what is read here can be put into a query. */
export function variantText({ type, value }: Variant): string {
  if (!isList(value)) return scalarText(type, value);
  return value.map((item) => scalarText(type & ~ARRAY, item)).join(', ');
}

function isList(value: VariantValue): value is readonly VariantScalar[] {
  return Array.isArray(value);
}

function scalarText(type: number, value: VariantScalar): string {
  if (value === null) return '';
  if (value instanceof Uint8Array) return hexUpper(value, 0, value.length);
  switch (type) {
    case ValueType.HexInt32:
    case ValueType.HexInt64:
    case ValueType.SizeT:
      return typeof value === 'number' || typeof value === 'bigint' ? `0x${value.toString(16)}` : String(value);
    case ValueType.FileTime:
      return typeof value === 'bigint' ? timeText(value) : String(value);
    case ValueType.Real32:
    case ValueType.Real64:
      return typeof value === 'number' ? realText(value, type === ValueType.Real32 ? 32 : 64) : String(value);
    default:
      return String(value);
  }
}
