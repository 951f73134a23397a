import type { NdrReader } from '../ndr/ndr-reader.ts';
import type { NdrWriter } from '../ndr/ndr-writer.ts';

/** How a value stands in a stub, in both directions: what one end writes, the other reads. */
export interface Codec<T> {
  write(to: NdrWriter, value: T): void;
  /** @param set takes the value, now or when what a pointer points to has been read behind the construct it is in */
  read(from: NdrReader, set: (value: T) => void): void;
  /** What an operation that failed answers: a null handle, no elements, 0. */
  readonly empty: T;
}

/** Parameters of an operation by name, in the order of the stub. */
export type Fields = Readonly<Record<string, unknown>>;
export type Codecs<V extends Fields> = { readonly [Name in keyof V]: Codec<V[Name]> };

/** A value that stands where it is. */
export function plain<T>(write: (to: NdrWriter, value: T) => void, read: (from: NdrReader) => T, empty: T): Codec<T> {
  return { write, read: (from, set) => set(read(from)), empty };
}

export const u4: Codec<number> = plain(
  (to, value) => to.u32(value),
  (from) => from.u32(),
  0,
);

export const u8: Codec<bigint> = plain(
  (to, value) => to.u64(value),
  (from) => from.u64(),
  0n,
);

export const i8: Codec<bigint> = plain(
  (to, value) => to.i64(value),
  (from) => from.i64(),
  0n,
);

/** A string. @param maxUnits UTF-16 units, the terminator included */
export function string(maxUnits: number): Codec<string> {
  return plain(
    (to, value) => to.string(value),
    (from) => from.string(maxUnits),
    '',
  );
}

/** A unique pointer to something: undefined for NULL. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    write: (to, value) => to.pointer(value === undefined ? undefined : () => codec.write(to, value)),
    read(from, set) {
      if (!from.pointer(() => codec.read(from, set))) set(undefined);
    },
    empty: undefined,
  };
}

/** A unique pointer that must not be NULL. */
export function pointed<T>(codec: Codec<T>): Codec<T> {
  return {
    write: (to, value) => to.pointer(() => codec.write(to, value)),
    read(from, set) {
      if (!from.pointer(() => codec.read(from, set))) from.fail('a pointer is NULL where something must be');
    },
    empty: codec.empty,
  };
}

/** A context handle: the 32 hex digits of its UUID, in the order of the wire; undefined for the null handle. */
export type ContextHandle = string | undefined;

const UUID_SIZE = 16;
const NULL_UUID = '0'.repeat(2 * UUID_SIZE);

export const handle = plain<ContextHandle>(
  (to, value) => {
    to.u32(0);
    to.bytes(Buffer.from(value ?? NULL_UUID, 'hex'));
  },
  (from) => {
    from.u32();
    const uuid = Buffer.from(from.bytes(UUID_SIZE)).toString('hex');
    return uuid === NULL_UUID ? undefined : uuid;
  },
  undefined,
);

/** An element of an array, and what a reader has to know of it. */
export interface Element<T> {
  readonly codec: Codec<T>;
  /** Bytes that one takes at least. */
  readonly size: number;
  readonly alignment: number;
}

/** A count, and a unique pointer to an array of so many. NULL where there are none. */
export function array<T>(element: Element<T>, max: number): Codec<readonly T[]> {
  return {
    write(to, values) {
      to.u32(values.length);
      to.pointer(values.length === 0 ? undefined : () => elements(element).write(to, values));
    },
    read(from, set) {
      const count = from.count(max, element.size);
      const isThere = from.pointer(() => elements(element, count).read(from, set));
      if (!isThere && count > 0) from.fail(`${count} elements are announced, and none are there`);
      if (!isThere) set([]);
    },
    empty: [],
  };
}

/** A conformant array. @param count said before; undefined: whatever the array says, as far as there are bytes */
export function elements<T>({ codec, size, alignment }: Element<T>, count?: number): Codec<readonly T[]> {
  return {
    write(to, values) {
      to.construct(() => {
        to.u32(values.length);
        if (values.length > 0) to.align(alignment);
        for (const value of values) codec.write(to, value);
      });
    },
    read(from, set) {
      from.construct(() => {
        const conformance = from.count(count ?? Number.POSITIVE_INFINITY, size);
        if (count !== undefined && conformance !== count) {
          from.fail(`an array of ${count} elements says that it has ${conformance}`);
        }
        if (conformance > 0) from.align(alignment);
        const values: T[] = [];
        for (let i = 0; i < conformance; i++) {
          codec.read(from, (value) => {
            values[i] = value;
          });
        }
        set(values);
      });
    },
    empty: [],
  };
}

/** Bytes of a conformant array, whose number the caller has named: `[out, size_is(n)] BYTE*`. */
export function conformantBytes(max: number): Codec<Uint8Array> {
  return plain<Uint8Array>(
    (to, value) => {
      to.u32(value.length);
      to.bytes(value);
    },
    (from) => from.bytes(from.count(max, 1)),
    new Uint8Array(),
  );
}

/** A number of bytes, and the bytes right behind it: `[in, size_is(n)] BYTE*`. */
export function sizedBytes(max: number): Codec<Uint8Array> {
  const bytes = conformantBytes(max);
  return plain<Uint8Array>(
    (to, value) => {
      to.u32(value.length);
      bytes.write(to, value);
    },
    (from) => {
      const count = from.count(max, 1);
      from.conformance(count);
      return from.bytes(count);
    },
    new Uint8Array(),
  );
}

/** A number of bytes, and a unique pointer to them: `[out, size_is(, *n)] BYTE**`. */
export function pointedBytes(max: number): Codec<Uint8Array> {
  const bytes = conformantBytes(max);
  return {
    write(to, value) {
      to.u32(value.length);
      to.pointer(value.length === 0 ? undefined : () => bytes.write(to, value));
    },
    read(from, set) {
      const count = from.count(max, 1);
      const isThere = from.pointer(() => {
        from.conformance(count);
        set(from.bytes(count));
      });
      if (!isThere && count > 0) from.fail(`${count} bytes are announced, and none are there`);
      if (!isThere) set(new Uint8Array());
    },
    empty: new Uint8Array(),
  };
}

export function writeFields<V extends Fields>(to: NdrWriter, codecs: Codecs<V>, values: V): void {
  for (const name of Object.keys(codecs) as (keyof V)[]) codecs[name].write(to, values[name]);
}

export function readFields<V extends Fields>(from: NdrReader, codecs: Codecs<V>): V {
  const values: Partial<V> = {};
  for (const name of Object.keys(codecs) as (keyof V)[]) {
    codecs[name].read(from, (value) => {
      values[name] = value;
    });
  }
  // Each codec has set its value: parameters stand outside of constructs, where nothing is put off.
  return values as V;
}

/** The values of parameters that nothing is said of. */
export function emptyValues<V extends Fields>(codecs: Codecs<V>): V {
  const values: Partial<V> = {};
  for (const name of Object.keys(codecs) as (keyof V)[]) values[name] = codecs[name].empty;
  return values as V;
}
