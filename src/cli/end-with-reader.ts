import { ExitStatus } from './exit-status.ts';

/** Ends the program when nobody takes its output any more: a reader that has seen enough, as in `| head`, is no failure. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitStatus.success);
    process.stderr.write(`winevt: the output cannot be written: ${error.message}\n`);
    process.exit(ExitStatus.failure);
  });
}
