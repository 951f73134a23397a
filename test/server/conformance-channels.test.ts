import { existsSync, symlinkSync } from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { variantsOfChannel } from '../../src/even6/channel-properties.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import { NULL_VARIANT, type Variant } from '../../src/even6/stubs/variant.ts';
import { CHANNEL_PROPERTIES, type ChannelProperty, defaultConfig } from '../../src/store/channel-config.ts';
import { fill, serve } from './serve.ts';
import { Path, Status, type Wire, wireTo } from './wire.ts';

/** Conformance cases 65 to 67 of MS-EVEN6's operations 15, 16 and 19 to 21: channels and their properties. */

const MIB = 1024 * 1024;
const Put = { openOrCreate: 0, open: 1, createAnew: 2, createOnly: 3 } as const;

async function application() {
  const served = await serve();
  await fill(served.store, 'Application', 1);
  await fill(served.store, 'App/Operational', 1);
  return { ...served, wire: wireTo(served, 'carol') };
}

/** Op 20. */
async function configOf(wire: Wire, channel: string) {
  return wire.ask(operations.GET_CHANNEL_CONFIG, { channel, flags: 0 });
}

async function propertyOf(wire: Wire, channel: string, property: ChannelProperty): Promise<unknown> {
  return (await configOf(wire, channel)).properties[CHANNEL_PROPERTIES.indexOf(property)]?.value;
}

/** The list of a client that changes some properties: it says of the others that they are as they were. */
function changes(given: Partial<Record<ChannelProperty, Variant>>): Variant[] {
  return CHANNEL_PROPERTIES.map((property) => {
    const variant = given[property];
    return variant === undefined ? NULL_VARIANT : { ...variant, changed: true };
  });
}

const size = (bytes: number): Variant => ({ type: 'uint64', value: BigInt(bytes) });
const number = (value: number): Variant => ({ type: 'uint32', value });
const text = (value: string): Variant => ({ type: 'string', value });

/** Op 21. @returns the status */
async function put(wire: Wire, channel: string, properties: readonly Variant[], flags: number = Put.open) {
  return (await wire.ask(operations.PUT_CHANNEL_CONFIG, { channel, flags, properties })).status;
}

/** Op 15. @returns the status */
async function assertChannel(wire: Wire, channel: string, flags = 0) {
  return (await wire.ask(operations.ASSERT_CONFIG, { path: channel, flags })).status;
}

