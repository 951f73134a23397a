import { EvtError } from '../../src/errors/evt-error.ts';
import { NdrError } from '../../src/even6/ndr/ndr-error.ts';
import { ClientConnection } from '../../src/even6/rpc/client-connection.ts';
import type { RecordBatch } from '../../src/even6/stubs/operations.ts';
import { decodeResponse } from '../../src/even6/stubs/operations.ts';
import { eventsOf } from '../../src/service/remote/remote-event.ts';
import { MemoryStream } from '../memory-stream.ts';
import { mutateBytes, split } from '../mutate.ts';
import { Random } from '../random.ts';
import { asBytes, refusable, type Target } from '../target.ts';
import { converse, type FuzzedServer, fuzzedServer, type Logon, recorded } from './exchange.ts';

/** Turns of the event loop after which a server that has let go of a connection holds nothing of it any more. */
const MAX_TURNS = 20_000;
const LOGONS: readonly Logon[] = ['nobody', 'ntlm', 'negotiate'];
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Changes a sequence of PDUs: in some of them, in their order, and in their number. */
export function mutateSequence(pdus: readonly Uint8Array[], random: Random): Uint8Array[] {
  const changed = [...pdus];
  for (let i = random.below(4); i >= 0; i--) {
    const at = random.below(changed.length);
    switch (random.below(6)) {
      case 0:
        changed.splice(at, 1);
        break;
      case 1:
        changed.splice(at, 0, random.pick(pdus));
        break;
      case 2:
        changed.push(...changed.splice(at, 1));
        break;
      default:
        changed.splice(at, 1, mutateBytes(changed[at] ?? pdus[0]!, random));
    }
    if (changed.length === 0) changed.push(random.pick(pdus));
  }
  return changed;
}

/** An input's bytes decide everything: what logon, what is changed, how it is cut. */
function randomOf(input: Uint8Array | string): Random {
  const bytes = asBytes(input);
  return new Random(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true));
}

async function takeReplay(input: Uint8Array | string): Promise<void> {
  const random = randomOf(input);
  const { client } = await recorded(random.pick(LOGONS));
  const server = await fuzzedServer();
  const stream = new MemoryStream(() => {});
  const connection = server.connect(stream);
  for (const pdu of mutateSequence(client, random)) {
    for (const piece of split(pdu, random)) stream.give(piece);
    // Sometimes the next one comes before the answer.
    if (random.below(4) > 0) for (let i = random.below(12); i > 0; i--) await turn();
  }
  connection.close();
  await nothingLeft(server);
}

/** A server that has let go of a connection holds nothing of it, and has not failed. */
async function nothingLeft(server: FuzzedServer): Promise<void> {
  for (let turns = 0; server.isHeld; turns++) {
    if (turns > MAX_TURNS) throw new Error('something is left of a connection that is gone');
    await turn();
  }
  const [failure] = server.failures.splice(0);
  if (failure !== undefined) throw failure;
}

/** What becomes of one PDU on its way: mostly nothing. */
function tampered(pdu: Uint8Array, random: Random, chance: number): Uint8Array[] {
  if (random.below(chance) > 0) return [pdu];
  switch (random.below(8)) {
    case 0:
      return [];
    case 1:
      return [pdu, pdu];
    default: {
      const bytes = mutateBytes(pdu, random);
      // Mostly a PDU of the length that it says: others end the conversation.
      if (random.below(8) > 0 && bytes.length >= 16) new DataView(bytes.buffer).setUint16(8, bytes.length, true);
      return [bytes];
    }
  }
}

/** Milliseconds without a word after which nobody will say anything any more: something was lost. */
const QUIET_MS = 20;

/** A live conversation, in which one side is not what it seems: its PDUs are changed on their way. */
async function takeConversation(input: Uint8Array | string, liar: 'client' | 'server'): Promise<void> {
  const random = randomOf(input);
  const logon = random.pick(LOGONS);
  const chance = random.pick([3, 8, 20]);
  const server = await fuzzedServer();
  let failure: unknown;
  let saidAt = performance.now();
  const relay = (side: 'client' | 'server', to: () => MemoryStream) => (bytes: Uint8Array) => {
    saidAt = performance.now();
    const pdus = side === liar ? tampered(bytes, random, chance) : [bytes];
    setImmediate(() => {
      try {
        for (const pdu of pdus) for (const piece of split(pdu, random)) to().give(piece);
      } catch (error) {
        failure ??= error;
      }
    });
  };
  const far: MemoryStream = new MemoryStream(relay('server', () => near));
  const near: MemoryStream = new MemoryStream(relay('client', () => far));
  far.on('close', () => near.destroy());
  near.on('close', () => far.destroy());
  server.connect(far);
  const connection = new ClientConnection(near.socket, () => {});
  let isOver = false;
  const ended = converse(connection, logon, (operation, stub) => {
    refusable(() => {
      const { records } = decodeResponse(operation, stub).values as { readonly records?: RecordBatch };
      if (records === undefined) return;
      for (const event of eventsOf(records, ['App'], 'fuzz')) refusable(() => event.text('xml'));
    }, [EvtError, NdrError]);
  })
    .catch((error: unknown) => {
      if (!(error instanceof EvtError) && !(error instanceof NdrError)) failure ??= error;
    })
    .finally(() => {
      isOver = true;
    });
  while (!isOver && performance.now() - saidAt < QUIET_MS) await turn();
  connection.close();
  await ended;
  await nothingLeft(server);
  if (failure !== undefined) throw failure;
}

const seedOf = (random: Random) => new Uint8Array(Uint32Array.of(random.next()).buffer);

/** Whole connections: a server's, and a client's. */
export const CONNECTION_TARGETS: readonly Target[] = [
  { name: 'server-replay', make: seedOf, take: takeReplay },
  { name: 'server-connection', make: seedOf, take: (input) => takeConversation(input, 'client') },
  { name: 'client-connection', make: seedOf, take: (input) => takeConversation(input, 'server') },
];
