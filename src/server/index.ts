/** Serving event logs to other computers. */

export type { Clock } from '../even6/rpc/clock.ts';
export { DEFAULT_LIMITS, type ServerLimits } from '../even6/rpc/server-limits.ts';
export type { Right } from './access.ts';
export { EventLogServer, type Protection, type ServerOptions } from './event-log-server.ts';
export { addUser, type Grant, type NewUser } from './users.ts';
