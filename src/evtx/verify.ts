import { crc32 } from '../bytes/crc32.ts';
import { u16, u32, u64 } from '../bytes/little-endian.ts';
import { type ChunkFacts, type LogStyle, verifyChunk } from './verify-chunk.ts';
import { type CheckResult, type Report, Tally } from './verify-report.ts';

const HEADER_BLOCK = 4096;
const SLOT = 65_536;
const FILE_MAGIC = 'ElfFile\0';
const CHUNK_MAGIC = 'ElfChnk\0';

export interface VerifyOptions {
  /** `live` (default): EventRecordID must be the record id. `export`: it is the source log's. */
  readonly style?: LogStyle;
}

/** Outcome of all checks, in their order. */
export interface Verification {
  readonly passed: boolean;
  readonly checks: readonly CheckResult[];
  readonly chunkCount: number;
}

function hasMagic(bytes: Uint8Array, magic: string): boolean {
  for (let i = 0; i < magic.length; i++) if (bytes[i] !== magic.charCodeAt(i)) return false;
  return true;
}

/**
 * Checks a log against the acceptance list of a writer, slot by slot, so that the log need not be in memory.
 * It is stricter than a reader must be: logs of a live machine fail some checks and are fine all the same.
 */
export class LogVerifier {
  readonly #header: Uint8Array;
  readonly #style: LogStyle;
  readonly #tally = new Tally();
  readonly #chunks: ChunkFacts[] = [];
  #slots = 0;
  #blankFrom = -1;

  /** @param header the file's first 4096 bytes, or fewer when there are no more */
  constructor(header: Uint8Array, options: VerifyOptions = {}) {
    this.#header = new Uint8Array(HEADER_BLOCK);
    this.#header.set(header.subarray(0, HEADER_BLOCK));
    this.#style = options.style ?? 'live';
  }

  /** The next 65,536 bytes of the file; fewer at the end of a cut one. */
  slot(bytes: Uint8Array): void {
    const slot = this.#slots++;
    const base = HEADER_BLOCK + slot * SLOT;
    const report = this.#tally.reporter(base);
    if (hasMagic(bytes, CHUNK_MAGIC)) {
      if (this.#blankFrom >= 0) report('W6', 0, `a chunk behind slot ${this.#blankFrom}, which holds none`);
      if (bytes.length < SLOT) report('W1', bytes.length, 'the file ends inside a chunk');
      else this.#chunks.push(verifyChunk(bytes, slot, this.#style, report));
      return;
    }
    if (this.#blankFrom < 0) this.#blankFrom = slot;
    const used = bytes.findIndex((byte) => byte !== 0);
    if (used >= 0) report('W6', used, 'a slot without chunk is not zero');
  }

  /** @param sizeBytes of the file */
  finish(sizeBytes: number): Verification {
    const report = this.#tally.reporter(0);
    const slots = (sizeBytes - HEADER_BLOCK) / SLOT;
    if (!Number.isInteger(slots) || slots < 1) report('W1', sizeBytes, `the file has ${sizeBytes} bytes`);
    this.#fixedHeader(report);
    this.#index(report);
    const checks = this.#tally.results();
    return {
      passed: checks.every((check) => check.failureCount === 0),
      checks,
      chunkCount: this.#chunks.length,
    };
  }

  #fixedHeader(report: Report): void {
    const bytes = this.#header;
    if (!hasMagic(bytes, FILE_MAGIC)) report('W2', 0, 'wrong magic');
    if (u32(bytes, 0x20) !== 128) report('W2', 0x20, `header size ${u32(bytes, 0x20)}`);
    if (u16(bytes, 0x24) !== 1 || u16(bytes, 0x26) !== 3) {
      report('W2', 0x24, `version ${u16(bytes, 0x26)}.${u16(bytes, 0x24)}`);
    }
    if (u16(bytes, 0x28) !== HEADER_BLOCK) report('W2', 0x28, `block size ${u16(bytes, 0x28)}`);
    for (const [from, to] of [[0x2e, 0x78] as const, [0x80, HEADER_BLOCK] as const]) {
      const used = bytes.subarray(from, to).findIndex((byte) => byte !== 0);
      if (used >= 0) report('W2', from + used, 'a reserved byte is not zero');
    }
    if (u32(bytes, 0x78) !== 0) report('W3', 0x78, `flags 0x${u32(bytes, 0x78).toString(16)}`);
    if (crc32(bytes, 0, 0x78) !== u32(bytes, 0x7c)) report('W3', 0x7c, 'wrong checksum');
  }

  /** What the header says of the chunks, and how they join. */
  #index(report: Report): void {
    const bytes = this.#header;
    const chunks = [...this.#chunks].sort((a, b) => (a.firstId < b.firstId ? -1 : a.firstId > b.firstId ? 1 : 0));
    if (u32(bytes, 0x2a) !== chunks.length) {
      report('W4', 0x2a, `chunk count ${u32(bytes, 0x2a)}, ${chunks.length} slots hold one`);
    }
    const [oldest, newest] = [chunks[0], chunks.at(-1)];
    if (oldest === undefined || newest === undefined) return;
    if (u64(bytes, 0x08) !== BigInt(oldest.slot))
      report('W4', 0x08, `oldest chunk ${u64(bytes, 8)}, not ${oldest.slot}`);
    if (u64(bytes, 0x10) !== BigInt(newest.slot)) {
      report('W4', 0x10, `current chunk ${u64(bytes, 0x10)}, not ${newest.slot}`);
    }
    const next = u64(bytes, 0x18);
    if (newest.empty) {
      if (chunks.length > 1) report('W8', HEADER_BLOCK + newest.slot * SLOT, 'a chunk without records beside others');
    } else if (next !== newest.lastId + 1n) {
      report('W5', 0x18, `next record id ${next}, the highest is ${newest.lastId}`);
    }
    for (let i = 1; i < chunks.length; i++) {
      const [before, chunk] = [chunks[i - 1]!, chunks[i]!];
      if (chunk.firstId === before.lastId + 1n && chunk.firstNumber === before.lastNumber + 1n) continue;
      const what = `ids from ${chunk.firstId} and numbers from ${chunk.firstNumber}`;
      const expected = `ids up to ${before.lastId} and numbers up to ${before.lastNumber}`;
      report('W8', HEADER_BLOCK + chunk.slot * SLOT + 8, `${what} follow ${expected}`);
    }
    if (!oldest.empty && oldest.firstNumber < 1n)
      report('W8', HEADER_BLOCK + oldest.slot * SLOT + 8, 'numbers start at 1');
  }
}

/** Checks a whole log in memory. See {@link LogVerifier}. */
export function verifyLog(bytes: Uint8Array, options: VerifyOptions = {}): Verification {
  const verifier = new LogVerifier(bytes, options);
  for (let at = HEADER_BLOCK; at < bytes.length; at += SLOT) verifier.slot(bytes.subarray(at, at + SLOT));
  return verifier.finish(bytes.length);
}
