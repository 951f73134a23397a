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
import { converse, fuzzedServer, type Logon, recorded } from './exchange.ts';

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

async function takeByServer(input: Uint8Array | string): Promise<void> {
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
  for (let turns = 0; server.groups.size > 0 || server.groups.openHandles > 0; turns++) {
    if (turns > MAX_TURNS)
      throw new Error(`${server.groups.openHandles} handles are left of a connection that is gone`);
    await turn();
  }
  const [failure] = server.failures.splice(0);
  if (failure !== undefined) throw failure;
}

async function takeByClient(input: Uint8Array | string): Promise<void> {
  const random = randomOf(input);
  const logon = random.pick(LOGONS);
  const { server } = await recorded(logon);
  const answers = mutateSequence(server, random);
  let failure: unknown;
  let asked = 0;
  const stream: MemoryStream = new MemoryStream(() => {
    const answer = answers[asked++];
    setImmediate(() => {
      try {
        for (const piece of split(answer ?? new Uint8Array(), random)) stream.give(piece);
        // The last answer, and one that was not understood: nothing comes any more.
        if (answer === undefined || random.below(40) === 0) stream.destroy();
      } catch (error) {
        failure ??= error;
        stream.destroy();
      }
    });
  });
  const connection = new ClientConnection(stream.socket, () => {});
  const ended = converse(connection, logon, (operation, stub) => {
    refusable(() => {
      const { values } = decodeResponse(operation, stub);
      const { records } = values as { readonly records?: RecordBatch };
      if (records === undefined) return;
      for (const event of eventsOf(records, ['App'], 'fuzz')) refusable(() => event.text('xml'));
    }, [EvtError, NdrError]);
  }).catch((error: unknown) => {
    if (!(error instanceof EvtError) && !(error instanceof NdrError)) failure ??= error;
  });
  // What it waits for may never come: then it is told that the connection is gone.
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  for (let last = -1, quiet = 0; !isOver && quiet < 50; ) {
    quiet = asked === last ? quiet + 1 : 0;
    last = asked;
    await turn();
  }
  stream.destroy();
  await ended;
  connection.close();
  if (failure !== undefined) throw failure;
}

const seedOf = (random: Random) => new Uint8Array(Uint32Array.of(random.next()).buffer);

/** Whole connections: a server's, and a client's. */
export const CONNECTION_TARGETS: readonly Target[] = [
  { name: 'server-connection', make: seedOf, take: takeByServer },
  { name: 'client-connection', make: seedOf, take: takeByClient },
];
