import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SERVE_VERB } from '../../src/cli/verb-serve.ts';
import { DEFAULT_LIMITS } from '../../src/server/index.ts';

const page = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8');
const UNITS: Readonly<Record<string, number>> = { '': 1, s: 1000, min: 60_000, h: 3_600_000, MiB: 1024 * 1024 };

describe('SECURITY.md', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+) ?(\w*) \| (.*)\|$/gm)];

  it('has every limit, with the default that it has', () => {
    const told = Object.fromEntries(rows.map(([, name, number, unit]) => [name, Number(number) * UNITS[unit!]!]));
    expect(told).toEqual(DEFAULT_LIMITS);
  });

  it('names options that there are, and all of them that are limits', () => {
    const told = rows.flatMap(([, , , , option]) => [...option!.matchAll(/--([\w-]+)/g)].map(([, long]) => long));
    const limits = SERVE_VERB.options.filter(({ group }) => group?.startsWith('How much')).map(({ long }) => long);
    expect([...new Set(told)].sort()).toEqual([...limits].sort());
    const known = SERVE_VERB.options.map(({ long }) => long);
    for (const [, long] of page.matchAll(/`--([\w-]+)/g)) expect(known).toContain(long);
  });
});
