import { existsSync } from 'node:fs';
import { Command, CommanderError, Help } from 'commander';
import { isOption, normalizeArguments } from './arguments.ts';
import type { ClearLogOptions } from './clear-log.ts';
import { endWithReader } from './end-with-reader.ts';
import { ExitStatus } from './exit-status.ts';
import type { ExportLogOptions } from './export-log.ts';
import { failureText, UsageError } from './failure.ts';
import type { FollowOptions } from './follow-events.ts';
import type { GetLogOptions, SetLogOptions } from './log-config.ts';
import type { EnumLogsOptions, LogInfoOptions } from './log-info.ts';
import { refusePassword, type SessionFlags, withPassword } from './open-session.ts';
import type { GetPublisherOptions } from './publishers.ts';
import type { QueryEventsOptions } from './query-options.ts';
import type { ServeOptions } from './serve.ts';
import { type OptionSpec, VERBS, type VerbSpec } from './verbs.ts';
import type { WriteEventsOptions } from './write-events.ts';

type Run = (argument: string | undefined, options: object, target: string | undefined) => Promise<number>;

/** Runs a verb and gives the exit status. What a verb needs is loaded when it runs. */
const RUN: Readonly<Record<string, Run>> = {
  qe: async (path, options) => (await import('./query-events.ts')).queryEvents(path, options as QueryEventsOptions),
  follow: async (path, options) => (await import('./follow-events.ts')).followEvents(path, options as FollowOptions),
  gli: async (log, options) => (await import('./log-info.ts')).logInfo(log ?? '', options as LogInfoOptions),
  el: async (_, options) => (await import('./log-info.ts')).enumLogs(options as EnumLogsOptions),
  ep: async (_, options) => (await import('./publishers.ts')).enumPublishers(options as SessionFlags),
  gp: async (name, options) =>
    (await import('./publishers.ts')).getPublisher(name ?? '', options as GetPublisherOptions),
  write: async (channel, options) =>
    (await import('./write-events.ts')).writeEvents(channel ?? '', options as WriteEventsOptions),
  epl: async (path, options, target) =>
    (await import('./export-log.ts')).exportLog(path ?? '', target ?? '', options as ExportLogOptions),
  gl: async (channel, options) => (await import('./log-config.ts')).getLog(channel ?? '', options as GetLogOptions),
  sl: async (channel, options) => (await import('./log-config.ts')).setLog(channel, options as SetLogOptions),
  cl: async (channel, options) => (await import('./clear-log.ts')).clearLog(channel ?? '', options as ClearLogOptions),
  serve: async (_, options) => (await import('./serve.ts')).serve(options as ServeOptions),
  demo: async (_, options) => (await import('./demo.ts')).demo(options as { log?: string }),
  completion: async (shell) => {
    process.stdout.write((await import('./completion.ts')).completionScript(shell ?? ''));
    return ExitStatus.success;
  },
};

/** How an option is shown: wevtutil's spelling first, then the usual one. */
function spelling({ long, names, kind, placeholder }: OptionSpec): string {
  const [short] = names;
  const value = kind === 'value' ? (placeholder ?? 'VALUE') : undefined;
  const slash = short === undefined || short === long ? '' : `/${short}${value === undefined ? '' : `:${value}`}, `;
  return `${slash}--${long}${value === undefined ? '' : ` ${value}`}`;
}

function examples({ examples: list }: Pick<VerbSpec, 'examples'>): string {
  return `\nExamples:\n${list.map(([command, what]) => `  ${command}\n      ${what}`).join('\n')}\n`;
}

const OVERVIEW = `
wevtutil's spelling and the usual one both work, in any case:
  /q:QUERY  /query:QUERY  -q QUERY  --query QUERY  --query=QUERY  /rd  /rd:true  --rd true
${examples({
  examples: [
    ['winevt demo', 'what this is for, in a few seconds'],
    ['winevt qe Security.evtx /c:3 /rd:true /f:text', 'the three newest events'],
    ['winevt qe Security.evtx /q:"*[System[EventID=4625]]" /f:table', 'failed logons as a table'],
    ['winevt qe ./Logs -q "*[System[Level<=2]]" -f json', 'errors of a whole folder of logs, by time, as JSON Lines'],
    ['winevt gli Security.evtx', 'how many records there are'],
  ],
})}
Ctrl-C stops at once and says how far it got.
Exit status: 0 success, 1 failure, 2 wrong usage, 130 stopped with Ctrl-C.
`;

