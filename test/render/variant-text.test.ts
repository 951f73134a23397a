import { describe, expect, it } from 'vitest';
import { ARRAY, ValueType } from '../../src/binxml/value-type.ts';
import { variantText } from '../../src/render/variant-text.ts';

describe('values in text, csv and tables', () => {
  it('are spelt as in the XML', () => {
    const spelt = [
      [{ type: ValueType.Null, value: null }, ''],
      [{ type: ValueType.String, value: 'a b' }, 'a b'],
      [{ type: ValueType.UInt64, value: 2n ** 64n - 1n }, '18446744073709551615'],
      [{ type: ValueType.HexInt32, value: 3221225578 }, '0xc000006a'],
      [{ type: ValueType.HexInt64, value: 0x3e7n }, '0x3e7'],
      [{ type: ValueType.SizeT, value: 255n }, '0xff'],
      [{ type: ValueType.FileTime, value: 133_485_408_000_000_001n }, '2024-01-01T00:00:00.0000001Z'],
      [{ type: ValueType.Bool, value: true }, 'true'],
      [{ type: ValueType.Real32, value: Math.fround(0.1) }, '0.1'],
      [{ type: ValueType.Binary, value: new Uint8Array([0, 171]) }, '00AB'],
      [{ type: ARRAY | ValueType.HexInt32, value: [16, 17] }, '0x10, 0x11'],
    ] as const;
    for (const [variant, text] of spelt) expect(variantText(variant)).toBe(text);
  });
});
