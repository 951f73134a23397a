import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PduStream } from '../../src/even6/pdu/pdu.ts';
import { EVENT_SERVICE } from '../../src/even6/pdu/syntaxes.ts';
import { AssociationGroups } from '../../src/even6/rpc/association-group.ts';
import { ClientConnection, type ClientSecurity } from '../../src/even6/rpc/client-connection.ts';
import { SYSTEM_CLOCK } from '../../src/even6/rpc/clock.ts';
import { type ConnectionContext, ServerConnection } from '../../src/even6/rpc/server-connection.ts';
import { DEFAULT_LIMITS } from '../../src/even6/rpc/server-limits.ts';
import { ServerLoad } from '../../src/even6/rpc/server-load.ts';
import { NtlmClient } from '../../src/even6/security/ntlm-client.ts';
import { ntHash } from '../../src/even6/security/ntlm-keys.ts';
import { NtlmServer } from '../../src/even6/security/ntlm-server.ts';
import { AuthLevel, AuthType } from '../../src/even6/security/security-context.ts';
import { NegotiateClient } from '../../src/even6/security/spnego-client.ts';
import { NegotiateServer } from '../../src/even6/security/spnego-server.ts';
import type { Fields } from '../../src/even6/stubs/codec.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import { encodeRequest, type RpcOperation } from '../../src/even6/stubs/operations.ts';
import { FileFolder } from '../../src/server/access.ts';
import { eventServiceInterface } from '../../src/server/event-service-interface.ts';
import { closeAny } from '../../src/service/handle-registry.ts';
import { openLocalSession } from '../../src/service/objects.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { MemoryStream } from '../memory-stream.ts';

/** A server of a small store, in this process and without a network, and a client's whole conversation with it. */

const EVENTS = 40;
const PASSWORD = 'Password';
const FIXED = { random: (size: number) => new Uint8Array(size).fill(0x5a), now: () => 133_485_408_000_000_000n };
const USER = { user: 'User', domain: '', password: PASSWORD, host: 'host', ...FIXED };

/** How the client says who it is. */
export type Logon = 'nobody' | 'ntlm' | 'negotiate';

const SECURITY: Readonly<Record<Logon, ClientSecurity | undefined>> = {
  nobody: undefined,
  ntlm: { level: AuthLevel.integrity, context: () => new NtlmClient({ ...USER, level: AuthLevel.integrity }) },
  negotiate: { level: AuthLevel.privacy, context: () => new NegotiateClient({ ...USER, level: AuthLevel.privacy }) },
};

/** A store with a few events in it. */
async function smallStore(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'winevt-fuzz-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const session = EventLogSession.open({ store: folder });
  const events = Array.from({ length: EVENTS }, (_, i) => ({ provider: 'P', id: i + 1, data: { Number: String(i) } }));
  await session.write('App', events);
  session.close();
  return folder;
}

/** A server for fuzzing: whatever it fails with inside is kept. */
export class FuzzedServer {
  readonly failures: unknown[] = [];
  readonly groups = new AssociationGroups(DEFAULT_LIMITS);
  readonly load = new ServerLoad(DEFAULT_LIMITS, SYSTEM_CLOCK);
  readonly #context: ConnectionContext;

  constructor(folder: string) {
    const session = openLocalSession(folder, 'fuzz');
    process.once('exit', () => closeAny(session));
    const access = { allows: () => true, allowsAll: () => true, isAdministrator: () => true };
    const logs = { session, access, files: new FileFolder(undefined), queryUnits: DEFAULT_LIMITS.queryUnits };
    const hash = ntHash(PASSWORD);
    const names = { computer: 'SERVER', domain: 'SERVER', dnsName: 'server' };
    const findNtHash = (user: string) => (user === 'User' ? hash.slice() : undefined);
    this.#context = {
      interfaces: [eventServiceInterface(logs, AuthLevel.integrity, true)],
      groups: this.groups,
      limits: DEFAULT_LIMITS,
      load: this.load,
      clock: SYSTEM_CLOCK,
      authenticate: (type, level) => {
        const options = { ...names, findNtHash, level, ...FIXED };
        if (type === AuthType.ntlm) return new NtlmServer(options);
        return type === AuthType.negotiate ? new NegotiateServer(options) : undefined;
      },
      secondaryAddress: '4913',
      localAddress: '127.0.0.1',
      onRefused: () => 0,
      onError: (error) => this.failures.push(error),
    };
  }

  /** It still has something of a connection. */
  get isHeld(): boolean {
    return (
      this.groups.size > 0 || this.groups.openHandles > 0 || this.load.unsent !== 0 || this.load.partialBytes !== 0
    );
  }

  /** A connection to it. */
  connect(stream: MemoryStream): ServerConnection {
    return new ServerConnection(stream, '127.0.0.1', this.#context);
  }
}

