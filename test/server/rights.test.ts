import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Identity } from '../../src/even6/security/security-context.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import type { Right } from '../../src/server/access.ts';
import { addUser, type Grant, UserFile } from '../../src/server/users.ts';
import { temporaryFolder } from '../log-files.ts';
import { fill, PASSWORD, serve } from './serve.ts';
import { Path, Status, TOLERATE, type Wire, wireTo } from './wire.ts';

const who = (user: string): Identity => ({ user, domain: 'D', workstation: '' });

function usersWith(grants: readonly Grant[], administrator = false) {
  const file = path.join(temporaryFolder(), 'users.json');
  addUser(file, { name: 'Dora', password: PASSWORD, grants, administrator });
  return { file, users: new UserFile(file, false) };
}

async function read(wire: Wire, channel: string): Promise<number> {
  const input = { path: channel, query: '*', flags: Path.channel };
  return (await wire.ask(operations.REGISTER_LOG_QUERY, input)).status;
}

describe('rights', () => {
  it.each([
    ['App', ['App', 'APP'], ['Apps', 'App/Operational', 'MyApp']],
    ['App*', ['App', 'Apps', 'App/Operational'], ['MyApp', 'Ap']],
    ['*/Operational', ['App/Operational', 'a/b/OPERATIONAL'], ['App/Operational2', 'Operational']],
    ['Microsoft-*-Sysmon*', ['Microsoft-Windows-Sysmon/Operational'], ['Microsoft-Sysmon', 'Sysmon']],
    ['a.c', ['a.c'], ['abc']],
    ['(a|b)', ['(a|b)'], ['a']],
    ['', [], ['App']],
  ])('the pattern %s is for some channels and not for others', (channels, some, others) => {
    const { users } = usersWith([{ channels, rights: ['read'] }]);
    for (const channel of some) expect(users.allows(who('dora'), channel, 'read')).toBe(true);
    for (const channel of others) expect(users.allows(who('dora'), channel, 'read')).toBe(false);
    expect(users.allowsAll(who('dora'), 'read')).toBe(false);
  });

  it('each is for itself, and for the user who has it', () => {
    const { users } = usersWith([
      { channels: 'App', rights: ['read'] },
      { channels: '*', rights: ['clear'] },
    ]);
    const of = (user: string, channel: string) =>
      (['read', 'write', 'clear'] satisfies Right[]).filter((right) => users.allows(who(user), channel, right));
    expect(of('DORA', 'App')).toEqual(['read', 'clear']);
    expect(of('dora', 'Other')).toEqual(['clear']);
    expect(of('mallory', 'App')).toEqual([]);
    expect([users.allowsAll(who('dora'), 'clear'), users.allowsAll(who('dora'), 'read')]).toEqual([true, false]);
    expect(users.isAdministrator(who('dora'))).toBe(false);
    // Nobody has none, unless everybody may read.
    expect(users.allows(undefined, 'App', 'read')).toBe(false);
    expect(users.allowsAll(undefined, 'read')).toBe(false);
  });

  it('somebody who has not said who he is may read at most', () => {
    const users = new UserFile(undefined, true);
    expect(users.allows(undefined, 'App', 'read')).toBe(true);
    expect(users.allowsAll(undefined, 'read')).toBe(true);
    expect(users.allows(undefined, 'App', 'clear')).toBe(false);
    expect(users.allowsAll(undefined, 'clear')).toBe(false);
    expect(users.isAdministrator(undefined)).toBe(false);
  });

  it('are those of the file as it is now', () => {
    const { file, users } = usersWith([{ channels: '*', rights: ['read'] }], true);
    expect(users.allows(who('dora'), 'App', 'read')).toBe(true);
    addUser(file, { name: 'dora', password: PASSWORD, grants: [{ channels: 'Other', rights: ['read'] }] });
    expect(users.allows(who('dora'), 'App', 'read')).toBe(false);
    expect(users.allowsAll(who('dora'), 'read')).toBe(false);
    expect(users.isAdministrator(who('dora'))).toBe(false);
    expect(users.allows(who('dora'), 'Other', 'read')).toBe(true);
    // What cannot be read changes nothing: it may be in the making.
    writeFileSync(file, '{');
    expect(users.allows(who('dora'), 'Other', 'read')).toBe(true);
    rmSync(file);
    expect(users.allows(who('dora'), 'Other', 'read')).toBe(true);
  });

  it('that are taken from a user end with his next call, on the connection that he has', async () => {
    const served = await serve();
    await fill(served.store, 'App', 1);
    const bob = wireTo(served, 'bob');
    expect(await read(bob, 'App')).toBe(Status.success);
    addUser(served.users, { name: 'bob', password: PASSWORD, grants: [] });
    expect(await read(bob, 'App')).toBe(Status.accessDenied);
  });

  it('of a structured query are asked path by path, whatever its form', async () => {
    const served = await serve();
    await fill(served.store, 'App', 1);
    await fill(served.store, 'Secret', 1);
    const bob = wireTo(served, 'bob');
    const status = async (query: string, given?: string, flags: number = Path.channel) =>
      (await bob.ask(operations.REGISTER_LOG_QUERY, { path: given, query, flags })).status;
    const list = (inside: string) => `<QueryList><Query Id='0' Path='App'>${inside}</Query></QueryList>`;
    expect(await status(list('<Select>*</Select>'))).toBe(Status.success);
    for (const query of [
      list("<Select>*</Select><Select Path='Secret'>*</Select>"),
      list("<Select Path='SECRET'>*</Select>"),
      list("<Select>*</Select><Select Path='Secret'>*</Select><Suppress Path='Secret'>*</Suppress>"),
      "<QueryList><Query Path='App'><Select>*</Select></Query><Query Path='Secret'><Select>*</Select></Query></QueryList>",
      "\ufeff <QueryList><Query Path='&#83;ecret'><Select>*</Select></Query></QueryList>",
      "<QueryList xmlns='urn:x'><Query Path='Secret'><Select>*</Select></Query></QueryList>",
    ]) {
      expect(await status(query)).toBe(Status.accessDenied);
      // Beside a path that he may read, which counts for nothing then.
      expect(await status(query, 'App')).toBe(Status.accessDenied);
    }
    // A query without paths is of the path beside it.
    const pathless = '<QueryList><Query><Select>*</Select></Query></QueryList>';
    expect(await status(pathless, 'Secret')).toBe(Status.accessDenied);
    expect(await status(pathless, 'App')).toBe(Status.success);
    // Where nothing is left of a tolerant one, the reason is told.
    expect(await status(list("<Select Path='Secret'>*</Select>"), undefined, Path.channel | TOLERATE)).toBe(
      Status.accessDenied,
    );
  });

  it('let everybody read channels where the operator wants that, and do nothing else', async () => {
    const served = await serve({ anonymousRead: true });
    await fill(served.store, 'App', 3);
    const nobody = served.session({ user: undefined, password: undefined });
    const found: unknown[] = [];
    for await (const { id } of nobody.events('App')) found.push(id);
    expect(found).toEqual([1, 2, 3]);
    await expect(nobody.clearLog('App')).rejects.toMatchObject({ code: 5 });
    await expect(nobody.exportLog('App', '*', 'x.evtx')).rejects.toMatchObject({ code: 5 });
    expect(readdirSync(served.exports)).toEqual([]);
    const config = await nobody.getLogConfiguration('App');
    config.maximumSizeInBytes = 4 * 1024 * 1024;
    await expect(config.saveChanges()).rejects.toMatchObject({ code: 5 });
  });
});
