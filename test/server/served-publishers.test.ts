import { describe, expect, it, vi } from 'vitest';
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
