import { chmodSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { EvtError } from '../errors/evt-error.ts';
import { ntHash } from '../even6/security/ntlm-keys.ts';
import type { Identity } from '../even6/security/security-context.ts';
import { diskError } from '../store/disk.ts';
import type { Access, Right } from './access.ts';

/** What a user may do with the channels of a pattern. */
export interface Grant {
  /** Channel names with `*` for any characters, without regard to case. */
  readonly channels: string;
  readonly rights: readonly Right[];
}

/** Somebody who may log on. */
export interface User {
  readonly name: string;
  /** MD4 of the password in UTF-16LE, 32 hex digits: as good as the password itself. */
  readonly ntHash: string;
  /** May change the configuration of channels. */
  readonly administrator: boolean;
  readonly grants: readonly Grant[];
}

const API = 'winevt serve';
const RIGHTS: readonly string[] = ['read', 'write', 'clear'] satisfies Right[];
const HASH = /^[0-9a-f]{32}$/i;
/** The pattern that no channel's name escapes. */
const ALL_CHANNELS = /^\*+$/;
/** For its owner's eyes only. */
const MODE = 0o600;

function key(name: string): string {
  return name.toUpperCase();
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parseUser(value: unknown, file: string): User {
  const wrong = (what: string) => new EvtError('ERROR_INVALID_DATA', API, `${file}: ${what}`);
  if (!isRecord(value) || typeof value['name'] !== 'string' || value['name'] === '') throw wrong('a user has no name');
  const { name, ntHash, administrator = false, grants = [] } = value;
  if (typeof ntHash !== 'string' || !HASH.test(ntHash)) throw wrong(`the NT hash of ${name} has not 32 hex digits`);
  if (typeof administrator !== 'boolean') throw wrong(`${name}: administrator is neither true nor false`);
  if (!Array.isArray(grants)) throw wrong(`${name}: grants is no list`);
  const parsed = grants.map((grant: unknown): Grant => {
    if (!isRecord(grant) || typeof grant['channels'] !== 'string' || !Array.isArray(grant['rights'])) {
      throw wrong(`${name}: a grant needs channels and rights`);
    }
    const rights = grant['rights'].map((right: unknown): Right => {
      if (typeof right !== 'string' || !RIGHTS.includes(right)) throw wrong(`${name}: the right ${String(right)}`);
      return right as Right;
    });
    return { channels: grant['channels'], rights };
  });
  return { name, ntHash, administrator, grants: parsed };
}

/**
 * Whether a channel's name is of a pattern, in which `*` stands for any characters, without regard to case. It takes no longer than
 * both their lengths: the name is a client's.
 */
export function isOfPattern(channel: string, pattern: string): boolean {
  const [first = '', ...others] = key(pattern).split('*');
  const name = key(channel);
  if (others.length === 0) return name === first;
  if (!name.startsWith(first)) return false;
  const last = others.pop()!;
  let at = first.length;
  // Each part at its first place: a later one would leave less for those behind it.
  for (const part of others) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

/** The users of a server, in a file of JSON that only its owner reads. */
export class UserFile implements Access {
  readonly #file: string;
  /** Whether somebody who has not said who he is may read. */
  readonly #anonymousRead: boolean;
  #users = new Map<string, User>();
  /** State of the file when it was read. */
  #read = '';

  /**
   * @param file undefined: nobody can log on
   * @throws EvtError ERROR_FILE_NOT_FOUND (2); ERROR_INVALID_DATA (13) for a file that is none of users
   */
  constructor(file: string | undefined, anonymousRead: boolean) {
    this.#file = file ?? '';
    this.#anonymousRead = anonymousRead;
    if (file !== undefined) this.#refresh();
  }

  get size(): number {
    return this.#users.size;
  }

  /** Reads the file again when it has changed. */
  #refresh(): void {
    const stats = statSync(this.#file, { throwIfNoEntry: false });
    if (stats === undefined) throw new EvtError('ERROR_FILE_NOT_FOUND', API, `there is no file ${this.#file}`);
    const state = `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
    if (state === this.#read) return;
    const users = readUsers(this.#file);
    this.#users = new Map(users.map((user) => [key(user.name), user]));
    this.#read = state;
  }

  /** A user as the file is now: what is taken from somebody is gone at his next call. */
  #userOf(identity: Identity): User | undefined {
    this.#refreshIfPossible();
    return this.#users.get(key(identity.user));
  }

  /** A file that is being written, or is gone: those who were known stay known. */
  #refreshIfPossible(): void {
    if (this.#file === '') return;
    try {
      this.#refresh();
    } catch (error) {
      if (!(error instanceof EvtError)) throw error;
    }
  }

  /** The hash of a user's password; undefined for somebody who is not known. The domain that is named does not matter. */
  findNtHash(name: string): Uint8Array | undefined {
    this.#refreshIfPossible();
    const hash = this.#users.get(key(name))?.ntHash;
    return hash === undefined ? undefined : new Uint8Array(Buffer.from(hash, 'hex'));
  }

  allows(identity: Identity | undefined, channel: string, right: Right): boolean {
    if (identity === undefined) return this.#anonymousRead && right === 'read';
    const { grants } = this.#userOf(identity) ?? { grants: [] };
    return grants.some(({ channels, rights }) => rights.includes(right) && isOfPattern(channel, channels));
  }

  allowsAll(identity: Identity | undefined, right: Right): boolean {
    if (identity === undefined) return this.#anonymousRead && right === 'read';
    const { grants } = this.#userOf(identity) ?? { grants: [] };
    return grants.some(({ channels, rights }) => rights.includes(right) && ALL_CHANNELS.test(channels));
  }

  isAdministrator(identity: Identity | undefined): boolean {
    return identity !== undefined && this.#userOf(identity)?.administrator === true;
  }
}

/**
 * The users in a file.
 * @throws EvtError ERROR_INVALID_DATA (13)
 */
export function readUsers(file: string): User[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new EvtError('ERROR_INVALID_DATA', API, `${file} cannot be read`, { cause: error });
  }
  return parseUsers(text, file);
}

/**
 * The users that a file's text names.
 * @param file its name, for messages
 * @throws EvtError ERROR_INVALID_DATA (13), which says nothing of what the text is: it holds hashes
 */
export function parseUsers(text: string, file: string): User[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new EvtError('ERROR_INVALID_DATA', API, `${file} cannot be read as JSON`);
  }
  const users = isRecord(parsed) ? parsed['users'] : undefined;
  if (!Array.isArray(users)) throw new EvtError('ERROR_INVALID_DATA', API, `${file} has no list "users"`);
  return users.map((user: unknown) => parseUser(user, file));
}

/** Somebody who is to be let in. */
export interface NewUser {
  readonly name: string;
  readonly password: string;
  /** May change the configuration of channels. Default: no. */
  readonly administrator?: boolean | undefined;
  /** Default: may read every channel. */
  readonly grants?: readonly Grant[] | undefined;
}

const READS_ALL: readonly Grant[] = [{ channels: '*', rights: ['read'] }];
/** What names of users do not have: they separate domains, or are not allowed on Windows either. */
const NO_NAME = /^$|[\\/:*?"<>|@]/;

/**
 * Adds a user to a file, or replaces the one of the same name; makes the file when it is not there. The password is not kept, but what
 * is kept of it is as good as the password.
 * @throws EvtError ERROR_INVALID_PARAMETER (87) for a name that none can have, or an empty password; ERROR_INVALID_DATA (13) for a
 *   file that is none of users
 */
export function addUser(file: string, { name, password, administrator = false, grants = READS_ALL }: NewUser): void {
  if (NO_NAME.test(name)) throw new EvtError('ERROR_INVALID_PARAMETER', API, `"${name}" is no name of a user`);
  if (password === '') throw new EvtError('ERROR_INVALID_PARAMETER', API, 'an empty password lets anybody in');
  saveUser(file, { name, ntHash: Buffer.from(ntHash(password)).toString('hex'), administrator, grants });
}

function saveUser(file: string, user: User): void {
  const isThere = statSync(file, { throwIfNoEntry: false }) !== undefined;
  const others = (isThere ? readUsers(file) : []).filter(({ name }) => key(name) !== key(user.name));
  const draft = `${file}.${process.pid}.new`;
  try {
    writeFileSync(draft, `${JSON.stringify({ users: [...others, user] }, null, 2)}\n`, { mode: MODE, flag: 'wx' });
    chmodSync(draft, MODE);
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw diskError(error, API, file);
  }
}
