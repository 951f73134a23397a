import { EVENT_SERVICE } from '../even6/pdu/syntaxes.ts';
import { FaultStatus, RpcFault } from '../even6/rpc/fault.ts';
import type { RpcInterface } from '../even6/rpc/rpc-interface.ts';
import { AuthLevel } from '../even6/security/security-context.ts';
import * as operations from '../even6/stubs/operations.ts';
import { configurationOperations } from './configuration-operations.ts';
import { OperationControl } from './context-objects.ts';
import { logOperations } from './log-operations.ts';
import { publisherOperations } from './publisher-operations.ts';
import { queryOperations } from './query-operations.ts';
import type { ServedLogs } from './served-logs.ts';
import { type ServedOperation, serve } from './served-operation.ts';
import { subscriptionOperations } from './subscription-operations.ts';

/**
 * IEventService: the whole interface, over the logs of a session.
 * @param minLevel least level of calls by somebody who has said who he is
 * @param isOpen   whether somebody may call who has not
 */
export function eventServiceInterface(logs: ServedLogs, minLevel: number, isOpen: boolean): RpcInterface {
  const served = new Map<number, ServedOperation>();
  const all = [
    ...subscriptionOperations(logs),
    ...queryOperations(logs),
    ...logOperations(logs),
    ...configurationOperations(logs),
    ...publisherOperations(logs),
    ...handleOperations(),
  ];
  for (const operation of all) served.set(operation.opnum, operation);
  return {
    syntax: EVENT_SERVICE,
    operations: operations.OPERATION_COUNT,
    minLevel: isOpen ? AuthLevel.none : minLevel,
    call(call) {
      const { identity, level } = call.caller;
      if (identity !== undefined && level < minLevel) {
        throw new RpcFault(FaultStatus.accessDenied, 'the level is too low', true);
      }
      const operation = served.get(call.opnum);
      if (operation === undefined) throw new RpcFault(FaultStatus.operationRange, 'no such operation', true);
      return operation.answer(call);
    },
  };
}

/** Operations 13 and 14: for handles of all kinds. */
function handleOperations(): ServedOperation[] {
  return [
    serve(operations.CLOSE, ({ handle }, { close }) => {
      close(handle);
      return { handle: undefined };
    }),

    serve(operations.CANCEL, ({ control }, { object }) => {
      object(control, OperationControl).cancel();
      return {};
    }),
  ];
}
