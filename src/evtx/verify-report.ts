/**
 * What a log must fulfil to be one that Windows and every other reader takes without complaint. The acceptance list of
 * a writer; {@link LogVerifier} ticks it.
 */
export const CHECKS = {
  W1: 'the file is 4096 + 65536·k bytes long, k at least 1',
  W2: 'file header: magic, sizes, version 3.1, reserved bytes zero',
  W3: 'file flags 0, header checksum right',
  W4: 'chunk count, oldest and current chunk are those of the slots',
  W5: 'next record id is the highest id + 1',
  W6: 'slots behind the last chunk are zero',
  W7: 'chunk headers: magic, size, flags 1, reserved bytes zero, both checksums right',
  W8: 'record numbers and ids: first and last agree with the records, ranges join from chunk to chunk',
  W9: 'free-space offset is the end of the last record',
  W10: 'free space is zero',
  W11: 'records: magic, size a multiple of 8, size copy, padding of 0 to 7 zeros, ids rise by 1',
  W12: 'Binary XML: fragment header, one template instance or element, end token; only tokens of the grammar',
  W13: 'element, attribute list and definition sizes are exact',
  W14: '"more" bits agree with what follows',
  W15: 'name references are inline or to an earlier name entry',
  W16: 'name entries: hash, terminator, each name once per chunk',
  W17: 'the string table reaches every name entry and nothing else, newest first',
  W18: 'the template table reaches every definition and nothing else, newest first; ids and GUIDs agree, each GUID once',
  W19: 'no reference leaves the chunk',
  W20: 'dependency ids name an optional substitution of their element’s content',
  W21: 'substitutions stand in definitions only, and have values',
  W22: 'value sizes fit their types',
  W23: 'record times are TimeCreated, EventRecordID is the record id (unless exported)',
} as const;

export type CheckId = keyof typeof CHECKS;

/** One place where a check fails. */
export interface Failure {
  readonly fileOffset: number;
  readonly what: string;
}

export interface CheckResult {
  readonly id: CheckId;
  readonly title: string;
  /** The first {@link KEPT_FAILURES}. */
  readonly failures: readonly Failure[];
  readonly failureCount: number;
}

/** Failures kept per check: a damaged log can have any number. */
export const KEPT_FAILURES = 20;

/** Takes a failure: check, chunk or file offset, what is wrong. */
export type Report = (check: CheckId, offset: number, what: string) => void;

/** Collects failures by check. */
export class Tally {
  readonly #failures = new Map<CheckId, Failure[]>();
  readonly #counts = new Map<CheckId, number>();

  /** @param base file offset that the offsets of the returned function count from */
  reporter(base: number): Report {
    return (check, offset, what) => {
      const count = this.#counts.get(check) ?? 0;
      this.#counts.set(check, count + 1);
      const kept = this.#failures.get(check) ?? [];
      if (kept.length < KEPT_FAILURES) kept.push({ fileOffset: base + offset, what });
      this.#failures.set(check, kept);
    };
  }

  results(): CheckResult[] {
    const checks = Object.entries(CHECKS) as [CheckId, string][];
    return checks.map(([id, title]) => {
      return { id, title, failures: this.#failures.get(id) ?? [], failureCount: this.#counts.get(id) ?? 0 };
    });
  }
}
