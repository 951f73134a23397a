import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { encodeDescriptor } from '../../src/even6/messages.ts';
import { ClientAssociation } from '../../src/even6/rpc/client-association.ts';
import type { Fields } from '../../src/even6/stubs/codec.ts';
import type { RpcOperation } from '../../src/even6/stubs/operations.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import { MESSAGE_KINDS, type MessageRequest, NO_EVENT } from '../../src/providers/metadata.ts';
import { runAsynchronous } from '../../src/service/calls.ts';
import {
  callDefaultMessage,
  callOpenPublisher,
  callPublisherEvents,
  callPublisherMessage,
  callPublisherMetadata,
  callPublishersOfChannel,
} from '../../src/service/publisher-calls.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import * as api from '../../src/wevtapi/promises.ts';
import { fill, serve } from './serve.ts';
import { sessionThrough } from './served-session.ts';
import { EVENTS, LONG, PUBLISHER, windowsPublisher } from './windows-publisher.ts';

const API = 'test';

function request(kind: MessageRequest['kind'], given: Partial<MessageRequest> = {}): MessageRequest {
  return { kind, event: NO_EVENT, messageId: 0, values: [], ...given };
}

describe('publishers of a store that is served', () => {
  it('are those that its events name, as on the machine itself', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 3);
    const local = EventLogSession.open({ store });
    await local.write('Other', { provider: 'Contoso', id: 1 });
    await local.write('Other', { provider: 'TEST', id: 1 });
    expect(await local.getProviderNames()).toEqual(['Contoso', 'Test']);
    const remote = session();
    expect(await remote.getProviderNames()).toEqual(['Contoso', 'Test']);
    // What is written later counts as well.
    await local.write('Other', { provider: 'Fabrikam', id: 1 });
    expect(await remote.getProviderNames()).toEqual(['Contoso', 'Fabrikam', 'Test']);
    const ofChannel = (channel: string) => runAsynchronous(callPublishersOfChannel(remote.handle, channel, API));
    expect(await ofChannel('Other')).toEqual(['Contoso', 'TEST', 'Fabrikam']);
    await expect(ofChannel('NoSuch')).rejects.toMatchObject({ code: 15007 });
    local.close();
  });

  it('are told as far as a client may read their channels', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 1);
    const local = EventLogSession.open({ store });
    await local.write('Secret', { provider: 'Contoso', id: 1 });
    local.close();
    const bob = session({ user: 'bob' });
    expect(await bob.getProviderNames()).toEqual(['Test']);
    await expect(runAsynchronous(callPublishersOfChannel(bob.handle, 'Secret', API))).rejects.toMatchObject({
      code: 5,
    });
  });

  it('have a name and no metadata: 15002, as on the machine itself; one that is not there is 2', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 1);
    const local = EventLogSession.open({ store });
    for (const each of [local, session()]) {
      await expect(each.getProviderMetadata('test')).rejects.toMatchObject({ code: 15002 });
      await expect(each.getProviderMetadata('Nobody')).rejects.toMatchObject({ code: 2 });
    }
    local.close();
  });

  it('can be opened all the same, for the texts that every machine has', async () => {
    const { server, store, session } = await serve();
    await fill(store, 'App', 1);
    const remote = session().handle;
    const wanted = { name: 'Test', logFilePath: undefined, locale: 0 };
    const publisher = await runAsynchronous(callOpenPublisher(remote, wanted, false, API));
    await expect(runAsynchronous(callPublisherMetadata(publisher, API))).rejects.toMatchObject({ code: 15002 });
    expect(await runAsynchronous(callPublisherEvents(publisher, API))).toEqual([]);
    const text = (kind: MessageRequest['kind'], event: Partial<MessageRequest['event']>) =>
      runAsynchronous(callPublisherMessage(publisher, request(kind, { event: { ...NO_EVENT, ...event } }), API));
    expect(await text('level', { level: 2 })).toEqual(['Error']);
    expect(await text('task', { task: 0 })).toEqual(['None']);
    expect(await text('opcode', { opcode: 240 })).toEqual(['Receive']);
    expect(await text('keyword', { keywords: 0x8030_0000_0000_0000n })).toEqual(['Audit Failure', 'Audit Success']);
    await expect(text('task', { task: 7 })).rejects.toMatchObject({ code: 15027 });
    for (const kind of ['event', 'channel', 'provider'] as const) {
      await expect(text(kind, {})).rejects.toMatchObject({ code: 15027 });
    }
    await expect(text('id', {})).rejects.toMatchObject({ code: 15028 });
    await api.EvtClose(publisher);
    await vi.waitFor(() => expect(server.openHandles).toBe(0));
  });

  it('are what every machine has, where none is named', async () => {
    const { session } = await serve();
    for (const handle of [null, session().handle]) {
      const publisher = await api.EvtOpenPublisherMetadata(handle, null);
      const { value: levels } = await api.EvtGetPublisherMetadataProperty(publisher, api.EvtPublisherMetadataLevels);
      const level = (id: number) => api.EvtGetObjectArrayProperty(levels as number, id, 2);
      expect(await level(api.EvtPublisherMetadataLevelName)).toEqual({ type: 1, value: 'win:Error' });
      expect(await level(api.EvtPublisherMetadataLevelValue)).toEqual({ type: 8, value: 2 });
      expect((await api.EvtGetPublisherMetadataProperty(publisher, api.EvtPublisherMetadataPublisherGuid)).type).toBe(
        0,
      );
      await api.EvtClose(publisher);
    }
  });
});

