import { onTestFinished } from 'vitest';
import { EvtError } from '../../src/errors/evt-error.ts';
import { WIN32 } from '../../src/errors/win32.ts';
import { EVENT_SERVICE } from '../../src/even6/pdu/syntaxes.ts';
import { AssociationGroups, type ContextObject } from '../../src/even6/rpc/association-group.ts';
import { DEFAULT_LIMITS } from '../../src/even6/rpc/server-limits.ts';
import { AuthLevel } from '../../src/even6/security/security-context.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import type { Variant } from '../../src/even6/stubs/variant.ts';
import { AnsweredFailure, type ServedOperation, serve } from '../../src/server/served-operation.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { openListener } from './listener.ts';

/**
 * A machine that answers for one publisher as Windows does, property by property: nothing of what the server of this package knows of
 * publishers is used. Nobody has to say who he is.
 */

export const PUBLISHER = 'Contoso-Orders';
export const GUID = '0c2b1f3a-5d6e-4f70-8192-a3b4c5d6e7f8';

const NULL: Variant = { type: 'null', value: 0 };
const NONE = 0xffff_ffff;

function entries(given: Readonly<Record<number, Variant>>): Variant[] {
  return Array.from({ length: 29 }, (_, i) => given[i] ?? NULL);
}

/** What operation 24 answers. */
export const REGISTRATION: Readonly<Record<number, Variant>> = {
  0: { type: 'guid', value: GUID },
  1: { type: 'string', value: '%ProgramFiles%\\Contoso\\orders.dll' },
  2: { type: 'string', value: '%SystemRoot%\\system32\\msobjs.dll' },
  3: { type: 'string', value: '%ProgramFiles%\\Contoso\\orders.dll' },
  7: { type: 'strings', value: ['Application', 'Contoso-Orders/Operational'] },
  8: { type: 'uint32s', value: [0, 1] },
  9: { type: 'uint32s', value: [9, 16] },
  10: { type: 'uint32s', value: [1, 0] },
  11: { type: 'uint32s', value: [NONE, 0x9000_0002] },
};

