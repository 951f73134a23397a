import { randomBytes } from 'node:crypto';
import type { Identity } from '../security/security-context.ts';
import { FaultStatus, RpcFault } from './fault.ts';

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

interface Entry {
  readonly object: ContextObject;
  readonly user: string | undefined;
  readonly level: number;
}

const UUID_SIZE = 16;

function userOf({ identity }: Caller): string | undefined {
  return identity === undefined ? undefined : `${identity.domain}\\${identity.user}`.toUpperCase();
}

/** Connections of one client that share context handles. */
export class AssociationGroup {
  /** Not 0, and not to be guessed. */
  readonly id: number;
  readonly #maxHandles: number;
  readonly #handles = new Map<string, Entry>();
  #connections = 0;

  constructor(id: number, maxHandles: number) {
    this.id = id;
    this.#maxHandles = maxHandles;
  }

  /** Context handles that are open. */
  get size(): number {
    return this.#handles.size;
  }

  /**
   * A new context handle.
   * @throws RpcFault too busy, when the group has as many as it may have
   */
  open(object: ContextObject, caller: Caller): string {
    if (this.#handles.size >= this.#maxHandles) {
      throw new RpcFault(FaultStatus.tooBusy, `${this.#maxHandles} handles are open`);
    }
    const handle = randomBytes(UUID_SIZE).toString('hex');
    this.#handles.set(handle, { object, user: userOf(caller), level: caller.level });
    return handle;
  }

  /**
   * What a handle stands for. A handle belongs to the user who made it, and is not for a connection that is protected less.
   * @throws RpcFault context mismatch
   */
  object(handle: string | undefined, caller: Caller): ContextObject {
    const entry = handle === undefined ? undefined : this.#handles.get(handle);
    if (entry === undefined || entry.user !== userOf(caller) || caller.level < entry.level) {
      throw new RpcFault(FaultStatus.contextMismatch, 'the handle is not open in this association');
    }
    return entry.object;
  }

  /** Closes a handle. @throws RpcFault context mismatch */
  close(handle: string | undefined, caller: Caller): void {
    const object = this.object(handle, caller);
    this.#handles.delete(handle!);
    object.rundown();
  }

  /** Lets go of a handle whose call nobody waits for any more. */
  abandon(handle: string): void {
    const entry = this.#handles.get(handle);
    this.#handles.delete(handle);
    entry?.object.rundown();
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
  readonly #maxHandles: number;

  /** @param maxHandles context handles of one group */
  constructor(maxHandles: number) {
    this.#maxHandles = maxHandles;
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
      const group = new AssociationGroup(id, this.#maxHandles);
      this.#groups.set(id, group);
      return group;
    }
  }

  leave(group: AssociationGroup): void {
    if (group.leave()) this.#groups.delete(group.id);
  }
}
