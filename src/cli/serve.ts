import { statSync } from 'node:fs';
import * as path from 'node:path';
import { EvtError } from '../errors/evt-error.ts';
import { DEFAULT_LIMITS, type ServerLimits } from '../even6/rpc/server-limits.ts';
import type { Right } from '../server/access.ts';
import { DEFAULT_ADDRESS, EventLogServer } from '../server/event-log-server.ts';
import { addUser as addUserTo, type Grant } from '../server/users.ts';
import { askPasswords, PASSWORD_VARIABLE } from './ask-password.ts';
import { ExitStatus } from './exit-status.ts';
import { failureText, UsageError } from './failure.ts';
import { Interrupt } from './interrupt.ts';
import { oneFolder, passwordFromDescriptor } from './open-session.ts';

/** Options of `serve`, as the command line gives them. */
export interface ServeOptions {
  readonly store?: string;
  readonly logs?: string;
  readonly exportFolder?: string;
  readonly listen?: string;
  readonly port?: string;
  readonly epmPort?: string;
  readonly users?: string;
  readonly protection?: string;
  readonly anonymousRead?: boolean;
  readonly maxConnections?: string;
  readonly maxHandles?: string;
  readonly logonTimeout?: string;
  readonly stallTimeout?: string;
  readonly handleTimeout?: string;
  readonly idleTimeout?: string;
  readonly addUser?: string;
  readonly passwordFd?: string;
  readonly rights?: readonly string[];
  readonly administrator?: boolean;
}

const RIGHTS: readonly string[] = ['read', 'write', 'clear'] satisfies Right[];
const ALL_CHANNELS = '*';
const MS_PER_SECOND = 1000;
const MAX_SECONDS = 1_000_000;
const MAX_PORT = 0xffff;

function numberOf(text: string | undefined, option: string, max: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text) && Number(text) <= max) return Number(text);
  throw new UsageError(`--${option}: "${text}" is no number up to ${max}`);
}

/** `read,clear` or `read:App*`. @throws UsageError */
function grantOf(text: string): Grant {
  const [list = '', channels = ALL_CHANNELS] = text.split(/:(.*)/s);
  const rights = list.split(',').map((word) => word.trim().toLowerCase());
  if (channels === '') throw new UsageError(`--rights: "${text}" names no channels behind the colon`);
  for (const right of rights) {
    if (!RIGHTS.includes(right)) throw new UsageError(`--rights: "${right}" is none of ${RIGHTS.join(', ')}`);
  }
  return { channels, rights: rights as Right[] };
}

/** `winevt serve`: until it is stopped with Ctrl-C. @returns the exit status */
export async function serve(options: ServeOptions): Promise<number> {
  if (options.addUser !== undefined) return addUser(options.addUser, options);
  const { protection } = options;
  if (protection !== undefined && protection !== 'integrity' && protection !== 'privacy') {
    throw new UsageError(`--protection: "${protection}" is neither integrity nor privacy`);
  }
  if (options.users === undefined && !options.anonymousRead) {
    throw new UsageError(
      '--users FILE: name the users who may log on (winevt serve --add-user NAME --users FILE makes one)',
    );
  }
  const forNewUser = [options.rights, options.administrator, options.passwordFd].some((option) => option !== undefined);
  if (forNewUser) throw new UsageError('--rights, --administrator and --password-fd go with --add-user NAME');
  const folder = oneFolder(options);
  const limits = limitsOf(options);
  const say = (line: string) => process.stderr.write(`winevt: ${line}\n`);
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const interrupt = new Interrupt(() => stop());
  try {
    // A store is made by its first event; of other logs there are none if they are not there.
    if (options.logs !== undefined && statSync(options.logs, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new EvtError('ERROR_PATH_NOT_FOUND', 'winevt serve', `there is no folder ${options.logs}`);
    }
    await using server = await EventLogServer.start({
      folder,
      host: options.listen,
      port: numberOf(options.port, 'port', MAX_PORT),
      endpointMapperPort: numberOf(options.epmPort, 'epm-port', MAX_PORT),
      users: options.users,
      protection,
      anonymousRead: options.anonymousRead,
      exportFolder: options.exportFolder === undefined ? undefined : path.resolve(options.exportFolder),
      limits,
      onEvent: say,
    });
    const mapper =
      server.endpointMapperPort === undefined ? '' : `, endpoint mapper on port ${server.endpointMapperPort}`;
    // On standard output: whoever started it reads the port there.
    process.stdout.write(`serving event logs on ${options.listen ?? DEFAULT_ADDRESS} port ${server.port}${mapper}\n`);
    if (options.anonymousRead) say('warning: anybody who reaches this port reads all channels');
    await stopped;
    return interrupt.status ?? ExitStatus.success;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    process.stderr.write(`${failureText(error)}\n`);
    return ExitStatus.failure;
  } finally {
    interrupt.end();
  }
}

/** The limits that options name. @throws UsageError */
function limitsOf(options: ServeOptions): Partial<ServerLimits> {
  const connections = numberOf(options.maxConnections, 'max-connections', 65_536);
  const handles = numberOf(options.maxHandles, 'max-handles', DEFAULT_LIMITS.handles);
  const seconds = (text: string | undefined, option: string) => {
    const value = numberOf(text, option, MAX_SECONDS);
    return value === undefined ? undefined : value * MS_PER_SECOND;
  };
  const limits: Record<keyof ServerLimits, number | undefined> = {
    ...DEFAULT_LIMITS,
    connections,
    connectionsPerAddress: connections === undefined ? undefined : Math.ceil(connections / 2),
    handlesPerUser: handles,
    handlesPerGroup: handles === undefined ? undefined : Math.min(handles, DEFAULT_LIMITS.handlesPerGroup),
    handshakeMs: seconds(options.logonTimeout, 'logon-timeout'),
    stallMs: seconds(options.stallTimeout, 'stall-timeout'),
    handleIdleMs: seconds(options.handleTimeout, 'handle-timeout'),
    idleMs: seconds(options.idleTimeout, 'idle-timeout'),
  };
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<ServerLimits>;
}

async function addUser(name: string, options: ServeOptions): Promise<number> {
  if (options.users === undefined) throw new UsageError('--add-user: name the file of users with --users FILE');
  const grants = (options.rights ?? ['read']).map(grantOf);
  const password = await newPassword(name, options.passwordFd);
  try {
    addUserTo(options.users, { name, password, administrator: options.administrator, grants });
  } catch (error) {
    process.stderr.write(`${failureText(error)}\n`);
    return ExitStatus.failure;
  }
  process.stderr.write(`winevt: ${name} may log on; the file ${options.users} is as secret as the password\n`);
  return ExitStatus.success;
}

async function newPassword(name: string, descriptor: string | undefined): Promise<string> {
  if (descriptor !== undefined) return passwordFromDescriptor(descriptor);
  const fromEnvironment = process.env[PASSWORD_VARIABLE];
  if (fromEnvironment !== undefined) return fromEnvironment;
  const [first, second] = await askPasswords(`Password for ${name}: `, 'Once more: ');
  if (second !== first) throw new UsageError('the passwords differ');
  return first!;
}
