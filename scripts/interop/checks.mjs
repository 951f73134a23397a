// What the scripts that try winevt as a client have in common: one printed line per check, and the count at the end, as checks.py.

/** Runs checks one after another: a failed one is printed and counted, and the next one still runs. */
export class Checks {
  #passed = 0;
  #failed = 0;

  async run(name, check) {
    const begun = performance.now();
    try {
      await check();
      this.#passed++;
      process.stdout.write(`ok   ${name} (${Math.round(performance.now() - begun)} ms)\n`);
    } catch (error) {
      this.#failed++;
      process.stdout.write(`FAIL ${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }

  /** Prints the count. @returns the exit status: 0 only if something was checked and nothing failed */
  finish() {
    process.stdout.write(`${this.#passed} passed, ${this.#failed} failed, 0 skipped\n`);
    return this.#failed === 0 && this.#passed > 0 ? 0 : 1;
  }
}

/** Fails the check unless both are the same, as JSON shows them. */
export function same(actual, expected, what) {
  const [is, wanted] = [shown(actual), shown(expected)];
  if (is !== wanted) throw new Error(`${what} is ${is}, expected ${wanted}`);
}

function shown(value) {
  const text = JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? Number(item) : item)) ?? 'undefined';
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

/** Fails the check unless the promise is rejected with one of these Win32 codes. */
export async function failsWith(promise, ...codes) {
  const error = await promise.then(
    (value) => ({ message: `it gave ${shown(value)}` }),
    (failure) => failure,
  );
  if (!codes.includes(error.code))
    throw new Error(`${codes.join(' or ')} was expected: ${error.code ?? ''} ${error.message}`);
}
