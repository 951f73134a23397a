import { SERVE_VERB } from './verb-serve.ts';
import type { VerbSpec } from './verb-spec.ts';
import { CHANGING_VERBS } from './verbs-changing.ts';
import { READING_VERBS } from './verbs-reading.ts';

export { FOLLOW_FORMATS, FORMATS, type Format, type OptionSpec, type VerbSpec } from './verb-spec.ts';

/** The command's verbs and options: one table for the parser, the help, the manual page's test and the shell completions. */
export const VERBS: readonly VerbSpec[] = [
  ...READING_VERBS,
  ...CHANGING_VERBS,
  SERVE_VERB,
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
