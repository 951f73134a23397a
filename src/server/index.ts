/** Serving event logs to other computers. */

export type { Right } from './access.ts';
export { EventLogServer, type Protection, type ServerOptions } from './event-log-server.ts';
export { type Grant, ntHash, saveUser, type User } from './users.ts';
