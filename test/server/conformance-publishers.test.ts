import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import * as operations from '../../src/even6/stubs/operations.ts';
import { CONFIGURATION_FILE } from '../../src/store/store-folder.ts';
import { fill, serve } from './serve.ts';
import { CONTEXT_MISMATCH, Status, type Wire, wireTo } from './wire.ts';

/** Conformance cases 68 to 72 of MS-EVEN6's operations 9, 10 and 22 to 28: publishers and messages. */

const ENTRIES = 29;
const RESOURCE_PROPERTIES = [4, 5, 0xc, 0x10, 0x15, 0x19];

const Render = { event: 1, level: 2, task: 3, opcode: 4, keyword: 5, channel: 6, provider: 7, id: 8 } as const;

/** A store whose channels name their publishers. */
async function withPublishers() {
  const served = await serve();
  await fill(served.store, 'Application', 1);
  const channels = { Application: { owningPublisher: 'Acme-Backup', publisherList: ['Acme-Backup', 'Acme-Disk'] } };
  writeFileSync(path.join(served.store, CONFIGURATION_FILE), JSON.stringify({ version: 1, channels }));
  return { ...served, wire: wireTo(served) };
}

function open(wire: Wire, publisher: string | undefined) {
  const input = { publisher, file: undefined, locale: 1033, flags: 0 };
  return wire.ask(operations.GET_PUBLISHER_METADATA, input);
}

/** EVENT_DESCRIPTOR. */
function descriptor(given: { id?: number; level?: number; opcode?: number; task?: number; keywords?: bigint }) {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, given.id ?? 0, true);
  view.setUint8(4, given.level ?? 0);
  view.setUint8(5, given.opcode ?? 0);
  view.setUint16(6, given.task ?? 0, true);
  view.setBigUint64(8, given.keywords ?? 0n, true);
  return bytes;
}

interface Asked {
  readonly event?: Uint8Array;
  readonly messageId?: number;
  readonly flags: number;
  readonly maxBytes?: number;
}

/** Op 9 with a publisher, op 10 without. */
async function render(wire: Wire, asked: Asked, publisher?: string) {
  const { event = descriptor({}), messageId = 0, flags, maxBytes = 1024 } = asked;
  const input = { event, messageId, values: [], flags, maxBytes };
  const { status, text } =
    publisher === undefined
      ? await wire.ask(operations.MESSAGE_RENDER_DEFAULT, input)
      : await wire.ask(operations.MESSAGE_RENDER, { publisher, ...input });
  return { status, text: Buffer.from(text.bytes).toString('utf16le'), needed: text.needed };
}

const NOTHING = { text: '', needed: 0 };

describe('publishers', () => {
  it('68: are told, and each gives 29 entries for itself and for each of its six groups', async () => {
    const { wire } = await withPublishers();
    const { names, status } = await wire.ask(operations.GET_PUBLISHER_LIST, { flags: 0 });
    expect(status).toBe(Status.success);
    expect(names).toEqual(expect.arrayContaining(['Acme-Backup', 'Acme-Disk']));
    // Without a name it is the publisher of what every machine has.
    for (const name of [...names, undefined]) {
      const { publisher, properties, status: opened } = await open(wire, name);
      expect([opened, properties.length]).toEqual([Status.success, ENTRIES]);
      for (const property of RESOURCE_PROPERTIES) {
        const group = { publisher, property, flags: 0 };
        const answer = await wire.ask(operations.GET_PUBLISHER_RESOURCE_METADATA, group);
        expect([answer.status, answer.properties.length]).toEqual([Status.success, ENTRIES]);
      }
      const wrong = { publisher, property: 6, flags: 0 };
      expect(await wire.ask(operations.GET_PUBLISHER_RESOURCE_METADATA, wrong)).toEqual({
        properties: [],
        status: Status.invalidParameter,
      });
    }
  });

  it('68: of a channel, and none of one that is not there', async () => {
    const { wire } = await withPublishers();
    const of = (channel: string) => wire.ask(operations.GET_PUBLISHER_LIST_FOR_CHANNEL, { channel, flags: 0 });
    const { names, status } = await of('Application');
    expect([status, [...names].sort()]).toEqual([Status.success, expect.arrayContaining(['Acme-Backup', 'Acme-Disk'])]);
    expect(await of('NoSuch')).toEqual({ names: [], status: Status.invalidParameter });
    expect(await of('a|b')).toEqual({ names: [], status: Status.invalidParameter });
  });

  it('68: one of which nothing is known is 2, with a null handle', async () => {
    const { wire } = await withPublishers();
    // 0x57 in the text; who uses the API sees 2, and this is what makes viewers show an event as it is.
    expect(await open(wire, 'NoSuch')).toEqual({
      properties: [],
      publisher: undefined,
      status: Status.fileNotFound,
    });
  });

  it('69: the events that one declares come to an end', async () => {
    const { wire } = await withPublishers();
    const { publisher } = await open(wire, 'Acme-Disk');
    const enumerated = { publisher, flags: 0, filter: undefined };
    const { events, status } = await wire.ask(operations.GET_EVENT_METADATA_ENUM, enumerated);
    expect(status).toBe(Status.success);
    // As Windows: success without events. This publisher's manifest is not here, so the first answer has none.
    expect(await wire.ask(operations.GET_NEXT_EVENT_METADATA, { events, flags: 0, count: 10 })).toEqual({
      events: [],
      status: Status.success,
    });
    const mixed = { events: publisher, flags: 0, count: 10 };
    expect(await wire.ask(operations.GET_NEXT_EVENT_METADATA, mixed)).toEqual({
      events: [],
      status: Status.invalidParameter,
    });
    const nobody = { publisher: undefined, flags: 0, filter: undefined };
    await expect(wire.ask(operations.GET_EVENT_METADATA_ENUM, nobody)).rejects.toMatchObject(CONTEXT_MISMATCH);
  });
});

