import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WIN32 } from '../../src/errors/win32.ts';
import {
  cancelHandle,
  closeHandle,
  DEFAULT_SESSION,
  epochWord,
  HandleKind,
  handleKind,
  isOpen,
  localHandle,
  openHandle,
} from '../../src/operations/handle-table.ts';

const open = (kind: HandleKind = HandleKind.resultSet, parent?: number) => openHandle(kind, parent, 'test');
const epoch = (handle: number) => {
  const { words, index } = epochWord(handle);
  return Atomics.load(words, index);
};

describe('the table of handles', () => {
  test('a handle value never comes back, although its slot does', () => {
    const seen = new Set<number>();
    for (let i = 0; i < 20_000; i++) {
      const handle = open();
      expect(seen.has(handle)).toBe(false);
      seen.add(handle);
      expect(closeHandle(handle)).toBe(true);
    }
  });

  test('cancelling moves the epoch of that handle and of no other', () => {
    const [a, b] = [open(), open()];
    const before = [epoch(a), epoch(b)];
    expect(cancelHandle(a)).toBe(true);
    expect([epoch(a), epoch(b)]).toEqual([before[0]! + 1, before[1]]);
    expect(isOpen(a)).toBe(true);
    closeHandle(a);
    closeHandle(b);
  });

  test('a closed handle can be neither cancelled nor closed, also when its slot has a new owner', () => {
    const old = open();
    closeHandle(old);
    // Take every slot once, so that the old one's is taken again.
    const others = Array.from({ length: 16_383 }, () => open());
    const epochs = others.map(epoch);
    expect(cancelHandle(old)).toBe(false);
    expect(closeHandle(old)).toBe(false);
    expect(others.map(epoch)).toEqual(epochs);
    expect(() => open()).toThrow(expect.objectContaining({ code: WIN32.ERROR_OUTOFMEMORY }));
    for (const handle of others) expect(closeHandle(handle)).toBe(true);
  });

  test('closing a session closes what was opened in it, and nothing else', () => {
    const [session, other] = [open(HandleKind.session), open(HandleKind.session)];
    const inside = [open(HandleKind.resultSet, session), open(HandleKind.log, session)];
    const outside = [open(HandleKind.resultSet, other), open(HandleKind.resultSet)];
    const epochs = inside.map(epoch);
    expect(closeHandle(session)).toBe(true);
    expect(inside.map(isOpen)).toEqual([false, false]);
    expect(inside.map(epoch)).toEqual(epochs.map((value) => value + 1));
    expect(outside.map(isOpen)).toEqual([true, true]);
    expect(() => open(HandleKind.resultSet, session)).toThrow(
      expect.objectContaining({ code: WIN32.ERROR_INVALID_HANDLE }),
    );
    for (const handle of [other, outside[1]!]) closeHandle(handle);
    expect(isOpen(outside[0]!)).toBe(false);
  });

  test('the local session is always open', () => {
    expect(closeHandle(DEFAULT_SESSION)).toBe(false);
    expect(handleKind(DEFAULT_SESSION)).toBe(HandleKind.session);
    expect(cancelHandle(DEFAULT_SESSION)).toBe(true);
  });

  test('numbers that are no handles are refused', () => {
    for (const value of [0, 1, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 16_383]) {
      expect(isOpen(value)).toBe(false);
      expect(cancelHandle(value)).toBe(false);
      expect(closeHandle(value)).toBe(false);
    }
  });

  test('thread-local values are unique and never those of the table', () => {
    const values = Array.from({ length: 200_000 }, () => localHandle());
    expect(new Set(values).size).toBe(values.length);
    expect(values.every((value) => Number.isSafeInteger(value) && !isOpen(value))).toBe(true);
  });

  test('any sequence of opens, cancels and closes agrees with a plain model', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('session' as const) }),
      fc.record({ do: fc.constant('child' as const), at: fc.nat(20) }),
      fc.record({ do: fc.constant('cancel' as const), at: fc.nat(20) }),
      fc.record({ do: fc.constant('close' as const), at: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model: { handle: number; parent: number; open: boolean; epoch: number }[] = [];
        const add = (handle: number, parent: number) =>
          model.push({ handle, parent, open: true, epoch: epoch(handle) });
        for (const action of steps) {
          if (action.do === 'session' || model.length === 0) {
            add(open(HandleKind.session), -1);
            continue;
          }
          const at = (action as { at: number }).at % model.length;
          const entry = model[at]!;
          if (action.do === 'child') {
            if (entry.parent >= 0) continue;
            if (entry.open) add(open(HandleKind.resultSet, entry.handle), at);
            else expect(() => open(HandleKind.resultSet, entry.handle)).toThrow();
          } else if (action.do === 'cancel') {
            expect(cancelHandle(entry.handle)).toBe(entry.open);
            if (entry.open) entry.epoch++;
          } else {
            expect(closeHandle(entry.handle)).toBe(entry.open);
            if (!entry.open) continue;
            for (const other of model) {
              if (other !== entry && !(other.parent === at && other.open)) continue;
              other.open = false;
            }
          }
        }
        for (const { handle, open: isIt } of model) expect(isOpen(handle)).toBe(isIt);
        for (const { handle, open: isIt, epoch: at } of model) if (isIt) expect(epoch(handle)).toBe(at);
        for (const { handle } of model) closeHandle(handle);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
