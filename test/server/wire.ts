import { expect, onTestFinished } from 'vitest';
import { type ResultRecord, readResultRecord, recordsOf } from '../../src/even6/record.ts';
import { ClientAssociation } from '../../src/even6/rpc/client-association.ts';
import type { Fields } from '../../src/even6/stubs/codec.ts';
import { INFINITE } from '../../src/even6/stubs/limits.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import { type RemoteSessionOptions, securityOf } from '../../src/service/remote/credentials.ts';
import { PASSWORD, type Served } from './serve.ts';

/** Statuses of answers, by the names of the Win32 codes. */
export const Status = {
  success: 0,
  fileNotFound: 2,
  pathNotFound: 3,
  accessDenied: 5,
  invalidData: 0xd,
  notSupported: 0x32,
  fileExists: 0x50,
  invalidParameter: 0x57,
  insufficientBuffer: 0x7a,
  invalidName: 0x7b,
  alreadyExists: 0xb7,
  noMoreItems: 0x103,
  notFound: 0x490,
  cancelled: 0x4c7,
  timeout: 0x5b4,
  fileCorrupt: 0x5dc,
  invalidOperation: 0x10dd,
  invalidChannelPath: 0x3a98,
  invalidQuery: 0x3a99,
  channelNotFound: 0x3a9f,
  resultStale: 0x3aa3,
  invalidPropertyValue: 0x3aaf,
  messageNotFound: 0x3ab3,
  messageIdNotFound: 0x3ab4,
} as const;

/** What the client makes of fault 0x1C00001A: a handle that the server does not know in this association. */
export const CONTEXT_MISMATCH = { code: 6, message: expect.stringContaining('does not know the handle') };

/** Flags of the operations. */
export const Path = { channel: 1, file: 2 } as const;
export const Direction = { forward: 0x100, reverse: 0x200 } as const;
export const TOLERATE = 0x1000;
export const Seek = { first: 1, last: 2, current: 3, bookmark: 4, strict: 0x1_0000 } as const;
export const Subscribe = { future: 1, oldest: 2, bookmark: 3, strict: 0x1_0000, pull: 0x1000_0000 } as const;

type Answer<Out> = Out & { readonly status: number };

/** A client that asks for single operations, and sees handles, statuses and arrays as they are on the wire. */
export interface Wire {
  /** Asks, and gives the answer with its status. Rejects for a fault. */
  ask<In extends Fields, Out extends Fields>(
    operation: operations.RpcOperation<In, Out>,
    input: In,
  ): Promise<Answer<Out>>;
  readonly association: ClientAssociation;
}

/** Connects to a server, as alice unless said otherwise, in an association group of its own. */
export function wireTo({ server }: Pick<Served, 'server'>, user = 'alice'): Wire {
  const options: RemoteSessionOptions = { host: '127.0.0.1', port: server.port, user, password: PASSWORD };
  const address = {
    host: options.host,
    port: server.port,
    endpointMapperPort: 135,
    connectTimeoutMs: 30_000,
    cancelTimeoutMs: 10_000,
  };
  const association = new ClientAssociation(address, securityOf(options, 'test'));
  onTestFinished(() => association.close());
  return {
    association,
    async ask(operation, input) {
      const { values, status } = await (await association.call(operation, input, operation.name)).answer;
      return { ...values, status };
    },
  };
}

/** Registers a query that is to succeed. */
export async function queryOf(wire: Wire, path: string | undefined, query = '*', flags: number = Path.channel) {
  const answer = await wire.ask(operations.REGISTER_LOG_QUERY, { path, query, flags });
  if (answer.status !== Status.success) throw new Error(`the query was answered with ${answer.status}`);
  return answer;
}

/** Registers a subscription that is to succeed. */
export async function subscriptionTo(wire: Wire, channel: string | undefined, flags: number, bookmark?: string) {
  const answer = await wire.ask(operations.REGISTER_REMOTE_SUBSCRIPTION, { channel, query: '*', bookmark, flags });
  if (answer.status !== Status.success) throw new Error(`the subscription was answered with ${answer.status}`);
  return answer;
}

/** The records of an answer, each as it lies there. */
export function recordsIn({ records: { bytes, offsets, sizes } }: { records: operations.RecordBatch }): Uint8Array[] {
  return recordsOf(bytes, offsets, sizes);
}

export function readRecords(answer: { records: operations.RecordBatch }): ResultRecord[] {
  return recordsIn(answer).map(readResultRecord);
}

/** The record numbers of an answer's events, each in its own channel. */
export function numbersIn(answer: { records: operations.RecordBatch }): number[] {
  return readRecords(answer).map(({ recordIds, currentChannel }) => Number(recordIds[currentChannel]));
}

/** Op 11. */
export async function next(wire: Wire, query: string | undefined, count: number, timeoutMs: number = INFINITE) {
  return wire.ask(operations.QUERY_NEXT, { query, count, timeoutMs, flags: 0 });
}

/** All that a query still has: record numbers, by channel index. */
export async function rest(wire: Wire, query: string | undefined): Promise<string[]> {
  const found: string[] = [];
  for (;;) {
    const answer = await next(wire, query, 100);
    if (answer.status === Status.noMoreItems) return found;
    if (answer.status !== Status.success) throw new Error(`the read was answered with ${answer.status}`);
    for (const { recordIds, currentChannel } of readRecords(answer)) {
      found.push(`${currentChannel}:${recordIds[currentChannel]}`);
    }
  }
}

/** Op 12. */
export async function seek(wire: Wire, query: string | undefined, flags: number, position: number, bookmark?: string) {
  return wire.ask(operations.QUERY_SEEK, { query, position: BigInt(position), bookmark, timeoutMs: 0, flags });
}

export function bookmarkAt(channel: string, recordId: number): string {
  return `<BookmarkList><Bookmark Channel='${channel}' RecordId='${recordId}' IsCurrent='true'/></BookmarkList>`;
}

/** No records: what an answer says that has none. */
export const NO_RECORDS = { offsets: [], sizes: [], bytes: new Uint8Array() };
