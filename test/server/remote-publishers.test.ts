import { describe, expect, it, vi } from 'vitest';
import type { Variant } from '../../src/even6/stubs/variant.ts';
import * as api from '../../src/wevtapi/promises.ts';
import { EVENTS, GROUPS, GUID, PUBLISHER, REGISTRATION, windowsPublisher } from './windows-publisher.ts';

const GET_PUBLISHER_METADATA = 24;
const GET_PUBLISHER_RESOURCE_METADATA = 25;
const GET_NEXT_EVENT_METADATA = 27;
const NONE = 0xffff_ffff;

/** Closing is told to the server, and nobody waits for it. */
async function closed(peer: { readonly openHandles: number }): Promise<void> {
  await vi.waitFor(() => expect(peer.openHandles).toBe(0));
}

describe('a publisher of another machine', () => {
  it('has all its properties', async () => {
    const peer = await windowsPublisher();
    const session = peer.session();
    expect(await session.getProviderNames()).toEqual(['Application Error', PUBLISHER]);
    const provider = await session.getProviderMetadata(PUBLISHER);
    expect(provider).toMatchObject({
      name: PUBLISHER,
      id: `{${GUID}}`,
      helpLink: 'https://go.example.com/events?a=1&b=2',
      resourceFilePath: '%ProgramFiles%\\Contoso\\orders.dll',
      parameterFilePath: '%SystemRoot%\\system32\\msobjs.dll',
      messageFilePath: '%ProgramFiles%\\Contoso\\orders.dll',
      messageId: 0x9000_0001,
    });
    expect(provider.logLinks).toMatchObject([
      { logName: 'Application', id: 9, isImported: true, messageId: undefined },
      { logName: 'Contoso-Orders/Operational', id: 16, isImported: false, messageId: 0x9000_0002 },
    ]);
    expect(provider.levels).toMatchObject([
      { name: 'win:Error', value: 2, messageId: 0x5000_0002 },
      { name: 'win:Informational', value: 4, messageId: 0x5000_0004 },
      { name: 'Loud', value: 16, messageId: 0x5000_0010 },
    ]);
    expect(provider.tasks).toMatchObject([
      { name: 'Ship', value: 1, messageId: 0x7000_0001, eventGuid: undefined },
      { name: 'Bill', value: 2, messageId: undefined, eventGuid: '{aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee}' },
    ]);
    expect(provider.opcodes).toMatchObject([
      { name: 'win:Start', value: 1, task: 0 },
      { name: 'Retry', value: 11, task: 1 },
    ]);
    expect(provider.keywords).toMatchObject([
      { name: 'win:EventlogClassic', value: 0x0080_0000_0000_0000n },
      { name: 'Money', value: 1n },
    ]);
    provider.close();
    await closed(peer);
  });

  it.each([true, false])('has its events, whether their end is told with a code or not', async (endsSilently) => {
    const peer = await windowsPublisher({ endsSilently });
    await using provider = await peer.session().getProviderMetadata(PUBLISHER);
    const events = await provider.getEvents();
    expect(events).toHaveLength(EVENTS.length);
    const [first, second, third] = events;
    expect(first).toMatchObject({ id: 100, version: 0, messageId: 0xb000_0064 });
    expect(first!.template).toContain('win:UnicodeString');
    expect(first!.logLink?.logName).toBe('Contoso-Orders/Operational');
    expect(first!.level?.name).toBe('win:Informational');
    expect(first!.opcode?.name).toBe('win:Start');
    expect(first!.task?.name).toBe('Ship');
    expect(first!.keywords.map(({ name }) => name)).toEqual(['Money']);
    expect(second).toMatchObject({ id: 101, version: 2, messageId: undefined, template: '' });
    expect(second!.opcode?.name).toBe('Retry');
    expect(third).toMatchObject({ id: 200, opcode: undefined });
    provider.close();
    await closed(peer);
  });

  it('has its texts', async () => {
    const peer = await windowsPublisher();
    await using provider = await peer.session().getProviderMetadata(PUBLISHER);
    expect(await provider.getDisplayName()).toBe('Contoso Orders');
    const texts = (items: readonly { getDisplayName(): Promise<string | undefined> }[]) =>
      Promise.all(items.map((item) => item.getDisplayName()));
    expect(await texts(provider.levels)).toEqual(['Error', 'Information', 'Loud and clear']);
    expect(await texts(provider.opcodes)).toEqual(['Start', 'Trying again']);
    expect(await texts(provider.tasks)).toEqual(['Shipping', undefined]);
    expect(await texts(provider.logLinks)).toEqual([undefined, 'Contoso-Orders/Operational']);
    const [first, second] = await provider.getEvents();
    expect(await first!.getDescription()).toBe('Order %1 was shipped.');
    expect(await second!.getDescription()).toBeUndefined();
  });

  it('that is not known is a file that is not there', async () => {
    const peer = await windowsPublisher();
    await expect(peer.session().getProviderMetadata('Nobody')).rejects.toMatchObject({ code: 2 });
    expect(peer.openHandles).toBe(0);
  });

  it('of which its machine knows no more than the name has no metadata, and stays open for nobody', async () => {
    const peer = await windowsPublisher({ registration: {}, groups: {} });
    await expect(peer.session().getProviderMetadata(PUBLISHER)).rejects.toMatchObject({ code: 15002 });
    await closed(peer);
  });

  it('of which only some groups are there has those', async () => {
    const peer = await windowsPublisher({ groups: { 12: GROUPS[0x0c]! } });
    await using provider = await peer.session().getProviderMetadata(PUBLISHER);
    expect(provider.levels).toHaveLength(3);
    expect(provider).toMatchObject({ helpLink: undefined, messageId: undefined, tasks: [], opcodes: [], keywords: [] });
    expect(await provider.getDisplayName()).toBeUndefined();
  });
});

