import type { OptionName, VerbName } from './arguments.ts';

/** The command's verbs and options: one table for the parser, the help and the shell completions. */
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

const SOURCE = 'What to read:';
const OUTPUT = 'What to print:';
const CHANGES = 'What to change:';
const POSITION = 'Where to begin and end:';

const LOGS: OptionSpec = {
  long: 'logs',
  group: SOURCE,
  names: ['logs'],
  kind: 'value',
  placeholder: 'DIR',
  file: true,
  help: 'folder whose .evtx files are the channels, e.g. an image’s winevt/Logs (or WINEVT_LOGS)',
};

const STORE: OptionSpec = {
  long: 'store',
  group: SOURCE,
  names: ['store'],
  kind: 'value',
  placeholder: 'DIR',
  file: true,
  help: 'folder of channels that are written to (or WINEVT_STORE; default: in the user’s data folder)',
};

const LOG_FILE: OptionSpec = {
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

export const VERBS: readonly VerbSpec[] = [
  {
    verb: 'qe',
    names: ['qe', 'query-events'],
    argument: {
      name: 'PATH',
      help: 'log file, folder of logs, or channel name; a query file with /sq; not needed when /q:"<QueryList>…" names the logs',
      file: true,
      optional: true,
    },
    summary: 'print events of a log',
    options: [
      {
        long: 'query',
        names: ['q'],
        kind: 'value',
        placeholder: 'QUERY',
        group: SOURCE,
        help: 'XPath, or a structured query in XML; all events by default',
      },
      LOG_FILE,
      {
        long: 'structuredquery',
        names: ['sq'],
        kind: 'switch',
        group: SOURCE,
        help: 'PATH is a file with a structured query (QueryList), which names the logs',
      },
      LOGS,
      STORE,
      {
        long: 'tolerate',
        names: [],
        kind: 'switch',
        group: SOURCE,
        help: 'leave out logs that cannot be opened and parts of the query that are not valid',
      },
      {
        long: 'strict',
        names: [],
        kind: 'switch',
        group: SOURCE,
        help: 'warn where Windows would refuse the query, and where it probably says something else than was meant',
      },
      {
        long: 'recover',
        names: [],
        kind: 'switch',
        group: SOURCE,
        help: 'also print records found in free space and behind damage',
      },
      {
        long: 'reversedirection',
        names: ['rd', 'reverse'],
        kind: 'switch',
        group: POSITION,
        help: 'newest first',
      },
      {
        long: 'count',
        names: ['c'],
        kind: 'value',
        placeholder: 'N',
        group: POSITION,
        help: 'stop after N events',
      },
      {
        long: 'bookmark',
        names: ['bm'],
        kind: 'value',
        placeholder: 'FILE',
        group: POSITION,
        file: true,
        help: 'begin behind the event that this bookmark file names',
      },
      {
        long: 'savebookmark',
        names: ['sbm'],
        kind: 'value',
        placeholder: 'FILE',
        group: POSITION,
        file: true,
        help: 'write a bookmark of the last event printed',
      },
      {
        long: 'format',
        names: ['f'],
        kind: 'value',
        placeholder: 'FORMAT',
        group: OUTPUT,
        choices: FORMATS,
        help: 'xml (default), text, json (one object per line; also jsonl), csv, table',
      },
      {
        long: 'count-only',
        names: ['n'],
        kind: 'switch',
        group: OUTPUT,
        help: 'print only the number of events; --count without N is the same',
      },
      {
        long: 'element',
        names: ['e'],
        kind: 'value',
        placeholder: 'NAME',
        group: OUTPUT,
        help: 'xml: wrap the events in a root element',
      },
      {
        long: 'raw-characters',
        names: [],
        kind: 'switch',
        group: OUTPUT,
        help: 'xml: keep characters that XML forbids, as Windows does',
      },
      {
        long: 'time-digits',
        names: [],
        kind: 'value',
        placeholder: 'N',
        group: OUTPUT,
        choices: ['7', '9'],
        help: 'xml, json: fraction digits of times, 7 (default), or 9 as before the end of 2020',
      },
      {
        long: 'attributes-apart',
        names: [],
        kind: 'switch',
        group: OUTPUT,
        help: 'json: attributes beside their element instead of inside it',
      },
      { long: 'unicode', names: ['uni'], kind: 'switch', group: OUTPUT, help: 'write UTF-16 instead of UTF-8' },
      {
        long: 'locale',
        names: ['l'],
        kind: 'value',
        placeholder: 'LOCALE',
        group: OUTPUT,
        help: 'accepted and without effect: messages are not rendered yet',
      },
      {
        long: 'concurrency',
        names: ['concurrency'],
        kind: 'value',
        placeholder: 'N',
        help: 'threads for long logs as XML or JSON; default: as many as the machine has, at most 4',
        group: OUTPUT,
      },
      {
        long: 'quiet',
        names: [],
        kind: 'switch',
        group: OUTPUT,
        help: 'no progress, and of damage only how much there was',
      },
    ],
    examples: [
      ['winevt qe Security.evtx /c:3 /rd:true /f:text', 'the three newest events'],
      [`winevt qe Security.evtx /q:"*[System[EventID=4625]]" /f:table`, 'failed logons as a table'],
      ['winevt qe Security.evtx -q "*[System[EventID=4624]]" --count', 'how many logons'],
      ['winevt qe --logs /mnt/c/Windows/System32/winevt/Logs System', 'a channel of a disk image'],
      ['winevt qe ./Logs -q "*[System[Level<=2]]" -f json | jq .', 'errors of all logs in a folder, by time'],
      ['winevt qe /sq:true query.xml', 'a structured query that names its logs'],
      ['winevt qe App.evtx /sbm:at.xml /c:100; winevt qe App.evtx /bm:at.xml', 'read on where the first call ended'],
    ],
  },
  {
    verb: 'follow',
    names: ['follow'],
    argument: {
      name: 'PATH',
      help: 'channel name, or log file that grows; not needed when the query is a structured one, which names the logs',
      file: true,
      optional: true,
    },
    summary: 'print events as they come, until Ctrl-C',
    options: [
      {
        long: 'query',
        names: ['q'],
        kind: 'value',
        placeholder: 'QUERY',
        group: SOURCE,
        help: 'XPath, or a structured query in XML; all events by default',
      },
      LOG_FILE,
      STORE,
      LOGS,
      {
        long: 'tolerate',
        names: [],
        kind: 'switch',
        group: SOURCE,
        help: 'leave out logs that cannot be opened and parts of the query that are not valid',
      },
      {
        long: 'oldest',
        names: [],
        kind: 'switch',
        group: POSITION,
        help: 'begin with the oldest event that is there; by default, with the next that comes',
      },
      {
        long: 'bookmark',
        names: ['bm'],
        kind: 'value',
        placeholder: 'FILE',
        group: POSITION,
        file: true,
        help: 'begin behind the event that this file names, when it is there, and keep it up to date',
      },
      {
        long: 'strict',
        names: [],
        kind: 'switch',
        group: POSITION,
        help: 'fail where events are missing; by default they are told and passed over',
      },
      {
        long: 'count',
        names: ['c'],
        kind: 'value',
        placeholder: 'N',
        group: POSITION,
        help: 'stop after N events',
      },
      {
        long: 'format',
        names: ['f'],
        kind: 'value',
        placeholder: 'FORMAT',
        group: OUTPUT,
        choices: FOLLOW_FORMATS,
        help: 'xml (default), text, json (one object per line; also jsonl)',
      },
      { long: 'quiet', names: [], kind: 'switch', group: OUTPUT, help: 'of damage and of stopping, say nothing' },
    ],
    examples: [
      ['winevt follow Application', 'events of a channel as they are written'],
      [
        'winevt follow Security.evtx --oldest -f json | jq .',
        'a log file from its beginning, then what is added to it',
      ],
      ['winevt follow System -q "*[System[Level<=2]]" --bookmark at.xml', 'errors, going on where the last run ended'],
    ],
  },
  {
    verb: 'gli',
    names: ['gli', 'get-loginfo'],
    argument: { name: 'LOG', help: 'log file or channel name', file: true },
    summary: 'print size, times and number of records of a log',
    options: [
      LOG_FILE,
      LOGS,
      STORE,
      {
        long: 'format',
        names: ['f'],
        kind: 'value',
        placeholder: 'FORMAT',
        choices: ['text', 'json'],
        help: 'text or json',
      },
    ],
    examples: [['winevt gli Security.evtx', 'number of records, oldest record, size, times']],
  },
  {
    verb: 'el',
    names: ['el', 'enum-logs'],
    summary: 'print the names of all channels',
    options: [LOGS, STORE],
    examples: [['winevt el --logs ./Logs', 'channels in a folder of logs']],
  },
  {
    verb: 'write',
    names: ['write'],
    argument: { name: 'CHANNEL', help: 'channel of the store; made when it is not there', file: false },
    summary: 'write events to a channel',
    options: [
      { ...STORE, group: 'Where to:' },
      {
        long: 'json',
        names: ['json'],
        kind: 'switch',
        group: 'What to write:',
        help: 'one event per line of JSON from standard input: {"provider", "id", "data": {…}, …}, or as qe -f json prints them',
      },
      {
        long: 'provider',
        names: [],
        kind: 'value',
        placeholder: 'NAME',
        group: 'What to write:',
        help: 'who writes; with --json for events that do not say',
      },
      {
        long: 'id',
        names: [],
        kind: 'value',
        placeholder: 'N',
        group: 'What to write:',
        help: 'event id; with --json for events that do not say',
      },
      {
        long: 'level',
        names: [],
        kind: 'value',
        placeholder: 'LEVEL',
        group: 'What to write:',
        help: 'critical, error, warning, information (default), verbose, or a number',
      },
      {
        long: 'data',
        names: ['d'],
        kind: 'value',
        placeholder: 'NAME=TEXT',
        many: true,
        group: 'What to write:',
        help: 'a named value; may stand more than once. Texts without names make a classic event',
      },
      {
        long: 'durable',
        names: [],
        kind: 'switch',
        group: 'Where to:',
        help: 'an event counts as written when it is on the disk, not only in the system’s memory',
      },
      {
        long: 'quiet',
        names: [],
        kind: 'switch',
        group: 'Where to:',
        help: 'do not say how many events were written',
      },
    ],
    examples: [
      ['winevt write Application --provider Backup --id 7 --level warning -d Disk=sda -d Free=3%', 'one event'],
      ['winevt write App --json < events.jsonl', 'one event per line'],
      ['winevt qe old.evtx -f json | winevt write App --json', 'events of a log, written anew'],
    ],
  },
  {
    verb: 'epl',
    names: ['epl', 'export-log'],
    argument: { name: 'PATH', help: 'log file, folder of logs, or channel; a query file with /sq', file: true },
    target: { name: 'TARGET', help: 'the new log; it must not be there yet' },
    summary: 'write events of a log to a new log',
    options: [
      {
        long: 'query',
        names: ['q'],
        kind: 'value',
        placeholder: 'QUERY',
        group: SOURCE,
        help: 'XPath, or a structured query in XML; all events by default',
      },
      LOG_FILE,
      {
        long: 'structuredquery',
        names: ['sq'],
        kind: 'switch',
        group: SOURCE,
        help: 'PATH is a file with a structured query (QueryList), which names the logs',
      },
      LOGS,
      STORE,
      {
        long: 'tolerate',
        names: [],
        kind: 'switch',
        group: SOURCE,
        help: 'leave out logs that cannot be opened and parts of the query that are not valid',
      },
      {
        long: 'overwrite',
        names: ['ow'],
        kind: 'switch',
        group: OUTPUT,
        help: 'replace TARGET, once the new log is whole',
      },
      {
        long: 'quiet',
        names: [],
        kind: 'switch',
        group: OUTPUT,
        help: 'no progress, and of damage only how much there was',
      },
    ],
    examples: [
      [`winevt epl Security.evtx logons.evtx /q:"*[System[EventID=4624]]"`, 'the logons, as a log of their own'],
      ['winevt epl ./Logs all.evtx', 'all logs of a folder in one, by time'],
    ],
  },
  {
    verb: 'gl',
    names: ['gl', 'get-log'],
    argument: { name: 'LOG', help: 'channel', file: false },
    summary: 'print the properties of a channel',
    options: [
      STORE,
      LOGS,
      {
        long: 'format',
        names: ['f'],
        kind: 'value',
        placeholder: 'FORMAT',
        choices: ['text', 'xml'],
        help: 'text or xml',
      },
    ],
    examples: [['winevt gl Application', 'size, retention, file']],
  },
  {
    verb: 'sl',
    names: ['sl', 'set-log'],
    argument: { name: 'LOG', help: 'channel; with /c it stands in the file', file: false, optional: true },
    summary: 'change the properties of a channel',
    options: [
      STORE,
      {
        long: 'enabled',
        names: ['e'],
        kind: 'value',
        placeholder: 'BOOL',
        group: CHANGES,
        help: 'whether events may be written to it',
      },
      {
        long: 'isolation',
        names: ['i'],
        kind: 'value',
        placeholder: 'NAME',
        group: CHANGES,
        help: 'application, system or custom',
      },
      {
        long: 'logfilename',
        names: ['lfn'],
        kind: 'value',
        placeholder: 'FILE',
        group: CHANGES,
        help: 'absolute path of its log',
      },
      {
        long: 'retention',
        names: ['rt'],
        kind: 'value',
        placeholder: 'BOOL',
        group: CHANGES,
        help: 'true: a full log does not overwrite its oldest events',
      },
      {
        long: 'autobackup',
        names: ['ab'],
        kind: 'value',
        placeholder: 'BOOL',
        group: CHANGES,
        help: 'true, with /rt:true: a full log becomes an archive, and a new one begins',
      },
      {
        long: 'maxsize',
        names: ['ms'],
        kind: 'value',
        placeholder: 'BYTES',
        group: CHANGES,
        help: 'how large the log may grow, at least 1048576; rounded up to 64 KiB',
      },
      {
        long: 'filemax',
        names: ['fm'],
        kind: 'value',
        placeholder: 'N',
        group: CHANGES,
        help: 'number of log files; kept, without effect',
      },
      {
        long: 'level',
        names: ['l'],
        kind: 'value',
        placeholder: 'N',
        group: CHANGES,
        help: 'level of a trace channel; kept, without effect',
      },
      {
        long: 'keywords',
        names: ['k'],
        kind: 'value',
        placeholder: 'MASK',
        group: CHANGES,
        help: 'keywords of a trace channel; kept, without effect',
      },
      {
        long: 'channelaccess',
        names: ['ca'],
        kind: 'value',
        placeholder: 'SDDL',
        group: CHANGES,
        help: 'security descriptor; kept, without effect',
      },
      {
        long: 'config',
        names: ['c'],
        kind: 'value',
        placeholder: 'FILE',
        file: true,
        group: CHANGES,
        help: 'channel and properties from a file, as gl /f:xml prints them',
      },
    ],
    examples: [
      ['winevt sl Application /ms:104857600', 'a log of up to 100 MiB'],
      ['winevt sl Security /rt:true /ab:true', 'keep everything: full logs become archives'],
    ],
  },
  {
    verb: 'cl',
    names: ['cl', 'clear-log'],
    argument: { name: 'CHANNEL', help: 'channel of the store', file: false },
    summary: 'remove all events of a channel, into a backup if one is named',
    options: [
      STORE,
      {
        long: 'backup',
        names: ['bu'],
        kind: 'value',
        placeholder: 'FILE',
        file: true,
        help: 'save the events there first; the file must not be there yet',
      },
    ],
    examples: [['winevt cl Application /bu:application-2026.evtx', 'nothing is lost: the events are in the file now']],
  },
  {
    verb: 'demo',
    names: ['demo'],
    summary: 'make a log of 200,000 events, query it, cancel a long query; write, follow, export and clear a channel',
    options: [
      {
        long: 'log',
        names: ['file'],
        kind: 'value',
        placeholder: 'FILE',
        file: true,
        help: 'the log to make, or to use when it is there (default: in the user’s cache folder)',
      },
    ],
    examples: [['winevt demo', 'what this program is for, in a few seconds']],
  },
  {
    verb: 'completion',
    names: ['completion'],
    argument: { name: 'SHELL', help: 'bash, zsh or fish', file: false },
    summary: 'print a completion script for a shell',
    options: [],
    examples: [['source <(winevt completion bash)', 'complete verbs, options and files in this shell']],
  },
];
