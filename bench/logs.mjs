// The logs that the table is measured on: always the same bytes, in .winevt/. Their chunks are real ones where the sample logs
// are at hand (WINEVT_CORPUS, or ../shared/corpus beside the checkout), the demonstration log's otherwise.
//
//   node bench/logs.mjs      builds what is missing, and says what there is
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { Chunk, hasChunkMagic, hasFileMagic, resolveDocument } from '../dist/evtx/index.js';
import {
  CHUNK_HEADER_SIZE,
  CHUNK_SIZE,
  ChunkHeaderOffset,
  FILE_CHECKSUM_SIZE,
  FILE_HEADER_SIZE,
  FILE_MAGIC,
  FileFlag,
  FileHeaderOffset,
  HEADER_BLOCK_SIZE,
  RecordOffset,
} from '../dist/evtx/layout.js';
import { cache, demoLog, root } from './common.mjs';

/** Another way of choosing or numbering makes other logs: this number goes into their stamp. */
const MAKE = 1;
/** Bytes of records that make a chunk count as nearly full: a log's chunks but its last one have more. */
const NEARLY_FULL = 55_000;
const CHUNKS_30MB = 480;
const CHUNKS_500MB = 8000;
/** 4.26 GB; one more than 65,535 chunks, and readers that read 16 bits of the chunk count would see few. */
const CHUNKS_4GB = 65_000;
/** Chunks for a slow reader: 2.1 MB. */
const SHORT = 32;
const DEMO_EVENTS = 80_000;
/** Logs that are merged. */
const MANY = 16;
/** What is left free on the disk at least. */
const DISK_RESERVE = 2e9;

export function corpusFolder() {
  const folder = process.env.WINEVT_CORPUS ?? join(root, '..', 'shared', 'corpus');
  return existsSync(folder) ? folder : undefined;
}

function sourceFiles() {
  const folder = corpusFolder();
  if (folder === undefined) return { kind: 'demonstration log', folder: cache, files: [demoLog(DEMO_EVENTS)] };
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.evtx$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  return { kind: 'sample logs', folder, files };
}

const elementOf = (nodes, name) => nodes.find((node) => node.kind === 'element' && node.name === name);

function channelOf(event) {
  const channel = elementOf(elementOf(event, 'Event')?.children ?? [], 'System')?.children ?? [];
  const [content] = elementOf(channel, 'Channel')?.children ?? [];
  if (content?.kind === 'text') return content.text;
  if (content?.kind !== 'value') return undefined;
  const { bytes, offset, size } = content.value;
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, size).toString('utf16le');
}

/** A chunk that any reader should read without complaint; undefined when it is not one. */
function usableChunk(bytes, slot, fileOffset) {
  if (!hasChunkMagic(bytes)) return undefined;
  const chunk = new Chunk(bytes, slot, fileOffset);
  const end = chunk.freeSpaceOffset;
  if (end < CHUNK_HEADER_SIZE + NEARLY_FULL || end > CHUNK_SIZE) return undefined;
  if ((bytes.readUInt32LE(ChunkHeaderOffset.flags) & FileFlag.noChecksums) !== 0) return undefined;
  const { header, records } = chunk.checksums();
  if (!header || !records) return undefined;
  let damaged = false;
  const onDamage = () => {
    damaged = true;
  };
  const channels = new Set();
  try {
    const places = chunk.walk({ onDamage });
    for (const { chunkOffset } of places) {
      channels.add(channelOf(resolveDocument(chunk.document(chunkOffset, onDamage))));
    }
    const offsets = places.map(({ chunkOffset }) => chunkOffset);
    const security = channels.size === 1 && channels.has('Security');
    return damaged || offsets.length === 0 ? undefined : { bytes, end, offsets, security };
  } catch {
    return undefined;
  }
}

/** All distinct usable chunks, in the order of their hashes: every kind is mixed with every other, whatever the files are called. */
function usableChunks(files) {
  const found = new Map();
  for (const file of files) {
    const log = readFileSync(file);
    if (!hasFileMagic(log)) continue;
    for (let at = HEADER_BLOCK_SIZE, slot = 0; at + CHUNK_SIZE <= log.length; at += CHUNK_SIZE, slot++) {
      const bytes = log.subarray(at, at + CHUNK_SIZE);
      const chunk = usableChunk(bytes, slot, at);
      if (chunk === undefined) continue;
      // Records alone: the same events in two files differ in the header's numbers only.
      const hash = createHash('sha256').update(bytes.subarray(CHUNK_HEADER_SIZE, chunk.end)).digest('hex');
      if (!found.has(hash)) found.set(hash, { hash, ...chunk });
    }
  }
  return [...found.values()].sort((a, b) => (a.hash < b.hash ? -1 : 1));
}