describe('answers that are damaged', () => {
  const strings = (...value: string[]): Variant => ({ type: 'strings', value });
  it.each([
    ['a name too many', { groups: { ...GROUPS, 12: { ...GROUPS[0x0c], 13: strings('a', 'b', 'c', 'd') } } }],
    ['a GUID too few', { groups: { ...GROUPS, 16: { ...GROUPS[0x10], 18: { type: 'guids', value: [GUID] } } } }],
    ['text instead of numbers', { groups: { ...GROUPS, 21: { ...GROUPS[0x15], 23: strings('a', 'b') } } }],
    ['a number instead of text', { groups: { ...GROUPS, 4: { 4: { type: 'uint32', value: 4 } } } }],
    ['a number of more than 32 bits', { groups: { ...GROUPS, 5: { 5: { type: 'uint64', value: 1n << 32n } } } }],
    ['flags of fewer channels', { registration: { ...REGISTRATION, 10: { type: 'uint32s', value: [1] } } }],
  ] as const)('%s: 13, and nothing stays open', async (_, changes) => {
    const peer = await windowsPublisher(changes);
    const failure = peer.session().getProviderMetadata(PUBLISHER);
    await expect(failure).rejects.toMatchObject({ code: 13, detail: expect.stringContaining('publisher') });
    await closed(peer);
  });

  it('events with too few properties, and events without end: 13', async () => {
    const short = await windowsPublisher({ events: [EVENTS[0]!.slice(0, 8)] });
    await using one = await short.session().getProviderMetadata(PUBLISHER);
    await expect(one.getEvents()).rejects.toMatchObject({ code: 13 });
    await vi.waitFor(() => expect(short.openHandles).toBe(1));

    const endless = await windowsPublisher({ events: endlessEvents() });
    await using other = await endless.session().getProviderMetadata(PUBLISHER);
    await expect(other.getEvents()).rejects.toMatchObject({ code: 13 });
    await vi.waitFor(() => expect(endless.openHandles).toBe(1));
  });
});

