// Compares the values of real logs, record by record, with those of python-evtx's `evtx_dump.py` (Debian: python3-evtx).
//
//   node scripts/compare/python-evtx.mjs [--evtx-dump PATH] [--largest BYTES] [folder]
//
// Its XML has its own layout, so what is compared is every attribute and every text. It reads some 80 events a second: logs of
// more than 70 KB are left out unless asked for. Prints the counts of each log and each kind of difference. Exit status 1 when
// one has no explanation, 2 when there is nothing to compare.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Comparison } from './comparison.mjs';
import { holdsNoEvent, xmlFacts } from './facts.mjs';
import { logsIn, ourRecords, renderXml, runParser, sampleLogs } from './logs.mjs';

const { values: options, positionals } = parseArgs({
  options: {
    'evtx-dump': { type: 'string', default: 'evtx_dump.py' },
    largest: { type: 'string', default: '71680' },
  },
  allowPositionals: true,
});
const folder = positionals[0] ?? sampleLogs;

const render = (tree) => renderXml(tree, { invalidCharacters: 'keep' });

/** Why a record may stand on one side alone. */
const RECORDS = [
  {
    reason: 'in a log at which python-evtx stops with an error',
    fits: ({ ours, complaint }) => ours !== undefined && complaint !== '',
  },
  {
    reason: 'values on a page that was never written, all zero or Null: ours reports that no event is left',
    fits: ({ theirs, facts }) => theirs !== undefined && holdsNoEvent(facts),
  },
];

/** Why a value may differ. */
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{7})Z$/;
/** 1601 to 1970 in seconds. */
const EPOCH_SECONDS = 11_644_473_600;

/** The time as `datetime.utcfromtimestamp(float(filetime) * 1e-7 - 11644473600).isoformat(' ')` has it. */
function pythonTime(text) {
  const [, seconds, ticks] = TIME.exec(text);
  const filetime = (BigInt(Date.parse(`${seconds}Z`)) / 1000n + BigInt(EPOCH_SECONDS)) * 10_000_000n + BigInt(ticks);
  const since1970 = Number(filetime) * 1e-7 - EPOCH_SECONDS;
  const whole = Math.floor(since1970);
  const micros = Math.round((since1970 - whole) * 1e6);
  const day = new Date((whole + Math.floor(micros / 1e6)) * 1000).toISOString().slice(0, 19).replace('T', ' ');
  return micros % 1e6 === 0 ? day : `${day}.${String(micros % 1e6).padStart(6, '0')}`;
}

const HEX = /^0x[0-9a-f]+$/;

const VALUES = [
  {
    reason: 'an attribute without a value, kept as an empty one',
    fits: ({ path, ours, theirs }) => path.includes('@') && ours === undefined && theirs === '',
  },
  {
    reason: 'an element whose value is Null, kept as an empty one',
    fits: ({ path, ours, theirs }) => !path.includes('@') && ours === undefined && theirs === '',
  },
  {
    reason: 'the element around such elements, empty otherwise',
    fits: ({ path, ours, theirs }) => path === 'Event/EventData' && ours === '' && theirs === undefined,
  },
  {
    reason: 'characters that XML forbids: ours as stored (asked to keep them), theirs left out',
    fits: ({ ours, theirs }) => ours !== undefined && ours.replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, '') === theirs,
  },
  {
    reason: 'a time with a blank, and in microseconds, rounded on its way through a floating-point number of seconds',
    fits: ({ ours, theirs }) => TIME.test(ours) && theirs === pythonTime(ours),
  },
  {
    reason: 'a boolean with a capital letter',
    fits: ({ ours, theirs }) => /^(true|false)$/.test(ours) && theirs?.toLowerCase() === ours && /^[TF]/.test(theirs),
  },
  {
    reason: 'binary data in base64',
    fits: ({ ours, theirs }) =>
      /^(?:[0-9A-F]{2})+$/.test(ours) && theirs === Buffer.from(ours, 'hex').toString('base64'),
  },
  {
    reason: 'a hexadecimal number filled up with zeros to its size',
    fits: ({ ours, theirs }) =>
      HEX.test(ours) && /^0x(?:[0-9a-f]{8}|[0-9a-f]{16})$/.test(theirs) && BigInt(theirs) === BigInt(ours),
  },
];

// The strings of an array are pseudo elements in one text there, and repeat the element in Windows' and our XML.
const ARRAY = /<(\w+)(\s[^<>]*)?>((?:&lt;string&gt;[\s\S]*?&lt;\/string&gt;\n)+)<\/\1>/g;
const ITEM = /&lt;string&gt;([\s\S]*?)&lt;\/string&gt;\n/g;
const splitArrays = (xml) =>
  xml.replace(ARRAY, (_, name, attributes = '', items) =>
    items.replace(ITEM, (_, item) => `<${name}${attributes}>${item}</${name}>`),
  );

/** Why a text may differ in more than single values. */
const TEXTS = [{ reason: 'a string array as pseudo elements in one text', ours: (xml) => xml, theirs: splitArrays }];

const events = (text) => text.match(/<Event xmlns[\s\S]*?<\/Event>/g) ?? [];

const comparison = new Comparison({
  name: 'XML',
  normal: (text) => text,
  facts: xmlFacts,
  values: VALUES,
  texts: TEXTS,
  records: RECORDS,
});
for (const log of logsIn(folder, Number(options.largest))) {
  const file = join(folder, log);
  const { output, complaint } = runParser(options['evtx-dump'], [file]);
  console.log(`${log}: ${comparison.add(log, ourRecords(file, render), { texts: events(output), complaint })}`);
}
process.exitCode = comparison.finish() ? 0 : 1;
