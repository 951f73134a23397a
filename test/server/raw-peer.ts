import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { hex } from '../even6/hex.ts';

/**
 * A peer that speaks PDUs byte by byte: nothing of it is made or read by the code under test. It waits for what the server does
 * (a PDU, the end of the connection), never for a time.
 */

export const Type = {
  request: 0,
  response: 2,
  fault: 3,
  bind: 11,
  bindAck: 12,
  bindNak: 13,
  alterContext: 14,
  alterContextResponse: 15,
  auth3: 16,
  cancel: 18,
  orphaned: 19,
} as const;

export const Flag = { first: 1, last: 2, whole: 3, headerSigning: 4, multiplexing: 0x10, didNotExecute: 0x20 } as const;

/** Flags of the fault of a call that has not begun. */
export const NOT_EXECUTED = Flag.whole | Flag.didNotExecute;

export const Syntax = {
  events: hex('f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000'),
  mapper: hex('0883afe1 1f5dc911 91a40800 2b14a0fa 03000000'),
  management: hex('80bda8af 8a7dc911 bef40800 2b102989 01000000'),
  ndr: hex('045d888a eb1cc911 9fe80800 2b104860 02000000'),
  ndr64: hex('33057171 babe3749 8319b5db ef9ccc36 01000000'),
  features: hex('2c1cb76c 12984045 03000000 00000000 01000000'),
} as const;

const HEADER = 16;
const TRAILER = 8;

export interface Trailer {
  readonly type: number;
  readonly level: number;
  readonly contextId: number;
  readonly token: Uint8Array;
}

export interface PduOptions {
  readonly flags?: number;
  readonly version?: number;
  readonly auth?: Trailer | undefined;
  /** Bytes between body and trailer. */
  readonly padding?: number;
}

export function pdu(type: number, callId: number, body: Uint8Array, options: PduOptions = {}): Uint8Array {
  const { flags = Flag.whole, version = 5, auth, padding = 0 } = options;
  const header = Buffer.alloc(HEADER);
  const parts = [header, body];
  if (auth !== undefined) {
    const trailer = Buffer.alloc(padding + TRAILER);
    trailer.set([auth.type, auth.level, padding], padding);
    trailer.writeUInt32LE(auth.contextId, padding + 4);
    parts.push(trailer, auth.token);
  }
  header.set([version, 0, type, flags, 0x10]);
  header.writeUInt16LE(
    parts.reduce((sum, { length }) => sum + length, 0),
    8,
  );
  header.writeUInt16LE(auth?.token.length ?? 0, 10);
  header.writeUInt32LE(callId, 12);
  return new Uint8Array(Buffer.concat(parts));
}

/** An offer: context id, interface, transfer syntaxes. */
export type Item = readonly [id: number, abstract: Uint8Array, ...transfers: readonly Uint8Array[]];

export const EVENTS: Item = [0, Syntax.events, Syntax.ndr];
export const MANAGEMENT: Item = [7, Syntax.management, Syntax.ndr];

/** The body of a bind, or of an alter_context. */
export function offer(
  items: readonly Item[],
  { transmit = 5840, receive = 5840, group = 0 }: { transmit?: number; receive?: number; group?: number } = {},
): Uint8Array {
  const head = Buffer.alloc(12);
  head.writeUInt16LE(transmit, 0);
  head.writeUInt16LE(receive, 2);
  head.writeUInt32LE(group, 4);
  head[8] = items.length;
  const parts = items.flatMap(([id, abstract, ...transfers]) => [
    Uint8Array.of(id & 0xff, id >> 8, transfers.length, 0),
    abstract,
    ...transfers,
  ]);
  return new Uint8Array(Buffer.concat([head, ...parts]));
}

/** The body of a request. */
export function call(
  opnum: number,
  stub: Uint8Array,
  { contextId = 0, hint = stub.length }: { contextId?: number; hint?: number } = {},
): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(hint, 0);
  head.writeUInt16LE(contextId, 4);
  head.writeUInt16LE(opnum, 6);
  return new Uint8Array(Buffer.concat([head, stub]));
}

/** A PDU that has come. */
export interface Came {
  readonly type: number;
  readonly flags: number;
  readonly callId: number;
  /** Behind the header, in front of padding and trailer. */
  readonly body: Buffer;
  readonly padding: number;
  readonly auth: (Trailer & { readonly token: Buffer }) | undefined;
  readonly bytes: Buffer;
}

