import { expect, test } from 'vitest';
import { cancelHandle, DEFAULT_SESSION } from '../../src/operations/handle-table.ts';
import { Operation } from '../../src/operations/operation.ts';
import { runAsync } from '../../src/operations/task.ts';

test('what nothing cancels waits, also after the local session was cancelled, and lets others run', async () => {
  cancelHandle(DEFAULT_SESSION);
  const operation = new Operation('test', undefined);
  let spins = 0;
  const checkpoint = operation.checkpoint.bind(operation);
  operation.checkpoint = () => {
    // A wait that never lets others run would hang this process.
    if (++spins > 1000) throw new Error('it does not wait');
    checkpoint();
  };
  const begun = new Promise<string>((resolve) => setTimeout(resolve, 20, 'done'));
  expect(await runAsync(operation.until(begun))).toBe('done');
  expect(spins).toBe(1);
});
