/** Serving event logs to other computers. */

export type { Right } from './access.ts';
export { EventLogServer, type Protection, type ServerOptions } from './event-log-server.ts';
export { addUser, type Grant, type NewUser } from './users.ts';
