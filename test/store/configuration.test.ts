import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChannelConfig,
  changedConfig,
  checkConfig,
  defaultConfig,
  logLimits,
} from '../../src/store/channel-config.ts';
import { configText, configXml, parseConfigXml, propertyOfText } from '../../src/store/channel-config-text.ts';
import {
  channelKey,
  channelOfFile,
  checkChannelName,
  fileOfChannel,
  isChannelFileName,
} from '../../src/store/channel-name.ts';
import { configurationText, parseConfiguration } from '../../src/store/configuration.ts';

const parse = (text: string) => parseConfiguration(text, 'winevt-store.json', 'test');

const CHANNEL = fc.stringMatching(/^[A-Za-z][\w ./%-]{0,40}$/).filter((name) => name.trim() === name);
const CONFIG = fc.record<Partial<ChannelConfig>>(
  {
    enabled: fc.boolean(),
    isolation: fc.integer({ min: 0, max: 2 }),
    type: fc.integer({ min: 0, max: 3 }),
    owningPublisher: fc.string(),
    access: fc.string(),
    retention: fc.boolean(),
    maxSize: fc.integer({ min: 1_048_576, max: 2 ** 40 }),
    logFilePath: fc.string({ minLength: 1 }),
    keywords: fc.bigInt(0n, 2n ** 64n - 1n),
    publisherList: fc.array(fc.string(), { maxLength: 4 }),
  },
  { requiredKeys: [] },
);

describe('the configuration of a store', () => {
  it('says the same after it was written and read', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(CHANNEL, CONFIG), { selector: ([name]) => channelKey(name) }), (given) => {
        const channels = new Map(given.map(([name, config]) => [name, { ...defaultConfig(name), ...config }]));
        const text = configurationText({ channels, other: { note: 'kept' } });
        expect(parse(text)).toEqual({ channels, other: { note: 'kept' } });
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('holds only what differs from the defaults', () => {
    const channels = new Map([['App', { ...defaultConfig('App'), maxSize: 2_097_152 }]]);
    expect(JSON.parse(configurationText({ channels, other: {} }))).toEqual({
      version: 1,
      channels: { App: { maxSize: 2_097_152 } },
    });
  });

  it.each([
    ['{', 'no JSON'],
    ['[]', 'must hold an object'],
    ['{"version":2}', 'version 2'],
    ['{"version":1,"channels":[]}', '"channels" must be an object'],
    ['{"version":1,"channels":{"a:b":{}}}', 'a:b'],
    ['{"version":1,"channels":{"App":{},"app":{}}}', 'twice'],
    ['{"version":1,"channels":{"App":{"size":1}}}', 'size'],
    ['{"version":1,"channels":{"App":{"enabled":"yes"}}}', 'true or false'],
    ['{"version":1,"channels":{"App":{"maxSize":-1}}}', 'maxSize'],
    ['{"version":1,"channels":{"App":{"keywords":5}}}', 'keywords'],
    ['{"version":1,"channels":{"App":3}}', 'App'],
  ])('is refused with the place when it is wrong: %s', (text, place) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 13, detail: expect.stringContaining(place) }));
  });

  it('is refused, never a crash, whatever it holds', () => {
    fc.assert(
      fc.property(fc.json(), (channels) => {
        try {
          parse(`{"version":1,"channels":${channels}}`);
        } catch (error) {
          expect(error).toMatchObject({ code: 13 });
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

describe('a channel’s properties', () => {
  const change = (property: keyof ChannelConfig, value: unknown, channel = 'App') =>
    changedConfig(defaultConfig(channel), channel, property, value, 'test');

  it('are Windows’ own where nobody has said anything', () => {
    expect(defaultConfig('application')).toMatchObject({ classicEventlog: true, maxSize: 20_971_520, isolation: 0 });
    expect(defaultConfig('System').isolation).toBe(1);
    expect(defaultConfig('App/Operational')).toMatchObject({ type: 1, maxSize: 1_048_576, classicEventlog: false });
    expect(logLimits(defaultConfig('App'))).toEqual({ maxSizeBytes: 1_048_576, mode: 'circular' });
  });

  it('have sizes of whole 64 KiB, and a mebibyte at least', () => {
    expect(change('maxSize', 1_048_577).maxSize).toBe(1_114_112);
    expect(change('maxSize', 2_097_152n).maxSize).toBe(2_097_152);
    expect(() => change('maxSize', 1000)).toThrow(expect.objectContaining({ code: 15023 }));
  });

  it('refuse what is not theirs', () => {
    expect(() => change('type', 1)).toThrow(expect.objectContaining({ code: 87 }));
    expect(() => change('enabled', 1)).toThrow(expect.objectContaining({ code: 87 }));
    expect(() => change('isolation', 5)).toThrow(expect.objectContaining({ code: 15023 }));
    expect(() => change('enabled', false, 'system')).toThrow(expect.objectContaining({ code: 5 }));
    expect(() => checkConfig(change('autoBackup', true), 'test')).toThrow(expect.objectContaining({ code: 15023 }));
  });

  it('say the same after they were printed as XML and read', () => {
    const config = { ...defaultConfig('A&B <c>'), maxSize: 3_145_728, retention: true, autoBackup: true, isolation: 1 };
    const { name, changes } = parseConfigXml(configXml('A&B', config, '/a&b.evtx'), 'test');
    expect(name).toBe('A&B');
    const read = Object.fromEntries(
      changes.map(([property, text]) => [property, propertyOfText(property, text, 'test')]),
    );
    expect(read).toMatchObject({
      maxSize: 3_145_728,
      retention: true,
      autoBackup: true,
      isolation: 1,
      logFilePath: '/a&b.evtx',
    });
  });

  it('are printed as wevtutil prints them', () => {
    expect(configText('App', defaultConfig('App'), '/s/App.evtx').split('\n').slice(0, 5)).toEqual([
      'name: App',
      'enabled: true',
      'type: Admin',
      'owningPublisher:',
      'isolation: Application',
    ]);
  });

  it.each([
    ['<channel', 15008],
    ['<other/>', 13],
    ['<channel name="x"><logging><colour>red</colour></logging></channel>', 13],
    ['<channel/>', 13],
  ])('are refused in XML that says none: %s', (xml, code) => {
    expect(() => parseConfigXml(xml, 'test')).toThrow(expect.objectContaining({ code }));
  });
});

describe('a channel’s name', () => {
  it('is the name of its file, and the file’s its name', () => {
    expect(fileOfChannel('Microsoft-Windows-Sysmon/Operational')).toBe('Microsoft-Windows-Sysmon%4Operational.evtx');
    fc.assert(
      fc.property(
        CHANNEL.filter((name) => !name.includes('%4')),
        (name) => {
          expect(channelOfFile(fileOfChannel(name))).toBe(name);
        },
      ),
      { seed: 7 },
    );
  });

  it('is refused where Windows refuses it, and where it would leave the folder', () => {
    for (const name of ['', 'a:b', 'a\\b', 'a*', 'a\0', '..', '.', '.hidden', 'x'.repeat(256)]) {
      expect(() => checkChannelName(name, 'test'), name).toThrow(expect.objectContaining({ code: 15000 }));
    }
    expect(fileOfChannel('../../etc/x')).not.toContain('/');
  });

  it('is not what an archive is called', () => {
    expect(isChannelFileName('Archive-App-2026-01-02-03-04-05-678.evtx')).toBe(false);
    expect(isChannelFileName('Archive-App.evtx')).toBe(true);
    expect(isChannelFileName('.App.evtx.next')).toBe(false);
  });
});
