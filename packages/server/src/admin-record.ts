/**
 * `admin.json` in the data folder: where the running server's admin API is, and a token for it. Whoever may read the data
 * folder may administer the server: the keys of the CA lie beside it.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface AdminRecord {
  readonly url: string;
  /** May do everything; a new one at each start. */
  readonly token: string;
  readonly processId: number;
}

/** The name of the token in the log. */
export const RECORD_TOKEN_NAME = 'local';

/**
 * Replaces the record as a whole, readable by its owner alone. One that a killed process left is overwritten: the caller
 * holds the folder's lock.
 *
 * @returns takes the record away
 * @throws what `node:fs` throws when it cannot be written
 */
export function writeAdminRecord(folder: string, record: AdminRecord): () => void {
  const path = join(folder, 'admin.json');
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(file, `${JSON.stringify(record)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  return () => rmSync(path, { force: true });
}
