import { readFileSync } from 'node:fs';
import { EventLogSession, type SessionAuthentication } from '../index.ts';
import { HOST_FORMS, hostAndPort } from '../service/remote/host-and-port.ts';
import { askPassword, PASSWORD_VARIABLE } from './ask-password.ts';
import { UsageError } from './failure.ts';

/** Options that say whose logs are meant, as the command line gives them. */
export interface SessionFlags {
  readonly logs?: string | undefined;
  readonly store?: string | undefined;
  readonly remote?: string | undefined;
  readonly username?: string | undefined;
  /** From the command line only `*`; behind {@link withPassword} the password. */
  readonly password?: string | undefined;
  readonly passwordFd?: string | undefined;
  readonly authentication?: string | undefined;
}

const AUTHENTICATIONS: readonly string[] = [
  'default',
  'negotiate',
  'kerberos',
  'ntlm',
] satisfies SessionAuthentication[];

/** Opens the session that the options ask for. @throws UsageError */
export function openSession(options: SessionFlags): EventLogSession {
  const { remote, logs, store, username, password, passwordFd, authentication: given } = options;
  if (remote === undefined) {
    const forRemote = [username, password, passwordFd, given].some((option) => option !== undefined);
    if (forRemote) throw new UsageError('/u, /p, --password-fd and /a go with /r:COMPUTER');
    return EventLogSession.open({ store: oneFolder(options) });
  }
  if (username === undefined && (password !== undefined || passwordFd !== undefined)) {
    throw new UsageError('a password goes with /u:USER');
  }
  if (logs !== undefined || store !== undefined)
    throw new UsageError('/r: the folders of another computer are not named here');
  const authentication = (given ?? 'default').toLowerCase();
  if (!AUTHENTICATIONS.includes(authentication)) {
    throw new UsageError(`/a: "${given}" is none of ${AUTHENTICATIONS.join(', ')}`);
  }
  const computer = hostAndPort(remote);
  if (computer === undefined) throw new UsageError(`/r: "${remote}" is no computer: write ${HOST_FORMS}`);
  return EventLogSession.remote({
    ...computer,
    user: username,
    password,
    authentication: authentication as SessionAuthentication,
  });
}

/** The folder whose channels are meant; undefined: as the environment has it. @throws UsageError for two of them */
export function oneFolder({ store, logs }: Pick<SessionFlags, 'store' | 'logs'>): string | undefined {
  if (store !== undefined && logs !== undefined)
    throw new UsageError('--store and --logs name one folder: leave one out');
  return store ?? logs;
}

/** A password has no place on the command line. @throws UsageError, which does not repeat it */
export function refusePassword({ password }: SessionFlags): void {
  if (password === undefined || password === '*') return;
  throw new UsageError(
    `/p: a password on the command line is seen by others: write /p:* to be asked, or set ${PASSWORD_VARIABLE}`,
  );
}

/**
 * The options with the password of a session with another computer: from a file descriptor, from WINEVT_PASSWORD, or asked for on the
 * terminal. It is never taken from the command line, where everybody on this computer sees it.
 * @throws UsageError
 */
export async function withPassword<T extends SessionFlags>(options: T): Promise<T> {
  const { remote, username, password, passwordFd } = options;
  if (remote === undefined || username === undefined) return options;
  if (passwordFd !== undefined) return { ...options, password: passwordFromDescriptor(passwordFd) };
  const fromEnvironment = process.env[PASSWORD_VARIABLE];
  if (fromEnvironment !== undefined && password === undefined) return { ...options, password: fromEnvironment };
  return { ...options, password: await askPassword(`Password of ${username}: `) };
}

/** The first line that a file descriptor gives. @throws UsageError */
export function passwordFromDescriptor(text: string): string {
  if (!/^\d{1,4}$/.test(text)) throw new UsageError(`--password-fd: "${text}" is no file descriptor`);
  try {
    return readFileSync(Number(text), 'utf8').replace(/\r?\n[\s\S]*$/, '');
  } catch (error) {
    throw new UsageError(`--password-fd: ${error instanceof Error ? error.message : String(error)}`);
  }
}
