import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ExitStatus } from '../../src/cli/exit-status.ts';
import { REMOTE } from '../../src/cli/verb-spec.ts';
import { FORMATS, type OptionSpec, VERBS } from '../../src/cli/verbs.ts';

const page = readFileSync(new URL('../../docs/winevt.1', import.meta.url), 'utf8')
  .replaceAll('\\-', '-')
  .replaceAll(/\\f.|\\c/g, '');

/** The part of the page under a heading. */
function section(heading: string): string {
  const start = page.search(new RegExp(`^\\.SH "?${heading}"?$`, 'm'));
  expect(start, heading).toBeGreaterThanOrEqual(0);
  const end = page.indexOf('\n.SH ', start + 1);
  return page.slice(start, end < 0 ? undefined : end);
}

/** Whether a text has a spelling as a word of its own. */
function has(text: string, spelling: string): boolean {
  const literal = spelling.replaceAll(/[/-]/g, '\\$&');
  return new RegExp(`(?<![\\w/-])${literal}(?![\\w-])`).test(text);
}

/** The options of a verb that are its own: those for another computer are explained once for all verbs. */
function ownOptions(options: readonly OptionSpec[]): readonly OptionSpec[] {
  return options.filter((option) => !REMOTE.includes(option));
}

describe('the manual page', () => {
  it("explains every option of qe in wevtutil's spelling and in the usual one", () => {
    const options = section('OPTIONS OF QE');
    for (const { long, names } of ownOptions(VERBS.find(({ verb }) => verb === 'qe')!.options)) {
      expect(has(options, `--${long}`), `--${long}`).toBe(true);
      const [short] = names;
      if (short !== undefined && short !== long) expect(has(options, `/${short}`), `/${short}`).toBe(true);
    }
  });

  it('has every option of the other verbs, and every verb by both names', () => {
    const verbs = section('VERBS');
    for (const { verb, names, options } of VERBS) {
      for (const name of names) expect(has(verbs, name), name).toBe(true);
      const text = verb === 'gli' ? section('OPTIONS OF GLI') : verbs;
      if (verb !== 'qe')
        for (const { long } of ownOptions(options)) expect(has(text, `--${long}`), `${verb} --${long}`).toBe(true);
    }
  });

  it('explains the options for another computer once for all verbs', () => {
    const options = section('ANOTHER COMPUTER');
    for (const { long, names } of REMOTE) {
      expect(has(options, `--${long}`), `--${long}`).toBe(true);
      for (const name of names) expect(has(options, `/${name}`), `/${name}`).toBe(true);
    }
  });

  it('names no option that the command does not have', () => {
    const known = new Set(VERBS.flatMap(({ options }) => options.flatMap(({ long, names }) => [long, ...names])));
    for (const [, long] of page.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)) {
      if (long !== 'help' && long !== 'version') expect(known, long).toContain(long);
    }
  });

  it('has every format, every exit status and the environment', () => {
    const formats = section('FORMATS');
    for (const format of FORMATS) expect(has(formats, format), format).toBe(true);
    const statuses = section('EXIT STATUS');
    for (const status of Object.values(ExitStatus)) expect(has(statuses, String(status)), String(status)).toBe(true);
    expect(has(section('ENVIRONMENT'), 'WINEVT_LOGS')).toBe(true);
  });
});
