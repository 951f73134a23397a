// @ts-evtx/core: XML of its records, and the objects of its reader as JSON lines.
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { peersFolder } from './folder.mjs';

const { EvtxFile, evtx } = await import(pathToFileURL(`${peersFolder}/node_modules/@ts-evtx/core/dist/index.js`).href);

export const version = createRequire(`${peersFolder}/`)('./node_modules/@ts-evtx/core/package.json').version;

/** What its XML is for a record that it cannot read. */
const NOTHING = '<Event/>';

export async function renderLog(path, format, write) {
  let records = 0;
  let outputBytes = 0;
  const keep = (text) => {
    const bytes = Buffer.from(`${text}\n`);
    if (text !== NOTHING) records++;
    outputBytes += bytes.length;
    write?.(bytes);
  };
  if (format === 'xml') {
    for (const record of (await EvtxFile.open(path)).records()) keep(record.renderXml());
  } else {
    await evtx(path).forEach((event) => {
      keep(JSON.stringify(event, plain));
    });
  }
  return { bytes: statSync(path).size, records, outputBytes };
}

const plain = (_, value) => (typeof value === 'bigint' ? String(value) : value);
