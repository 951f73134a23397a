// A thread whose calls block on another machine's logs: does what it is told, one function of winevt.h after the other.
import { parentPort, workerData } from 'node:worker_threads';
import * as winevt from '../../dist/wevtapi/index.js';

const { port, user, password } = workerData;
const login = {
  Server: `127.0.0.1:${port}`,
  User: user,
  Domain: null,
  Password: password,
  Flags: winevt.EvtRpcLoginAuthNTLM,
};
const session = winevt.EvtOpenSession(winevt.EvtRpcLogin, login, 0, 0);
parentPort.postMessage({ result: session, error: winevt.GetLastError() });

const functions = new Map(Object.entries(winevt));

const idOf = (event) => {
  const values = {};
  const context = winevt.EvtCreateRenderContext(0, null, winevt.EvtRenderContextSystem);
  winevt.EvtRender(context, event, winevt.EvtRenderEventValues, values);
  winevt.EvtClose(context);
  winevt.EvtClose(event);
  return Number(values.value[winevt.EvtSystemEventRecordId].value);
};

parentPort.on('message', ({ name, args }) => {
  const given = args.map((arg) => (arg === 'session' ? session : arg));
  parentPort.postMessage({ calling: true });
  winevt.SetLastError(0);
  let events;
  let result;
  if (name === 'EvtNext') {
    events = [];
    const [handle, count, timeout] = given;
    result = winevt.EvtNext(handle, count, events, timeout, 0);
    events = events.map(idOf);
  } else {
    result = functions.get(name)(...given);
  }
  parentPort.postMessage({ result, error: winevt.GetLastError(), events });
});
