import { createInterface } from 'node:readline';
import { EventLogSession, EvtError, eventFromJson, type NewEvent } from '../index.ts';
import { ExitStatus } from './exit-status.ts';
import { failureText, UsageError } from './failure.ts';
import { Interrupt } from './interrupt.ts';

/** Options of `write`, as the command line gives them. */
export interface WriteEventsOptions {
  readonly store?: string;
  readonly json?: boolean;
  readonly provider?: string;
  readonly id?: string;
  readonly level?: string;
  readonly data?: readonly string[];
  readonly durable?: boolean;
  readonly quiet?: boolean;
}

const LEVELS: Readonly<Record<string, number>> = { critical: 1, error: 2, warning: 3, information: 4, verbose: 5 };

/** Lines handed over before the first of them must be acknowledged. */
const LINES_AT_ONCE = 4096;

function levelOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const level = LEVELS[text.toLowerCase()] ?? Number(text);
  if (Number.isInteger(level) && level >= 0 && level <= 255) return level;
  throw new UsageError(`--level: "${text}" is neither a number nor ${Object.keys(LEVELS).join(', ')}`);
}

function idOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 0xffff) return Number(text);
  throw new UsageError(`--id: "${text}" is no event id (0 to 65535)`);
}

/** `NAME=TEXT`, or texts without names as classic events have them. */
function dataOf(given: readonly string[] | undefined): NewEvent['data'] {
  if (given === undefined || given.length === 0) return undefined;
  const pairs = given.map((text) => /^([A-Za-z_][\w.:-]*)=([\s\S]*)$/.exec(text));
  if (pairs.every((pair) => pair !== null)) return Object.fromEntries(pairs.map((pair) => [pair[1]!, pair[2]!]));
  if (pairs.some((pair) => pair !== null)) throw new UsageError('--data: either all have names (NAME=TEXT), or none');
  return given;
}

/** `winevt write`: one event from options, or one per line of JSON from standard input. */
export async function writeEvents(channel: string, options: WriteEventsOptions): Promise<number> {
  const defaults: Partial<NewEvent> = {
    ...(options.provider === undefined ? {} : { provider: options.provider }),
    ...(options.id === undefined ? {} : { id: idOf(options.id)! }),
    ...(options.level === undefined ? {} : { level: levelOf(options.level)! }),
  };
  const session = EventLogSession.open({ store: options.store });
  const interrupt = new Interrupt(() => session.cancelCurrentOperations());
  const durability = options.durable ? 'disk' : 'os';
  const writer = session.openWriter(channel, { durability });
  try {
    if (options.json) return await writeLines(writer, defaults, interrupt, options.quiet === true);
    const { provider, id } = defaults;
    if (provider === undefined || id === undefined) {
      throw new UsageError('an event needs --provider and --id; or give JSON lines with --json');
    }
    const recordId = await writer.write({ ...defaults, provider, id, data: dataOf(options.data) });
    process.stdout.write(`${recordId}\n`);
    return ExitStatus.success;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    process.stderr.write(`${failureText(error)}\n`);
    return interrupt.status ?? ExitStatus.failure;
  } finally {
    await writer.close().catch((error: unknown) => process.stderr.write(`${failureText(error)}\n`));
    interrupt.end();
    session.close();
  }
}

async function writeLines(
  writer: ReturnType<EventLogSession['openWriter']>,
  defaults: Partial<NewEvent>,
  interrupt: Interrupt,
  quiet: boolean,
): Promise<number> {
  let line = 0;
  let written = 0;
  let refused = 0;
  let fatal: unknown;
  const refuse = (at: number, error: unknown) => {
    refused++;
    const reason = error instanceof SyntaxError ? new UsageError(`this is no JSON: ${error.message}`) : error;
    process.stderr.write(
      failureText(reason)
        .replace(/^winevt: /, `winevt: line ${at}: `)
        .concat('\n'),
    );
  };
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const text of lines) {
    line++;
    if (interrupt.status !== undefined || fatal !== undefined) break;
    if (text.trim() === '') continue;
    const at = line;
    try {
      const event = eventFromJson(JSON.parse(text), defaults);
      void writer.write(event).then(
        () => written++,
        (error: unknown) => {
          const code = error instanceof EvtError ? error.symbol : undefined;
          const isLines = code === 'ERROR_INVALID_PARAMETER' || code === 'ERROR_EVT_INVALID_EVENT_DATA';
          // A full disk or a missing right is told once: it will not get better with the next line.
          if (isLines || fatal === undefined) refuse(at, error);
          else refused++;
          if (!isLines) fatal ??= error;
        },
      );
    } catch (error) {
      refuse(at, error);
    }
    if (writer.pending >= LINES_AT_ONCE) await writer.flush();
  }
  await writer.flush();
  lines.close();
  if (!quiet) {
    const also = refused === 0 ? '' : `, ${refused} refused`;
    process.stderr.write(
      `winevt: ${written} ${written === 1 ? 'event' : 'events'} written to ${writer.channel}${also}\n`,
    );
  }
  return interrupt.status ?? (refused > 0 ? ExitStatus.failure : ExitStatus.success);
}
