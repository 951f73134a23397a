import { openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EvtError } from '../../src/errors/evt-error.ts';
import { diskError } from '../../src/store/disk.ts';
import { temporaryFolder } from '../log-files.ts';

function failureOf(act: () => void): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

describe('the failure of a change on the disk', () => {
  it('is a Win32 one', () => {
    const folder = temporaryFolder();
    const open = (file: string, flags: string) =>
      diskError(
        failureOf(() => openSync(file, flags)),
        'test',
        file,
      );
    expect(open(folder, 'wx')).toMatchObject({ code: 80 });
    expect(open(join(folder, 'none', 'a'), 'w')).toMatchObject({ code: 3 });
    expect(open(join(folder, 'a'.repeat(300)), 'w')).toMatchObject({ code: 123 });
  });

  it('is not what an aborted signal gives as its reason, even if that has a code', () => {
    const reasons = [
      new DOMException('aborted', 'AbortError'),
      Object.assign(new Error('mine'), { code: 'ETIMEDOUT' }),
      new EvtError('ERROR_CANCELLED', 'test', 'cancelled'),
      'text',
      null,
      undefined,
    ];
    for (const reason of reasons) expect(diskError(reason, 'test', 'a.evtx')).toBe(reason);
  });
});
