/** What is wrong with a stub; the RPC layer answers with a fault. */
export type NdrFault = 'stub' | 'bound' | 'tag';

/** Bytes that are not what the interface says, and where. */
export class NdrError extends Error {
  override readonly name: string = 'NdrError';
  readonly fault: NdrFault;
  /** Byte offset in the stub. */
  readonly at: number;

  constructor(fault: NdrFault, at: number, what: string) {
    super(`${what}, at byte ${at} of the stub`);
    this.fault = fault;
    this.at = at;
  }
}