describe('the operations on publishers, one by one', () => {
  async function association() {
    const { store, server } = await serve({ anonymousRead: true });
    await fill(store, 'App', 1);
    const times = { connectTimeoutMs: 10_000, cancelTimeoutMs: 10_000 };
    const made = new ClientAssociation(
      { host: '127.0.0.1', port: server.port, endpointMapperPort: 135, ...times },
      undefined,
    );
    onTestFinished(() => made.close());
    return async <In extends Fields, Out extends Fields>(operation: RpcOperation<In, Out>, input: In) =>
      (await made.call(operation, input, API)).answer;
  }

  it('answer 29 entries for each name of the list, whatever is asked for, and 87 for what cannot be', async () => {
    const call = await association();
    const { values: list } = await call(operations.GET_PUBLISHER_LIST, { flags: 0 });
    expect(list.names).toEqual(['Test']);
    for (const publisher of [...list.names, undefined]) {
      const wanted = { publisher, file: undefined, locale: 0, flags: 0 };
      const { values, status } = await call(operations.GET_PUBLISHER_METADATA, wanted);
      expect([status, values.properties.length]).toEqual([0, 29]);
      for (const property of [0x4, 0x5, 0xc, 0x10, 0x15, 0x19]) {
        const asked = { publisher: values.publisher, property, flags: 0 };
        const answer = await call(operations.GET_PUBLISHER_RESOURCE_METADATA, asked);
        expect([answer.status, answer.values.properties.length]).toEqual([0, 29]);
      }
      const asked = { publisher: values.publisher, property: 6, flags: 0 };
      expect((await call(operations.GET_PUBLISHER_RESOURCE_METADATA, asked)).status).toBe(87);
    }
  });

  it('give no events of a publisher that declares none, at once and again', async () => {
    const call = await association();
    const wanted = { publisher: 'Test', file: undefined, locale: 0, flags: 0 };
    const { values } = await call(operations.GET_PUBLISHER_METADATA, wanted);
    const enumeration = { publisher: values.publisher, flags: 0, filter: undefined };
    const { events } = (await call(operations.GET_EVENT_METADATA_ENUM, enumeration)).values;
    for (let i = 0; i < 2; i++) {
      const next = await call(operations.GET_NEXT_EVENT_METADATA, { events, flags: 0, count: 10 });
      expect(next).toEqual({ status: 0, values: { events: [] } });
    }
    // A handle of another kind.
    const wrong = await call(operations.GET_NEXT_EVENT_METADATA, { events: values.publisher, flags: 0, count: 10 });
    expect(wrong.status).toBe(87);
  });

  it('render messages within the bytes that there are room for', async () => {
    const call = await association();
    const event = encodeDescriptor({ ...NO_EVENT, level: 2 });
    const asked = { event, messageId: 0, values: [], flags: 2, maxBytes: 12 };
    const fits = await call(operations.MESSAGE_RENDER_DEFAULT, asked);
    expect(fits.status).toBe(0);
    expect(Buffer.from(fits.values.text.bytes).toString('utf16le')).toBe('Error\0');
    const tooLong = await call(operations.MESSAGE_RENDER_DEFAULT, { ...asked, maxBytes: 2 });
    expect(tooLong).toMatchObject({ status: 122, values: { text: { needed: 12 } } });
    for (const flags of [0, 6, 7, 9]) {
      expect((await call(operations.MESSAGE_RENDER_DEFAULT, { ...asked, flags })).status, String(flags)).toBe(87);
    }
    expect((await call(operations.MESSAGE_RENDER_DEFAULT, { ...asked, event: event.subarray(1) })).status).toBe(87);
  });
});

