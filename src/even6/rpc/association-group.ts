import { randomBytes } from 'node:crypto';
import type { Identity } from '../security/security-context.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import { FaultStatus, RpcFault } from './fault.ts';
import type { ServerLimits } from './server-limits.ts';

/** Who calls: known by a security context, or nobody. */
export interface Caller {
  readonly identity: Identity | undefined;
  /** Of the connection (AuthLevel); 1 without a security context. */
  readonly level: number;
  /** Address of the other end, for messages. */
  readonly address: string;
}

/** What a context handle stands for. */
export interface ContextObject {
  /** The handle is gone: closed, or all connections of its group are. Called once. */
  rundown(): void;
}

/** Whether handles are used: those that one call has made belong together, as a query and what cancels it. */
export interface HandleUse {
  /** Calls with one of them that are pending. */
  calls: number;
  /** When the last one ended. */
  usedAt: number;
}

interface Entry {
  readonly object: ContextObject;
  readonly user: string | undefined;
  readonly level: number;
  readonly weight: number;
  readonly use: HandleUse;
}

type HandleLimits = Pick<ServerLimits, 'handlesPerGroup' | 'handlesPerUser' | 'handles' | 'handleIdleMs'>;

/** The handles of all groups, as they count against the limits. */
class HandleCount {
  readonly #limits: HandleLimits;
  readonly #byUser = new Map<string | undefined, number>();
  #total = 0;

  constructor(limits: HandleLimits) {
    this.#limits = limits;
  }

  /** @throws RpcFault too busy, when there is no room for so many more */
  demandRoom(user: string | undefined, weight: number, inGroup: number): void {
    const { handlesPerGroup, handlesPerUser, handles } = this.#limits;
    const ofUser = this.#byUser.get(user) ?? 0;
    if (inGroup + weight > handlesPerGroup || ofUser + weight > handlesPerUser || this.#total + weight > handles) {
      throw new RpcFault(FaultStatus.tooBusy, 'too many handles are open');
    }
  }

  /** @throws RpcFault too busy */
  add(user: string | undefined, weight: number, inGroup: number): void {
    this.demandRoom(user, weight, inGroup);
    this.#total += weight;
    this.#byUser.set(user, (this.#byUser.get(user) ?? 0) + weight);
  }

  remove(user: string | undefined, weight: number): void {
    this.#total -= weight;
    const left = (this.#byUser.get(user) ?? 0) - weight;
    if (left > 0) this.#byUser.set(user, left);
    else this.#byUser.delete(user);
  }
}

const UUID_SIZE = 16;

function userOf({ identity }: Caller): string | undefined {
  return identity === undefined ? undefined : `${identity.domain}\\${identity.user}`.toUpperCase();
}

/** Connections of one client that share context handles. */
export class AssociationGroup {
  /** Not 0, and not to be guessed. */
  readonly id: number;
  readonly #count: HandleCount;
  readonly #clock: Clock;
  readonly #handles = new Map<string, Entry>();
  #weight = 0;
  #connections = 0;

  constructor(id: number, count: HandleCount, clock: Clock) {
    this.id = id;
    this.#count = count;
    this.#clock = clock;
  }

  /** Context handles that are open. */
  get size(): number {
    return this.#handles.size;
  }

  /** What is refused in the end anyway need not be opened. @throws RpcFault too busy, as {@link open} would */
  demandRoom(caller: Caller, weight: number): void {
    this.#count.demandRoom(userOf(caller), weight, this.#weight);
  }

  /** The use of handles that are made together. */
  newUse(): HandleUse {
    return { calls: 0, usedAt: this.#clock.now() };
  }

  /**
   * A new context handle.
   * @param weight how many handles it counts as
   * @throws RpcFault too busy, when the group, its user or all clients have as many as they may have
   */
  open(object: ContextObject, caller: Caller, use: HandleUse = this.newUse(), weight = 1): string {
    const user = userOf(caller);
    this.#count.add(user, weight, this.#weight);
    this.#weight += weight;
    const handle = randomBytes(UUID_SIZE).toString('hex');
    this.#handles.set(handle, { object, user, level: caller.level, weight, use });
    return handle;
  }

  #find(handle: string | undefined, caller: Caller): Entry {
    const entry = handle === undefined ? undefined : this.#handles.get(handle);
    if (entry === undefined || entry.user !== userOf(caller) || caller.level < entry.level) {
      throw new RpcFault(FaultStatus.contextMismatch, 'the handle is not open in this association');
    }
    return entry;
  }

  /**
   * What a handle stands for. A handle belongs to the user who made it, and is not for a connection that is protected less.
   * @throws RpcFault context mismatch
   */
  object(handle: string | undefined, caller: Caller): ContextObject {
    return this.#find(handle, caller).object;
  }

  /** A call begins to use a handle. @returns what it calls at its end. @throws RpcFault context mismatch */
  use(handle: string | undefined, caller: Caller): () => void {
    const { use } = this.#find(handle, caller);
    use.calls++;
    return () => {
      use.calls--;
      use.usedAt = this.#clock.now();
    };
  }

  /** Closes a handle. @throws RpcFault context mismatch */
  close(handle: string | undefined, caller: Caller): void {
    this.#find(handle, caller);
    this.abandon(handle!);
  }

  /** Lets go of a handle that nobody needs any more. */
  abandon(handle: string): void {
    const entry = this.#handles.get(handle);
    if (entry === undefined) return;
    this.#handles.delete(handle);
    this.#weight -= entry.weight;
    this.#count.remove(entry.user, entry.weight);
    entry.object.rundown();
  }

  /** Lets go of handles that no call has used for so many milliseconds. */
  reap(now: number, idleMs: number): void {
    for (const [handle, { use }] of [...this.#handles]) {
      if (use.calls === 0 && now - use.usedAt > idleMs) this.abandon(handle);
    }
  }

  join(): void {
    this.#connections++;
  }

  /** @returns true when that was the last connection: all handles are gone then */
  leave(): boolean {
    this.#connections--;
    if (this.#connections > 0) return false;
    for (const handle of [...this.#handles.keys()]) this.abandon(handle);
    return true;
  }
}

/** The association groups of a server. */
export class AssociationGroups {
  readonly #groups = new Map<number, AssociationGroup>();
  readonly #limits: HandleLimits;
  readonly #count: HandleCount;
  readonly #clock: Clock;

  constructor(limits: HandleLimits, clock: Clock = SYSTEM_CLOCK) {
    this.#limits = limits;
    this.#count = new HandleCount(limits);
    this.#clock = clock;
  }

  /** Lets go of handles that nobody has used for long. */
  reap(now: number): void {
    for (const group of this.#groups.values()) group.reap(now, this.#limits.handleIdleMs);
  }

  get size(): number {
    return this.#groups.size;
  }

  /** Context handles of all groups. */
  get openHandles(): number {
    let sum = 0;
    for (const { size } of this.#groups.values()) sum += size;
    return sum;
  }

  /** Joins a group, or makes one. @param id 0: a new one. @returns undefined for a group that is not there */
  join(id: number): AssociationGroup | undefined {
    const group = id === 0 ? this.#make() : this.#groups.get(id);
    group?.join();
    return group;
  }

  #make(): AssociationGroup {
    for (;;) {
      const id = randomBytes(4).readUInt32LE();
      if (id === 0 || this.#groups.has(id)) continue;
      const group = new AssociationGroup(id, this.#count, this.#clock);
      this.#groups.set(id, group);
      return group;
    }
  }

  leave(group: AssociationGroup): void {
    if (group.leave()) this.#groups.delete(group.id);
  }
}
