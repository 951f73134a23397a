import { damageText, type LogDamage } from '../index.ts';

/** Damages told one by one; more are only counted. */
const TOLD = 20;

/** Tells on stderr what in the logs could not be read, and how much there was of it. */
export class DamageReport {
  readonly #tell: (line: string) => void;
  readonly #brief: boolean;
  #errors = 0;
  #warnings = 0;

  /** @param brief tell only how much there was */
  constructor(tell: (line: string) => void, brief: boolean) {
    this.#tell = tell;
    this.#brief = brief;
  }

  /** Something that the log's reader has found. */
  add(damage: LogDamage): void {
    this.#add(damage.severity, `${damage.path}: ${damageText(damage)}`);
  }

  /** An event that was found and cannot be shown. */
  addEvent(log: string, recordId: bigint, what: string): void {
    this.#add('error', `${log}: record ${recordId}: ${what}`);
  }

  #add(severity: LogDamage['severity'], line: string): void {
    if (severity === 'error') this.#errors++;
    else this.#warnings++;
    if (this.#brief) return;
    const told = this.#errors + this.#warnings;
    if (told <= TOLD) this.#tell(`winevt: ${severity}: ${line}`);
    if (told === TOLD + 1) this.#tell('winevt: further damage is only counted');
  }

  /** Says how much there was, if there was any. */
  end(): void {
    const parts: string[] = [];
    if (this.#errors > 0) parts.push(`${count(this.#errors, 'place')} could not be read`);
    if (this.#warnings > 0) parts.push(count(this.#warnings, 'warning'));
    if (parts.length > 0) this.#tell(`winevt: damage: ${parts.join(', ')}; everything else was read`);
  }
}

export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}