function takeApart(bytes: Buffer): Came {
  const size = bytes.readUInt16LE(10);
  const trailer = bytes.length - size - TRAILER;
  const padding = size === 0 ? 0 : bytes[trailer + 2]!;
  return {
    type: bytes[2]!,
    flags: bytes[3]!,
    callId: bytes.readUInt32LE(12),
    body: bytes.subarray(HEADER, size === 0 ? bytes.length : trailer - padding),
    padding,
    auth:
      size === 0
        ? undefined
        : {
            type: bytes[trailer]!,
            level: bytes[trailer + 1]!,
            contextId: bytes.readUInt32LE(trailer + 4),
            token: bytes.subarray(trailer + TRAILER),
          },
    bytes,
  };
}

/** What a fault says. */
export function faultOf({ type, flags, body, callId }: Came): {
  status: number;
  flags: number;
  callId: number;
  contextId: number;
} {
  if (type !== Type.fault) throw new Error(`a PDU of type ${type} where a fault must be`);
  return { status: body.readUInt32LE(8), flags, callId, contextId: body.readUInt16LE(4) };
}

/** Why a bind was refused. */
export function nakOf({ type, body }: Came): number {
  if (type !== Type.bindNak) throw new Error(`a PDU of type ${type} where a bind_nak must be`);
  return body.readUInt16LE(0);
}

/** What a bind, or an alter_context, was answered with. */
export function ackOf({ type, body }: Came): {
  transmit: number;
  receive: number;
  group: number;
  address: string;
  results: readonly (readonly [result: number, reason: number, transfer: string])[];
} {
  if (type !== Type.bindAck && type !== Type.alterContextResponse) throw new Error(`a PDU of type ${type}`);
  const length = body.readUInt16LE(8);
  const at = Math.ceil((10 + length) / 4) * 4;
  return {
    transmit: body.readUInt16LE(0),
    receive: body.readUInt16LE(2),
    group: body.readUInt32LE(4),
    address: body.toString('latin1', 10, 10 + length),
    results: Array.from({ length: body[at]! }, (_, i) => {
      const item = at + 4 + 24 * i;
      return [body.readUInt16LE(item), body.readUInt16LE(item + 2), body.toString('hex', item + 4, item + 24)] as const;
    }),
  };
}

/** One connection to a server. */
export class RawPeer {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #isEnded = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#wake();
    });
    const ended = () => {
      this.#isEnded = true;
      this.#wake();
    };
    socket.on('end', ended);
    socket.on('close', ended);
    // A server that ends a connection may do so while something is being sent to it.
    socket.on('error', ended);
  }

  static async connect(port: number): Promise<RawPeer> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    onTestFinished(() => void socket.destroy());
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawPeer(socket);
  }

  send(...pdus: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(pdus));
  }

  /** Sends no more; what the server sends is taken. */
  close(): void {
    this.#socket.destroy();
  }

  /** The next PDU. @throws when the connection ends before it comes */
  async next(): Promise<Came> {
    const came = await this.#take();
    if (came === undefined) throw new Error('the server has ended the connection');
    return came;
  }

  /** Waits for the server to end the connection. @throws when it says something before */
  async ended(): Promise<void> {
    const came = await this.#take();
    if (came !== undefined) throw new Error(`a PDU of type ${came.type} came instead of the end`);
  }

  /** Sends a PDU and gives the next one that comes. */
  exchange(bytes: Uint8Array): Promise<Came> {
    this.send(bytes);
    return this.next();
  }

  async #take(): Promise<Came | undefined> {
    for (;;) {
      const length = this.#bytes.length < HEADER ? undefined : this.#bytes.readUInt16LE(8);
      if (length !== undefined && this.#bytes.length >= length) {
        const bytes = this.#bytes.subarray(0, length);
        this.#bytes = this.#bytes.subarray(length);
        return takeApart(bytes);
      }
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** The server answers on this connection: it says that it is there. */
export async function isUsable(peer: RawPeer, contextId = MANAGEMENT[0]): Promise<boolean> {
  const IS_LISTENING = 2;
  const came = await peer.exchange(pdu(Type.request, 0x7777, call(IS_LISTENING, new Uint8Array(), { contextId })));
  return came.type === Type.response && came.callId === 0x7777 && came.body.readUInt32LE(12) === 1;
}
