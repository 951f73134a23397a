/**
 * Binary XML value types; the numbers are those of EVT_VARIANT_TYPE (winevt.h; MS-EVEN6 2.2.12).
 * `ARRAY | t` is an array of t.
 */
export const ValueType = {
  Null: 0x00,
  String: 0x01,
  AnsiString: 0x02,
  Int8: 0x03,
  UInt8: 0x04,
  Int16: 0x05,
  UInt16: 0x06,
  Int32: 0x07,
  UInt32: 0x08,
  Int64: 0x09,
  UInt64: 0x0a,
  Real32: 0x0b,
  Real64: 0x0c,
  Bool: 0x0d,
  Binary: 0x0e,
  Guid: 0x0f,
  SizeT: 0x10,
  FileTime: 0x11,
  SysTime: 0x12,
  Sid: 0x13,
  HexInt32: 0x14,
  HexInt64: 0x15,
  EvtHandle: 0x20,
  BinXml: 0x21,
  EvtXml: 0x23,
} as const;

/** Bit that turns a value type into an array of it. */
export const ARRAY = 0x80;

/** Bytes of one item of a fixed-size type; 0 for types whose size the value itself gives. SizeT may be 4 or 8. */
export const FIXED_SIZE: readonly number[] = (() => {
  const sizes: number[] = new Array(0x40).fill(0);
  const t = ValueType;
  for (const type of [t.Int8, t.UInt8]) sizes[type] = 1;
  for (const type of [t.Int16, t.UInt16]) sizes[type] = 2;
  for (const type of [t.Int32, t.UInt32, t.Real32, t.Bool, t.HexInt32]) sizes[type] = 4;
  for (const type of [t.Int64, t.UInt64, t.Real64, t.FileTime, t.HexInt64]) sizes[type] = 8;
  for (const type of [t.Guid, t.SysTime]) sizes[type] = 16;
  return sizes;
})();
