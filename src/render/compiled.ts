import { checkDocument } from '../binxml/check.ts';
import { BinXmlError } from '../binxml/error.ts';
import { resolveDocument } from '../binxml/resolve.ts';
import { utf8Text } from '../bytes/utf8.ts';
import type { Chunk } from '../evtx/chunk.ts';
import type { Executor } from '../kernel/engine.ts';
import { type Kernel, Tries } from '../kernel/kernel.ts';
import {
  LINE_ENDS,
  LINE_TIMES,
  MAX_RECORDS,
  OUT_AT,
  OUTPUT,
  OUTPUT_SIZE,
  RECORDS,
  STOPPED_AT,
} from '../kernel/layout.ts';
import type { Memory } from '../kernel/memory.ts';
import { CROWDED, FORMAT_JSON, FORMAT_XML, FULL, MISSING } from '../kernel/program.ts';
import { renderJson } from './json.ts';
import { putTree } from './template-tree.ts';
import { renderXml } from './xml.ts';

/** The forms that events are written in without being taken apart first: those of the default options. */
export type CompiledFormat = 'xml' | 'json';

/** Told of a record that holds no whole event; it is left out. */
export type OnDamaged = (record: number, error: BinXmlError) => void;

const encoder = new TextEncoder();

/**
 * Writes events through programs compiled once per template. What has no program, and whatever is not plainly in order, is
 * written or refused by the plain renderer: both give the same bytes.
 *
 * One per thread: output lies in its memory until the next call.
 */
export class CompiledRenderer {
  readonly #kernel: Kernel;
  readonly #memory: Memory;
  readonly #executor: Executor;
  #start = OUTPUT;
  #limit = OUTPUT + OUTPUT_SIZE;
  #out = OUTPUT;
  /** Records that the plain renderer had to do, since the beginning. */
  plain = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#memory = kernel.memory;
    this.#executor = kernel.executor;
  }

  get executor(): Executor['name'] {
    return this.#executor.name;
  }

  /** What has been written since {@link clear}: lines of UTF-8. Valid until the next call. */
  get output(): Uint8Array {
    return this.#memory.bytes.subarray(this.#start, this.#out);
  }

  get outputSize(): number {
    return this.#out - this.#start;
  }

  /**
   * Where in the {@link output} the line ends that the last {@link lines} has written for the `index`-th of its records; that of one
   * that is left out is empty. Valid until the next call.
   */
  endOf(index: number): number {
    return this.#memory.words[(LINE_ENDS >> 2) + index]! - this.#start;
  }

  /** System/TimeCreated of that record as a FILETIME; undefined where it takes more to tell it. */
  timeOf(index: number): bigint | undefined {
    const time = this.#memory.longs[(LINE_TIMES >> 3) + index]!;
    return time === 0n ? undefined : time;
  }

  /** Begins anew. @param start where in the kernel's memory the output goes: its own place, unless told */
  clear(start = OUTPUT, limit = OUTPUT + OUTPUT_SIZE): void {
    this.#start = start;
    this.#limit = limit;
    this.#out = start;
  }

  /**
   * Writes the events of records `first … last - 1` as lines behind what is there.
   * @param offsets chunk offsets of the chunk's records
   * @returns the record it came to: less than `last` when the output is full; {@link outputSize} is 0 then for an event that
   *   is larger than all of it, which {@link large} gives
   */
  lines(
    chunk: Chunk,
    offsets: ArrayLike<number>,
    first: number,
    last: number,
    format: CompiledFormat,
    onDamaged: OnDamaged,
  ): number {
    const { words, longs } = this.#memory;
    const count = Math.min(last - first, MAX_RECORDS);
    for (let i = 0; i < count; i++) words[(RECORDS >> 2) + i] = offsets[first + i]!;
    const code = format === 'xml' ? FORMAT_XML : FORMAT_JSON;
    this.#kernel.use(chunk);
    const tries = new Tries(this.#kernel);
    for (let at = 0; at < count; ) {
      const reason = this.#executor.records(at, count, code, this.#out, this.#limit);
      at = words[STOPPED_AT >> 2]!;
      this.#out = words[OUT_AT >> 2]!;
      if (reason === 0) continue;
      if (reason === FULL) return first + at;
      if (tries.again(at) && this.#helps(reason)) continue;
      try {
        if (!this.#plainLine(plainText(chunk, offsets[first + at]!, format))) return first + at;
      } catch (error) {
        if (!(error instanceof BinXmlError)) throw error;
        onDamaged(first + at, error);
      }
      words[(LINE_ENDS >> 2) + at] = this.#out;
      longs[(LINE_TIMES >> 3) + at] = 0n;
      at++;
    }
    return first + count;
  }

  /** Gives the executor what it has stopped for; false when the record is not for it. */
  #helps(reason: number): boolean {
    if (reason === CROWDED) {
      this.#kernel.empty();
      return true;
    }
    if (reason !== MISSING) return false;
    return this.#kernel.learn((number, { root }) => {
      if (this.#memory.treeOf(number) < 0) this.#memory.setTree(number, putTree(this.#memory, root));
    });
  }

  #plainLine(text: string): boolean {
    this.plain++;
    const room = this.#memory.bytes.subarray(this.#out, this.#limit);
    const { read, written } = encoder.encodeInto(`${text}\n`, room);
    if (read <= text.length) return false;
    this.#out += written;
    return true;
  }

  /**
   * One event, without the end of its line. What has been written to the output's own place is gone.
   * @throws BinXmlError when it is damaged
   */
  text(chunk: Chunk, chunkOffset: number, format: CompiledFormat): string {
    const code = format === 'xml' ? FORMAT_XML : FORMAT_JSON;
    const { words, bytes } = this.#memory;
    words[RECORDS >> 2] = chunkOffset;
    this.#kernel.use(chunk);
    const tries = new Tries(this.#kernel);
    for (;;) {
      const reason = this.#executor.records(0, 1, code, OUTPUT, OUTPUT + OUTPUT_SIZE);
      if (reason === 0) return utf8Text(bytes, OUTPUT, words[OUT_AT >> 2]! - 1);
      if (!tries.again(0) || !this.#helps(reason)) return plainText(chunk, chunkOffset, format);
    }
  }

  /** The event of one record as a line, when it does not fit the output. @throws BinXmlError */
  large(chunk: Chunk, chunkOffset: number, format: CompiledFormat): Uint8Array {
    return encoder.encode(`${plainText(chunk, chunkOffset, format)}\n`);
  }
}

/** An event as the plain renderers have it. @throws BinXmlError */
function plainText(chunk: Chunk, chunkOffset: number, format: CompiledFormat): string {
  const document = chunk.document(chunkOffset);
  checkDocument(document);
  const tree = resolveDocument(document);
  return format === 'xml' ? renderXml(tree) : renderJson(tree);
}
