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

/** Why a record may stand on one side alone. */
const RECORDS = [
  {
    reason: 'in a log at which evtxexport stops with an error',
    fits: ({ ours, complaint }) => ours !== undefined && complaint !== '',
  },
  {
    reason: 'its end lies on a page that was never written: ours reports the damage and gives what is left of it',
    fits: ({ ours, noted }) => noted.has(ours),
  },
];

const GUID = /^\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/;
const HEX = /^0x[0-9a-f]+$/;

/** Why a value may differ. */
const VALUES = [
  {
    reason: 'a GUID in upper case',
    fits: ({ ours, theirs }) => GUID.test(ours) && theirs?.toLowerCase() === ours,
  },
  {
    reason: 'a time with nine digits behind the point, the last two always 0',
    fits: ({ ours, theirs }) => /\.\d{7}Z$/.test(ours) && theirs === ours.replace('Z', '00Z'),
  },
  {
    reason: 'a SYSTEMTIME with three digits behind the point: ours has seven, as for other times',
    fits: ({ ours, theirs }) => /\.\d{3}0000Z$/.test(ours) && theirs === ours.replace('0000Z', 'Z'),
  },
  {
    reason: 'a hexadecimal number filled up with zeros to its size',
    fits: ({ ours, theirs }) =>
      HEX.test(ours) && /^0x(?:[0-9a-f]{8}|[0-9a-f]{16})$/.test(theirs) && BigInt(theirs) === BigInt(ours),
  },
  {
    reason: 'a SizeT in decimal',
    fits: ({ ours, theirs }) => HEX.test(ours) && /^\d+$/.test(theirs) && BigInt(theirs) === BigInt(ours),
  },
  {
    reason: 'a negative 32-bit integer, misread: its sign is taken and the other bits are not inverted',
    fits: ({ ours, theirs }) => Number(ours) < 0 && Number(theirs) === -(Number(ours) & 0x7f_ff_ff_ff),
  },
  {
    reason: 'a text of nothing but white space, left out',
    fits: ({ ours, theirs }) => theirs === '' && /^\s+$/.test(ours),
  },
  {
    reason: 'the second event of a nested document, left out',
    fits: ({ path, theirs }) => path.startsWith('Event/RenderingInfo') && theirs === undefined,
  },
];

const unescaped = (xml) => xml.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
const TEXTS = [{ reason: 'markup in a text, not escaped', ours: unescaped, theirs: unescaped }];

const events = (text) => text.match(/<Event xmlns[\s\S]*?<\/Event>/g) ?? [];

const comparison = new Comparison({
  name: 'XML',
  normal: (text) => text,
  facts: xmlFacts,
  values: VALUES,
  texts: TEXTS,
  records: RECORDS,
});
for (const log of logsIn(folder)) {
  const file = join(folder, log);
  const { output, complaint } = runParser(options.evtxexport, ['-f', 'xml', file]);
  const recovered = runParser(options.evtxexport, ['-m', 'recovered', '-f', 'xml', file]).output;
  const theirs = { texts: events(output), recovered: events(recovered), complaint };
  console.log(`${log}: ${comparison.add(log, ourRecords(file, render), theirs)}`);
}
process.exitCode = comparison.finish() ? 0 : 1;
