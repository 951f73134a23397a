import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measuredRow, tableColumns, tableRow } from '../../src/cli/format/table.ts';

const WIDTHS = [80, 100, 109, 110, 120, 149, 150, 200];

describe('the table', () => {
  it('fits its width, with a title over every column', () => {
    for (const width of WIDTHS) {
      const columns = tableColumns(width);
      const sum = columns.reduce((total, column) => total + column.width + 1, 0);
      expect(sum).toBeLessThanOrEqual(width);
      expect(sum).toBeGreaterThan(width - 4);
      for (const column of columns) expect(column.title.length).toBeLessThanOrEqual(column.width);
    }
  });

  it('cuts a long cell with an ellipsis, names of providers at their beginning', () => {
    const columns = tableColumns(100);
    const cells = columns.map(({ title }) =>
      title === 'Provider' || title === 'Data' ? 'x'.repeat(99).concat('y') : title,
    );
    const row = tableRow(columns, cells);
    expect(row).toMatch(/ …x+y ID /);
    expect(row).toMatch(/ x+…\n$/);
    expect(row.length).toBeLessThanOrEqual(100);
  });

  it('never cuts a number', () => {
    const columns = tableColumns(80);
    expect(
      tableRow(
        columns,
        columns.map(({ title }) => (title === 'RecordId' ? '12345678901234567890' : '')),
      ),
    ).toContain('12345678901234567890');
  });

  it('prints narrow characters as the table library does', () => {
    const cell = fc
      .string({ unit: fc.constantFrom(...'abc XYZ09-=;.æøåßñ×'), maxLength: 60 })
      .map((text) => text.trim());
    const row = fc.constantFrom(...WIDTHS).chain((width) => {
      const columns = tableColumns(width).map((column) => ({ ...column, cut: 'end' as const }));
      const cells = fc.tuple(...columns.map(() => cell));
      return cells.map((texts) => ({ columns, texts }));
    });
    fc.assert(
      fc.property(row, ({ columns, texts }) => {
        expect(tableRow(columns, texts)).toBe(measuredRow(columns, texts));
      }),
      { seed: 20240101, numRuns: 300 },
    );
  });

  it('gives wide characters two places', () => {
    const columns = tableColumns(100);
    const row = (data: string) =>
      tableRow(
        columns,
        columns.map(({ title }) => (title === 'Provider' ? data : title)),
      );
    expect(row('漢字').indexOf(' ID ')).toBe(row('abcd').indexOf(' ID ') - 2);
  });
});