/** What the command line holds beside the verb's one argument is a slip: says which. */
function refuse(extra: readonly string[], verb: VerbSpec): void {
  for (const argument of extra) {
    if (/^\/[a-z][a-z-]*(?::|$)/i.test(argument) && !existsSync(argument)) {
      // What stands behind the colon may be a secret.
      const name = argument.replace(/:.*$/s, '');
      throw new UsageError(`there is no option ${name} (winevt ${verb.verb} --help shows what there is)`);
    }
  }
  const [first] = extra;
  if (first !== undefined) {
    throw new UsageError(
      `"${first}" is one argument too many: quote a query that has blanks, and name one log or folder`,
    );
  }
}

/** An option that a verb might be thought to have, and why it has not. */
function refuseOptions(args: readonly string[]): void {
  const { refused } = VERBS.find(({ verb }) => verb === args[0]) ?? {};
  if (refused === undefined) return;
  for (const argument of args) {
    if (argument === '--') return;
    if (isOption(argument, refused.options)) throw new UsageError(refused.why);
  }
}

function verbCommand(verb: VerbSpec, done: (status: number) => void): Command {
  const command = new Command(verb.verb).description(verb.summary);
  for (const alias of verb.names) if (alias !== verb.verb) command.alias(alias);
  const { argument, target } = verb;
  if (argument !== undefined) {
    command.argument(argument.optional ? `[${argument.name}]` : `<${argument.name}>`, argument.help);
  }
  if (target !== undefined) command.argument(`<${target.name}>`, target.help);
  for (const { long, kind, placeholder, help, group, many } of verb.options) {
    command.optionsGroup(group ?? 'Options:');
    const flags = `--${long}${kind === 'value' ? ` <${placeholder ?? 'VALUE'}>` : ''}`;
    if (many) command.option(flags, help, (text: string, before: string[] = []) => [...before, text]);
    else command.option(flags, help);
  }
  command.optionsGroup('Options:');
  command.configureHelp({
    optionTerm: (option) => {
      const spec = verb.options.find(({ long }) => `--${long}` === option.long);
      return spec === undefined ? new Help().optionTerm(option) : spelling(spec);
    },
  });
  command.addHelpText('after', examples(verb));
  command.allowExcessArguments().action(async () => {
    // Before anything else is said of the arguments, one of which may be a password that stands apart.
    refusePassword(command.opts());
    // An argument that is an option unknown here stands among the others.
    const operands = command.args.slice(0, Number(argument !== undefined) + Number(target !== undefined));
    refuse(command.args.slice(operands.length), verb);
    const options = await withPassword<object & SessionFlags>(command.opts());
    done(await RUN[verb.verb]!(operands[0], options, operands[1]));
  });
  return command;
}

function setUp(command: Command, hint: string): void {
  command.exitOverride().showHelpAfterError(`(${hint} shows how)`);
  command.configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'winevt: ')) });
}

/** The command line: of the verb that is given alone, which is quicker, or of all of them. */
function programFor(given: string | undefined, version: string, done: (status: number) => void): Command {
  const program = new Command('winevt')
    .usage('VERB [ARGUMENT] [OPTIONS]')
    .description('Windows event logs on any system: read, query, seek, cancel.')
    .version(version, '-V, --version')
    .addHelpText('after', OVERVIEW);
  setUp(program, 'winevt --help');
  const named = VERBS.filter(({ verb }) => verb === given);
  for (const verb of named.length > 0 ? named : VERBS) {
    const command = verbCommand(verb, done);
    setUp(command, `winevt ${verb.verb} --help`);
    program.addCommand(command);
  }
  return program;
}

/**
 * Runs the command.
 * @param given the arguments behind the program's name
 * @param version of this program
 * @returns the exit status
 */
export async function runCommand(given: readonly string[], version: string): Promise<number> {
  process.stderr.on('error', () => {
    // Nobody reads it: there is nobody to tell.
  });
  let status: number = ExitStatus.success;
  try {
    const args = normalizeArguments(given, VERBS);
    // These save their bookmark before they end with their reader.
    const savesBookmark = args[0] === 'qe' || args[0] === 'follow';
    if (!savesBookmark || args.includes('--help')) endWithReader();
    const program = programFor(args[0], version, (given) => {
      status = given;
    });
    if (args.length === 0) {
      program.outputHelp({ error: true });
      return ExitStatus.usage;
    }
    refuseOptions(args);
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitStatus.success : ExitStatus.usage;
    process.stderr.write(`${failureText(error)}\n`);
    return error instanceof UsageError ? ExitStatus.usage : ExitStatus.failure;
  }
}
