// Values of a log are its writer's: what a terminal takes for a command must not reach it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { eventDataTemplate, instance } from '../../src/binxml/template-builder.ts';
import { value } from '../../src/binxml/typed-value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import { printableLine, printableLines } from '../../src/cli/format/printable.ts';
import { variantsOfChannel } from '../../src/even6/channel-properties.ts';
import { GET_CHANNEL_CONFIG, GET_CHANNEL_LIST, GET_PUBLISHER_LIST } from '../../src/even6/stubs/operations.ts';
import { EventBuilder } from '../../src/evtx/event-builder.ts';
import { EvtxFileWriter } from '../../src/evtx/file-writer.ts';
import { serve } from '../../src/server/served-operation.ts';
import { defaultConfig } from '../../src/store/channel-config.ts';
import { MemoryLog } from '../evtx/memory-log.ts';
import { timeOf } from '../evtx/sample-events.ts';
import { temporaryFolder } from '../log-files.ts';
import { windowsPublisher } from '../server/windows-publisher.ts';
import { linesOf, requireBuild, winevt, winevtUntil } from './command.ts';

const CONTROLS = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).filter((c) => /\p{Cc}/u.test(c));
const NOT_LINE_FEED = /(?!\n)\p{Cc}/u;

describe('text for terminals', () => {
  it('has none of the 65 control characters but the line feed', () => {
    expect(CONTROLS).toHaveLength(65);
    for (const control of CONTROLS) {
      expect(printableLines(`a${control}b`)).toMatch(/^a[\n \ufffd]b$/);
      expect(printableLine(`a${control}b`)).toBe('a b');
    }
  });

  it('keeps lines, however they end, and everything else', () => {
    expect(printableLines('a\r\nb\nc\rd\u0085e')).toBe('a\nb\nc\nd\ne');
    expect(printableLines('a\tb\x1b[2Jc')).toBe('a b\ufffd[2Jc');
    expect(printableLines('æ 漢字 🙂 \u00a0')).toBe('æ 漢字 🙂 \u00a0');
  });
});

describe('a log with escape sequences in it', () => {
  // NUL is left out: it ends a string in a log.
  const HOSTILE = CONTROLS.slice(1).join('x');
  const log = join(temporaryFolder(), 'hostile.evtx');

  beforeAll(() => {
    requireBuild();
    const file = new MemoryLog();
    const writer = new EvtxFileWriter(file);
    const body = eventDataTemplate([{ name: 'Note', type: ValueType.String }]);
    const event = new EventBuilder().manifest(
      {
        timeCreated: timeOf(1n),
        eventRecordId: 1n,
        channel: `channel${HOSTILE}`,
        computer: `computer${HOSTILE}`,
        provider: { name: 'Sample-Provider', guid: '{0f8fad5b-d9cb-469f-a165-70867728950e}' },
        eventId: 1,
        version: 0,
        level: 4,
      },
      { eventData: instance(body, [value.string(`before${HOSTILE}\x1b]0;title\x07after\r\nsecond line`)]) },
    );
    writer.add(event, timeOf(1n));
    writer.finish();
    writeFileSync(log, file.bytes());
  });

  it('is harmless as text, whose values keep their lines', () => {
    const { status, stdout } = winevt(['qe', log, '/f:text']);
    expect(status).toBe(0);
    expect(stdout).toContain('Note: before');
    expect(stdout).toContain('\ufffd]0;title\ufffdafter\nsecond line\n');
    expect(stdout).not.toMatch(NOT_LINE_FEED);
    expect(
      linesOf(stdout).filter((line) => /^ {2}(?:Log Name: channel|Computer: computer)x? x/.test(line)),
    ).toHaveLength(2);
  });

  it('is harmless as a table, in one line', () => {
    const { status, stdout } = winevt(['qe', log, '/f:table'], { env: { COLUMNS: '1000' } });
    expect(status).toBe(0);
    expect(stdout).toContain('Note=before');
    expect(stdout).toContain('after second line');
    expect(stdout).not.toMatch(NOT_LINE_FEED);
    expect(linesOf(stdout)).toHaveLength(3);
  });
});

describe('another computer with escape sequences in its names', () => {
  const HOSTILE = 'App\x1b]0;title\x07';

  it('does not command the terminal', async () => {
    const config = variantsOfChannel({ name: HOSTILE, config: defaultConfig(HOSTILE), file: `/logs/${HOSTILE}` });
    const { port } = await windowsPublisher({
      more: [
        serve(GET_CHANNEL_LIST, () => ({ names: [HOSTILE] })),
        serve(GET_CHANNEL_CONFIG, () => ({ properties: config })),
        serve(GET_PUBLISHER_LIST, () => ({ names: [HOSTILE] })),
      ],
    });
    for (const args of [['el'], ['ep'], ['gl', 'App'], ['gl', 'App', '/f:xml']]) {
      const { status, stdout, stderr } = await winevtUntil([...args, `/r:127.0.0.1:${port}`], () => {});
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toContain('App');
      expect(stdout).toContain('title');
      expect(stdout).not.toMatch(NOT_LINE_FEED);
    }
  });
});