/** Opens once. */
class Gate {
  open: () => void = () => {};
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

/** A list whose every slice has a million characters of templates. */
function endlessEvents(): readonly (readonly Variant[])[] {
  const event: Variant[] = [...EVENTS[0]!.slice(0, 8), { type: 'string', value: 'x'.repeat(500_000) }];
  return Object.assign([] as Variant[][], { slice: () => [event, event] });
}

describe('winevt.h on another machine', () => {
  it('reads properties, lists and events by their numbers', async () => {
    const peer = await windowsPublisher();
    const session = peer.session().handle;
    const names = await api.EvtOpenPublisherEnum(session);
    expect(await api.EvtNextPublisherId(names)).toBe('Application Error');
    expect(await api.EvtNextPublisherId(names)).toBe(PUBLISHER);
    expect(await api.EvtNextPublisherId(names)).toBeUndefined();
    const publisher = await api.EvtOpenPublisherMetadata(session, PUBLISHER);
    const property = (id: number) => api.EvtGetPublisherMetadataProperty(publisher, id);
    expect(await property(api.EvtPublisherMetadataPublisherGuid)).toEqual({ type: 15, value: `{${GUID}}` });
    expect(await property(api.EvtPublisherMetadataPublisherMessageID)).toEqual({ type: 8, value: 0x9000_0001 });
    await expect(property(api.EvtPublisherMetadataLevelName)).rejects.toMatchObject({ code: 87 });
    await expect(property(api.EvtPublisherMetadataPropertyIdEND)).rejects.toMatchObject({ code: 87 });
    const tasks = await property(api.EvtPublisherMetadataTasks);
    expect(tasks.type).toBe(api.EvtVarTypeEvtHandle);
    const list = tasks.value as number;
    expect(await api.EvtGetObjectArraySize(list)).toBe(2);
    const item = (id: number, index: number) => api.EvtGetObjectArrayProperty(list, id, index);
    expect(await item(api.EvtPublisherMetadataTaskName, 1)).toEqual({ type: 1, value: 'Bill' });
    expect(await item(api.EvtPublisherMetadataTaskMessageID, 1)).toEqual({ type: 8, value: NONE });
    expect(await item(api.EvtPublisherMetadataTaskEventGuid, 0)).toEqual({
      type: 15,
      value: '{00000000-0000-0000-0000-000000000000}',
    });
    await expect(item(api.EvtPublisherMetadataTaskName, 2)).rejects.toMatchObject({ code: 87 });
    await expect(item(api.EvtPublisherMetadataLevelName, 0)).rejects.toMatchObject({ code: 87 });
    const keywords = (await property(api.EvtPublisherMetadataKeywords)).value as number;
    const mask = await api.EvtGetObjectArrayProperty(keywords, api.EvtPublisherMetadataKeywordValue, 0);
    expect(mask).toEqual({ type: 10, value: 0x0080_0000_0000_0000n });

    const events = await api.EvtOpenEventMetadataEnum(publisher);
    const event = (await api.EvtNextEventMetadata(events))!;
    const eventProperty = (id: number) => api.EvtGetEventMetadataProperty(event, id);
    expect(await eventProperty(api.EventMetadataEventID)).toEqual({ type: 8, value: 100 });
    expect(await eventProperty(api.EventMetadataEventKeyword)).toEqual({ type: 10, value: 0x8000_0000_0000_0001n });
    expect(await eventProperty(api.EventMetadataEventMessageID)).toEqual({ type: 8, value: 0xb000_0064 });
    await expect(eventProperty(api.EvtEventMetadataPropertyIdEND)).rejects.toMatchObject({ code: 87 });
    let count = 1;
    while ((await api.EvtNextEventMetadata(events)) !== undefined) count++;
    expect(count).toBe(EVENTS.length);

    const message = (id: number, flags: number) => api.EvtFormatMessage(publisher, null, id, 0, null, flags);
    expect(await message(0x9000_0001, api.EvtFormatMessageId)).toBe('Contoso Orders');
    expect(await message(0, api.EvtFormatMessageProvider)).toBe('Contoso Orders');
    await expect(message(1, api.EvtFormatMessageId)).rejects.toMatchObject({ code: 15028 });
    await expect(message(0, api.EvtFormatMessageLevel)).rejects.toMatchObject({ code: 87 });
    await expect(message(0, 10)).rejects.toMatchObject({ code: 87 });

    // What was read from a publisher closes with it.
    await api.EvtClose(publisher);
    for (const part of [list, keywords, events, event])
      await expect(api.EvtClose(part)).rejects.toMatchObject({ code: 6 });
    await closed(peer);
  });

  it('closes publishers with their session', async () => {
    const { port } = await windowsPublisher();
    const session = await api.EvtOpenSession(api.EvtRpcLogin, { Server: `127.0.0.1:${port}` });
    const publisher = await api.EvtOpenPublisherMetadata(session, PUBLISHER);
    await api.EvtClose(session);
    await expect(api.EvtGetPublisherMetadataProperty(publisher, 0)).rejects.toMatchObject({ code: 6 });
  });
});

describe('cancelling', () => {
  /** A peer that answers an operation only when it is let go on; `reached` tells that it was asked. */
  async function heldPeer(opnum: number) {
    const reached = new Gate();
    const gate = new Gate();
    const peer = await windowsPublisher({
      before: async (asked) => {
        if (asked !== opnum) return;
        reached.open();
        await gate.opened;
      },
    });
    return { peer, reached: reached.opened, letGo: () => gate.open() };
  }

  it.each([GET_PUBLISHER_METADATA, GET_PUBLISHER_RESOURCE_METADATA])(
    'an opening that waits for operation %i ends with 1223, and its late handle is closed',
    async (opnum) => {
      const { peer, reached, letGo } = await heldPeer(opnum);
      const session = peer.session();
      const opening = session.getProviderMetadata(PUBLISHER);
      await reached;
      session.cancelCurrentOperations();
      await expect(opening).rejects.toMatchObject({ code: 1223 });
      letGo();
      await closed(peer);
    },
  );

  it('a list of events ends with 1223 through its publisher, or with the reason of a signal', async () => {
    const { peer, reached, letGo } = await heldPeer(GET_NEXT_EVENT_METADATA);
    const provider = await peer.session().getProviderMetadata(PUBLISHER);
    const events = api.EvtOpenEventMetadataEnum(provider.handle);
    await reached;
    await api.EvtCancel(provider.handle);
    await expect(events).rejects.toMatchObject({ code: 1223 });
    const controller = new AbortController();
    const others = provider.getEvents({ signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(others).rejects.toThrow('enough');
    letGo();
    expect(await provider.getEvents()).toHaveLength(EVENTS.length);
    provider.close();
    await closed(peer);
  });
});
