// The logs of a folder and their records, read with the built package.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root, setup } from '../setup.mjs';

// dist/ may not be there before this.
setup();
const { CHUNK_SIZE, Chunk, hasChunkMagic, readFileHeader, resolveDocument } = await import('../../dist/evtx/index.js');
const { checkDocument } = await import('../../dist/binxml/check.js');
export const { renderXml } = await import('../../dist/render/xml.js');
export const { renderJson } = await import('../../dist/render/json.js');

/** Paths of the logs in a folder of at most `largest` bytes, relative to it. Ends the program when there is none. */
export function logsIn(folder, largest = Number.POSITIVE_INFINITY) {
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String).sort() : [];
  const logs = names.filter((name) => name.endsWith('.evtx') && statSync(join(folder, name)).size <= largest);
  if (logs.length === 0) quit(`no logs in ${folder}: give a folder, or set WINEVT_CORPUS to one`);
  return logs;
}

/** Folder that is compared when none is given. */
export const sampleLogs = process.env.WINEVT_CORPUS ?? join(root, '..', 'shared', 'corpus');

/** Ends the program: there is nothing to compare. Exit status 2, so that 1 always means an unexplained difference. */
export function quit(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

/** Runs another parser. @returns its output, and what it complained about: '' when it read the log to its end */
export function runParser(program, args) {
  const env = { ...process.env, PYTHONIOENCODING: 'utf-8', LC_ALL: 'C.UTF-8' };
  const { error, status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 30, env });
  if (error) quit(`${program}: ${error.message}`);
  return { output: stdout, complaint: status === 0 ? stderr.trim() : `exit status ${status}: ${stderr.trim()}` };
}

/** What is compared of our records by default: those of chunks, up to where a chunk's live records end. */
const LIVE = {
  inChunk: (chunk, options) => [...chunk.liveRecords(options)],
  inSlot: () => [],
};

/** What is left out of those, and given when asked to recover: behind the live records, and in slots without a chunk's magic. */
const RECOVERED = {
  inChunk: (chunk, options) => offsets(chunk.walk({ ...options, recover: true }).filter(({ recovered }) => recovered)),
  inSlot: (chunk) => offsets(chunk.carve()),
};

const offsets = (places) => places.map(({ chunkOffset }) => chunkOffset);

/** Our readable records of a log in file order, rendered, as `Comparison.add` takes them. */
export function ourRecords(file, render) {
  return { ...readRecords(file, render, LIVE), recovered: () => readRecords(file, render, RECOVERED).texts };
}

function readRecords(file, render, { inChunk, inSlot }) {
  const bytes = readFileSync(file);
  const { dirty, blockSize } = readFileHeader(bytes);
  const texts = [];
  const noted = new Set();
  for (let slot = 0, at = blockSize; at < bytes.length; slot++, at += CHUNK_SIZE) {
    const chunk = new Chunk(bytes.subarray(at, at + CHUNK_SIZE), slot, at);
    const damaged = new Set();
    const onDamage = ({ fileOffset }) => damaged.add(fileOffset - at);
    for (const offset of hasChunkMagic(bytes, at) ? inChunk(chunk, { dirty, onDamage }) : inSlot(chunk)) {
      try {
        const document = chunk.document(offset);
        checkDocument(document);
        texts.push(render(resolveDocument(document)));
        if (damaged.has(offset)) noted.add(texts.at(-1));
      } catch (error) {
        if (error.name !== 'BinXmlError') throw error;
      }
    }
  }
  return { texts, noted };
}
