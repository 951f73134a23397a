import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { NtlmClient } from '../../src/even6/security/ntlm-client.ts';
import { ntHash } from '../../src/even6/security/ntlm-keys.ts';
import { AuthLevel } from '../../src/even6/security/security-context.ts';
import { negotiateClient } from '../../src/even6/security/spnego-client.ts';
import { parseUsers } from '../../src/server/users.ts';
import { addressOf, securityOf } from '../../src/service/remote/credentials.ts';
import { fill, PASSWORD, serve } from '../server/serve.ts';

const HASH = Buffer.from(ntHash(PASSWORD)).toString('hex');
const WRONG = 'a wrong password that nobody may see';

/** All that a program, or a log, could show of a value. */
function shown(value: unknown): string {
  const options = { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true } as const;
  const error = value instanceof Error ? `${value.stack} ${value.message}` : '';
  return `${inspect(value, options)} ${JSON.stringify(value)} ${String(value)} ${error}`;
}

function expectNoSecret(value: unknown): void {
  const text = shown(value);
  for (const secret of [PASSWORD, WRONG, HASH, Buffer.from(PASSWORD, 'utf16le').toString('hex')]) {
    expect(text).not.toContain(secret);
  }
}

it('sessions, what they are made of, and their errors show neither password nor hash', async () => {
  const { session, store, server, told } = await serve();
  await fill(store, 'App', 3);
  for (const authentication of ['ntlm', 'negotiate'] as const) {
    const good = session({ authentication });
    await good.getLogNames();
    expectNoSecret(good);
    const bad = session({ authentication, password: WRONG });
    const error: unknown = await bad.getLogNames().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 5 });
    expectNoSecret(error);
    expectNoSecret(bad);
    const unknown: unknown = await session({ authentication, user: 'nobody' })
      .getLogNames()
      .catch((e: unknown) => e);
    expectNoSecret(unknown);
  }
  expect(told.length).toBeGreaterThan(0);
  expectNoSecret(told);
  expectNoSecret(server);
});

it('security contexts and options of sessions show nothing either', () => {
  const options = { host: 'h', user: 'alice', password: PASSWORD };
  expectNoSecret(securityOf(options, 'test'));
  expectNoSecret(addressOf(options, 'test'));
  const given = { user: 'alice', domain: '', password: PASSWORD, host: 'h', level: AuthLevel.privacy };
  expectNoSecret(new NtlmClient(given));
  expectNoSecret(negotiateClient(given));
});

it('what is wrong with a file of users shows nothing of its hashes', () => {
  const broken = [
    `{"users":[{"name":"alice","ntHash":"${HASH}"`,
    `{"users":[{"name":"","ntHash":"${HASH}"}]}`,
    `{"users":[{"name":"alice","ntHash":"${HASH}ff"}]}`,
    `"${HASH}"`,
    `{"users":[{"name":"alice","ntHash":"${HASH}","grants":[{"channels":"*","rights":["fly"]}]}]}`,
  ];
  for (const text of broken) {
    let error: unknown;
    try {
      parseUsers(text, 'users.json');
    } catch (reason) {
      error = reason;
    }
    expect(error).toMatchObject({ code: 13 });
    expectNoSecret(error);
  }
});
