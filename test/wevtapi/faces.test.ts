import { beforeEach, describe, expect, test } from 'vitest';
import * as blocking from '../../src/wevtapi/index.ts';
import * as promises from '../../src/wevtapi/promises.ts';
import { temporaryFolder, writeSampleLog } from '../log-files.ts';

const folder = temporaryFolder();
const log = writeSampleLog(folder, 'log.evtx', 30);
const { EvtQueryFilePath: file, EvtQueryChannelPath: channel, EvtQueryReverseDirection: reverse, WIN32 } = blocking;
const query = (text: string | null = null, flags = file, path: string | null = log) =>
  blocking.EvtQuery(null, path, text, flags);

beforeEach(() => blocking.SetLastError(0));

describe('EvtQuery', () => {
  test.each([
    ['both path flags', log, null, file | channel, WIN32.ERROR_INVALID_PARAMETER],
    ['both directions', log, null, file | reverse | 0x100, WIN32.ERROR_INVALID_PARAMETER],
    ['an unknown flag', log, null, file | 0x40, WIN32.ERROR_INVALID_PARAMETER],
    ['neither path nor query', null, null, file, WIN32.ERROR_INVALID_PARAMETER],
    ['a missing file', `${log}.not`, null, file, WIN32.ERROR_FILE_NOT_FOUND],
    ['a missing folder', `${folder}/not/x.evtx`, null, file, WIN32.ERROR_PATH_NOT_FOUND],
    ['an unknown channel', 'Not-There', null, channel, WIN32.ERROR_EVT_CHANNEL_NOT_FOUND],
    ['an illegal channel name', 'a|b', null, channel, WIN32.ERROR_EVT_INVALID_CHANNEL_PATH],
    ['a bad query', log, '*[System[', file, WIN32.ERROR_EVT_INVALID_QUERY],
  ] as const)('%s: null and the code, on both faces', async (_, path, text, flags, code) => {
    expect(query(text, flags, path)).toBeNull();
    expect(blocking.GetLastError()).toBe(code);
    await expect(promises.EvtQuery(null, path, text, flags)).rejects.toMatchObject({ code, api: 'EvtQuery' });
  });

  test('a bad query leaves an extended status, until the next call', () => {
    const status: blocking.Out<string> = {};
    query('*[System[');
    expect(blocking.EvtGetExtendedStatus(status)).toBe(0);
    expect(status.value).toContain('position 9');
    blocking.EvtCancel(null);
    blocking.EvtGetExtendedStatus(status);
    expect(status.value).toBe('');
  });
});

describe('EvtNext, EvtSeek, EvtRender', () => {
  test('events to the end, then false and 259 for ever', () => {
    const results = query()!;
    const events: number[] = [];
    const returned: blocking.Out<number> = {};
    expect(blocking.EvtNext(results, 20, events, blocking.INFINITE, 0, returned)).toBe(true);
    expect([events.length, returned.value]).toEqual([20, 20]);
    expect(blocking.EvtNext(results, 20, events, 0, 0, returned)).toBe(true);
    expect(events.length).toBe(10);
    for (let i = 0; i < 2; i++) {
      expect(blocking.EvtNext(results, 20, events, 0, 0, returned)).toBe(false);
      expect([blocking.GetLastError(), returned.value, events.length]).toEqual([WIN32.ERROR_NO_MORE_ITEMS, 0, 0]);
    }
    blocking.EvtClose(results);
  });

  test.each([0, 1025, 1.5])('%d events at once are refused with 87', (size) => {
    const results = query()!;
    expect(blocking.EvtNext(results, size, [], 0, 0)).toBe(false);
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_INVALID_PARAMETER);
    blocking.EvtClose(results);
  });

  test('values, XML and bookmark of an event; closing the result set closes the event', () => {
    const results = query('*[System[EventID=7]]')!;
    const events: number[] = [];
    blocking.EvtNext(results, 1, events, 0, 0);
    const [event] = events as [number];
    const out: blocking.Out<string | readonly blocking.Variant[]> = {};
    const paths = ['Event/System/EventID', 'Event/EventData/Data', 'Event/System/Security/@UserID'];
    const context = blocking.EvtCreateRenderContext(paths.length, paths, blocking.EvtRenderContextValues)!;
    expect(blocking.EvtRender(context, event, blocking.EvtRenderEventValues, out)).toBe(true);
    expect(out.value).toEqual([
      { type: 6, value: 7 },
      { type: 1, value: 'note 3' },
      { type: 0, value: null },
    ]);
    expect(blocking.EvtRender(null, event, blocking.EvtRenderEventXml, out)).toBe(true);
    expect(out.value).toMatch(/^<Event xmlns='.*<\/Event>$/);
    const bookmark = blocking.EvtCreateBookmark(null)!;
    expect(blocking.EvtUpdateBookmark(bookmark, event)).toBe(true);
    blocking.EvtRender(null, bookmark, blocking.EvtRenderBookmark, out);
    expect(out.value).toContain("RecordId='3' IsCurrent='true'");
    expect(blocking.EvtSeek(results, 1, bookmark, 0, blocking.EvtSeekRelativeToBookmark)).toBe(true);
    expect(blocking.EvtSeek(results, -1, null, 0, blocking.EvtSeekRelativeToFirst)).toBe(false);
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_INVALID_PARAMETER);
    expect(blocking.EvtSeek(results, 99, null, 0, blocking.EvtSeekRelativeToFirst | blocking.EvtSeekStrict)).toBe(
      false,
    );
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_NOT_FOUND);
    expect(blocking.EvtClose(results)).toBe(true);
    expect(blocking.EvtRender(null, event, blocking.EvtRenderEventXml, out)).toBe(false);
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_INVALID_HANDLE);
  });
});

test('a handle of one face is cancelled through the other; a blocking call meanwhile is refused with 170', async () => {
  const results = await promises.EvtQuery(null, log, null, file);
  const pending = promises.EvtNext(results, 5);
  expect(blocking.EvtNext(results, 5, [], 0, 0)).toBe(false);
  expect(blocking.GetLastError()).toBe(WIN32.ERROR_BUSY);
  expect(blocking.EvtCancel(results)).toBe(true);
  await expect(pending).rejects.toMatchObject({ code: WIN32.ERROR_CANCELLED });
  expect((await promises.EvtNext(results, 5)).length).toBe(5);
  await promises.EvtClose(results);
  await expect(promises.EvtCancel(results)).rejects.toMatchObject({ code: WIN32.ERROR_INVALID_HANDLE });
});

test('a session cancels the opening of queries, not the reads of its result sets; closing it ends those', async () => {
  const session = await promises.EvtOpenSession(blocking.EvtRpcLogin, {});
  const opening = promises.EvtQuery(session, log, null, file);
  blocking.EvtCancel(session);
  await expect(opening).rejects.toMatchObject({ code: WIN32.ERROR_CANCELLED });
  const results = await promises.EvtQuery(session, log, null, file);
  const reading = promises.EvtNext(results, 5);
  blocking.EvtCancel(session);
  expect((await reading).length).toBe(5);
  const ended = promises.EvtNext(results, 5);
  blocking.EvtClose(session);
  await expect(ended).rejects.toMatchObject({ code: WIN32.ERROR_CANCELLED });
  await expect(promises.EvtNext(results, 5)).rejects.toMatchObject({ code: WIN32.ERROR_INVALID_HANDLE });
});
