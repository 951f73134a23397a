import type { OptionName, VerbName } from './arguments.ts';

/** An option of a verb, as the parser, the help and the shell completions need it. */

export interface OptionSpec extends OptionName {
  /** What a value stands for in the help, for example FILE. */
  readonly placeholder?: string;
  readonly help: string;
  /** Heading in the help. */
  readonly group?: string;
  readonly choices?: readonly string[];
  /** Completed with file names. */
  readonly file?: boolean;
  /** May stand more than once. */
  readonly many?: boolean;
}

export interface VerbSpec extends VerbName {
  readonly argument?: {
    readonly name: string;
    readonly help: string;
    readonly file: boolean;
    readonly optional?: boolean;
  };
  /** A second argument, behind the first. */
  readonly target?: { readonly name: string; readonly help: string };
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  readonly examples: readonly (readonly [command: string, what: string])[];
}

export const SOURCE = 'What to read:';
export const OUTPUT = 'What to print:';
export const CHANGES = 'What to change:';
export const POSITION = 'Where to begin and end:';

export const LOGS: OptionSpec = {
  long: 'logs',
  group: SOURCE,
  names: ['logs'],
  kind: 'value',
  placeholder: 'DIR',
  file: true,
  help: 'folder whose .evtx files are the channels, e.g. an image’s winevt/Logs (or WINEVT_LOGS)',
};

export const STORE: OptionSpec = {
  long: 'store',
  group: SOURCE,
  names: ['store'],
  kind: 'value',
  placeholder: 'DIR',
  file: true,
  help: 'folder of channels that are written to (or WINEVT_STORE; default: in the user’s data folder)',
};

export const LOG_FILE: OptionSpec = {
  long: 'logfile',
  group: SOURCE,
  names: ['lf'],
  kind: 'switch',
  help: 'PATH is a log file or a folder of them (also found out by itself)',
};

export const FORMATS = ['xml', 'text', 'json', 'csv', 'table'] as const;
export type Format = (typeof FORMATS)[number];
/** Those that need not know what comes later. */
export const FOLLOW_FORMATS = ['xml', 'text', 'json'] as const;
