import { describe, expect, it } from 'vitest';
import { ClientAssociation } from '../../src/even6/rpc/client-association.ts';
import { AuthLevel } from '../../src/even6/security/security-context.ts';
import { negotiateClient } from '../../src/even6/security/spnego-client.ts';
import { REGISTER_CONTROLLABLE_OPERATION } from '../../src/even6/stubs/operations.ts';
import type { EventLogServer } from '../../src/server/event-log-server.ts';
import { PASSWORD, serve } from './serve.ts';

const LOST = { code: 1727, symbol: 'RPC_S_CALL_FAILED_DNE' };

function associated(server: EventLogServer) {
  const address = { host: '127.0.0.1', port: server.port, endpointMapperPort: 0, connectTimeoutMs: 60_000 };
  const level = AuthLevel.privacy;
  const context = () => negotiateClient({ user: 'alice', domain: '', password: PASSWORD, host: 'here', level });
  const association = new ClientAssociation(address, { level, context });
  const ask = async () => {
    const { answer } = await association.call(REGISTER_CONTROLLABLE_OPERATION, {}, 'test');
    return (await answer).status;
  };
  return { association, ask };
}

/** Lets what is under way go on until a condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('an association', () => {
  it('that is closed makes no call any more', async () => {
    const { server } = await serve();
    const { association, ask } = associated(server);
    expect(await ask()).toBe(0);
    association.close();
    expect(association.isConnected).toBe(false);
    await expect(ask()).rejects.toMatchObject(LOST);
    await until(() => server.connections === 0);
  });

  it('that is closed at any moment of its connecting ends the call that it connects for', async () => {
    const { server } = await serve();
    for (let turns = 0, isDone = false; !isDone; turns++) {
      const { association, ask } = associated(server);
      let outcome: unknown;
      void ask().then(
        (status) => {
          outcome = status;
        },
        (error: unknown) => {
          outcome = error;
        },
      );
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      isDone = outcome !== undefined;
      association.close();
      await until(() => outcome !== undefined);
      if (!isDone) expect([1722, 1726, 1727]).toContain((outcome as { code: number }).code);
      expect(association.isConnected).toBe(false);
      await until(() => server.connections === 0);
    }
  });

  it('whose connections were dropped makes a new one for the next call', async () => {
    const { server } = await serve();
    const { association, ask } = associated(server);
    expect(await ask()).toBe(0);
    association.drop();
    expect(association.isConnected).toBe(false);
    expect(await ask()).toBe(0);
    association.close();
    await until(() => server.connections === 0);
  });
});
