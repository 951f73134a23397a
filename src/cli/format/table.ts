import Table from 'cli-table3';
import type { EventRecord } from '../../index.ts';
import { variantText } from '../../render/variant-text.ts';
import { COLUMNS, type Column, pair } from './columns.ts';
import type { Formatter } from './event-lines.ts';
import { printableLine } from './printable.ts';

/** Width where the output is no terminal and nobody says. */
const DEFAULT_WIDTH = 160;
const MIN_WIDTH = 80;
/** From this width on, computer and milliseconds have a place, and then the channel. */
const ROOM_FOR_COMPUTER = 110;
const ROOM_FOR_CHANNEL = 150;
/** Columns whose width does not depend on the terminal's. */
const LEVEL = 11;
const EVENT_ID = 5;
const RECORD_ID = 8;
const SECONDS = 19;
const MILLISECONDS = 23;

/** Values that tell nothing: absent, and the null SID, GUID and logon id. */
const EMPTY = /^(?:-?|0x0|S-1-0-0|\{00000000-0000-0000-0000-000000000000\})$/;
/** SIDs, GUIDs and times: long, and nobody reads them first. */
const UNTELLING = /^(?:S-1-|\{[0-9a-f]{8}-|\d{4}-\d\d-\d\d[ T])/i;
/** Printable characters of one cell each; anything else is measured by the table library. */
const NARROW = /^[ -~\u00a1-\u00ac\u00ae-\u02ff]*$/;

interface TableColumn extends Column {
  readonly width: number;
  /** Where the cell is cut when it is too long: names of providers differ at their end. */
  readonly cut: 'end' | 'start' | 'never';
}

/** A table whose columns are set before the first row, so that rows can be printed as they come. */
export function tableFormatter(terminalWidth: number | undefined): Formatter {
  const columns = tableColumns(Math.max(MIN_WIDTH, terminalWidth ?? DEFAULT_WIDTH));
  return {
    head: tableRow(
      columns,
      columns.map(({ title }) => title),
    ).concat(
      tableRow(
        columns,
        columns.map(({ width }) => '-'.repeat(width)),
      ),
    ),
    event: (event) =>
      tableRow(
        columns,
        columns.map(({ read }) => printableLine(read(event))),
      ),
    tail: '',
  };
}

export function tableColumns(width: number): readonly TableColumn[] {
  const timeWidth = width < ROOM_FOR_COMPUTER ? SECONDS : MILLISECONDS;
  const time = {
    ...COLUMNS.time,
    read: (event: EventRecord) => COLUMNS.time.read(event).slice(0, timeWidth).replace('T', ' '),
  };
  const fixed = timeWidth + LEVEL + EVENT_ID + RECORD_ID;
  const flexible = 2 + Number(width >= ROOM_FOR_COMPUTER) + Number(width >= ROOM_FOR_CHANNEL);
  // A blank between two columns, and the last place of a line stays free: some terminals wrap when it is taken.
  const left = width - 1 - fixed - (3 + flexible);
  const share = (part: number) => Math.floor(left * part);
  const provider = share(width < ROOM_FOR_COMPUTER ? 0.3 : 0.24);
  const computer = width < ROOM_FOR_COMPUTER ? 0 : share(0.15);
  const channel = width < ROOM_FOR_CHANNEL ? 0 : share(0.15);
  const columns: readonly TableColumn[] = [
    { ...time, width: timeWidth, cut: 'never' },
    { ...COLUMNS.level, width: LEVEL, cut: 'end' },
    { ...COLUMNS.provider, width: provider, cut: 'start' },
    { ...COLUMNS.id, title: 'ID', width: EVENT_ID, cut: 'never' },
    { ...COLUMNS.channel, width: channel, cut: 'start' },
    { ...COLUMNS.computer, width: computer, cut: 'end' },
    { ...COLUMNS.record, width: RECORD_ID, cut: 'never' },
    { title: COLUMNS.data.title, read: tellingData, width: left - provider - computer - channel, cut: 'end' },
  ];
  return columns.filter((column) => column.width > 0);
}

/** The event's data with what a person reads first in front, and without values that are not there. */
function tellingData(event: EventRecord): string {
  const first: string[] = [];
  const later: string[] = [];
  for (const { name, value } of event.properties) {
    const text = variantText(value).trim();
    if (!EMPTY.test(text)) (UNTELLING.test(text) ? later : first).push(pair(name, text));
  }
  return [...first, ...later].join('; ');
}

/** One line of the table. */
export function tableRow(columns: readonly TableColumn[], cells: readonly string[]): string {
  // The library takes half a millisecond for a row: most rows need none of what it knows about the width of characters.
  return cells.every((cell) => NARROW.test(cell)) ? narrowRow(columns, cells) : measuredRow(columns, cells);
}

function narrowRow(columns: readonly TableColumn[], cells: readonly string[]): string {
  let line = '';
  for (const [i, { width, cut }] of columns.entries()) {
    const cell = cells[i]!;
    const shown = cut === 'never' || cell.length <= width ? cell : shorten(cell, width, cut);
    line += i === columns.length - 1 ? shown : `${shown.padEnd(width)} `;
  }
  return `${line.trimEnd()}\n`;
}

function shorten(cell: string, width: number, cut: 'start' | 'end'): string {
  return cut === 'end' ? `${cell.slice(0, width - 1)}…` : `…${cell.slice(cell.length - width + 1)}`;
}

/** As {@link narrowRow}, for any characters. Cells are cut at their end. */
export function measuredRow(columns: readonly TableColumn[], cells: readonly string[]): string {
  const table = new Table({
    colWidths: columns.map(({ width, cut }, i) => (cut === 'never' ? Math.max(width, cells[i]!.length) : width)),
    chars: Object.fromEntries(BORDERS.map((name) => [name, name === 'middle' ? ' ' : ''])),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  table.push([...cells]);
  return `${table.toString().trimEnd()}\n`;
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
