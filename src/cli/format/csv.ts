import { stringify } from 'csv-stringify/sync';
import { COLUMNS } from './columns.ts';
import type { Formatter } from './event-lines.ts';

/** Comma-separated values with a header line. Cells that a spreadsheet would take for a formula are made harmless. */
export function csvFormatter(): Formatter {
  const columns = Object.values(COLUMNS);
  const line = (cells: readonly string[]) => stringify([[...cells]], { escape_formulas: true });
  return {
    head: line(columns.map(({ title }) => title)),
    event: (event) => line(columns.map(({ read }) => read(event))),
    tail: '',
  };
}
