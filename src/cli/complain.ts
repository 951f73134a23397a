import { printableLines } from './format/printable.ts';

/** A line on standard error. Names in it may be another computer's: what a terminal takes for a command does not reach it. */
export function complain(line: string): void {
  process.stderr.write(`${printableLines(line)}\n`);
}
