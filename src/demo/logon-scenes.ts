import { type TypedValue, value } from '../binxml/typed-value.ts';
import { Operational, Security } from './kinds.ts';
import {
  type Account,
  DNS_DOMAIN,
  DOMAIN,
  DOMAIN_CONTROLLER,
  FILE_SERVER,
  type Host,
  NOBODY,
  PEOPLE,
  SERVICE_ACCOUNTS,
  sidOf,
} from './organisation.ts';
import { HOUR, type LogonSession, MINUTE, SECOND, type World } from './world.ts';

const DASH = value.string('-');
const ZERO_GUID = value.guid('00000000-0000-0000-0000-000000000000');
const NO_LOGON = value.hexInt64(0n);
const YES = value.string('%%1842');
const NO = value.string('%%1843');
const IMPERSONATION = value.string('%%1833');
const LSASS = { processId: 712 } as const;

/** How an account comes in. */
interface LogonWay {
  readonly type: number;
  readonly process: TypedValue;
  readonly packageName: TypedValue;
}
const INTERACTIVE: LogonWay = { type: 2, process: value.string('User32 '), packageName: value.string('Negotiate') };
const NETWORK: LogonWay = { type: 3, process: value.string('Kerberos'), packageName: value.string('Kerberos') };
const NETWORK_NTLM: LogonWay = { type: 3, process: value.string('NtLmSsp '), packageName: value.string('NTLM') };
const SERVICE: LogonWay = { type: 5, process: value.string('Advapi  '), packageName: value.string('Negotiate') };
export const REMOTE_DESKTOP: LogonWay = { ...INTERACTIVE, type: 10 };

const PRIVILEGES = value.string(
  ['SeSecurityPrivilege', 'SeBackupPrivilege', 'SeRestorePrivilege', 'SeDebugPrivilege', 'SeImpersonatePrivilege'].join(
    '\r\n\t\t\t',
  ),
);

/** The four values that name an account and its session. */
export function subject({ account, logonId }: LogonSession): TypedValue[] {
  return [sidOf(account), value.string(account.name), value.string(account.domain), logonId];
}

/** A successful logon: 4624, and 4672 for an administrator. */
export function logon(world: World, ticks: number, session: LogonSession, way: LogonWay, from: string): void {
  const { host, account } = session;
  const local = way.type === 2 || way.type === 5;
  const subjectValues = local
    ? subject(world.systemSession(host))
    : subject({ ...session, account: NOBODY, logonId: NO_LOGON });
  world.emit(
    ticks,
    host,
    Security.logon,
    [
      ...subjectValues,
      ...subject(session),
      value.uint32(way.type),
      way.process,
      way.packageName,
      local ? value.string(host.name) : DASH,
      way.type === 3 ? session.guid : ZERO_GUID,
      DASH,
      way === NETWORK_NTLM ? value.string('NTLM V2') : DASH,
      value.uint32(way === NETWORK_NTLM ? 128 : 0),
      value.hexInt64(local ? 0x2dcn : 0n),
      local ? value.string('C:\\Windows\\System32\\svchost.exe') : DASH,
      value.string(from),
      value.string(from === '-' ? '-' : String(world.random.between(49_152, 65_535))),
      IMPERSONATION,
      DASH,
      DASH,
      DASH,
      NO,
      NO_LOGON,
      account.admin ? YES : NO,
    ],
    LSASS,
  );
  if (account.admin) {
    world.emit(ticks + SECOND / 500, host, Security.specialPrivileges, [...subject(session), PRIVILEGES], LSASS);
  }
}

export function logoff(world: World, ticks: number, session: LogonSession, type: number): void {
  world.emit(ticks, session.host, Security.logoff, [...subject(session), value.uint32(type)], LSASS);
}

/** Why a logon fails: the status codes and text number of 4625. */
export const WRONG_PASSWORD = { status: 0xc000_006d, subStatus: 0xc000_006a, reason: value.string('%%2313') } as const;
export const NO_SUCH_USER = { ...WRONG_PASSWORD, subStatus: 0xc000_0064 } as const;

export function failedLogon(
  world: World,
  ticks: number,
  host: Host,
  user: string,
  why: { readonly status: number; readonly subStatus: number; readonly reason: TypedValue },
  from: string,
): void {
  world.emit(
    ticks,
    host,
    Security.failedLogon,
    [
      ...subject({ ...world.systemSession(host), account: NOBODY, logonId: NO_LOGON }),
      sidOf(NOBODY),
      value.string(user),
      value.string(DOMAIN),
      value.hexInt32(why.status),
      why.reason,
      value.hexInt32(why.subStatus),
      value.uint32(3),
      NETWORK_NTLM.process,
      NETWORK_NTLM.packageName,
      value.string(from.startsWith('10.') ? host.name : '-'),
      DASH,
      DASH,
      value.uint32(0),
      NO_LOGON,
      DASH,
      value.string(from),
      value.string(String(world.random.between(49_152, 65_535))),
    ],
    LSASS,
  );
}