describe('messages', () => {
  it('70: of levels, opcodes and reserved keywords are the same for every publisher', async () => {
    const { wire } = await withPublishers();
    const { publisher } = await open(wire, 'Acme-Disk');
    const texts: readonly (readonly [Asked, string])[] = [
      [{ flags: Render.level, event: descriptor({ level: 2 }) }, 'Error\0'],
      [{ flags: Render.level, event: descriptor({ level: 4 }) }, 'Information\0'],
      [{ flags: Render.task, event: descriptor({ task: 0 }) }, 'None\0'],
      [{ flags: Render.opcode, event: descriptor({ opcode: 1 }) }, 'Start\0'],
      [{ flags: Render.keyword, event: descriptor({ keywords: 1n << 53n }) }, 'Audit Failure\0\0'],
    ];
    for (const [asked, text] of texts) {
      expect(await render(wire, asked, publisher)).toEqual({ status: Status.success, text, needed: 2 * text.length });
    }
    // Several, each ended, and the list ended once more.
    const keywords = (1n << 53n) | (1n << 55n);
    const both = await render(wire, { flags: Render.keyword, event: descriptor({ keywords }) }, publisher);
    expect(both.text.split('\0').slice(0, -2).sort()).toEqual(['Audit Failure', 'Classic']);
    expect(both.text).toMatch(/[^\0]\0\0$/);
  });

  it('70: flags 9 and 0 are 0x57, too little room is 0x7A with the room that is needed', async () => {
    const { wire } = await withPublishers();
    const { publisher } = await open(wire, 'Acme-Disk');
    for (const flags of [0, 9]) {
      expect(await render(wire, { flags }, publisher)).toEqual({ status: Status.invalidParameter, ...NOTHING });
    }
    const event = descriptor({ level: 2 });
    for (const maxBytes of [0, 2, 11]) {
      expect(await render(wire, { flags: Render.level, event, maxBytes }, publisher)).toEqual({
        status: Status.insufficientBuffer,
        text: '',
        needed: 12,
      });
    }
    expect((await render(wire, { flags: Render.level, event, maxBytes: 12 }, publisher)).text).toBe('Error\0');
    const short = { flags: Render.level, event: new Uint8Array(8) };
    expect((await render(wire, short, publisher)).status).toBe(Status.invalidParameter);
  });

  it('70: a message that is not here is 0x3AB3, by its id 0x3AB4', async () => {
    const { wire } = await withPublishers();
    const { publisher } = await open(wire, 'Acme-Disk');
    const event = descriptor({ id: 999, level: 77, opcode: 77, task: 77 });
    for (const flags of [Render.event, Render.level, Render.task, Render.opcode, Render.keyword]) {
      const { status } = await render(wire, { flags, event }, publisher);
      expect([Status.messageNotFound, Status.messageIdNotFound]).toContain(status);
    }
    expect((await render(wire, { flags: Render.event, event }, publisher)).status).toBe(Status.messageNotFound);
    expect(await render(wire, { flags: Render.id, messageId: 0x7fff_fff0 }, publisher)).toEqual({
      status: Status.messageIdNotFound,
      ...NOTHING,
    });
  });

  it('71: without a publisher are those that every machine has; a channel’s and a publisher’s are 0x57', async () => {
    const { wire } = await withPublishers();
    const level = await render(wire, { flags: Render.level, event: descriptor({ level: 2 }) });
    expect(level).toEqual({ status: Status.success, text: 'Error\0', needed: 12 });
    for (const flags of [0, Render.channel, Render.provider, 9]) {
      expect(await render(wire, { flags })).toEqual({ status: Status.invalidParameter, ...NOTHING });
    }
  });

  it('72: a classic log has a name to show, others are 0x490, and unknown flags 0x57', async () => {
    const { wire } = await withPublishers();
    const nameOf = (channel: string, flags: number) =>
      wire.ask(operations.GET_CLASSIC_LOG_DISPLAY_NAME, { channel, locale: 1033, flags });
    for (const flags of [0, 0x100]) {
      expect(await nameOf('Application', flags)).toEqual({ name: 'Application', status: Status.success });
    }
    expect(await nameOf('NoSuch', 0)).toEqual({ name: undefined, status: Status.notFound });
    expect(await nameOf('Application', 1)).toEqual({ name: undefined, status: Status.invalidParameter });
  });
});
