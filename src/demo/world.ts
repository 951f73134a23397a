import { type TypedValue, value } from '../binxml/typed-value.ts';
import type { Draft, EventKind } from './event-kind.ts';
import {
  type Account,
  HOSTS,
  type Host,
  type Program,
  SERVERS,
  SERVICES,
  SYSTEM_ACCOUNT,
  WORKSTATIONS,
} from './organisation.ts';
import { Random } from './random.ts';

/** 100 ns units. */
export const MILLISECOND = 10_000;
export const SECOND = 1000 * MILLISECOND;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The log's first moment: Monday 2024-01-08 00:00 UTC. */
export const FIRST_MOMENT_MS = Date.UTC(2024, 0, 8);

/** How many machines are busy at a time. */
const BUSY = { workstations: 2, servers: 1 } as const;

/** Somebody logged on to a host. */
export interface LogonSession {
  readonly host: Host;
  readonly account: Account;
  readonly logonId: TypedValue;
  readonly guid: TypedValue;
}

/** A running program. */
export interface Process {
  readonly session: LogonSession;
  readonly program: Program;
  readonly id: number;
  readonly guid: TypedValue;
  readonly commandLine: string;
}

/** What the invented machines share: chance, the events to come, and who is logged on where. */
export class World {
  readonly random: Random;
  readonly #schedule: (draft: Draft) => void;
  readonly #systemSessions = new Map<Host, LogonSession>();
  readonly #services = new Map<Host, Process>();
  #workstations: readonly Host[] = WORKSTATIONS;
  #servers: readonly Host[] = SERVERS;

  constructor(seed: number, schedule: (draft: Draft) => void) {
    this.random = new Random(seed);
    this.#schedule = schedule;
    for (const host of HOSTS) {
      const session = { ...this.session(host, SYSTEM_ACCOUNT), logonId: value.hexInt64(0x3e7n) };
      this.#systemSessions.set(host, session);
      this.#services.set(host, this.process(session, SERVICES));
    }
  }

  /**
   * Moves the activity to other machines: at any time a few of them are busy. It keeps the log small, too, because each
   * chunk holds a template per machine in it.
   */
  refocus(): void {
    this.#workstations = this.random.some(WORKSTATIONS, BUSY.workstations);
    this.#servers = this.random.some(SERVERS, BUSY.servers);
  }

  /** One of the machines that are busy. */
  workstation(): Host {
    return this.random.pick(this.#workstations);
  }

  server(): Host {
    return this.random.pick(this.#servers);
  }

  host(): Host {
    return this.random.chance(0.5) ? this.workstation() : this.server();
  }

  /** An event that will happen. */
  emit(ticks: number, host: Host, kind: EventKind, values: readonly TypedValue[], rest: Partial<Draft> = {}): void {
    this.#schedule({ ticks, host, kind, values, ...rest });
  }

  session(host: Host, account: Account): LogonSession {
    const logonId = value.hexInt64(BigInt(this.random.between(0x1_0000, 0xfff_ffff)));
    return { host, account, logonId, guid: value.guidOf(this.random.uuidBytes()) };
  }

  /** The session of the operating system itself. */
  systemSession(host: Host): LogonSession {
    return this.#systemSessions.get(host)!;
  }

  /** services.exe: what starts the host's services and tasks. */
  services(host: Host): Process {
    return this.#services.get(host)!;
  }

  process(session: LogonSession, program: Program, commandLine?: string): Process {
    const { random } = this;
    const id = 4 * random.between(200, 6000);
    const args = random.pick(program.commands).replace('{}', String(random.between(1000, 9999)));
    const started = args === '' ? `"${program.image}"` : `"${program.image}" ${args}`;
    return { session, program, id, guid: value.guidOf(random.uuidBytes()), commandLine: commandLine ?? started };
  }

  /** A moment up to `most` later, at least a millisecond. */
  later(ticks: number, most: number): number {
    return ticks + MILLISECOND + Math.floor(this.random.fraction() * most);
  }
}

/** `YYYY-MM-DD hh:mm:ss.mmm`, as Sysmon writes times. */
export function utcTime(ticks: number): TypedValue {
  const text = new Date(FIRST_MOMENT_MS + Math.floor(ticks / MILLISECOND)).toISOString();
  return value.string(text.slice(0, -1).replace('T', ' '));
}
