import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EvtError } from '../../src/errors/evt-error.ts';
import { DEFAULT_SESSION } from '../../src/operations/handle-table.ts';
import { Operation } from '../../src/operations/operation.ts';
import { runSync } from '../../src/operations/task.ts';
import { renderXml } from '../../src/render/xml.ts';
import { LocalService } from '../../src/service/local/local-service.ts';
import type { LogDamage } from '../../src/service/service.ts';

/** What came of reading a log to its end. */
export interface Reading {
  /** 0, or the code of the call that failed. */
  readonly code: number;
  /** The events that could be rendered. */
  readonly xml: readonly string[];
  /** Codes of the events that could not. */
  readonly refused: readonly number[];
  readonly damage: readonly LogDamage[];
}

export interface ReadingOptions {
  readonly recover?: boolean;
  /** All events without it. */
  readonly query?: string | undefined;
}

/** Reads a log to its end, each event rendered. Anything that is thrown and is no EvtError passes through. */
export function readPath(path: string, { recover = false, query }: ReadingOptions = {}): Reading {
  const damage: LogDamage[] = [];
  const xml: string[] = [];
  const refused: number[] = [];
  const operation = () => new Operation('test', DEFAULT_SESSION);
  const request = {
    path,
    pathType: 'file',
    query,
    direction: 'forward',
    tolerate: false,
    strict: false,
    recover,
    onDamage: (one: LogDamage) => damage.push(one),
    onProgress: undefined,
  } as const;
  const attempt = (act: () => void): number => {
    try {
      act();
      return 0;
    } catch (error) {
      if (!(error instanceof EvtError)) throw error;
      return error.code;
    }
  };
  const code = attempt(() => {
    const set = runSync(new LocalService().query(request, operation()));
    try {
      for (;;) {
        const events = runSync(set.next(64, operation()));
        if (events.length === 0) break;
        for (const event of events) {
          const failure = attempt(() => xml.push(renderXml(event.tree)));
          if (failure !== 0) refused.push(failure);
        }
      }
    } finally {
      set.dispose();
    }
  });
  return { code, xml, refused, damage };
}

let files = 0;

/** The same for a log that is given as bytes, by way of a file in `folder`. */
export function readBytes(folder: string, bytes: Uint8Array, options: ReadingOptions = {}): Reading {
  const path = join(folder, `log-${files++}.evtx`);
  writeFileSync(path, bytes);
  return readPath(path, options);
}

/** A copy of a log with changes. */
export function changed(bytes: Uint8Array, change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const copy = bytes.slice();
  change(copy, new DataView(copy.buffer));
  return copy;
}

/** Damage that cost something: an event or a slot. */
export function errorsOf({ damage }: Reading): LogDamage[] {
  return damage.filter(({ severity }) => severity === 'error');
}