/** The chunk as the next one of a log whose last record id is `last`: numbered anew, and its checksums with it. */
function renumbered(chunk, last, out) {
  const { bytes, end, offsets } = chunk;
  out.fill(0, end);
  bytes.copy(out, 0, 0, end);
  const first = BigInt(last + 1);
  const newest = BigInt(last + offsets.length);
  out.writeBigUInt64LE(first, ChunkHeaderOffset.firstRecordNumber);
  out.writeBigUInt64LE(newest, ChunkHeaderOffset.lastRecordNumber);
  out.writeBigUInt64LE(first, ChunkHeaderOffset.firstRecordId);
  out.writeBigUInt64LE(newest, ChunkHeaderOffset.lastRecordId);
  out.writeUInt32LE(offsets.at(-1), ChunkHeaderOffset.lastRecordOffset);
  for (let i = 0; i < offsets.length; i++) out.writeBigUInt64LE(first + BigInt(i), offsets[i] + RecordOffset.id);
  out.writeUInt32LE(crc32(out.subarray(CHUNK_HEADER_SIZE, end)), ChunkHeaderOffset.recordsChecksum);
  const fixed = crc32(out.subarray(0, FILE_CHECKSUM_SIZE));
  const tables = out.subarray(ChunkHeaderOffset.stringTable, CHUNK_HEADER_SIZE);
  out.writeUInt32LE(crc32(tables, fixed), ChunkHeaderOffset.headerChecksum);
}

function fileHeader(chunkCount, records) {
  const header = Buffer.alloc(HEADER_BLOCK_SIZE);
  Buffer.from(FILE_MAGIC).copy(header);
  header.writeBigUInt64LE(BigInt(chunkCount - 1), FileHeaderOffset.currentChunk);
  header.writeBigUInt64LE(BigInt(records + 1), FileHeaderOffset.nextRecordId);
  header.writeUInt32LE(FILE_HEADER_SIZE, FileHeaderOffset.headerSize);
  header.writeUInt16LE(1, FileHeaderOffset.minorVersion);
  header.writeUInt16LE(3, FileHeaderOffset.majorVersion);
  header.writeUInt16LE(HEADER_BLOCK_SIZE, FileHeaderOffset.blockSize);
  header.writeUInt16LE(chunkCount, FileHeaderOffset.chunkCount);
  header.writeUInt32LE(crc32(header.subarray(0, FILE_CHECKSUM_SIZE)), FileHeaderOffset.checksum);
  return header;
}

/** Writes a log of so many chunks, taken from `chunks` over and over. @returns its number of records */
function writeLog(path, chunks, chunkCount) {
  const { bavail, bsize } = statfsSync(cache);
  const bytes = HEADER_BLOCK_SIZE + chunkCount * CHUNK_SIZE;
  if (bavail * bsize < bytes + DISK_RESERVE) throw new Error(`too little disk for a log of ${bytes} bytes`);
  const fd = openSync(`${path}.new`, 'w');
  const out = Buffer.alloc(CHUNK_SIZE);
  let records = 0;
  for (let slot = 0; slot < chunkCount; slot++) {
    const chunk = chunks[slot % chunks.length];
    renumbered(chunk, records, out);
    records += chunk.offsets.length;
    writeSync(fd, out, 0, CHUNK_SIZE, HEADER_BLOCK_SIZE + slot * CHUNK_SIZE);
  }
  writeSync(fd, fileHeader(chunkCount, records), 0, HEADER_BLOCK_SIZE, 0);
  closeSync(fd);
  renameSync(`${path}.new`, path);
  return records;
}

function writeOne(path, chunks, chunkCount) {
  const records = writeLog(path, chunks, chunkCount);
  return { bytes: statSync(path).size, records };
}

/** A folder of logs that share the chunks, each the next few. */
function writeMany(folder, chunks, chunkCount, logs) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const each = chunkCount / logs;
  let bytes = 0;
  let records = 0;
  for (let i = 0; i < logs; i++) {
    const own = Array.from({ length: each }, (_, j) => chunks[(i * each + j) % chunks.length]);
    const one = writeOne(join(folder, `log-${i}.evtx`), own, each);
    bytes += one.bytes;
    records += one.records;
  }
  return { bytes, records };
}

/** The chunks that a slow reader reads without failing, each tried as a log of its own. */
function readable(chunks, reads) {
  const path = join(cache, 'bench-one.evtx');
  const kept = chunks.filter((chunk) => {
    writeLog(path, [chunk], 1);
    return reads(path);
  });
  rmSync(path, { force: true });
  return kept;
}

