/**
 * Something in a log that is not as it should be. Reading goes on behind it; nothing is dropped without one of these.
 *
 * `error`: an event, or bytes that should have held some, could not be read. `warning`: everything was read.
 */
export interface Damage {
  readonly severity: 'error' | 'warning';
  /** Index of the 64 KiB slot in the file, counted from 0; -1 for the file header. */
  readonly slot: number;
  /** Byte offset in the file. */
  readonly fileOffset: number;
  /** Id of the record, where it is known. */
  readonly recordId?: bigint;
  /** What is wrong, in a sentence without place. */
  readonly what: string;
}

/** A damage as one line for a person: place first. */
export function damageText(damage: Damage): string {
  const chunk = damage.slot < 0 ? 'file header' : `chunk ${damage.slot}`;
  const record = damage.recordId === undefined ? '' : `, record ${damage.recordId}`;
  return `${chunk}${record}, byte ${damage.fileOffset} (0x${damage.fileOffset.toString(16)}): ${damage.what}`;
}
