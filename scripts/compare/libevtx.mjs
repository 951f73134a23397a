// Compares the values of real logs, record by record, with those of libevtx's `evtxexport` (Debian: libevtx-utils).
//
//   node scripts/compare/libevtx.mjs [--evtxexport PATH] [folder]
//
// Its XML is indented, so what is compared is every attribute and every text, not the layout. Prints the counts of each log
// and each kind of difference. Exit status 1 when one has no explanation, 2 when there is nothing to compare.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Comparison } from './comparison.mjs';
import { xmlFacts } from './facts.mjs';
import { logsIn, ourRecords, renderXml, runParser, sampleLogs } from './logs.mjs';

const { values: options, positionals } = parseArgs({
  options: { evtxexport: { type: 'string', default: 'evtxexport' } },
  allowPositionals: true,
});
const folder = positionals[0] ?? sampleLogs;

const render = (tree) => renderXml(tree, { invalidCharacters: 'keep' });

const RECORDS = [];
const VALUES = [];

const comparison = new Comparison({
  name: 'XML',
  normal: (text) => text,
  facts: xmlFacts,
  values: VALUES,
  records: RECORDS,
});
for (const log of logsIn(folder)) {
  const file = join(folder, log);
  const { text, complaint } = runParser(options.evtxexport, ['-f', 'xml', file]);
  const theirs = text.match(/<Event xmlns[\s\S]*?<\/Event>/g) ?? [];
  console.log(`${log}: ${comparison.add(log, ourRecords(file, render), theirs, { complaint })}`);
}
process.exitCode = comparison.finish() ? 0 : 1;