/** Which chunks a log is made of, and how many; and, where it is a folder, of how many logs. The short ones are for slow readers, and one that stops where it fails. */
const KINDS = {
  sec30: (chunks) => [security(chunks), CHUNKS_30MB],
  mix30: (chunks) => [chunks.slice(0, CHUNKS_30MB), CHUNKS_30MB],
  mix500: (chunks) => [chunks, CHUNKS_500MB],
  many: (chunks) => [chunks.slice(0, CHUNKS_30MB), CHUNKS_30MB, MANY],
  sec2: (chunks) => [spread(security(chunks)), SHORT],
  mix2: (chunks) => [spread(chunks), SHORT],
  'sec2-read': (chunks, reads) => [spread(readable(security(chunks), reads)), SHORT],
  'mix2-read': (chunks, reads) => [spread(readable(chunks, reads)), SHORT],
};

/** Logs of those who cannot read the whole ones, or take too long. */
export const SHORT_OF = { sec30: 'sec2', mix30: 'mix2', mix500: 'mix2' };

function security(chunks) {
  const only = chunks.filter((chunk) => chunk.security);
  return only.length > 0 ? only : chunks;
}

/** As many as a short log has, from all over. */
function spread(chunks) {
  const step = Math.max(1, chunks.length / SHORT);
  return Array.from({ length: Math.min(SHORT, chunks.length) }, (_, i) => chunks[Math.floor(i * step)]);
}

function stampOf({ kind, folder, files }) {
  const list = files.map((file) => `${relative(folder, file).split(sep).join('/')} ${statSync(file).size}`).sort();
  return createHash('sha256')
    .update(`${MAKE} ${kind}\n${list.join('\n')}`)
    .digest('hex');
}

/**
 * The named logs, built where they are missing; one of which nobody can read a chunk is left out.
 * @param reads whether the reader that `-read` logs are for reads a log to its end
 * @returns where their chunks are from, and of each log its name, path, bytes and records
 */
export function benchLogs(names, reads = () => true) {
  mkdirSync(cache, { recursive: true });
  const source = sourceFiles();
  const stamp = stampOf(source);
  const index = join(cache, 'bench-logs.json');
  let known = existsSync(index) ? JSON.parse(readFileSync(index, 'utf8')) : {};
  if (known.stamp !== stamp) known = { stamp, source: source.kind, logs: {} };
  const pathOf = (name) => join(cache, name === 'many' ? 'bench-many' : `bench-${name}.evtx`);
  const missing = names.filter((name) => known.logs[name] === undefined || !existsSync(pathOf(name)));
  if (missing.length > 0) {
    const chunks = usableChunks(source.files);
    if (chunks.length === 0) throw new Error(`none of the ${source.kind} has a full chunk without damage`);
    for (const name of missing) {
      process.stderr.write(`winevt: making the log ${name}\n`);
      const [from, count, parts] = KINDS[name](chunks, reads);
      if (from.length === 0) continue;
      const made =
        parts === undefined ? writeOne(pathOf(name), from, count) : writeMany(pathOf(name), from, count, parts);
      known.logs[name] = { ...made, distinctChunks: Math.min(from.length, count) };
    }
    writeFileSync(index, JSON.stringify(known));
  }
  const there = names.filter((name) => known.logs[name] !== undefined);
  const logs = there.map((name) => [name, { name, path: pathOf(name), ...known.logs[name] }]);
  return { source: known.source, logs: Object.fromEntries(logs) };
}

/** A log of 4.26 GB while `use` runs: it is deleted afterwards. Its chunks are those of mix500, over and over. */
export async function withBigLog(use) {
  const path = join(cache, 'bench-big.evtx');
  try {
    process.stderr.write('winevt: making the log of 4 GB\n');
    const records = writeLog(path, usableChunks(sourceFiles().files), CHUNKS_4GB);
    await use({ name: 'mix4000', path, bytes: statSync(path).size, records });
  } finally {
    rmSync(path, { force: true });
    rmSync(`${path}.new`, { force: true });
  }
}

/** Reads a file, or those of a folder, once, so that nobody is the first to read it. */
export function warmCache(path) {
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path)) warmCache(join(path, name));
    return;
  }
  const buffer = Buffer.allocUnsafe(1 << 20);
  const fd = openSync(path, 'r');
  while (readSync(fd, buffer) > 0);
  closeSync(fd);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { source, logs } = benchLogs(Object.keys(KINDS).filter((name) => !name.endsWith('-read')));
  console.log(`from the ${source}:`);
  for (const { name, bytes, records, distinctChunks } of Object.values(logs)) {
    console.log(`${name}: ${(bytes / 1e6).toFixed(1)} MB, ${records} records, ${distinctChunks} distinct chunks`);
  }
}
