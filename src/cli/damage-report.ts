import { damageText, type LogDamage } from '../index.ts';

/** Damages told one by one; more are only counted. */
const TOLD = 20;

/** Tells on stderr what in the logs could not be read, and how much there was of it. */
export class DamageReport {
  readonly #tell: (line: string) => void;
  #errors = 0;
  #warnings = 0;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  add(damage: LogDamage): void {
    if (damage.severity === 'error') this.#errors++;
    else this.#warnings++;
    const told = this.#errors + this.#warnings;
    if (told <= TOLD) this.#tell(`winevt: ${damage.severity}: ${damage.path}: ${damageText(damage)}`);
    if (told === TOLD) this.#tell('winevt: further damage is only counted');
  }

  /** Says how much there was, if there was any. */
  end(): void {
    if (this.#errors + this.#warnings === 0) return;
    const errors = `${this.#errors} ${this.#errors === 1 ? 'place' : 'places'} could not be read`;
    const warnings = `${this.#warnings} ${this.#warnings === 1 ? 'warning' : 'warnings'}`;
    this.#tell(`winevt: ${errors}, ${warnings}; everything else was read`);
  }
}
