import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProgressLine } from '../../src/cli/progress.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A stream that keeps what was written to it. */
function terminal(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 100, written, write: (text: string) => written.push(text) > 0 };
}

const HALF = { readBytes: 50_000_000, totalBytes: 100_000_000, records: 12_345 };

describe('progress', () => {
  it('is shown after half a second, ten times a second at most, and taken away', () => {
    const stream = terminal(true);
    const line = new ProgressLine(stream, true);
    line.update(HALF, 7);
    vi.advanceTimersByTime(499);
    line.update(HALF, 7);
    expect(stream.written).toEqual([]);
    vi.advanceTimersByTime(501);
    line.update(HALF, 7);
    line.update(HALF, 7);
    expect(stream.written).toEqual(['\r\x1b[K50 %, 50 MB/s, 12,345 records read, 7 found (Ctrl-C stops)']);
    line.clear();
    line.clear();
    expect(stream.written.slice(1)).toEqual(['\r\x1b[K']);
  });

  it('stays within a narrow terminal', () => {
    const stream = { ...terminal(true), columns: 20 };
    const line = new ProgressLine(stream, true);
    vi.advanceTimersByTime(1000);
    line.update(HALF, 7);
    expect(stream.written[0]!.replace('\r\x1b[K', '').length).toBeLessThan(20);
  });

  it('is not shown where stderr is no terminal, nor when nobody wants it', () => {
    for (const [isTTY, enabled] of [
      [false, true],
      [true, false],
    ] as const) {
      const stream = terminal(isTTY);
      const line = new ProgressLine(stream, enabled);
      vi.advanceTimersByTime(5000);
      line.update(HALF, 7);
      line.clear();
      expect(stream.written).toEqual([]);
    }
  });
});
