import { EvtError } from '../errors/evt-error.ts';
import { NdrError } from '../even6/ndr/ndr-error.ts';
import type { AssociationGroup, Caller, ContextObject, HandleUse } from '../even6/rpc/association-group.ts';
import { FaultStatus, RpcFault } from '../even6/rpc/fault.ts';
import type { RpcCall } from '../even6/rpc/rpc-interface.ts';
import { type Codecs, type ContextHandle, emptyValues, type Fields } from '../even6/stubs/codec.ts';
import { decodeRequest, encodeResponse, NO_INFO, type RpcInfo, type RpcOperation } from '../even6/stubs/operations.ts';

/** No more is known of what is wrong. */
const NO_DETAIL = 0xffff_ffff;
const QUERY_ERRORS = { first: 15000, last: 15099 } as const;

/** A call of a client, on its way through an operation. */
export interface ClientCall {
  /** Of the operation, for messages. */
  readonly api: string;
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly lane: RpcCall['lane'];
  readonly onUndelivered: RpcCall['onUndelivered'];
  /** Before something is opened that `open` would have no room for. @throws RpcFault too busy */
  demandRoom(weight: number): void;
  /**
   * A context handle for something new. It is let go of when the answer reaches nobody.
   * @param weight how many handles it counts as
   */
  open(object: ContextObject, weight?: number): string;
  /**
   * What a context handle stands for.
   * @throws RpcFault context mismatch; EvtError ERROR_INVALID_PARAMETER (87) when it is of another kind
   */
  object<T extends ContextObject>(handle: ContextHandle, kind: abstract new (...args: never[]) => T): T;
  close(handle: ContextHandle): void;
}

/** A failure that is answered with more than its code. */
export class AnsweredFailure<Out extends Fields> extends Error {
  override readonly name: string = 'AnsweredFailure';
  readonly status: number;
  readonly values: Partial<Out>;

  constructor(status: number, values: Partial<Out>) {
    super(`status ${status}`);
    this.status = status;
    this.values = values;
  }
}

/** An operation and what answers it. */
export interface ServedOperation {
  readonly opnum: number;
  answer(call: RpcCall): Promise<Uint8Array>;
}

/**
 * @param handler throws EvtError, whose code becomes the answer's status; all else that it throws is a fault
 */
export function serve<In extends Fields, Out extends Fields>(
  operation: RpcOperation<In, Out>,
  handler: (input: In, call: ClientCall) => Promise<Out> | Out,
): ServedOperation {
  const { opnum, name } = operation;
  return {
    opnum,
    async answer(call) {
      const input = decoded(operation, call.stub);
      const ends: (() => void)[] = [];
      try {
        return encodeResponse(operation, await handler(input, clientCall(name, call, ends)), 0);
      } catch (error) {
        const { status, values } = failed(operation.output, error);
        return encodeResponse(operation, values, status);
      } finally {
        for (const end of ends) end();
      }
    },
  };
}

function decoded<In extends Fields>(operation: RpcOperation<In, Fields>, stub: Uint8Array): In {
  try {
    return decodeRequest(operation, stub);
  } catch (error) {
    if (!(error instanceof NdrError)) throw error;
    const status = {
      stub: FaultStatus.badStubData,
      bound: FaultStatus.invalidBound,
      tag: FaultStatus.invalidTag,
    }[error.fault];
    throw new RpcFault(status, `${operation.name}: ${error.message}`);
  }
}

function failed<Out extends Fields>(output: Codecs<Out>, error: unknown): { status: number; values: Out } {
  const values = emptyValues(output);
  if (error instanceof AnsweredFailure) return { status: error.status, values: { ...values, ...error.values } };
  if (!(error instanceof EvtError)) throw error;
  const { code } = error;
  const isOfQuery = code >= QUERY_ERRORS.first && code <= QUERY_ERRORS.last;
  const info: RpcInfo = isOfQuery ? { error: code, subError: NO_DETAIL, subErrorParameter: NO_DETAIL } : NO_INFO;
  return { status: code, values: 'info' in output ? { ...values, info } : values };
}

/** @param ends takes what is to be called when the call has ended */
function clientCall(
  api: string,
  { caller, group, signal, lane, onUndelivered }: RpcCall,
  ends: (() => void)[],
): ClientCall {
  const opened: string[] = [];
  const use = group.newUse();
  const undoOpening = () => {
    for (const handle of opened) group.abandon(handle);
  };
  return {
    api,
    caller,
    signal,
    lane,
    onUndelivered,
    demandRoom: (weight) => group.demandRoom(caller, weight),
    open(object, weight) {
      const handle = openIn(group, object, caller, use, weight);
      opened.push(handle);
      onUndelivered(undoOpening);
      return handle;
    },
    object(handle, kind) {
      const object = group.object(handle, caller);
      ends.push(group.use(handle, caller));
      if (!(object instanceof kind)) throw new EvtError('ERROR_INVALID_PARAMETER', api, 'a handle of another kind');
      return object;
    },
    close: (handle) => group.close(handle, caller),
  };
}

/** What is not taken by the group is let go of. */
function openIn(
  group: AssociationGroup,
  object: ContextObject,
  caller: Caller,
  use: HandleUse,
  weight: number | undefined,
): string {
  try {
    return group.open(object, caller, use, weight);
  } catch (error) {
    object.rundown();
    throw error;
  }
}