let shared: Promise<FuzzedServer> | undefined;

/** The one server of this process. */
export function fuzzedServer(): Promise<FuzzedServer> {
  shared ??= smallStore().then((folder) => new FuzzedServer(folder));
  return shared;
}

type AnyCall = (connection: ClientConnection) => Promise<Uint8Array>;

function calling<In extends Fields>(operation: RpcOperation<In, Fields>, input: In): AnyCall {
  return async (connection) => connection.call(operation.opnum, encodeRequest(operation, input), 'fuzz').answer;
}

/** A client that makes calls of every kind, one behind the other, and takes what comes of them. */
export async function converse(
  connection: ClientConnection,
  logon: Logon,
  onAnswer: (operation: RpcOperation<Fields, Fields>, stub: Uint8Array) => void,
): Promise<void> {
  await connection.bind(EVENT_SERVICE, 0, SECURITY[logon], 'fuzz');
  const ask = async <In extends Fields, Out extends Fields>(asked: RpcOperation<In, Out>, input: In): Promise<Out> => {
    const stub = await calling(asked, input)(connection);
    onAnswer(asked as unknown as RpcOperation<Fields, Fields>, stub);
    return operations.decodeResponse(asked as RpcOperation<Fields, Out>, stub).values;
  };
  const { query, control } = await ask(operations.REGISTER_LOG_QUERY, { path: 'App', query: '*', flags: 0x101 });
  await ask(operations.QUERY_NEXT, { query, count: 5, timeoutMs: 1000, flags: 0 });
  const bookmark = "<BookmarkList><Bookmark Channel='App' RecordId='3' IsCurrent='true'/></BookmarkList>";
  await ask(operations.QUERY_SEEK, { query, position: 1n, bookmark, timeoutMs: 0, flags: 4 });
  await ask(operations.QUERY_NEXT, { query, count: 30, timeoutMs: 1000, flags: 0 });
  await ask(operations.CANCEL, { control });
  const pulled = { channel: 'App', query: '*', bookmark: undefined, flags: 0x1000_0002 };
  const { subscription } = await ask(operations.REGISTER_REMOTE_SUBSCRIPTION, pulled);
  await ask(operations.REMOTE_SUBSCRIPTION_NEXT, { subscription, count: 3, timeoutMs: 1000, flags: 0 });
  const { log } = await ask(operations.OPEN_LOG_HANDLE, { path: 'App', flags: 1 });
  await ask(operations.GET_LOG_FILE_INFO, { log, property: 3, size: 16 });
  await ask(operations.GET_CHANNEL_LIST, { flags: 0 });
  const { properties } = await ask(operations.GET_CHANNEL_CONFIG, { channel: 'App', flags: 0 });
  await ask(operations.PUT_CHANNEL_CONFIG, { channel: 'App', flags: 1, properties });
  await ask(operations.GET_PUBLISHER_LIST, { flags: 0 });
  const unknown = { publisher: undefined, file: undefined, locale: 0, flags: 0 };
  const { publisher } = await ask(operations.GET_PUBLISHER_METADATA, unknown);
  const event = new Uint8Array(16);
  const values = properties.slice(0, 3);
  await ask(operations.MESSAGE_RENDER, { publisher, event, messageId: 0, values, flags: 2, maxBytes: 1024 });
  await ask(operations.CLOSE, { handle: query });
  await ask(operations.CLOSE, { handle: control });
}

/** A conversation as it was: the PDUs of the client and those of the server, in their order. */
export interface Recording {
  readonly client: readonly Uint8Array[];
  readonly server: readonly Uint8Array[];
}

const recordings = new Map<Logon, Promise<Recording>>();

/** A real conversation with the server, recorded. */
export function recorded(logon: Logon): Promise<Recording> {
  let recording = recordings.get(logon);
  if (recording === undefined) {
    recording = record(logon);
    recordings.set(logon, recording);
  }
  return recording;
}

/** The PDUs of one write: several of an answer go out together. */
function apart(bytes: Uint8Array): Uint8Array[] {
  const stream = new PduStream();
  const pdus = [...stream.push(bytes)];
  if (stream.isPartial) throw new Error('a write of a recording ends within a PDU');
  return pdus;
}

async function record(logon: Logon): Promise<Recording> {
  const server = await fuzzedServer();
  const said = { client: [] as Uint8Array[], server: [] as Uint8Array[] };
  const far: MemoryStream = new MemoryStream((bytes) => {
    said.server.push(...apart(bytes));
    setImmediate(() => near.give(bytes));
  });
  const near: MemoryStream = new MemoryStream((bytes) => {
    said.client.push(...apart(bytes));
    setImmediate(() => far.give(bytes));
  });
  const serving = server.connect(far);
  const client = new ClientConnection(near.socket, () => {});
  await converse(client, logon, () => {});
  client.close();
  serving.close();
  return said;
}
