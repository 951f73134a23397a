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
  /** Options of other verbs that this one cannot have, and why. */
  readonly refused?: { readonly options: readonly OptionSpec[]; readonly why: string };
  readonly examples: readonly (readonly [command: string, what: string])[];
}

export const SOURCE = 'What to read:';
export const OUTPUT = 'What to print:';
export const CHANGES = 'What to change:';
export const POSITION = 'Where to begin and end:';

export const QUERY: OptionSpec = {
  long: 'query',
  names: ['q'],
  kind: 'value',
  placeholder: 'QUERY',
  group: SOURCE,
  help: 'XPath, or a structured query in XML; all events by default',
};

export const STRUCTURED_QUERY: OptionSpec = {
  long: 'structuredquery',
  names: ['sq'],
  kind: 'switch',
  group: SOURCE,
  help: 'PATH is a file with a structured query (QueryList), which names the logs',
};

export const TOLERATE: OptionSpec = {
  long: 'tolerate',
  names: [],
  kind: 'switch',
  group: SOURCE,
  help: 'leave out logs that cannot be opened and parts of the query that are not valid',
};

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

const COMPUTER = 'Another computer:';

/** For a session with another computer, as wevtutil has them. */
export const REMOTE: readonly OptionSpec[] = [
  {
    long: 'remote',
    group: COMPUTER,
    names: ['r'],
    kind: 'value',
    placeholder: 'HOST',
    help: 'logs of this computer: a Windows host, or one that runs winevt serve; HOST:PORT asks no endpoint mapper',
  },
  {
    long: 'username',
    group: COMPUTER,
    names: ['u'],
    kind: 'value',
    placeholder: 'USER',
    help: 'USER or DOMAIN\\USER there',
  },
  {
    long: 'password',
    group: COMPUTER,
    names: ['p'],
    kind: 'value',
    placeholder: '*',
    help: 'asks for the password, as it does when it is not in WINEVT_PASSWORD',
  },
  {
    long: 'password-fd',
    group: COMPUTER,
    names: [],
    kind: 'value',
    placeholder: 'N',
    help: 'reads the password from this file descriptor',
  },
  {
    long: 'authentication',
    group: COMPUTER,
    names: ['a'],
    kind: 'value',
    placeholder: 'TYPE',
    choices: ['default', 'negotiate', 'ntlm'],
    help: 'default and negotiate are NTLM in SPNEGO; ntlm is NTLM alone',
  },
];

export const LOG_FILE: OptionSpec = {
  long: 'logfile',
  group: SOURCE,
  names: ['lf'],
  kind: 'switch',
  help: 'PATH is a log file or a folder of them (also found out by itself)',
};

export const FORMATS = ['xml', 'text', 'json', 'csv', 'table', 'renderedxml'] as const;
export type Format = (typeof FORMATS)[number];
/** Those that need not know what comes later. */
export const FOLLOW_FORMATS = ['xml', 'text', 'json'] as const;
