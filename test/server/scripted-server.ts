import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { decodePdu, type Pdu, PduStream } from '../../src/even6/pdu/pdu.ts';
import { AssociationGroups } from '../../src/even6/rpc/association-group.ts';
import type { RpcCall } from '../../src/even6/rpc/rpc-interface.ts';
import { DEFAULT_LIMITS } from '../../src/even6/rpc/server-limits.ts';
import { emptyValues, type Fields } from '../../src/even6/stubs/codec.ts';
import { encodeResponse, type RpcOperation } from '../../src/even6/stubs/operations.ts';
import { close } from '../../src/service/calls.ts';
import { openLocalSession } from '../../src/service/objects.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { temporaryFolder } from '../log-files.ts';
import { openInterface, openListener } from './listener.ts';

/** What a scripted server does with a call: `answer` is what it would answer by itself. */
export type Script = (call: RpcCall, answer: () => Promise<Uint8Array>) => Promise<Uint8Array>;

/** What an operation answers that has failed. */
export function failing<Out extends Fields>(operation: RpcOperation<never, Out>, status: number): Uint8Array {
  return encodeResponse(operation as RpcOperation<Fields, Out>, emptyValues(operation.output), status);
}

export interface Gate {
  /** Fulfilled when somebody stands in front of it. */
  readonly reached: Promise<void>;
  readonly open: () => void;
  /** Waits in front of it. */
  pass(): Promise<void>;
}

export function gate(): Gate {
  let reach!: () => void;
  let open!: () => void;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    reached,
    open,
    pass() {
      reach();
      return opened;
    },
  };
}

export interface ScriptedServer {
  readonly port: number;
  readonly store: string;
  readonly openHandles: number;
  /** Operation numbers, in the order in which their calls came. */
  readonly calls: number[];
  /** How calls are answered from now on; undefined: as they should be. */
  script: Script | undefined;
  dropConnections(): void;
  /** A session of nobody with it, or with whom stands in between. */
  session(port?: number): EventLogSession;
}

/** A server of event logs that answers as a test has it: on a new store, to everybody, unprotected. */
export async function scriptedServer(): Promise<ScriptedServer> {
  const store = temporaryFolder();
  const local = openLocalSession(store, 'test');
  const real = openInterface(local, temporaryFolder());
  const groups = new AssociationGroups(DEFAULT_LIMITS);
  const calls: number[] = [];
  const sessions: EventLogSession[] = [];
  const listener = openListener(
    {
      ...real,
      call(call) {
        calls.push(call.opnum);
        const answer = () => real.call(call);
        return server.script === undefined ? answer() : server.script(call, answer);
      },
    },
    groups,
  );
  const port = await listener.listen('127.0.0.1', 0);
  onTestFinished(async () => {
    for (const session of sessions) session.close();
    await listener.close();
    close(local);
  });
  const server: ScriptedServer = {
    port,
    store,
    calls,
    script: undefined,
    get openHandles() {
      return groups.openHandles;
    },
    dropConnections: () => listener.dropConnections(),
    session(at = port) {
      const session = EventLogSession.remote({ host: '127.0.0.1', port: at });
      sessions.push(session);
      return session;
    },
  };
  return server;
}

/** What stands between a client and a server does with each PDU: passes it on, changed, later, or not at all. */
export type Passage = (pdu: Pdu, pass: () => void) => void;

export interface Middle {
  readonly port: number;
  /** Connections there have been. */
  readonly connections: number;
  toServer: Passage;
  toClient: Passage;
}

/** Stands in the way to a server. */
export async function between(port: number): Promise<Middle> {
  let connections = 0;
  const ends = new Set<Socket>();
  const forward = (from: Socket, to: Socket, passage: () => Passage) => {
    const incoming = new PduStream();
    from.on('data', (bytes: Uint8Array) => {
      for (const pdu of incoming.push(bytes)) passage()(decodePdu(pdu), () => to.write(pdu));
    });
    from.on('error', () => {});
    from.on('close', () => to.destroy());
    ends.add(from);
  };
  const proxy = createServer((client) => {
    connections++;
    const server = connect({ port, host: '127.0.0.1', noDelay: true });
    forward(client, server, () => middle.toServer);
    forward(server, client, () => middle.toClient);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const end of ends) end.destroy();
    proxy.close();
  });
  const middle: Middle = {
    port: (proxy.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    toServer: (_, pass) => pass(),
    toClient: (_, pass) => pass(),
  };
  return middle;
}
