/**
 * `admin.json` in the data folder: where the running server's admin API is, and a token for it. Whoever may read the data
 * folder may administer the server: the keys of the CA lie beside it.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface AdminRecord {
  /** Base of the admin API. */
  readonly url: string;
  /** May do everything; a new one at each start. */
  readonly token: string;
  readonly processId: number;
}

export function adminRecordPath(folder: string): string {
  return join(folder, 'admin.json');
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
  const path = adminRecordPath(folder);
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

/**
 * What the running server wrote, or one that was killed.
 *
 * @param folder the data folder
 * @returns undefined when the file is damaged
 * @throws what `node:fs` throws when there is none, or it must not be read
 * @example
 * const record = await readAdminRecord('/var/lib/scepter');
 */
export async function readAdminRecord(folder: string): Promise<AdminRecord | undefined> {
  const text = await readFile(adminRecordPath(folder), 'utf8');
  try {
    const { url, token, processId } = JSON.parse(text) as Partial<Record<string, unknown>>;
    if (typeof url !== 'string' || typeof token !== 'string' || typeof processId !== 'number') return undefined;
    return URL.canParse(url) ? { url, token, processId } : undefined;
  } catch {
    return undefined;
  }
}
