import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeBind, encodeBindAck } from '../../src/even6/pdu/bind.ts';
import { decodeRequestBody, encodeCallBody } from '../../src/even6/pdu/call-bodies.ts';
import { decodePdu, encodePdu, PduFlag, PduStream, PduType } from '../../src/even6/pdu/pdu.ts';
import { NDR } from '../../src/even6/pdu/syntaxes.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import { encodeResponse } from '../../src/even6/stubs/operations.ts';
import type { RemoteSessionOptions } from '../../src/service/remote/credentials.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import * as api from '../../src/wevtapi/promises.ts';
import { badServer } from './server.ts';

const { first, last, multiplexing } = PduFlag;
const HANDLE = 'a1a2a3a4a5a6a7a8a9aaabacadaeafb0';

/** Answers binds as a server does; what it does with requests is given. */
function serving(onRequest: (opnum: number, callId: number, socket: Socket) => void): Promise<number> {
  return badServer((socket) => {
    const stream = new PduStream();
    socket.on('data', (bytes) => {
      for (const whole of stream.push(bytes)) {
        const pdu = decodePdu(whole);
        if (pdu.type === PduType.request) {
          onRequest(decodeRequestBody(pdu.body, pdu.flags).opnum, pdu.callId, socket);
          continue;
        }
        if (pdu.type !== PduType.bind) continue;
        const results = decodeBind(pdu.body).contexts.map(() => ({ result: 0, reason: 0, transfer: NDR }));
        const body = encodeBindAck({ maxTransmit: 5840, maxReceive: 5840, group: 7, secondaryAddress: '', results });
        socket.write(
          encodePdu({ type: PduType.bindAck, flags: first | last | multiplexing, callId: pdu.callId, body }),
        );
      }
    });
  });
}

function respond(socket: Socket, callId: number, stub: Uint8Array, flags: number = first | last): boolean {
  return socket.write(encodePdu({ type: PduType.response, flags, callId, body: encodeCallBody(0, 0, 0, stub) }));
}

/** A client of a bad server, who gives up cancelled calls soon. */
function session(port: number, options: Partial<RemoteSessionOptions> = {}): EventLogSession {
  const opened = EventLogSession.remote({ host: '127.0.0.1', port, cancelTimeoutMs: 50, ...options });
  onTestFinished(() => opened.close());
  return opened;
}

const registered = encodeResponse(
  operations.REGISTER_LOG_QUERY,
  { query: HANDLE, control: HANDLE, channels: [{ name: 'App', status: 0 }], info: operations.NO_INFO },
  0,
);

/** A result set of a server that answers queries, and does with reads what is given. */
async function resultSet(
  onRead: (callId: number, socket: Socket) => void,
): Promise<{ handle: number; reads: Promise<void> }> {
  let asked = () => {};
  const reads = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const port = await serving((opnum, callId, socket) => {
    if (opnum === operations.REGISTER_LOG_QUERY.opnum) respond(socket, callId, registered);
    if (opnum !== operations.QUERY_NEXT.opnum) return;
    asked();
    onRead(callId, socket);
  });
  const handle = await api.EvtQuery(session(port).handle, 'App', '*', api.EvtQueryChannelPath);
  return { handle, reads };
}

describe('a client whose server never answers', () => {
  it('a bind: gives up after the time for connecting, with 1722', async () => {
    const port = await badServer(() => {});
    const remote = session(port, { connectTimeoutMs: 50 });
    await expect(remote.getLogNames()).rejects.toMatchObject({ code: 1722 });
  });

  it('a bind: a cancel of the session ends the call at once, with 1223', async () => {
    let connected = () => {};
    const met = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const remote = session(await badServer(() => connected()));
    const query = api.EvtQuery(remote.handle, 'App', '*', api.EvtQueryChannelPath);
    await met;
    await api.EvtCancel(remote.handle);
    await expect(query).rejects.toMatchObject({ code: 1223 });
  });

  it('a read, nor its cancel: gets out with 1223, and can go on with a new connection', async () => {
    const { handle, reads } = await resultSet(() => {});
    for (let i = 0; i < 2; i++) {
      const reading = api.EvtNext(handle, 10);
      await reads;
      // The read may not have been sent yet, the second time: the cancel ends it all the same.
      await api.EvtCancel(handle);
      await expect(reading).rejects.toMatchObject({ code: 1223 });
    }
  });

  it('a read: an aborted signal gets out with its own reason', async () => {
    const { handle, reads } = await resultSet(() => {});
    const controller = new AbortController();
    const reading = api.EvtNext(handle, 10, undefined, 0, { signal: controller.signal });
    await reads;
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  });
});

describe('a client whose server answers', () => {
  it('without an end is given up when the answer is larger than answers are', async () => {
    let sent = 0;
    const { handle } = await resultSet((callId, socket) => {
      let flags: number = first;
      const more = () => {
        while (!socket.destroyed) {
          sent += 5000;
          const goesOn = respond(socket, callId, new Uint8Array(5000), flags);
          flags = 0;
          if (!goesOn) return;
        }
      };
      socket.on('drain', more);
      more();
    });
    await expect(api.EvtNext(handle, 10)).rejects.toMatchObject({ code: 1726 });
    // What lies in buffers on the way besides.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('with fragments of nothing is left by a cancel', async () => {
    const { handle, reads } = await resultSet((callId, socket) => {
      respond(socket, callId, new Uint8Array(), first);
      const more = () => {
        if (socket.destroyed) return;
        for (let i = 0; i < 100; i++) respond(socket, callId, new Uint8Array(), 0);
        setImmediate(more);
      };
      more();
    });
    const reading = api.EvtNext(handle, 10);
    await reads;
    await api.EvtCancel(handle);
    await expect(reading).rejects.toMatchObject({ code: 1223 });
  });

  const bind = encodePdu({ type: PduType.bind, flags: 3, callId: 1, body: new Uint8Array(12) });
  it.each<[string, RegExp, (callId: number, socket: Socket) => unknown]>([
    ['fragments without a first one', /out of order/, (id, socket) => respond(socket, id, new Uint8Array(4), last)],
    ['another protocol', /RPC version 72 is not 5/, (_, socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['half a PDU, and goes', /lost/, (_, socket) => socket.end(Uint8Array.of(5, 0, 2, 3, 0x10))],
    ['a PDU that is for servers', /not for clients/, (_, socket) => socket.write(bind)],
  ])('with %s says so, and gives the connection up', async (_, what, onRead) => {
    const { handle } = await resultSet(onRead);
    const error: unknown = await api.EvtNext(handle, 10).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 1726, message: expect.stringMatching(what) });
  });

  it('with a stub of something else fails with 1783, and more bytes than there are', async () => {
    const { handle } = await resultSet((callId, socket) => respond(socket, callId, new Uint8Array(64).fill(0xff)));
    await expect(api.EvtNext(handle, 10)).rejects.toMatchObject({ code: 1783 });
  });

  it('by going away after each bind is not asked without end', async () => {
    let connections = 0;
    const port = await serving((_, __, socket) => {
      connections++;
      socket.destroy();
    });
    await expect(session(port).getLogNames()).rejects.toMatchObject({ code: 1726 });
    expect(connections).toBe(1);
  });
});

it('a session that is closed makes no connection any more', async () => {
  let connections = 0;
  const port = await badServer(() => connections++);
  const remote = session(port);
  const asking = remote.getLogNames();
  remote.close();
  await expect(asking).rejects.toMatchObject({ code: 1223 });
  await new Promise((resolve) => setImmediate(resolve));
  expect(connections).toBeLessThanOrEqual(1);
});
