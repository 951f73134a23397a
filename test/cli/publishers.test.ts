import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeWireDocument } from '../../src/binxml/wire.ts';
import { EvtError } from '../../src/errors/evt-error.ts';
import { RecordLayout, writeResultRecord } from '../../src/even6/record.ts';
import type { ContextObject } from '../../src/even6/rpc/association-group.ts';
import { NO_INFO, QUERY_NEXT, REGISTER_LOG_QUERY } from '../../src/even6/stubs/operations.ts';
import { serve } from '../../src/server/served-operation.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { recordsOf } from '../documents.ts';
import { temporaryFolder } from '../log-files.ts';
import { EVENTS, PUBLISHER, windowsPublisher } from '../server/windows-publisher.ts';
import { type Finished, linesOf, requireBuild, start, winevt } from './command.ts';

beforeAll(requireBuild);

/** Runs the command while this process answers it. */
async function asked(args: readonly string[]): Promise<Finished> {
  const child = start(args);
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const status = await new Promise<number | undefined>((resolve) => {
    child.on('close', (code) => resolve(code ?? undefined));
  });
  return { status, stdout, stderr };
}

async function storeOf(): Promise<string> {
  const store = join(temporaryFolder(), 'store');
  const session = EventLogSession.open({ store });
  await session.write('App', [
    { provider: PUBLISHER, id: 100, level: 16, task: 1, opcode: 11, keywords: 1n, data: { Number: '4711' } },
    { provider: 'Test', id: 1, level: 2, data: { A: 'b' } },
  ]);
  session.close();
  return store;
}

describe('winevt ep', () => {
  it('prints the publishers of a folder of logs, one per line', async () => {
    const store = await storeOf();
    for (const verb of ['ep', 'Enum-Publishers']) {
      expect(winevt([verb, '--store', store])).toMatchObject({ status: 0, stdout: `${PUBLISHER}\nTest\n`, stderr: '' });
    }
  });

  it('prints those of another computer', async () => {
    const { port } = await windowsPublisher();
    const { status, stdout } = await asked(['ep', `/r:127.0.0.1:${port}`]);
    expect([status, stdout]).toEqual([0, `Application Error\n${PUBLISHER}\n`]);
  });
});

describe('winevt gp', () => {
  it("prints wevtutil's lines, with the numbers of messages", async () => {
    const { port } = await windowsPublisher();
    const { status, stdout, stderr } = await asked(['gp', PUBLISHER, `/r:127.0.0.1:${port}`]);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe(`name: Contoso-Orders
guid: 0c2b1f3a-5d6e-4f70-8192-a3b4c5d6e7f8
helpLink: https://go.example.com/events?a=1&b=2
resourceFileName: %ProgramFiles%\\Contoso\\orders.dll
parameterFileName: %SystemRoot%\\system32\\msobjs.dll
messageFileName: %ProgramFiles%\\Contoso\\orders.dll
message: 2415919105
channels:
  channel:
    name: Application
    id: 9
    flags: 1
    message: 
  channel:
    name: Contoso-Orders/Operational
    id: 16
    flags: 0
    message: 2415919106
levels:
  level:
    name: win:Error
    value: 2
    message: 1342177282
  level:
    name: win:Informational
    value: 4
    message: 1342177284
  level:
    name: Loud
    value: 16
    message: 1342177296
opcodes:
  opcode:
    name: win:Start
    value: 65536
      task: 0
      opcode: 1
    message: 805306369
  opcode:
    name: Retry
    value: 720897
      task: 1
      opcode: 11
    message: 805371915
tasks:
  task:
    name: Ship
    value: 1
    eventGUID: 00000000-0000-0000-0000-000000000000
    message: 1879048193
  task:
    name: Bill
    value: 2
    eventGUID: aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
    message: 
keywords:
  keyword:
    name: win:EventlogClassic
    mask: 80000000000000
    message: 268435512
  keyword:
    name: Money
    mask: 1
    message: 268435457
`);
  });

  it('prints texts and events where they are asked for', async () => {
    const { port } = await windowsPublisher();
    const { stdout } = await asked(['get-publisher', PUBLISHER, '/ge', '/gm:true', `/r:127.0.0.1:${port}`]);
    expect(stdout).toContain('\nmessage: Contoso Orders\n');
    expect(stdout).toContain('    name: Loud\n    value: 16\n    message: Loud and clear\n');
    expect(stdout).toContain(
      '    name: Bill\n    value: 2\n    eventGUID: aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee\n    message: \n',
    );
    expect(stdout).toContain(`events:
  event:
    value: 100
    version: 0
    opcode: 1
    channel: 16
    level: 4
    task: 1
    keywords: 0x8000000000000001
    message: Order %1 was shipped.
  event:
    value: 101
    version: 2
    opcode: 11
    channel: 9
    level: 2
    task: 1
    keywords: 0x0
    message: 
`);
    expect(linesOf(stdout).filter((line) => line === '  event:')).toHaveLength(EVENTS.length);
  });

  it('prints XML and JSON', async () => {
    const { port } = await windowsPublisher();
    const print = async (format: string) =>
      (await asked(['gp', PUBLISHER, '/ge', `/f:${format}`, `/r:127.0.0.1:${port}`])).stdout;
    const json = JSON.parse(await print('JSON'));
    expect(json).toMatchObject({ name: PUBLISHER, message: 0x9000_0001 });
    expect(json.levels[2]).toEqual({ name: 'Loud', value: 16, message: 0x5000_0010 });
    expect(json.events).toHaveLength(EVENTS.length);
    const xml = await print('xml');
    expect(xml).toMatch(/^<provider name='Contoso-Orders' guid='0c2b.*\n(?: {2}.*\n)+<\/provider>\n$/);
    expect(xml).toContain("helpLink='https://go.example.com/events?a=1&amp;b=2'");
    expect(xml).toContain("    <level name='Loud' value='16' message='1342177296'/>\n");
  });

  it('fails clearly', async () => {
    const store = await storeOf();
    const { port } = await windowsPublisher();
    expect(winevt(['gp', 'Test', '--store', store])).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^winevt: ERROR_EVT_PUBLISHER_METADATA_NOT_FOUND \(15002\): /),
    });
    expect(winevt(['gp', 'Nobody', '--store', store]).stderr).toMatch(/^winevt: ERROR_FILE_NOT_FOUND \(2\): /);
    expect((await asked(['gp', 'Nobody', `/r:127.0.0.1:${port}`])).stderr).toMatch(/ERROR_FILE_NOT_FOUND \(2\)/);
    expect(winevt(['gp', 'Test', '--store', store, '/f:csv']).status).toBe(2);
    expect(winevt(['gp']).status).toBe(2);
  });
});