describe('channels', () => {
  it('65: are all told, each with 21 properties of their types', async () => {
    const { wire } = await application();
    const { names, status } = await wire.ask(operations.GET_CHANNEL_LIST, { flags: 0 });
    expect([status, [...names].sort()]).toEqual([
      Status.success,
      ['App/Operational', 'Application', 'Security', 'System'],
    ]);
    for (const name of names) {
      const { properties, status: read } = await configOf(wire, name);
      expect([read, properties.map(({ type }) => type)]).toEqual([
        Status.success,
        [
          ...['boolean', 'uint32', 'uint32', 'string', 'boolean', 'string', 'boolean', 'boolean', 'uint64', 'string'],
          // Those of trace channels. BufferSize has 32 bits, as in Windows' answers, not 64 as in the text's table.
          ...['uint32', 'uint64', 'guid', 'uint32', 'uint32', 'uint32', 'uint32', 'uint32', 'uint32', 'strings'],
          'uint32',
        ],
      ]);
    }
    expect((await configOf(wire, 'APPLICATION')).properties).toEqual((await configOf(wire, 'Application')).properties);
  });

  it('65: their values are those of the store', async () => {
    const { wire, store } = await application();
    const file = path.join(store, 'Application.evtx');
    const expected = variantsOfChannel({ name: 'Application', file, config: defaultConfig('Application') });
    const { properties } = await configOf(wire, 'Application');
    expect(properties).toEqual(expected.map((variant) => ({ ...variant, changed: false })));
  });

  it('65: one that is not there is 0x3A9F', async () => {
    const { wire } = await application();
    // 0x57 in the text. The API's callers, who get the code as it is, know 0x3A9F of EvtOpenChannelConfig.
    expect(await configOf(wire, 'NoSuch')).toEqual({ properties: [], status: Status.channelNotFound });
    expect(await configOf(wire, 'a|b')).toEqual({ properties: [], status: Status.invalidChannelPath });
  });

  it('66: a change is kept aside until it is asserted, and then it is in force', async () => {
    const { wire } = await application();
    expect(await put(wire, 'Application', changes({ maxSize: size(4 * MIB) }))).toBe(Status.success);
    expect(await propertyOf(wire, 'Application', 'maxSize')).toBe(BigInt(20 * MIB));
    // Further changes join those that wait.
    expect(await put(wire, 'application', changes({ retention: { type: 'boolean', value: true } }))).toBe(0);
    expect(await assertChannel(wire, 'Application')).toBe(Status.success);
    expect(await propertyOf(wire, 'Application', 'maxSize')).toBe(BigInt(4 * MIB));
    expect(await propertyOf(wire, 'Application', 'retention')).toBe(true);
    // With nothing that waits, it does nothing.
    expect(await assertChannel(wire, 'Application')).toBe(Status.success);
    expect(await propertyOf(wire, 'Application', 'maxSize')).toBe(BigInt(4 * MIB));
  });

  it('66: only what is marked as changed counts, in 32 bits or in 64', async () => {
    const { wire } = await application();
    const { properties } = await configOf(wire, 'Application');
    const all = properties.map((variant): Variant => {
      if (variant.type !== 'uint64') return variant;
      return { type: 'uint64', value: 1n };
    });
    all[CHANNEL_PROPERTIES.indexOf('fileMax')] = { type: 'uint64', value: 3n, changed: true };
    expect(await put(wire, 'Application', all)).toBe(Status.success);
    expect(await assertChannel(wire, 'Application')).toBe(Status.success);
    expect(await propertyOf(wire, 'Application', 'fileMax')).toBe(3);
    expect(await propertyOf(wire, 'Application', 'maxSize')).toBe(BigInt(20 * MIB));
  });

  it('66: a channel made anew is as new ones are, but for what is given', async () => {
    const { wire } = await application();
    await put(wire, 'Application', changes({ maxSize: size(4 * MIB), fileMax: number(5) }));
    await assertChannel(wire, 'Application');
    expect(await put(wire, 'Application', changes({ maxSize: size(8 * MIB) }), Put.createAnew)).toBe(Status.success);
    await assertChannel(wire, 'Application');
    expect(await propertyOf(wire, 'Application', 'maxSize')).toBe(BigInt(8 * MIB));
    expect(await propertyOf(wire, 'Application', 'fileMax')).toBe(1);
  });

  it('66: what contradicts itself is told when it is asserted, and the old properties stay', async () => {
    const { wire } = await application();
    expect(await put(wire, 'Application', changes({ autoBackup: { type: 'boolean', value: true } }))).toBe(0);
    // A log that overwrites never gets full.
    expect(await assertChannel(wire, 'Application')).toBe(Status.invalidPropertyValue);
    expect(await propertyOf(wire, 'Application', 'autoBackup')).toBe(false);
  });

  it('67: properties of buffers and clocks are 0x10DD, values that cannot be 0xD', async () => {
    const { wire } = await application();
    for (const property of ['latency', 'bufferSize', 'minBuffers', 'maxBuffers', 'clockType', 'sidType'] as const) {
      expect(await put(wire, 'Application', changes({ [property]: number(2) }))).toBe(Status.invalidOperation);
    }
    const wrong: readonly Partial<Record<ChannelProperty, Variant>>[] = [
      { isolation: number(3) },
      { type: number(1) },
      { access: text('everybody') },
      { maxSize: size(1) },
      { maxSize: text('much') },
      { enabled: number(1) },
      { maxSize: { type: 'string', value: undefined } },
    ];
    for (const each of wrong) expect(await put(wire, 'App/Operational', changes(each))).toBe(Status.invalidData);
    expect(await put(wire, 'Application', changes({ enabled: { type: 'boolean', value: false } }))).toBe(
      Status.accessDenied,
    );
    // Nothing of it waits.
    const before = (await configOf(wire, 'App/Operational')).properties;
    expect(await assertChannel(wire, 'App/Operational')).toBe(Status.success);
    expect((await configOf(wire, 'App/Operational')).properties).toEqual(before);
  });

  it('67: one that is there is 0xB7 where it is to be made, one that is not 0x490 where it is to be opened; other flags 0x57', async () => {
    const { wire } = await application();
    const change = changes({ maxSize: size(4 * MIB) });
    expect(await put(wire, 'Application', change, Put.createOnly)).toBe(Status.alreadyExists);
    expect(await put(wire, 'NoSuch', change, Put.open)).toBe(Status.notFound);
    expect(await put(wire, 'Application', change, 9)).toBe(Status.invalidParameter);
    expect(await put(wire, 'a|b', change)).toBe(Status.invalidChannelPath);
    // A channel of a store is made by its first event.
    for (const flags of [Put.openOrCreate, Put.createAnew, Put.createOnly]) {
      expect(await put(wire, 'NoSuch', change, flags)).toBe(Status.notSupported);
    }
  });

  it('a log is moved only into the folder for exports', async () => {
    const { wire, store, exports } = await application();
    symlinkSync(store, path.join(exports, 'link'));
    for (const file of ['/etc/passwd', path.join(store, 'x.evtx'), path.join(exports, 'link', 'x.evtx')]) {
      expect(await put(wire, 'Application', changes({ logFilePath: text(file) }))).toBe(Status.accessDenied);
    }
    expect(await put(wire, 'Application', changes({ logFilePath: text('moved.evtx') }))).toBe(Status.invalidData);
    const moved = path.join(exports, 'moved.evtx');
    expect(await put(wire, 'Application', changes({ logFilePath: text(moved) }))).toBe(Status.success);
    expect(await assertChannel(wire, 'Application')).toBe(Status.success);
    expect(await propertyOf(wire, 'Application', 'logFilePath')).toBe(moved);
    await fill(store, 'Application', 1);
    expect(existsSync(moved)).toBe(true);
  });

  it('are changed by administrators alone: 5 for all others', async () => {
    const served = await application();
    const alice = wireTo(served);
    const change = changes({ maxSize: size(4 * MIB) });
    expect(await put(alice, 'Application', change)).toBe(Status.accessDenied);
    expect(await put(alice, 'NoSuch', change)).toBe(Status.accessDenied);
    expect(await put(served.wire, 'Application', change)).toBe(Status.success);
    // What an administrator has begun, nobody else ends.
    expect(await assertChannel(alice, 'Application')).toBe(Status.accessDenied);
    const retracted = await alice.ask(operations.RETRACT_CONFIG, { path: 'Application', flags: 0 });
    expect(retracted).toEqual({ status: Status.accessDenied });
    expect(await propertyOf(alice, 'Application', 'maxSize')).toBe(BigInt(20 * MIB));
  });

  it('15 knows channels and publishers, and 0x57 for other flags', async () => {
    const { wire } = await application();
    expect(await assertChannel(wire, 'NoSuch')).toBe(Status.channelNotFound);
    expect(await assertChannel(wire, 'a|b')).toBe(Status.invalidChannelPath);
    expect(await assertChannel(wire, 'Application', 2)).toBe(Status.invalidParameter);
    // A publisher has nothing in a store that could be put into force.
    expect(await assertChannel(wire, 'Test', 1)).toBe(Status.success);
  });

  it('16 removes nothing, and says so', async () => {
    const { wire } = await application();
    const retract = async (channel: string, flags: number) =>
      (await wire.ask(operations.RETRACT_CONFIG, { path: channel, flags })).status;
    expect(await retract('Application', 0)).toBe(Status.notSupported);
    expect(await retract('Test', 1)).toBe(Status.notSupported);
    expect(await retract('NoSuch', 0)).toBe(Status.channelNotFound);
    expect(await retract('Application', 2)).toBe(Status.invalidParameter);
    // What waits to be asserted is still there.
    await put(wire, 'Application', changes({ maxSize: size(4 * MIB) }));
    expect(await retract('Application', 0)).toBe(Status.notSupported);
    await assertChannel(wire, 'Application');
    expect(await propertyOf(wire, 'Application', 'maxSize')).toBe(BigInt(4 * MIB));
  });

  it('of a folder of logs that is no store can be read, and not changed or cleared', async () => {
    const first = await serve();
    await fill(first.store, 'Application', 3);
    const file = path.join(first.exports, 'Application.evtx');
    const control = async (wire: Wire) => (await wire.ask(operations.REGISTER_CONTROLLABLE_OPERATION, {})).control;
    const alice = wireTo(first);
    const exported = { channel: 'Application', query: '*', target: file, flags: Path.channel };
    await alice.ask(operations.EXPORT_LOG, { control: await control(alice), ...exported });
    const wire = wireTo(await serve({ folder: first.exports }), 'carol');
    expect((await wire.ask(operations.GET_CHANNEL_LIST, { flags: 0 })).names).toEqual(['Application']);
    expect((await configOf(wire, 'Application')).properties).toHaveLength(21);
    expect(await put(wire, 'Application', changes({ maxSize: size(4 * MIB) }))).toBe(Status.success);
    expect(await assertChannel(wire, 'Application')).toBe(Status.accessDenied);
    const clear = { control: await control(wire), channel: 'Application', backup: undefined, flags: 0 };
    expect((await wire.ask(operations.CLEAR_LOG, clear)).status).toBe(Status.accessDenied);
  });
});
