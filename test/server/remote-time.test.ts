import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { u16, u32 } from '../../src/bytes/little-endian.ts';
import { PduStream, PduType } from '../../src/even6/pdu/pdu.ts';
import { INFINITE } from '../../src/even6/stubs/limits.ts';
import { QUERY_NEXT, REMOTE_SUBSCRIPTION_NEXT } from '../../src/even6/stubs/operations.ts';
import { writeLongLog } from '../log-files.ts';
import { fill, serve } from './serve.ts';

const OPNUM_AT = 22;
/** Behind the PDU's head: a handle and a count. */
const TIMEOUT_AT = 24 + 20 + 4;

/** A way to a server that notes the time each read is given; what is signed and not sealed can be read on the way. */
async function noting(port: number): Promise<{ port: number; times: number[] }> {
  const times: number[] = [];
  const proxy = createServer((client) => {
    const server = connect({ port, host: '127.0.0.1' });
    const calls = new PduStream();
    client.on('data', (bytes: Uint8Array) => {
      for (const pdu of calls.push(bytes)) {
        const isRead = [QUERY_NEXT.opnum, REMOTE_SUBSCRIPTION_NEXT.opnum].includes(u16(pdu, OPNUM_AT));
        if (pdu[2] === PduType.request && isRead) times.push(u32(pdu, TIMEOUT_AT));
      }
      server.write(bytes);
    });
    server.pipe(client);
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    for (const end of [client, server]) end.on('error', () => {});
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  return { port: (proxy.address() as AddressInfo).port, times };
}

async function noted() {
  const served = await serve();
  await fill(served.store, 'App', 3);
  const { port, times } = await noting(served.server.port);
  return { ...served, times, remote: served.session({ port, protection: 'integrity' }) };
}

describe('the time of a read on another machine', () => {
  it('is given to the server, less what its answer needs', async () => {
    const { remote, times } = await noted();
    await using reader = remote.query('App');
    await reader.open();
    expect(await reader.readBatch(1, { timeoutMs: 60_000 })).toHaveLength(1);
    expect(times).toHaveLength(1);
    expect(times[0]).toBeGreaterThan(30_000);
    expect(times[0]).toBeLessThanOrEqual(45_000);
  });

  it('has no end where the caller sets none', async () => {
    const { remote, times } = await noted();
    await using reader = remote.query('App');
    expect(await reader.readBatch()).toHaveLength(3);
    expect(times).toEqual([INFINITE]);
  });

  it('ends a read that finds nothing, and the next one looks on from there', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 1);
    writeLongLog(store, 'Long.evtx', 200);
    await using reader = session().query('Long', '*[System[EventID=65535]]');
    await reader.open();
    let timeouts = 0;
    // Were it to begin anew each time, it would never end.
    for (;;) {
      const found = await reader.readBatch(1, { timeoutMs: 20 }).catch((error: { code: number }) => error.code);
      if (found !== 1460) {
        expect(found).toEqual([]);
        break;
      }
      timeouts++;
    }
    expect(timeouts).toBeGreaterThan(0);
  });
});