/** Somebody starts the day at a workstation, perhaps after a mistyped password, and leaves hours later. */
export function workday(world: World, ticks: number): LogonSession {
  const { random } = world;
  const host = world.workstation();
  const session = world.session(host, host.owner);
  if (random.chance(0.12)) failedLogon(world, ticks - 20 * SECOND, host, host.owner.name, WRONG_PASSWORD, host.ip);
  logon(world, ticks, session, INTERACTIVE, '127.0.0.1');
  const user = value.string(`${DOMAIN}\\${host.owner.name}`);
  const number = value.uint32(random.between(1, 3));
  const local = value.string('LOCAL');
  world.emit(world.later(ticks, 2 * SECOND), host, Operational.sessionLogon, [user, number, local], {
    processId: 1100,
  });
  const end = ticks + HOUR + Math.floor(random.fraction() * 7 * HOUR);
  world.emit(end, host, Operational.sessionDisconnected, [user, number, local], { processId: 1100 });
  logoff(world, end + SECOND, session, INTERACTIVE.type);
  return session;
}

const SHARES = ['projects', 'scans', 'manuals', 'IPC$'];
const ACCESS = value.string('%%4416\r\n\t\t\t\t');

/** A person's machine opens a share: a ticket from the domain controller, a network logon, the access, the end. */
export function fileAccess(world: World, ticks: number): void {
  const { random } = world;
  const from = world.workstation();
  const session = world.session(FILE_SERVER, from.owner);
  serviceTicket(world, ticks, from.owner, FILE_SERVER, from.ip);
  logon(world, ticks + 4 * (SECOND / 1000), session, NETWORK, from.ip);
  const share = random.pick(SHARES);
  for (let i = random.between(1, 3), at = world.later(ticks, SECOND); i > 0; i--, at = world.later(at, MINUTE)) {
    world.emit(at, FILE_SERVER, Security.shareAccess, [
      ...subject(session),
      value.string('File'),
      value.string(from.ip),
      value.string(String(random.between(49_152, 65_535))),
      value.string(`\\\\*\\${share}`),
      value.string(share === 'IPC$' ? '' : `\\??\\D:\\Shares\\${share}`),
      value.hexInt32(1),
      ACCESS,
    ]);
  }
  logoff(world, world.later(ticks + MINUTE, 20 * MINUTE), session, NETWORK.type);
}

export function serviceTicket(world: World, ticks: number, account: Account, service: Host, from: string): void {
  const { random } = world;
  world.emit(
    ticks,
    DOMAIN_CONTROLLER,
    Security.serviceTicket,
    [
      value.string(`${account.name}@${DNS_DOMAIN.toUpperCase()}`),
      value.string(DNS_DOMAIN.toUpperCase()),
      value.string(service.self.name),
      sidOf(service.owner),
      value.hexInt32(0x4081_0000),
      value.hexInt32(random.chance(0.03) ? 0x17 : 0x12),
      value.string(`::ffff:${from}`),
      value.string(String(random.between(49_152, 65_535))),
      value.hexInt32(0),
      value.guidOf(random.uuidBytes()),
      DASH,
    ],
    LSASS,
  );
}

/** A service account logs on for its nightly or hourly work. */
export function serviceLogon(world: World, ticks: number): LogonSession {
  const host = world.server();
  const account = host.role === 'domain controller' ? SERVICE_ACCOUNTS[0]! : host.owner;
  const session = world.session(host, account);
  logon(world, ticks, session, SERVICE, '-');
  return session;
}

/** A password is mistyped, then right. */
export function mistypedPassword(world: World, ticks: number): void {
  const { random } = world;
  const [person, server] = [random.pick(PEOPLE), world.server()];
  const from = world.workstation().ip;
  const tries = random.between(1, 3);
  for (let i = 0; i < tries; i++) failedLogon(world, ticks + i * 4 * SECOND, server, person.name, WRONG_PASSWORD, from);
  const session = world.session(server, person);
  logon(world, ticks + tries * 4 * SECOND, session, NETWORK_NTLM, from);
  logoff(world, world.later(ticks + MINUTE, 10 * MINUTE), session, NETWORK_NTLM.type);
}
