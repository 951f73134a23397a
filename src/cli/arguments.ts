/**
 * wevtutil's way of writing options, turned into the usual one: `/q:x`, `/query:x`, `-q x`, `--query x` and `--query=x` all
 * become `--query=x`. Names of verbs and options have no case. A switch may carry true or false: `/rd:true`, `--rd false`.
 *
 * On systems where paths begin with a slash, `/name` is an option only when `name` is one of the verb's; `/mnt/x.evtx` is
 * a path. A file in the root folder that is called like an option is given as `//q`, or behind `--`.
 */

import { UsageError } from './failure.ts';

export interface OptionName {
  /** The name that the command line library knows. */
  readonly long: string;
  /** wevtutil's short and long spellings, and further ones. */
  readonly names: readonly string[];
  readonly kind: 'value' | 'switch';
}

export interface VerbName {
  readonly verb: string;
  readonly names: readonly string[];
  readonly options: readonly OptionName[];
}

const OPTION = /^(?:\/|--?)([a-z][a-z0-9-]*)(?:[:=](.*))?$/is;
const HELP = /^(?:[/-]\?|\/h|\/help)$/i;

/**
 * Rewrites the arguments behind the program's name. What is no option of the verb is left as it is.
 * @throws UsageError for an option without its value
 */
export function normalizeArguments(args: readonly string[], verbs: readonly VerbName[]): string[] {
  const [first, ...rest] = args;
  if (first === undefined) return [];
  if (HELP.test(first)) return ['--help', ...rest];
  const word = first.toLowerCase();
  const verb = verbs.find(({ names }) => names.includes(word));
  if (verb !== undefined) return [verb.verb, ...optionsOf(rest, verb)];
  if (word === 'help') return [word, ...rest.map((name) => name.toLowerCase())];
  return /^--(?:help|version)$/.test(word) ? [word, ...rest] : [...args];
}

function optionsOf(args: readonly string[], verb: VerbName): string[] {
  const out: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const argument = args[i]!;
    if (argument === '--') {
      out.push(...args.slice(i));
      break;
    }
    if (HELP.test(argument)) {
      out.push('--help');
      continue;
    }
    const option = optionOf(argument, verb);
    if (option === undefined) {
      out.push(argument);
      continue;
    }
    const { name, given, spec } = option;
    const following = args[i + 1];
    if (name === 'count' && !isNumber(given ?? following)) {
      // `--count` alone asks for the number of events; with a number it is wevtutil's limit.
      if (given === undefined || isTruth(given)) {
        const value = given ?? (isTruth(following) ? args[++i] : undefined);
        if (value?.toLowerCase() !== 'false') out.push('--count-only');
        continue;
      }
    }
    if (spec.kind === 'switch') {
      const value = given ?? (isTruth(following) ? args[++i] : undefined) ?? 'true';
      if (!isTruth(value)) throw new UsageError(`${argument}: write true or false behind it, or nothing`);
      if (value.toLowerCase() === 'true') out.push(`--${spec.long}`);
    } else if (given !== undefined) {
      out.push(`--${spec.long}=${given}`);
    } else if (following === undefined || optionOf(following, verb) !== undefined) {
      throw new UsageError(`${argument}: its value is missing`);
    } else {
      out.push(`--${spec.long}=${args[++i]}`);
    }
  }
  return out;
}

interface GivenOption {
  readonly name: string;
  /** What stands behind the colon or the equals sign. */
  readonly given: string | undefined;
  readonly spec: OptionName;
}

function optionOf(argument: string, verb: Pick<VerbName, 'options'>): GivenOption | undefined {
  const match = OPTION.exec(argument);
  if (match === null) return undefined;
  const name = match[1]!.toLowerCase();
  const spec = verb.options.find(({ long, names }) => name === long || names.includes(name));
  if (spec !== undefined) return { name, given: match[2], spec };
  return undefined;
}

/** Whether an argument is one of the options, in whatever spelling. */
export function isOption(argument: string, options: readonly OptionName[]): boolean {
  return optionOf(argument, { options }) !== undefined;
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^\d+$/.test(text);
}

function isTruth(text: string | undefined): text is string {
  return text !== undefined && /^(?:true|false)$/i.test(text);
}
