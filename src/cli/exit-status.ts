/** Exit statuses of the command. Stopped by a signal: 128 and its number. */
export const ExitStatus = { success: 0, failure: 1, usage: 2, hangup: 129, interrupted: 130, terminated: 143 } as const;
