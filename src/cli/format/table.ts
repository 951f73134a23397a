import Table from 'cli-table3';
import { COLUMNS } from './columns.ts';
import type { Formatter } from './event-lines.ts';

/** Columns that have their width whatever the terminal's: time, level, event id, record id. */
const FIXED: Readonly<Record<string, number>> = { TimeCreated: 23, Level: 11, EventID: 7, RecordID: 10 };
const FLEXIBLE: Readonly<Record<string, number>> = { Provider: 3, Computer: 2, Data: 6 };
const SHOWN = ['TimeCreated', 'Level', 'EventID', 'Provider', 'Computer', 'RecordID', 'Data'];
const DEFAULT_WIDTH = 160;
const MIN_WIDTH = 80;

/** A table whose columns are set before the first row, so that rows can be printed as they come. */
export function tableFormatter(terminalWidth: number | undefined): Formatter {
  const width = Math.max(MIN_WIDTH, terminalWidth ?? DEFAULT_WIDTH);
  const columns = SHOWN.map((title) => COLUMNS.find((column) => column.title === title)!);
  const gaps = columns.length;
  const left = width - gaps - Object.values(FIXED).reduce((sum, one) => sum + one, 0);
  const shares = Object.values(FLEXIBLE).reduce((sum, one) => sum + one, 0);
  const colWidths = columns.map(({ title }) => {
    const fixed = FIXED[title];
    return fixed ?? Math.max(8, Math.floor((left * FLEXIBLE[title]!) / shares));
  });
  const rows = (cells: string[][]) => {
    const table = new Table({
      colWidths,
      chars: Object.fromEntries(BORDERS.map((name) => [name, name === 'middle' ? ' ' : ''])),
      style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    });
    table.push(...cells);
    return `${table.toString().replaceAll(/ +$/gm, '')}\n`;
  };
  const clean = (text: string) => text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return {
    head: rows([columns.map(({ title }) => title), colWidths.map((size) => '-'.repeat(size))]),
    event: (event) =>
      rows([columns.map(({ title, read }) => clean(title === 'TimeCreated' ? read(event).slice(0, 23) : read(event)))]),
    tail: '',
  };
}

const BORDERS = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid',
  'middle',
];
