import { describe, expect, it, onTestFinished } from 'vitest';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { badServer } from '../hostile/server.ts';
import { fill, PASSWORD, serve } from './serve.ts';

async function failureOf(options: { port?: number; endpointMapperPort?: number; connectTimeoutMs?: number }) {
  const session = EventLogSession.remote({ host: '127.0.0.1', user: 'alice', password: PASSWORD, ...options });
  onTestFinished(() => session.close());
  return session.getLogNames().then(
    () => undefined,
    (error: { code: number; detail: string }) => ({ code: error.code, detail: error.detail }),
  );
}

describe('a machine that cannot be reached', () => {
  it('does not answer in the time for that', async () => {
    const port = await badServer(() => {});
    expect(await failureOf({ port, connectTimeoutMs: 50 })).toEqual({
      code: 1722,
      detail: expect.stringMatching(/^127\.0\.0\.1 cannot be reached \(it does not answer\)/),
    });
    // Nor does its endpoint mapper.
    expect(await failureOf({ endpointMapperPort: port, connectTimeoutMs: 50 })).toEqual({
      code: 1722,
      detail: expect.stringMatching(/^127\.0\.0\.1 cannot be reached \(its endpoint mapper does not answer\)/),
    });
  });

  it('hangs up', async () => {
    const port = await badServer((socket) => socket.end());
    expect(await failureOf({ port })).toMatchObject({ code: 1727, detail: expect.stringContaining('was lost') });
    expect(await failureOf({ endpointMapperPort: port })).toMatchObject({ code: 1727 });
  });

  it('speaks something else', async () => {
    const port = await badServer((socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await failureOf({ port })).toMatchObject({ code: expect.toBeOneOf([1727, 1728]) });
  });

  it('is asked again by the next call', async () => {
    const { server, store, session } = await serve();
    await fill(store, 'App', 1);
    const remote = session();
    expect(await remote.getLogNames()).toContain('App');
    server.dropConnections();
    while (server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    // Whether the end of the connection has been seen here is a matter of moments.
    for (let tries = 0; ; tries++) {
      const names = await remote.getLogNames().catch((error: { code: number }) => error.code);
      if (Array.isArray(names)) break;
      expect([1726, 1727]).toContain(names);
      expect(tries).toBeLessThan(3);
    }
  });
});

describe('the port of event logs', () => {
  it('is asked of the endpoint mapper', async () => {
    const { server, store, session } = await serve({ endpointMapperPort: 0 });
    await fill(store, 'App', 1);
    const remote = session({ port: undefined, endpointMapperPort: server.endpointMapperPort });
    expect(await remote.getLogNames()).toContain('App');
  });

  it('is not known to a mapper that has no such interface', async () => {
    // The event logs' own port takes nobody for a mapper.
    const { server } = await serve();
    expect(await failureOf({ endpointMapperPort: server.port })).toMatchObject({ code: 1717 });
  });
});
