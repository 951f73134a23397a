import { beforeAll, expect, it } from 'vitest';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { requireBuild } from '../cli/command.ts';
import { writeLongLog } from '../log-files.ts';
import { fill, PASSWORD } from '../server/serve.ts';
import { HOSTILITIES, HostileClients } from './hostile-clients.ts';
import { ServedProcess } from './served-process.ts';

const MIB = 1024 * 1024;
const HOSTILE = 200;
const EVENTS = 300;
const ROUNDS = 4;
/** Chunks of the log that is scanned in vain. */
const LONG_CHUNKS = 400;
/**
 * What the server's process may take, whatever its clients do: the limits below for what waits to be sent and to be put together,
 * one PDU of each connection, handles, and what a program takes that has nothing to do.
 */
const MAX_RSS = 512 * MIB;
const LIMITS = {
  handshakeMs: 10_000,
  stallMs: 5000,
  quickFailures: 3,
  failureDelayMs: 500,
  totalUnsentBytes: 128 * MIB,
  partialRequestBytes: 32 * MIB,
  handlesPerUser: 1024,
};

beforeAll(requireBuild);

it(`${HOSTILE} hostile clients keep nobody from being served, in bounded memory`, { timeout: 300_000 }, async () => {
  const server = await ServedProcess.start(LIMITS, async (store) => {
    await fill(store, 'App', EVENTS);
    writeLongLog(store, 'Large.evtx', LONG_CHUNKS);
  });
  const hostile = new HostileClients(server.port, HOSTILE);
  const read = async (session: EventLogSession) => {
    const found: number[] = [];
    for await (const { data } of session.events('App')) found.push(Number(data['Number']));
    return found;
  };
  const options = { host: '127.0.0.1', port: server.port, user: 'alice', password: PASSWORD };
  const all = Array.from({ length: EVENTS }, (_, i) => i + 1);
  for (let round = 0; round < ROUNDS; round++) {
    // Old clients and new ones: each logs on anew.
    const sessions = [1, 2].map(() => EventLogSession.remote(options));
    for (const found of await Promise.all(sessions.map(read))) expect(found).toEqual(all);
    for (const session of sessions) session.close();
    if (process.env['WINEVT_SHOW'] !== undefined) console.log(performance.now(), await server.state());
    const { rss, openHandles, unsentBytes, partialRequestBytes, failures } = await server.state();
    expect(failures).toEqual([]);
    expect(rss).toBeLessThan(MAX_RSS);
    // Of trudy, who has all that she may have, and of mallory, who lets go of them.
    expect(openHandles).toBeLessThanOrEqual(2 * LIMITS.handlesPerUser);
    expect(unsentBytes).toBeLessThanOrEqual(LIMITS.totalUnsentBytes);
    expect(partialRequestBytes).toBeLessThanOrEqual(LIMITS.partialRequestBytes);
  }
  const { peak, told } = await server.state();
  expect(peak).toBeLessThan(MAX_RSS);
  expect(told).toBeGreaterThan(0);
  expect([...hostile.connections.keys()].sort()).toEqual(Object.keys(HOSTILITIES).sort());
  hostile.stop();
  if (process.env['WINEVT_SHOW'] !== undefined) console.log(hostile.connections, await server.state());
});
