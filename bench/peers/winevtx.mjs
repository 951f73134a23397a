// winevtx: objects, written as JSON lines. It makes no XML.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { peersFolder } from './folder.mjs';

const { parseEvtxFile } = await import(pathToFileURL(`${peersFolder}/node_modules/winevtx/dist/index.js`).href);

export const version = createRequire(`${peersFolder}/`)('./node_modules/winevtx/package.json').version;

export async function renderLog(path, _format, write) {
  const log = readFileSync(path);
  let records = 0;
  let outputBytes = 0;
  for (const record of parseEvtxFile(log)) {
    const bytes = Buffer.from(`${JSON.stringify(record.event, plain)}\n`);
    records++;
    outputBytes += bytes.length;
    write?.(bytes);
  }
  return { bytes: log.length, records, outputBytes };
}

const plain = (_, value) => (typeof value === 'bigint' ? String(value) : value);
