import { GUID_SIZE, guidBytes, guidText } from '../../bytes/guid.ts';
import { array, type Codec, type Element, optional, plain, pointed, string, u4, u8 } from './codec.ts';
import { MAX_BOOLEANS, MAX_GUIDS, MAX_STRING, MAX_STRINGS, MAX_UINT32S, MAX_UINT64S, MAX_VARIANTS } from './limits.ts';

/** A property's value (EvtRpcVariant). */
export type VariantValue =
  | { readonly type: 'null'; readonly value: 0 }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'uint32'; readonly value: number }
  | { readonly type: 'uint64'; readonly value: bigint }
  | { readonly type: 'string'; readonly value: string | undefined }
  | { readonly type: 'guid'; readonly value: string | undefined }
  | { readonly type: 'booleans'; readonly value: readonly boolean[] }
  | { readonly type: 'uint32s'; readonly value: readonly number[] }
  | { readonly type: 'uint64s'; readonly value: readonly bigint[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'guids'; readonly value: readonly string[] };

export type Variant = VariantValue & {
  /** Said by a client that changes the property. */
  readonly changed?: boolean;
};

export const NULL_VARIANT: Variant = { type: 'null', value: 0 };

const CHANGED = 1;

const boolean: Codec<boolean> = plain(
  (to, value) => to.u8(value ? 1 : 0),
  (from) => from.u8() !== 0,
  false,
);
const nothing: Codec<0> = plain(
  (to) => to.u32(0),
  (from) => {
    from.u32();
    return 0;
  },
  0,
);
const guid: Codec<string> = plain(
  (to, value) => {
    to.align(4);
    to.bytes(guidBytes(value) ?? new Uint8Array(GUID_SIZE));
  },
  (from) => {
    from.align(4);
    return guidText(from.bytes(GUID_SIZE), 0);
  },
  '',
);

/** A name in an array of names. */
export const stringElement: Element<string> = { codec: pointed(string(MAX_STRING)), size: 4, alignment: 4 };

interface Arm<V extends VariantValue = VariantValue> {
  readonly type: V['type'];
  readonly codec: Codec<V['value']>;
}

/** Keeps an arm's type and its codec together. */
function arm<T extends VariantValue['type']>(
  type: T,
  codec: Codec<Extract<VariantValue, { readonly type: T }>['value']>,
): Arm {
  return { type, codec: codec as Codec<never> as Arm['codec'] };
}

/** The arms of the union, by their tag. */
const ARMS: readonly Arm[] = [
  arm('null', nothing),
  arm('boolean', boolean),
  arm('uint32', u4),
  arm('uint64', u8),
  arm('string', optional(string(MAX_STRING))),
  arm('guid', optional(guid)),
  arm('booleans', array({ codec: boolean, size: 1, alignment: 1 }, MAX_BOOLEANS)),
  arm('uint32s', array({ codec: u4, size: 4, alignment: 4 }, MAX_UINT32S)),
  arm('uint64s', array({ codec: u8, size: 8, alignment: 8 }, MAX_UINT64S)),
  arm('strings', array(stringElement, MAX_STRINGS)),
  arm('guids', array({ codec: guid, size: GUID_SIZE, alignment: 4 }, MAX_GUIDS)),
];

/** Type, flags, tag, and the arm at its own alignment. */
const variant: Codec<Variant> = {
  write(to, value) {
    const tag = ARMS.findIndex(({ type }) => type === value.type);
    to.align(8);
    to.u32(tag);
    to.u32(value.changed === true ? CHANGED : 0);
    to.u32(tag);
    ARMS[tag]!.codec.write(to, value.value);
  },
  read(from, set) {
    from.align(8);
    const type = from.u32();
    const changed = (from.u32() & CHANGED) !== 0;
    const tag = from.u32();
    const found = ARMS[tag];
    if (tag !== type || found === undefined) {
      return from.fail(`a property of type ${type} has the tag ${tag}`, 'tag');
    }
    // The arm's codec gives the value of its type.
    found.codec.read(from, (value) => set({ type: found.type, value, changed } as Variant));
  },
  empty: NULL_VARIANT,
};

/** A list of properties (EvtRpcVariantList). */
export const variantList: Codec<readonly Variant[]> = array({ codec: variant, size: 13, alignment: 8 }, MAX_VARIANTS);
