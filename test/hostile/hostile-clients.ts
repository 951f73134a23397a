import { encodeBind } from '../../src/even6/pdu/bind.ts';
import { encodePdu, PduFlag, PduType } from '../../src/even6/pdu/pdu.ts';
import { EVENT_SERVICE, NDR } from '../../src/even6/pdu/syntaxes.ts';
import { NtlmClient } from '../../src/even6/security/ntlm-client.ts';
import { AuthLevel, AuthType } from '../../src/even6/security/security-context.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import { RawClient } from './raw-client.ts';

/** What a hostile client does with one connection, again and again. It may fail: then it connects anew. */
type Hostility = (peer: Peer) => Promise<void>;

const { first } = PduFlag;
const QUERY = { path: 'App', query: '*', flags: 0x101 };
const NEXT = { count: 1000, timeoutMs: 0xffff_ffff, flags: 0 };
const NEVER = "*[EventData[Data='never']]";

/** A server to connect to, and the connections to it. */
class Peer {
  readonly #port: number;
  readonly #clients: RawClient[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.#port);
    this.#clients.push(client);
    return client;
  }

  /** As a user whom the server knows. */
  async logOn(user = 'mallory'): Promise<RawClient> {
    const client = await this.connect();
    await client.bind({ user });
    return client;
  }

  leave(): void {
    for (const { socket } of this.#clients) socket.destroy();
  }
}

/** Lets the loop turn until the server has ended the connection, or has had time to. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Those whom nobody has to know. */
const STRANGERS: Readonly<Record<string, Hostility>> = {
  'sends garbage': async (peer) => {
    const client = await peer.connect();
    client.send(Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7919) >> 3));
    await client.closed;
  },
  'sends a large PDU that never ends': async (peer) => {
    const client = await peer.connect();
    client.send(Uint8Array.of(5, 0, 11, 3, 0x10, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0));
    client.send(new Uint8Array(60_000));
    await client.closed;
  },
  'sends a PDU byte by byte': async (peer) => {
    const client = await peer.connect();
    client.send(Uint8Array.of(5, 0, 11, 3, 0x10, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0));
    while (!client.socket.closed) {
      client.send(Uint8Array.of(0));
      await turns(100);
    }
  },
  'stops behind the bind': async (peer) => {
    const client = await peer.connect();
    await client.bind();
    await client.closed;
  },
  'stops behind the challenge': async (peer) => {
    const client = await peer.connect();
    const given = { user: 'alice', domain: '', password: 'x', host: 'h', level: AuthLevel.integrity };
    const token = new NtlmClient(given).step(undefined).token!;
    const contexts = [{ id: 0, abstract: EVENT_SERVICE, transfers: [NDR] }];
    const body = encodeBind({ maxTransmit: 5840, maxReceive: 5840, group: 0, contexts });
    const auth = { type: AuthType.ntlm, level: AuthLevel.integrity, contextId: 1, token };
    client.send(encodePdu({ type: PduType.bind, flags: 3, callId: 1, body, auth }));
    await client.closed;
  },
  'does not know the password': async (peer) => {
    const client = await peer.connect();
    await client.bind({ user: 'alice', password: 'guess' });
    client.request(operations.GET_CHANNEL_LIST, { flags: 0 });
    await client.fault();
    client.socket.destroy();
  },
  'sends the beginning of requests, unknown': async (peer) => {
    const client = await peer.connect();
    await client.bind();
    for (let id = 0; id < 200 && !client.socket.closed; id++) {
      client.send(client.fragment(5, new Uint8Array(5000), { flags: first, callId: 100 + id }));
      await turns(1);
    }
    await client.closed;
  },
};

/** Those who have logged on. */
const KNOWN: Readonly<Record<string, Hostility>> = {
  'opens handles': async (peer) => {
    // Somebody else: who has all handles that one user may have gets nothing else done.
    const client = await peer.logOn('trudy');
    while (!client.socket.closed) {
      for (let i = 0; i < 30; i++) await client.call(operations.REGISTER_LOG_QUERY, QUERY).catch(() => {});
      await turns(100);
    }
  },
  'never reads': async (peer) => {
    const client = await peer.logOn();
    const { query } = await client.call(operations.REGISTER_LOG_QUERY, { ...QUERY, path: 'Large' });
    client.socket.pause();
    for (let i = 0; i < 60; i++) client.request(operations.QUERY_NEXT, { ...NEXT, query });
    for (let i = 0; i < 200; i++) client.request(operations.GET_CHANNEL_LIST, { flags: 0 });
    await client.closed;
  },
  'sends the beginning of requests': async (peer) => {
    const client = await peer.logOn();
    for (let id = 0; !client.socket.closed; id++) {
      for (let part = 0; part < 50; part++) {
        const flags = part === 0 ? first : 0;
        client.send(client.fragment(5, new Uint8Array(5000), { flags, callId: 1000 + id, allocHint: 0 }));
      }
      await turns(200);
    }
  },
  'announces 4 GiB': async (peer) => {
    const client = await peer.logOn();
    while (!client.socket.closed) {
      client.send(client.fragment(5, new Uint8Array(8), { flags: first, allocHint: 0xffff_ffff }));
      await client.next();
      await turns(20);
    }
  },
  'cancels and cancels': async (peer) => {
    const client = await peer.logOn();
    const { control } = await client.call(operations.REGISTER_CONTROLLABLE_OPERATION, {});
    while (!client.socket.closed) {
      for (let i = 0; i < 60; i++) client.request(operations.CANCEL, { control });
      for (let i = 0; i < 60; i++) await client.next();
      await turns(100);
    }
  },
  'uses call ids again': async (peer) => {
    const client = await peer.logOn();
    const { query } = await client.call(operations.REGISTER_LOG_QUERY, { ...QUERY, path: 'Large', query: NEVER });
    client.request(operations.QUERY_NEXT, { ...NEXT, query }, 7);
    client.request(operations.QUERY_NEXT, { ...NEXT, query }, 7);
    await client.closed;
  },
  'scans a long log': async (peer) => {
    const client = await peer.logOn();
    while (!client.socket.closed) {
      const { query } = await client.call(operations.REGISTER_LOG_QUERY, { ...QUERY, path: 'Large', query: NEVER });
      await client.call(operations.QUERY_NEXT, { ...NEXT, query }).catch(() => {});
      await client.call(operations.CLOSE, { handle: query });
    }
  },
};

export const HOSTILITIES = { ...STRANGERS, ...KNOWN };

/** Hostile clients, each of which begins anew when its connection has ended, until they are stopped. */
export class HostileClients {
  readonly #all: Promise<void>[] = [];
  #isOver = false;
  /** Connections that each kind has had. */
  readonly connections = new Map<string, number>();

  constructor(port: number, count: number) {
    const kinds = Object.entries(HOSTILITIES);
    for (let i = 0; i < count; i++) {
      const [name, act] = kinds[i % kinds.length]!;
      this.#all.push(this.#run(port, name, act));
    }
  }

  async #run(port: number, name: string, act: Hostility): Promise<void> {
    while (!this.#isOver) {
      this.connections.set(name, (this.connections.get(name) ?? 0) + 1);
      const peer = new Peer(port);
      await act(peer).catch(() => {});
      peer.leave();
      await turns(100);
    }
  }

  /** No new connections: those that there are end with the server. */
  stop(): void {
    this.#isOver = true;
  }
}
