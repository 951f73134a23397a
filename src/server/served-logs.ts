import type { Access, FileFolder } from './access.ts';

/** The logs that a server offers, and who may do what with them. */
export interface ServedLogs {
  /** Handle of the session whose logs they are; null: the local session. */
  readonly session: number | null;
  readonly access: Access;
  readonly files: FileFolder;
  /** UTF-16 units that a query may have. */
  readonly queryUnits: number;
}