/** What operation 25 answers, by the group that it is asked for. */
export const GROUPS: Readonly<Record<number, Readonly<Record<number, Variant>>>> = {
  4: { 4: { type: 'string', value: 'https://go.example.com/events?a=1&b=2' } },
  5: { 5: { type: 'uint32', value: 0x9000_0001 } },
  12: {
    13: { type: 'strings', value: ['win:Error', 'win:Informational', 'Loud'] },
    14: { type: 'uint32s', value: [2, 4, 16] },
    15: { type: 'uint32s', value: [0x5000_0002, 0x5000_0004, 0x5000_0010] },
  },
  16: {
    17: { type: 'strings', value: ['Ship', 'Bill'] },
    18: { type: 'guids', value: ['00000000-0000-0000-0000-000000000000', 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'] },
    19: { type: 'uint32s', value: [1, 2] },
    20: { type: 'uint32s', value: [0x7000_0001, NONE] },
  },
  21: {
    22: { type: 'strings', value: ['win:Start', 'Retry'] },
    23: { type: 'uint32s', value: [0x1_0000, 0xb_0001] },
    24: { type: 'uint32s', value: [0x3000_0001, 0x3001_000b] },
  },
  25: {
    26: { type: 'strings', value: ['win:EventlogClassic', 'Money'] },
    27: { type: 'uint64s', value: [0x0080_0000_0000_0000n, 1n] },
    28: { type: 'uint32s', value: [0x1000_0038, 0x1000_0001] },
  },
};

const u4 = (value: number): Variant => ({ type: 'uint32', value });
const TEMPLATE =
  '<template xmlns="http://schemas.microsoft.com/win/2004/08/events"><data name="Number" inType="win:UnicodeString" outType="xs:string"/></template>';

/** What operation 27 answers. The protocol's tables and winevt.h differ in the types of two: both are seen. */
export const EVENTS: readonly (readonly Variant[])[] = [
  [
    ...[100, 0, 16, 4, 1, 1].map(u4),
    { type: 'uint64', value: 0x8000_0000_0000_0001n },
    u4(0xb000_0064),
    { type: 'string', value: TEMPLATE },
  ],
  [
    ...[101, 2, 9, 2, 11, 1].map(u4),
    u4(0),
    { type: 'uint64', value: BigInt(NONE) },
    { type: 'string', value: undefined },
  ],
  ...Array.from({ length: 70 }, (_, i): Variant[] => [
    ...[200 + i, 0, 16, 4, 0, 2].map(u4),
    { type: 'uint64', value: 1n },
    u4(NONE),
    { type: 'string', value: '' },
  ]),
];

/** A text that takes more room than a client has at first. */
export const LONG = { messageId: 0xb000_ffff, text: 'long '.repeat(20_000) } as const;

const MESSAGES: Readonly<Record<number, string>> = {
  [LONG.messageId]: LONG.text,
  2415919105: 'Contoso Orders',
  2415919106: 'Contoso-Orders/Operational',
  1342177282: 'Error',
  1342177284: 'Information',
  1342177296: 'Loud and clear',
  1879048193: 'Shipping',
  805306369: 'Start',
  805371915: 'Trying again',
  268435512: 'Classic',
  268435457: 'Money is involved',
  2952790116: 'Order %1 was shipped.',
};

class Publisher implements ContextObject {
  rundown(): void {}
}

class Events implements ContextObject {
  next = 0;
  rundown(): void {}
}

/** A text as operation 9 answers it. */
function text(value: string, maxBytes: number) {
  const bytes = Buffer.from(`${value}\0`, 'utf16le');
  if (bytes.length > maxBytes) {
    throw new AnsweredFailure(WIN32.ERROR_INSUFFICIENT_BUFFER, {
      text: { bytes: new Uint8Array(), needed: bytes.length },
    });
  }
  return { text: { bytes, needed: bytes.length }, info: operations.NO_INFO };
}

/** What the peer does otherwise than Windows would. */
export interface PeerChanges {
  readonly registration?: Readonly<Record<number, Variant>>;
  readonly groups?: Readonly<Record<number, Readonly<Record<number, Variant>>>>;
  readonly events?: readonly (readonly Variant[])[];
  /** Ends the events with no events, as Windows does, instead of the code that the text names. */
  readonly endsSilently?: boolean;
  /** Waited for before an operation is answered. */
  readonly before?: (opnum: number) => Promise<void> | void;
  /** Other operations. */
  readonly more?: readonly ServedOperation[];
}

export interface Peer {
  readonly port: number;
  /** Context handles that clients have open. */
  readonly openHandles: number;
  /** Opnums of the calls so far. */
  readonly calls: number[];
  /** What operation 9 was asked to put into texts. */
  readonly inserted: string[][];
  session(): EventLogSession;
  /** Ends all connections. */
  drop(): void;
}

export async function windowsPublisher(changes: PeerChanges = {}): Promise<Peer> {
  const { registration = REGISTRATION, groups = GROUPS, events = EVENTS, endsSilently = false } = changes;
  const calls: number[] = [];
  const inserted: string[][] = [];
  const answers: ServedOperation[] = [
    serve(operations.GET_CHANNEL_LIST, () => ({ names: ['Application', 'Contoso-Orders/Operational'] })),
    serve(operations.GET_PUBLISHER_LIST, () => ({ names: ['Application Error', PUBLISHER] })),
    serve(operations.GET_PUBLISHER_LIST_FOR_CHANNEL, ({ channel }) => {
      if (channel !== 'Application') throw new EvtError('ERROR_INVALID_PARAMETER', 'peer', 'no such channel');
      return { names: [PUBLISHER] };
    }),
    serve(operations.GET_PUBLISHER_METADATA, ({ publisher }, { open }) => {
      if (publisher !== PUBLISHER) throw new EvtError('ERROR_INVALID_PARAMETER', 'peer', 'no such publisher');
      return { properties: entries(registration), publisher: open(new Publisher()) };
    }),
    serve(operations.GET_PUBLISHER_RESOURCE_METADATA, ({ publisher, property }, { object }) => {
      object(publisher, Publisher);
      const group = groups[property];
      if (group === undefined) throw new EvtError('ERROR_INVALID_DATA', 'peer', 'nothing of that');
      return { properties: entries(group) };
    }),
    serve(operations.GET_EVENT_METADATA_ENUM, ({ publisher }, { object, open }) => {
      object(publisher, Publisher);
      return { events: open(new Events()) };
    }),
    serve(operations.GET_NEXT_EVENT_METADATA, ({ events: handle, count }, { object }) => {
      const at = object(handle, Events);
      const next = events.slice(at.next, at.next + count);
      at.next += next.length;
      if (next.length === 0 && !endsSilently) throw new EvtError('ERROR_NO_DATA', 'peer', 'the end');
      return { events: next };
    }),
    serve(operations.MESSAGE_RENDER, ({ publisher, event, messageId, values, flags, maxBytes }, { object }) => {
      object(publisher, Publisher);
      const given = values.map(({ value }) => String(value));
      inserted.push(given);
      const descriptor = Buffer.from(event);
      if (flags === 8) {
        const message = MESSAGES[messageId];
        if (message === undefined) throw new EvtError('ERROR_EVT_MESSAGE_ID_NOT_FOUND', 'peer', 'no such message');
        return text(message, maxBytes);
      }
      if (flags === 1 && descriptor.readUInt16LE(0) === 100) return text(`Order ${given[0]} was shipped.`, maxBytes);
      if (flags === 2 && descriptor[4] === 16) return text('Loud and clear', maxBytes);
      if (flags === 3 && descriptor.readUInt16LE(6) === 1) return text('Shipping', maxBytes);
      if (flags === 5) return text('Classic\0Money is involved\0', maxBytes);
      if (flags === 7) return text('Contoso Orders', maxBytes);
      throw new EvtError('ERROR_EVT_MESSAGE_NOT_FOUND', 'peer', 'no such message');
    }),
    serve(operations.MESSAGE_RENDER_DEFAULT, ({ flags, maxBytes }) => text(`default ${flags}`, maxBytes)),
    serve(operations.CLOSE, ({ handle }, { close }) => {
      close(handle);
      return { handle: undefined };
    }),
    ...(changes.more ?? []),
  ];
  const served = new Map(answers.map((answer) => [answer.opnum, answer]));
  const groupsOfHandles = new AssociationGroups(DEFAULT_LIMITS);
  const listener = openListener(
    {
      syntax: EVENT_SERVICE,
      operations: operations.OPERATION_COUNT,
      minLevel: AuthLevel.none,
      async call(call) {
        calls.push(call.opnum);
        await changes.before?.(call.opnum);
        return served.get(call.opnum)!.answer(call);
      },
    },
    groupsOfHandles,
  );
  const port = await listener.listen('127.0.0.1', 0);
  const sessions: EventLogSession[] = [];
  onTestFinished(async () => {
    for (const session of sessions) session.close();
    await listener.close();
  });
  return {
    port,
    calls,
    inserted,
    get openHandles() {
      return groupsOfHandles.openHandles;
    },
    drop: () => listener.dropConnections(),
    session() {
      const session = EventLogSession.remote({ host: '127.0.0.1', port });
      sessions.push(session);
      return session;
    },
  };
}
