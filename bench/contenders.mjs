// What can be timed: a program from start to end, and a pass inside a process that goes on living.
import { fork, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache, root } from './common.mjs';

/** Passes before the first that counts, at most. */
const WARM_UP_PASSES = 20;
/** A pass that takes longer has warmed up on its way: it counts. */
const LONG_PASS_SECONDS = 3;

/** The environment of everything timed. */
const ENVIRONMENT = { ...process.env, LC_ALL: 'C' };
// Reading certificates makes each start of Node some 45 ms longer.
delete ENVIRONMENT.NODE_EXTRA_CA_CERTS;
delete ENVIRONMENT.WINEVT_KERNEL;

function fail(program, result) {
  const why = result.error?.message ?? result.signal ?? `exit status ${result.status}`;
  throw new Error(`${program}: ${why}`);
}

/** A program from start to end, its output thrown away: a cold process each time. */
export class Command {
  /**
   * @param share of the line's work that it does: 0.07 when it has a log of 2 MB and the others have 30
   * @param startSeconds taken off each time: what the program needs to start, in lines where ours has started before
   */
  constructor({ program, args, env = {}, share = 1, startSeconds = 0 }) {
    Object.assign(this, { program, args, share, startSeconds });
    this.environment = { ...ENVIRONMENT, ...env };
  }

  async ready() {}

  /** @returns seconds, from start to end */
  run() {
    const out = openSync(devNull, 'w');
    const started = performance.now();
    const result = spawnSync(this.program, this.args, {
      cwd: root,
      env: this.environment,
      stdio: ['ignore', out, out],
    });
    const seconds = (performance.now() - started) / 1000;
    closeSync(out);
    if (result.status !== 0) fail(this.program, result);
    return Math.max(seconds - this.startSeconds, 1e-6);
  }

  /** Peak memory of one more run in MiB, where GNU time is there to tell. */
  peakMemory() {
    if (!existsSync('/usr/bin/time')) return undefined;
    const told = join(cache, 'bench-memory');
    const options = { cwd: root, env: this.environment, stdio: 'ignore' };
    const result = spawnSync('/usr/bin/time', ['-f', '%M', '-o', told, this.program, ...this.args], options);
    if (result.status !== 0) return undefined;
    const kibibytes = Number(readFileSync(told, 'utf8'));
    rmSync(told);
    return kibibytes / 1024;
  }

  /** How many events it prints, counted in its output by what stands once in each; without that, the number it prints. */
  async events(mark) {
    const child = spawn(this.program, this.args, {
      cwd: root,
      env: this.environment,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let count = 0;
    let left = '';
    if (mark === undefined) return Number((await child.stdout.toArray()).join(''));
    for await (const bytes of child.stdout) {
      const text = left + bytes.toString('latin1');
      let at = 0;
      for (let found = text.indexOf(mark); found >= 0; found = text.indexOf(mark, at)) {
        count++;
        at = found + mark.length;
      }
      left = text.slice(Math.max(at, text.length - mark.length + 1));
    }
    return count;
  }

  end() {}
}

/** One kind of pass, in a process of its own that has done it before. */
export class Pass {
  constructor({ module, name, args, env = {}, share = 1 }) {
    Object.assign(this, { share });
    const child = fileURLToPath(new URL('./pass-child.mjs', import.meta.url));
    this.child = fork(child, [new URL(module, import.meta.url).href, name, JSON.stringify(args)], {
      env: { ...ENVIRONMENT, ...env },
    });
    this.#died = new Promise((_, reject) => {
      this.child.on('error', reject);
      this.child.on('exit', (code, signal) => reject(new Error(`${module} ended: ${signal ?? code}`)));
    });
    // It ends in the end: only those who wait for an answer want to know.
    this.#died.catch(() => {});
  }

  #died;
  #firstLong;

  /** Warms it up, for so many seconds at least where a pass is short. */
  async ready(warmUpSeconds) {
    let seconds = 0;
    for (let passes = 0; passes < WARM_UP_PASSES && seconds < warmUpSeconds; passes++) seconds += await this.#pass();
    if (seconds > LONG_PASS_SECONDS) this.#firstLong = seconds;
  }

  /** @returns seconds of one pass */
  async run() {
    const seconds = this.#firstLong ?? (await this.#pass());
    this.#firstLong = undefined;
    return seconds;
  }

  async #pass() {
    const answer = new Promise((resolve) => this.child.once('message', resolve));
    this.child.send('go');
    const { seconds, result, error } = await Promise.race([answer, this.#died]);
    if (error !== undefined) throw new Error(error);
    this.result = result;
    return seconds;
  }

  async events() {
    return this.result.found ?? this.result.records;
  }

  end() {
    this.child.disconnect();
  }
}
