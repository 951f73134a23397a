#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Help } from 'commander';
import { normalizeArguments } from './arguments.ts';
import { ExitStatus, failureText, UsageError } from './failure.ts';
import type { LogInfoOptions } from './log-info.ts';
import type { QueryEventsOptions } from './query-events.ts';
import { type OptionSpec, VERBS, type VerbSpec } from './verbs.ts';

/** Runs a verb and gives the exit status. What a verb needs is loaded when it runs. */
const RUN: Readonly<Record<string, (argument: string, options: object) => Promise<number>>> = {
  qe: async (path, options) => (await import('./query-events.ts')).queryEvents(path, options as QueryEventsOptions),
  gli: async (log, options) => (await import('./log-info.ts')).logInfo(log, options as LogInfoOptions),
  el: async (_, options) => (await import('./log-info.ts')).enumLogs(options as { logs?: string }),
  demo: async (_, options) => (await import('./demo.ts')).demo(options as { file?: string }),
  completion: async (shell) => {
    process.stdout.write((await import('./completion.ts')).completionScript(shell));
    return ExitStatus.success;
  },
};

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** How an option is shown: wevtutil's spellings first, then the usual one. */
function spelling({ long, names, kind, placeholder }: OptionSpec): string {
  const [short] = names;
  const value = kind === 'value' ? (placeholder ?? 'VALUE') : undefined;
  const slash = short === undefined ? '' : `/${short}${value === undefined ? '' : `:${value}`}, `;
  return `${slash}--${long}${value === undefined ? '' : ` ${value}`}`;
}

function examples(verb: VerbSpec): string {
  return `\nExamples:\n${verb.examples.map(([command, what]) => `  ${command}\n      ${what}`).join('\n')}\n`;
}

function verbCommand(verb: VerbSpec, done: (status: number) => void): Command {
  const command = new Command(verb.verb).description(verb.summary);
  for (const alias of verb.names) if (alias !== verb.verb) command.alias(alias);
  if (verb.argument !== undefined) command.argument(`<${verb.argument.name}>`, verb.argument.help);
  for (const option of verb.options) {
    command.option(
      `--${option.long}${option.kind === 'value' ? ` <${option.placeholder ?? 'VALUE'}>` : ''}`,
      option.help,
    );
  }
  command.configureHelp({
    optionTerm: (option) => {
      const spec = verb.options.find(({ long }) => `--${long}` === option.long);
      return spec === undefined ? new Help().optionTerm(option) : spelling(spec);
    },
  });
  command.addHelpText('after', examples(verb));
  command.action(async (...args: unknown[]) => {
    const argument = verb.argument === undefined ? '' : (args[0] as string);
    done(await RUN[verb.verb]!(argument, command.opts()));
  });
  return command;
}

async function main(): Promise<number> {
  let status: number = ExitStatus.success;
  const program = new Command('winevt')
    .description('Windows event logs on any system: read, query, seek, cancel.')
    .version(version(), '-V, --version')
    .showHelpAfterError('(winevt VERB --help shows how)')
    .exitOverride();
  for (const verb of VERBS) {
    const command = verbCommand(verb, (given) => {
      status = given;
    });
    command.exitOverride().showHelpAfterError(`(winevt ${verb.verb} --help shows how)`);
    program.addCommand(command);
  }
  program.addHelpText(
    'after',
    `
wevtutil's spellings work too: /q:… /lf:true /rd:true /c:10; names have no case.

Examples:
  winevt demo
      what this is for, in a few seconds
  winevt qe Security.evtx /q:"*[System[EventID=4625]]" /f:table
      failed logons as a table
  winevt qe ./Logs -q "*[System[Level<=2]]" -f json
      errors of a whole folder of logs, by time, as JSON Lines
  winevt gli Security.evtx
      how many records there are

Ctrl-C stops at once and says how far it got. Exit status: 0 success, 1 failure, 2 wrong usage, 130 stopped.
`,
  );
  const args = normalizeArguments(process.argv.slice(2), VERBS);
  if (args.length === 0) {
    program.outputHelp();
    return ExitStatus.usage;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitStatus.success : ExitStatus.usage;
    process.stderr.write(`${failureText(error)}\n`);
    return error instanceof UsageError ? ExitStatus.usage : ExitStatus.failure;
  }
}

// Not process.exit(): what was written must still reach a pipe.
process.exitCode = await main();
