// Compares our XML and JSON of real logs, record by record, with those of the Rust parser `evtx_dump` (cargo install evtx).
//
//   node scripts/compare/rust-evtx.mjs [folder] [--evtx-dump PATH]
//
// Each record of ours must have an equal twin in the other's output, but for the explained differences below. Prints each file
// whose number of records differs, and each kind of difference. Exit status 1 when one has no explanation.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkDocument } from '../../dist/binxml/check.js';
import { Chunk, hasChunkMagic, readFileHeader, resolveDocument } from '../../dist/evtx/index.js';
import { renderJson } from '../../dist/render/json.js';
import { renderXml } from '../../dist/render/xml.js';
import { root, setup } from '../setup.mjs';

setup();
const args = process.argv.slice(2);
const at = args.indexOf('--evtx-dump');
const evtxDump = at < 0 ? 'evtx_dump' : args.splice(at, 2)[1];
const folder = args[0] ?? process.env.WINEVT_CORPUS ?? join(root, '..', 'shared', 'corpus');

/** Differences that are known, with their reason. The first that fits a record explains it. */
const EXPLAINED = [
  {
    reason: 'a character that XML forbids: ours as stored, theirs "_"',
    fits: (ours, theirs) => ours.replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, '_') === theirs,
  },
  {
    reason: 'a record behind damage that the other parser does not go on to',
    fits: (_, theirs) => theirs === undefined,
  },
  {
    reason: 'a boolean that is neither 0 nor 1: ours true, theirs the number',
    fits: (_, __, file) => file.includes('irregular-bool'),
  },
  {
    reason: 'other text in a torn record',
    fits: (_, __, file) => file.includes('RdpCoreTS') || file.includes('TerminalServices'),
  },
];

/** Files whose number of records differs, with the reason. */
const COUNTS = {
  RdpCoreTS: 'torn pages: we go on behind them',
  sample_with_a_bad_chunk_magic: 'the other parser also reads slots without chunk magic; we do with recover',
  HelloForBusiness: 'a record whose values were never written: no event is left of it',
};

function logs(at) {
  return readdirSync(at, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.evtx'))
    .sort();
}

function ourRecords(file, render) {
  const bytes = readFileSync(file);
  const { dirty, blockSize } = readFileHeader(bytes);
  const records = [];
  for (let slot = 0, at = blockSize; at < bytes.length; slot++, at += 65_536) {
    if (!hasChunkMagic(bytes, at)) continue;
    const chunk = new Chunk(bytes.subarray(at, at + 65_536), slot, at);
    for (const offset of chunk.liveRecords({ dirty })) {
      try {
        const document = chunk.document(offset);
        checkDocument(document);
        records.push(render(resolveDocument(document)));
      } catch (error) {
        if (error.name !== 'BinXmlError') throw error;
      }
    }
  }
  return records;
}

function theirRecords(file, options, separator) {
  const run = { encoding: 'utf8', maxBuffer: 2 ** 30, stdio: ['ignore', 'pipe', 'ignore'] };
  let text;
  try {
    text = execFileSync(evtxDump, ['-t', '1', ...options, file], run);
  } catch (error) {
    // It ends with an error on damaged logs, and has printed what it could read.
    if (typeof error.stdout !== 'string') throw error;
    text = error.stdout;
  }
  return text.split(separator).filter((record) => record.trim() !== '');
}

/** Where two texts part, with what stands around it. */
function firstDifference(ours, theirs = '') {
  let at = 0;
  while (at < ours.length && ours[at] === theirs[at]) at++;
  const around = (text) => text.slice(Math.max(0, at - 80), at + 80);
  return `  ours   …${around(ours)}…\n  theirs …${around(theirs)}…`;
}

const recordId = (text) => /EventRecordID["':<>]+(\d+)/.exec(text)?.[1];

const FORMS = {
  XML: {
    options: ['-o', 'xml', '--no-indent'],
    separator: /(?:^|\n)Record \d+\n(?:<\?xml[^>]*>\n?)?/,
    render: (tree) => renderXml(tree, { invalidCharacters: 'keep' }),
    // The other parser quotes attributes with ".
    normal: (text) => text.replaceAll('"', "'").trim(),
  },
  JSON: {
    options: ['-o', 'jsonl'],
    separator: '\n',
    render: (tree) => renderJson(tree),
    normal: (text) => JSON.stringify(JSON.parse(text)),
  },
};

let unexplained = 0;
for (const [form, { options, separator, render, normal }] of Object.entries(FORMS)) {
  const kinds = new Map();
  let records = 0;
  for (const name of logs(folder)) {
    const file = join(folder, name);
    const ours = ourRecords(file, render).map(normal);
    const theirs = theirRecords(file, options, separator).map(normal);
    records += ours.length;
    if (ours.length !== theirs.length) {
      const reason = Object.entries(COUNTS).find(([part]) => name.includes(part))?.[1];
      if (reason === undefined) unexplained++;
      console.log(`${form}: ${name}: ${ours.length} records, theirs ${theirs.length}: ${reason ?? 'NO EXPLANATION'}`);
    }
    const known = new Set(theirs);
    const byId = new Map(theirs.map((text) => [recordId(text), text]));
    for (const text of ours) {
      if (known.has(text)) continue;
      const twin = byId.get(recordId(text));
      const reason = EXPLAINED.find(({ fits }) => fits(text, twin, name))?.reason;
      kinds.set(reason ?? 'NO EXPLANATION', (kinds.get(reason ?? 'NO EXPLANATION') ?? 0) + 1);
      if (reason !== undefined) continue;
      if (unexplained++ < 5) console.log(`${form}: ${name}\n${firstDifference(text, twin)}`);
    }
  }
  const different = [...kinds.values()].reduce((sum, count) => sum + count, 0);
  console.log(`${form}: ${records} records, ${records - different} equal`);
  for (const [reason, count] of kinds) console.log(`${form}:   ${count} ${reason}`);
}
process.exitCode = unexplained > 0 ? 1 : 0;
