/**
 * wevtutil's way of writing options, turned into the usual one: `/q:x`, `/query:x`, `-q x`, `--query x` and `--query=x` all
 * become `--query=x`. Names of verbs and options have no case. A switch may carry true or false: `/rd:true`, `--rd false`.
 *
 * On systems where paths begin with a slash, `/name` is an option only when `name` is one of the verb's; `/mnt/x.evtx` is
 * a path. A file that is called like an option can be given as `./q` or with its folder.
 */

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

/** Rewrites the arguments behind the program's name. What is no option of the verb is left as it is. */
export function normalizeArguments(args: readonly string[], verbs: readonly VerbName[]): string[] {
  const [first, ...rest] = args;
  if (first === undefined) return [];
  const verb = verbs.find(({ names }) => names.includes(first.toLowerCase()));
  if (verb === undefined) return /^[/-]\?$/.test(first) ? ['--help', ...rest] : [...args];
  const out: string[] = [verb.verb];
  for (let i = 0; i < rest.length; i++) {
    const argument = rest[i]!;
    if (argument === '--') {
      out.push(...rest.slice(i));
      break;
    }
    if (/^[/-]\?$/.test(argument)) {
      out.push('--help');
      continue;
    }
    const match = OPTION.exec(argument);
    const name = match?.[1]?.toLowerCase();
    const option = verb.options.find(({ long, names }) => name === long || names.includes(name ?? ''));
    if (match === null || option === undefined) {
      out.push(argument);
      continue;
    }
    const following = rest[i + 1];
    if (option.long === 'count' && match[2] === undefined && !/^\d/.test(following ?? '')) {
      // `--count` alone asks for the number of events; with a number it is wevtutil's limit.
      out.push('--count-only');
      continue;
    }
    if (option.kind === 'switch') {
      const given = match[2] ?? (following !== undefined && isTruthValue(following) ? rest[++i] : undefined);
      const value = given?.toLowerCase();
      if (value === undefined || value === 'true') out.push(`--${option.long}`);
      else if (value !== 'false') out.push(`--${option.long}=${given}`);
      continue;
    }
    if (match[2] !== undefined) out.push(`--${option.long}=${match[2]}`);
    else if (following !== undefined) out.push(`--${option.long}=${rest[++i]}`);
    else out.push(`--${option.long}`);
  }
  return out;
}

function isTruthValue(text: string): boolean {
  return /^(true|false)$/i.test(text);
}