describe('a text that needs no publisher', () => {
  it('comes from the server', async () => {
    const { session } = await serve();
    const text = (kind: MessageRequest['kind'], event: Partial<MessageRequest['event']> = {}) =>
      runAsynchronous(callDefaultMessage(session().handle, request(kind, { event: { ...NO_EVENT, ...event } }), API));
    expect(await text('level', { level: 2 })).toEqual(['Error']);
    expect(await text('keyword', { keywords: 1n << 55n })).toEqual(['Classic']);
    await expect(text('event')).rejects.toMatchObject({ code: 15027 });
    await expect(text('channel')).rejects.toMatchObject({ code: 87 });
    await expect(text('provider')).rejects.toMatchObject({ code: 87 });
  });
});

describe('a publisher of a machine behind another', () => {
  async function chain() {
    const peer = await windowsPublisher();
    const direct = peer.session();
    return { peer, direct, ...(await sessionThrough(peer.session())) };
  }

  it('has what it has there: properties, events, texts', async () => {
    const { peer, direct, session, groups } = await chain();
    const there = await direct.getProviderMetadata(PUBLISHER);
    const here = await session.getProviderMetadata(PUBLISHER);
    expect(here.properties).toEqual(there.properties);
    const events = await here.getEvents();
    expect(events).toHaveLength(EVENTS.length);
    expect(events.map(({ properties }) => properties)).toEqual(
      (await there.getEvents()).map(({ properties }) => properties),
    );
    expect(await here.getDisplayName()).toBe('Contoso Orders');
    expect(await Promise.all(here.levels.map((level) => level.getDisplayName()))).toEqual([
      'Error',
      'Information',
      'Loud and clear',
    ]);
    here.close();
    there.close();
    await vi.waitFor(() => expect([groups.openHandles, peer.openHandles]).toEqual([0, 0]));
  });

  it.each(MESSAGE_KINDS)('has its text of kind "%s", or the same failure', async (kind) => {
    const { direct, session } = await chain();
    const event = { ...NO_EVENT, id: 100, level: 16, task: 1, keywords: 1n };
    const ask = async (handle: number | null) => {
      const wanted = { name: PUBLISHER, logFilePath: undefined, locale: 0 };
      const publisher = await runAsynchronous(callOpenPublisher(handle, wanted, false, API));
      const asked = request(kind, { event, messageId: 0x9000_0001, values: ['4711'] });
      return runAsynchronous(callPublisherMessage(publisher, asked, API)).catch(({ code }: { code: number }) => code);
    };
    const expected = {
      event: ['Order 4711 was shipped.'],
      level: ['Loud and clear'],
      task: ['Shipping'],
      opcode: 15027,
      keyword: ['Classic', 'Money is involved'],
      channel: 15027,
      provider: ['Contoso Orders'],
      id: ['Contoso Orders'],
    }[kind];
    expect(await ask(direct.handle)).toEqual(expected);
    expect(await ask(session.handle)).toEqual(expected);
  });

  it('has texts of any length', async () => {
    const { direct, session } = await chain();
    for (const { handle } of [direct, session]) {
      const publisher = await api.EvtOpenPublisherMetadata(handle, PUBLISHER);
      const text = await api.EvtFormatMessage(publisher, null, LONG.messageId, 0, null, api.EvtFormatMessageId);
      expect(text === LONG.text).toBe(true);
    }
  });

  it('that is not known is told so, and so are lists and texts without publisher', async () => {
    const { session } = await chain();
    expect(await session.getProviderNames()).toEqual(['Application Error', PUBLISHER]);
    await expect(session.getProviderMetadata('Nobody')).rejects.toMatchObject({ code: 2 });
    const level = request('level');
    expect(await runAsynchronous(callDefaultMessage(session.handle, level, API))).toEqual(['default 2']);
    const ofChannel = (channel: string) => runAsynchronous(callPublishersOfChannel(session.handle, channel, API));
    expect(await ofChannel('Application')).toEqual([PUBLISHER]);
    await expect(ofChannel('NoSuch')).rejects.toMatchObject({ code: 15007 });
  });
});