class Query implements ContextObject {
  isRead = false;
  rundown(): void {}
}

/** Answers queries with the events of a log, at once. */
function queries(log: string) {
  const records = recordsOf(log).map(({ document }, i) =>
    writeResultRecord({
      binXml: writeWireDocument(document!),
      subqueryIds: [],
      recordIds: [BigInt(i + 1)],
      currentChannel: 0,
      reverse: false,
    }),
  );
  return [
    serve(REGISTER_LOG_QUERY, (_, { open }) => ({
      query: open(new Query()),
      control: open(new Query()),
      channels: [{ name: 'Application', status: 0 }],
      info: NO_INFO,
    })),
    serve(QUERY_NEXT, ({ query }, { object }) => {
      const read = object(query, Query);
      if (read.isRead) throw new EvtError('ERROR_NO_MORE_ITEMS', 'peer', 'the end');
      read.isRead = true;
      const answer = new RecordLayout(65_536);
      for (const record of records) answer.addBytes(record);
      return { records: answer };
    }),
  ];
}

describe('winevt qe /f:text', () => {
  it("shows the texts of the other computer's publishers, and values where there are none", async () => {
    const store = await storeOf();
    const { port, calls } = await windowsPublisher({ more: queries(join(store, 'App.evtx')) });
    const { status, stdout, stderr } = await asked(['qe', 'Application', '/f:text', `/r:127.0.0.1:${port}`]);
    expect([status, stderr]).toEqual([0, '']);
    const [first, second] = stdout.split('\n\n');
    expect(linesOf(`${first}\n`).slice(4)).toEqual([
      '  Event ID: 100',
      '  Task: Shipping',
      '  Level: Loud and clear',
      '  Opcode: Trying again',
      '  Keyword: Money is involved',
      '  User: N/A',
      '  User Name: N/A',
      expect.stringMatching(/^ {2}Computer: /),
      '  Description: ',
      'Order 4711 was shipped.',
    ]);
    expect(second).toContain('  Level: Error\n');
    expect(second).toMatch(/ {2}Description: \nA: b$/);
    // Each publisher is opened once, the unknown one too.
    expect(calls.filter((opnum) => opnum === 24)).toHaveLength(2);
  });

  it('puts them into RenderedXml', async () => {
    const store = await storeOf();
    const { port } = await windowsPublisher({ more: queries(join(store, 'App.evtx')) });
    const { stdout } = await asked(['qe', 'Application', '/f:RenderedXml', '/e:Events', `/r:127.0.0.1:${port}`]);
    const [head, first, second, tail] = linesOf(stdout);
    expect([head, tail]).toEqual(['<Events>', '</Events>']);
    expect(first).toMatch(
      /<Data Name='Number'>4711<\/Data><\/EventData><RenderingInfo Culture='en-US'><Message>Order 4711 was shipped.<\/Message><Level>Loud and clear<\/Level><Task>Shipping<\/Task><Opcode>Trying again<\/Opcode><Provider>Contoso Orders<\/Provider><Keywords><Keyword>Money is involved<\/Keyword><\/Keywords><\/RenderingInfo><\/Event>$/,
    );
    expect(second).toMatch(
      /<RenderingInfo Culture='en-US'><Level>Error<\/Level><Task>None<\/Task><Opcode>Info<\/Opcode><\/RenderingInfo><\/Event>$/,
    );
    expect(winevt(['qe', 'App', '/f:RenderedXml', '--store', store]).status).toBe(2);
  });

  it('asks nobody for other formats', async () => {
    const store = await storeOf();
    const { port, calls } = await windowsPublisher({ more: queries(join(store, 'App.evtx')) });
    expect((await asked(['qe', 'Application', `/r:127.0.0.1:${port}`])).stdout).toContain("<Data Name='Number'>4711");
    expect(calls).not.toContain(24);
  });
});
