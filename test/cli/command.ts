import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);
export const COMMAND = fileURLToPath(new URL('dist/cli/main.js', ROOT));

/** The tests run the built command: a stale one would tell nothing. */
export function requireBuild(): void {
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL('scripts/build.mjs', ROOT)), '--check']);
  if (status !== 0) throw new Error('dist/ is older than src/: npm run build');
}

export interface Finished {
  /** Undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Its standard input; empty by default. */
  readonly input?: string;
  /** File descriptor for its standard output. */
  readonly stdout?: number;
}

/** Without the caller's own settings. */
function environment(env: RunOptions['env']): NodeJS.ProcessEnv {
  const {
    WINEVT_LOGS: _logs,
    WINEVT_STORE: _store,
    COLUMNS: _columns,
    npm_lifecycle_event: _event,
    ...rest
  } = process.env;
  return { ...rest, ...env };
}

/** Runs the command to its end. */
export function winevt(args: readonly string[], { cwd, env, input = '', stdout }: RunOptions = {}): Finished {
  const result = spawnSync(process.execPath, [COMMAND, ...args], {
    cwd,
    env: environment(env),
    encoding: 'utf8',
    maxBuffer: 1 << 29,
    input,
    stdio: ['pipe', stdout ?? 'pipe', 'pipe'],
  });
  if (result.error !== undefined) throw result.error;
  return { status: result.status ?? undefined, stdout: result.stdout ?? '', stderr: result.stderr };
}

export function start(args: readonly string[], env: RunOptions['env'] = {}): ChildProcess {
  return spawn(process.execPath, [COMMAND, ...args], { env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs the command, and does something to it once, when it has printed something. Nothing more is read before. */
export async function winevtUntil(
  args: readonly string[],
  onFirstOutput: (child: ChildProcess) => void,
): Promise<Finished> {
  const child = start(args);
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8');
  child.stdout!.once('data', () => onFirstOutput(child));
  child.stdout!.on('data', (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const status = await new Promise<number | undefined>((resolve) => {
    child.on('close', (code) => resolve(code ?? undefined));
  });
  return { status, stdout, stderr };
}

export function linesOf(text: string): string[] {
  return text.split('\n').slice(0, -1);
}
