import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';
import { temporaryFolder, writeSampleLog, writeTimedLog } from '../log-files.ts';
import { linesOf, requireBuild, winevt } from './command.ts';

const EVENTS = 30;
const folder = temporaryFolder();
const logs = join(folder, 'logs');
const log = join(folder, 'sample.evtx');

beforeAll(() => {
  requireBuild();
  writeSampleLog(folder, 'sample.evtx', EVENTS);
  mkdirSync(logs);
  writeSampleLog(logs, 'Sample-Provider%4Operational.evtx', 3);
  writeTimedLog(logs, 'System.evtx', [2, 4, 6]);
});

/** The ids of the events printed as XML. */
function idsOf(xml: string): number[] {
  return [...xml.matchAll(/<EventRecordID>(\d+)</g)].map(([, id]) => Number(id));
}

function ids(...args: string[]): number[] {
  const { status, stdout, stderr } = winevt(['qe', log, ...args]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return idsOf(stdout);
}

const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('winevt qe', () => {
  it('prints each event as a line of XML', () => {
    const { status, stdout, stderr } = winevt(['qe', log]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = linesOf(stdout);
    expect(lines).toHaveLength(EVENTS);
    expect(lines[0]).toBe(
      "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Sample-Provider' Guid='{0f8fad5b-d9cb-469f-a165-70867728950e}'/><EventID>1</EventID><Version>0</Version><Level>4</Level><TimeCreated SystemTime='2024-01-01T00:00:01.0000000Z'/><EventRecordID>1</EventRecordID><Correlation/><Execution/><Channel>Sample</Channel><Computer>host-1</Computer><Security/></System><EventData><Data Name='Count'>1</Data><Data Name='Note'>note 1</Data></EventData></Event>",
    );
  });

  it('prints JSON Lines', () => {
    for (const format of ['/f:json', '/f:jsonl', '/F:JSON']) {
      const lines = linesOf(winevt(['qe', log, format]).stdout);
      expect(lines).toHaveLength(EVENTS);
      expect(JSON.parse(lines[1]!)).toMatchObject({
        Event: { System: { EventID: 1, EventRecordID: 2 }, EventData: { Count: 2, Note: 'note 2' } },
      });
    }
    const apart = winevt(['qe', log, '/f:json', '--attributes-apart', '/c:1']).stdout;
    expect(JSON.parse(apart).Event.System.Provider_attributes).toMatchObject({ Name: 'Sample-Provider' });
  });

  it("prints wevtutil's text form, with the event's values for a description", () => {
    expect(winevt(['qe', log, '/f:Text', '/c:2']).stdout).toBe(`Event[0]:
  Log Name: Sample
  Source: Sample-Provider
  Date: 2024-01-01T00:00:01.0000000Z
  Event ID: 1
  Task: N/A
  Level: Information
  Opcode: N/A
  Keyword: N/A
  User: N/A
  User Name: N/A
  Computer: host-1
  Description: 
Count: 1
Note: note 1

Event[1]:
  Log Name: Sample
  Source: Sample-Provider
  Date: 2024-01-01T00:00:02.0000000Z
  Event ID: 1
  Task: N/A
  Level: Information
  Opcode: N/A
  Keyword: N/A
  User: N/A
  User Name: N/A
  Computer: host-1
  Description: 
Count: 2
Note: note 2

`);
  });

  it('prints CSV', () => {
    const lines = linesOf(winevt(['qe', log, '-f', 'csv', '/c:2']).stdout);
    expect(lines).toEqual([
      'TimeCreated,Level,Provider,EventID,Channel,Computer,RecordId,Data',
      '2024-01-01T00:00:01.0000000Z,Information,Sample-Provider,1,Sample,host-1,1,Count=1; Note=note 1',
      '2024-01-01T00:00:02.0000000Z,Information,Sample-Provider,1,Sample,host-1,2,Count=2; Note=note 2',
    ]);
  });

  it('prints a table that fits COLUMNS', () => {
    const { stdout } = winevt(['qe', log, '-f', 'table', '/c:1'], { env: { COLUMNS: '100' } });
    expect(linesOf(stdout)).toEqual([
      'TimeCreated         Level       Provider        ID    RecordId Data',
      '------------------- ----------- --------------- ----- -------- ------------------------------------',
      '2024-01-01 00:00:01 Information Sample-Provider 1     1        Count=1; Note=note 1',
    ]);
  });

  it("takes wevtutil's spelling and the usual one", () => {
    const sevens = from(1, EVENTS).filter((id) => id % 3 === 0);
    for (const args of [
      ['/lf:true', '/q:*[System[EventID=7]]'],
      ['/LF', '/QUERY:*[System[EventID=7]]'],
      ['-q', '*[System[EventID=7]]', '-lf', 'true'],
      ['--query=*[System[EventID=7]]', '--logfile'],
    ]) {
      expect(ids(...args)).toEqual(sevens);
    }
  });

  it('stops after /c events, and begins with the newest for /rd', () => {
    expect(ids('/c:4')).toEqual([1, 2, 3, 4]);
    expect(ids('/c:0')).toEqual([]);
    expect(ids('/rd:true', '--count', '3')).toEqual([30, 29, 28]);
    expect(ids('/rd:false', '/c:1')).toEqual([1]);
  });

  it('prints just the number for --count, up to /c', () => {
    expect(winevt(['qe', log, '--count']).stdout).toBe('30\n');
    expect(winevt(['qe', log, '-q', '*[System[EventID=7]]', '--count', '--quiet']).stdout).toBe('10\n');
    expect(winevt(['qe', log, '--count-only', '/c:8']).stdout).toBe('8\n');
    expect(winevt(['qe', log, '/n', '/q:*[System[EventID=99]]']).stdout).toBe('0\n');
  });

  it('goes on behind a saved bookmark, in both directions', () => {
    const bookmark = join(folder, 'bookmark.xml');
    expect(ids('/c:4', `/sbm:${bookmark}`)).toEqual([1, 2, 3, 4]);
    expect(readFileSync(bookmark, 'utf8')).toBe(
      `<BookmarkList>\r\n  <Bookmark Channel='${log}' RecordId='4' IsCurrent='true'/>\r\n</BookmarkList>\r\n`,
    );
    expect(ids(`/bm:${bookmark}`)).toEqual(from(5, EVENTS));
    expect(ids(`--bookmark=${bookmark}`, `-sbm`, bookmark, '/c:2')).toEqual([5, 6]);
    expect(ids('/bm', bookmark, '/c:1')).toEqual([7]);

    expect(ids('/rd', '/c:2', `/sbm:${bookmark}`)).toEqual([30, 29]);
    expect(ids('/rd', `/bm:${bookmark}`, '/c:2')).toEqual([28, 27]);
    expect(readdirSync(folder).filter((name) => name.includes('.new'))).toEqual([]);
  });

  it('leaves the bookmark alone when nothing was printed', () => {
    const bookmark = join(folder, 'untouched.xml');
    writeFileSync(bookmark, 'x');
    expect(ids('/q:*[System[EventID=99]]', `/sbm:${bookmark}`)).toEqual([]);
    expect(readFileSync(bookmark, 'utf8')).toBe('x');
  });

  it('takes a bookmark that Windows wrote in UTF-16', () => {
    const bookmark = join(folder, 'utf16.xml');
    const xml = `<BookmarkList><Bookmark Channel="${log}" RecordId="28" IsCurrent="True"/></BookmarkList>`;
    writeFileSync(bookmark, `\ufeff${xml}`, 'utf16le');
    expect(ids(`/bm:${bookmark}`)).toEqual([29, 30]);
  });

  it('wraps the XML in a root element for /e', () => {
    const lines = linesOf(winevt(['qe', log, '/e:Events', '/c:1']).stdout);
    expect(lines).toHaveLength(3);
    expect([lines[0], lines[2]]).toEqual(['<Events>', '</Events>']);
    expect(winevt(['qe', log, '/e:Events', '/q:*[System[EventID=99]]']).stdout).toBe('<Events>\n</Events>\n');
    expect(winevt(['qe', log, '/e:no name'])).toMatchObject({ status: 2, stdout: '' });
  });

  it('runs a structured query from a file, which names its logs', () => {
    const file = join(folder, 'query.xml');
    const query = `<QueryList><Query Id="0" Path="file://${log}"><Select>*[System[EventID=7]]</Select><Suppress>*[System[EventRecordID&gt;9]]</Suppress></Query></QueryList>`;
    writeFileSync(file, query);
    expect(idsOf(winevt(['qe', '/sq:true', file]).stdout)).toEqual([3, 6, 9]);
    expect(idsOf(winevt(['qe', file, '--structuredquery']).stdout)).toEqual([3, 6, 9]);
    expect(idsOf(winevt(['qe', '-q', query]).stdout)).toEqual([3, 6, 9]);
    expect(winevt(['qe', '/sq', file, '/lf']).status).toBe(2);
    expect(winevt(['qe', '/sq', file, '/q:*']).status).toBe(2);
  });

  it('writes UTF-16 for /uni', () => {
    const file = join(folder, 'utf16.txt');
    const fd = openSync(file, 'w');
    winevt(['qe', log, '/uni', '/c:2'], { stdout: fd });
    closeSync(fd);
    const text = readFileSync(file, 'utf16le');
    expect(text.startsWith('\ufeff<Event ')).toBe(true);
    expect(idsOf(text)).toEqual([1, 2]);
  });

  it('writes nine digits of times when asked', () => {
    const args = ['qe', log, '/c:1', '--time-digits'];
    expect(winevt([...args, '9']).stdout).toContain("SystemTime='2024-01-01T00:00:01.000000000Z'");
    expect(winevt([...args, '9', '/f:json']).stdout).toContain('2024-01-01T00:00:01.000000000Z');
    expect(winevt([...args, '8']).status).toBe(2);
  });

  it('reads a folder of logs by time', () => {
    const { status, stdout } = winevt(['qe', logs, '/f:csv']);
    expect(status).toBe(0);
    const times = linesOf(stdout)
      .slice(1)
      .map((line) => line.slice(17, 19));
    expect(times).toEqual(['01', '02', '02', '03', '04', '06']);
  });

  it('addresses the logs of a folder by channel name', () => {
    const read = (...args: string[]) => idsOf(winevt(['qe', ...args]).stdout);
    expect(read('--logs', logs, 'Sample-Provider/Operational')).toEqual([1, 2, 3]);
    expect(read('system', `/logs:${logs}`, '/c:2')).toEqual([1, 2]);
    expect(idsOf(winevt(['qe', 'System'], { env: { WINEVT_LOGS: logs } }).stdout)).toEqual([1, 2, 3]);
    expect(winevt(['qe', '--logs', logs, 'Security'])).toEqual({
      status: 1,
      stdout: '',
      stderr: `winevt: ERROR_EVT_CHANNEL_NOT_FOUND (15007): there is no channel "Security" in ${logs}\n`,
    });
  });

  it('takes a file that is called like a channel for one when told so', () => {
    const file = join(folder, 'System');
    renameSync(writeSampleLog(folder, 'renamed.evtx', 5), file);
    const read = (...args: string[]) => winevt(['qe', 'System', '--count', ...args], { cwd: folder }).stdout;
    expect(read()).toBe('5\n');
    expect(read('--logs', logs)).toBe('3\n');
    expect(read('--logs', logs, '/lf')).toBe('5\n');
  });

  it('shows where a query is not valid, and prints nothing', () => {
    const result = winevt(['qe', log, '/e:Events', '/q:*[System[EventID==1]]']);
    expect(result).toEqual({
      status: 1,
      stdout: '',
      stderr: `winevt: ERROR_EVT_INVALID_QUERY (15001): there is no operator ==; write =\n  *[System[EventID==1]]\n                   ^\n`,
    });
  });

  it('keeps the good part of a query for --tolerate, and says what it left out', () => {
    const { status, stdout, stderr } = winevt(['qe', log, '--tolerate', '/q:*[System[EventID=7]] and nonsense((']);
    expect(status).toBe(0);
    expect(idsOf(stdout)).toHaveLength(EVENTS / 3);
    expect(stderr).toMatch(/^winevt: warning: /);
  });

  it('advises on a query for --strict', () => {
    const { status, stdout, stderr } = winevt(['qe', log, '--strict', '/q:*[System[eventid=7]]']);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toMatch(/^winevt: advice: There is no eventid in System/);
    const long = from(1, 40).map((id) => `EventID=${id}`);
    expect(winevt(['qe', log, '--strict', '--count', `/q:*[System[${long.join(' or ')}]]`])).toMatchObject({
      status: 0,
      stdout: '30\n',
      stderr: expect.stringMatching(/^winevt: warning: /),
    });
  });

  it('names a missing file', () => {
    for (const path of ['nothing.evtx', '/nothing/here.evtx']) {
      const { status, stdout, stderr } = winevt(['qe', path], { cwd: folder });
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toMatch(/^winevt: ERROR_(FILE|PATH)_NOT_FOUND \([23]\): there is no .*nothing.*\n$/);
    }
    expect(winevt(['qe', log, '/bm:nothing.xml']).stderr).toMatch(
      /^winevt: ERROR_FILE_NOT_FOUND \(2\): .*nothing.xml\n$/,
    );
  });

  it('reports what is damaged, prints the rest, and succeeds', () => {
    const bytes = readFileSync(log);
    // The second of the records in the first chunk gets a size that is none.
    const first = HEADER_BLOCK_SIZE + 512;
    const second = first + bytes.readUInt32LE(first + 4);
    bytes.writeUInt32LE(CHUNK_SIZE * 2, second + 4);
    const damaged = join(folder, 'damaged.evtx');
    writeFileSync(damaged, bytes);
    const { status, stdout, stderr } = winevt(['qe', damaged]);
    expect(status).toBe(0);
    expect(idsOf(stdout)[0]).toBe(1);
    expect(idsOf(stdout).length).toBeLessThan(EVENTS);
    expect(stderr).toMatch(/^winevt: (warning|error): .*damaged\.evtx: chunk 0, .*byte \d+ \(0x[0-9a-f]+\): /);
    expect(linesOf(stderr).at(-1)).toMatch(/^winevt: damage: .*; everything else was read$/);
    const quiet = linesOf(winevt(['qe', damaged, '--quiet']).stderr);
    expect(quiet).toEqual([linesOf(stderr).at(-1)]);
  });

  it('reports an event that cannot be rendered, and prints the others', () => {
    const bytes = readFileSync(log);
    // The first token behind the fragment header of the fifth record: none that Binary XML has.
    let record = HEADER_BLOCK_SIZE + 512;
    for (let i = 1; i < 5; i++) record += bytes.readUInt32LE(record + 4);
    bytes.writeUInt8(0x3f, record + 24 + 4);
    const damaged = join(folder, 'unreadable.evtx');
    writeFileSync(damaged, bytes);
    for (const format of ['xml', 'json', 'text', 'csv', 'table']) {
      const { status, stdout, stderr } = winevt(['qe', damaged, '/f', format]);
      expect(status).toBe(0);
      expect(stdout).toContain('4');
      expect(stderr).toMatch(/^winevt: error: .*unreadable\.evtx: .*record 5\b/m);
      if (format === 'xml') expect(idsOf(stdout)).toEqual(from(1, EVENTS).filter((id) => id !== 5));
    }
  });

  it('says what is wrong with the command line', () => {
    const wrong: readonly (readonly [args: readonly string[], message: string])[] = [
      [['qe'], 'winevt: name a log'],
      [['qe', log, '/f:yaml'], 'winevt: /f: "yaml" is none of xml, text, json, csv, table'],
      [['qe', log, '/f:RenderedXml'], 'winevt: /f:RenderedXml needs'],
      [['qe', log, '/c:x'], 'winevt: /c: "x" is no number'],
      // Its value may be a secret that was meant for another option.
      [['qe', log, '/nonsense:1'], 'winevt: there is no option /nonsense ('],
      [['qe', log, '--nonsense'], "winevt: unknown option '--nonsense'"],
      [['qe', log, 'second.evtx'], 'winevt: "second.evtx" is one argument too many'],
      [['qe', log, '/q'], 'winevt: /q: its value is missing'],
      [['qe', 'System', '/r:server:x'], 'winevt: /r: "server:x" is no computer'],
      [['qe', 'System', '/r:server', '--logs', '.'], 'winevt: /r: the folders of another computer'],
      [['qe', 'System', '/u:alice'], 'winevt: /u, /p, --password-fd and /a go with /r'],
      [['qe', 'System', '/r:server', '/u:alice', '/p:secret'], 'winevt: /p: a password on the command line'],
      [['qe', 'System', '/r:server', '/a:basic'], 'winevt: /a: "basic" is none of default, negotiate, kerberos, ntlm'],
      [['qx'], "winevt: unknown command 'qx'"],
    ];
    for (const [args, message] of wrong) {
      const { status, stdout, stderr } = winevt(args);
      expect({ args, status, stdout }).toEqual({ args, status: 2, stdout: '' });
      expect(stderr.startsWith(message), stderr).toBe(true);
    }
  });

  it.skipIf(!existsSync('/dev/full'))('fails when its output cannot be written', () => {
    const full = openSync('/dev/full', 'w');
    const bookmark = join(folder, 'full.xml');
    const { status, stderr } = winevt(['qe', log, `/sbm:${bookmark}`], { stdout: full });
    closeSync(full);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^winevt: the output cannot be written: /);
    expect(existsSync(bookmark)).toBe(false);
  });
});
