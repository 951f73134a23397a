// Compares our XML and JSON of real logs, record by record, with those of the Rust parser `evtx_dump` (cargo install evtx).
//
//   node scripts/compare/rust-evtx.mjs [--evtx-dump PATH] [folder]
//
// Records must be equal character for character, but for the quotes of attributes in XML and the escapes in JSON strings.
// Prints the counts of each log and each kind of difference. Exit status 1 when one has no explanation, 2 when there is
// nothing to compare.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Comparison } from './comparison.mjs';
import { holdsNoEvent, jsonFacts, xmlFacts } from './facts.mjs';
import { logsIn, ourRecords, renderJson, renderXml, runParser, sampleLogs } from './logs.mjs';

const { values: options, positionals } = parseArgs({
  options: { 'evtx-dump': { type: 'string', default: 'evtx_dump' } },
  allowPositionals: true,
});
const evtxDump = options['evtx-dump'];
const folder = positionals[0] ?? sampleLogs;

/** Why a record may stand on one side alone. */
const RECORDS = [
  {
    reason: 'behind damage at which the other parser reports an error and leaves the chunk; ours goes on',
    fits: ({ ours, complaint }) => ours !== undefined && complaint !== '',
  },
  {
    reason: 'values on a page that was never written, all zero or Null: ours reports that no event is left',
    fits: ({ theirs, facts }) => theirs !== undefined && holdsNoEvent(facts),
  },
];

const VALUES = [
  {
    reason: 'characters that XML forbids: ours as stored (asked to keep them), theirs "_"',
    fits: ({ ours, theirs }) => ours?.replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, '_') === theirs,
  },
  {
    reason: 'a boolean whose 4 bytes are neither 0 nor 1: ours true, theirs the number',
    fits: ({ ours, theirs }) => ours === 'true' && Number(theirs) > 1,
  },
];

const FORMS = [
  {
    name: 'XML',
    arguments: ['-o', 'xml', '--no-indent'],
    separator: /^Record \d+\n(?:<\?xml[^>]*>\n?)?/m,
    render: (tree) => renderXml(tree, { invalidCharacters: 'keep' }),
    // Attributes are quoted with ' by Windows and ours, with " by the other parser; either escapes " and ' in values.
    normal: (text) => text.replaceAll('"', "'").trim(),
    facts: xmlFacts,
  },
  {
    name: 'JSON',
    arguments: ['-o', 'jsonl'],
    separator: /\n/,
    render: (tree) => renderJson(tree),
    // Numbers stay as they are written: 64-bit integers would be rounded.
    normal: (text) => text.trim().replace(/"(?:[^"\\]|\\.)*"/g, (string) => JSON.stringify(JSON.parse(string))),
    facts: jsonFacts,
  },
];

let explained = true;
for (const form of FORMS) {
  const comparison = new Comparison({ ...form, exact: true, values: VALUES, records: RECORDS });
  for (const log of logsIn(folder)) {
    const file = join(folder, log);
    // -t 1: one thread, so that the records come in file order.
    const { output, complaint } = runParser(evtxDump, ['-t', '1', ...form.arguments, file]);
    const texts = output.split(form.separator).filter((record) => record.trim() !== '');
    console.log(`${log}: ${comparison.add(log, ourRecords(file, form.render), { texts, complaint })}`);
  }
  explained = comparison.finish() && explained;
}
process.exitCode = explained ? 0 : 1;
