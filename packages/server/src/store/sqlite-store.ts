/** The store of a server that runs on one machine: one SQLite file. */
import { statSync } from 'node:fs';
import { migrate } from './migrations/migrate.ts';
import { createSqlStore } from './sql-store.ts';
import { SqliteDatabase } from './sqlite.ts';
import { StoreError } from './store.ts';
import type { SecretBox, Store } from './store.ts';

/** A check reads the whole file; up to here it takes less than a second. */
const CHECKED_AT_OPEN_BYTES = 256 * 1024 * 1024;

export interface SqliteStoreOptions {
  /** Of the database file; its folder exists. */
  readonly path: string;
  readonly secretBox: SecretBox;
  readonly now: () => Date;
}

/**
 * Opens the database, creating or migrating it. One process at a time may do so: the data folder's lock sees to it.
 *
 * @throws StoreError `store.damaged`, `store.newer_schema` or `store.unavailable`, with the path; the file is then as
 *   it was
 * @example
 * const store = openSqliteStore({ path: '/var/lib/scepter/scepter.db', secretBox, now: () => new Date() });
 */
export function openSqliteStore({ path, secretBox, now }: SqliteStoreOptions): Store {
  const database = SqliteDatabase.open(path);
  try {
    checkIntegrity(database);
    migrate(database, now);
  } catch (error) {
    database.close();
    throw error;
  }
  return createSqlStore(database, secretBox);
}

function checkIntegrity(database: SqliteDatabase): void {
  if (statSync(database.path).size > CHECKED_AT_OPEN_BYTES) return;
  const finding = database.get('PRAGMA quick_check(1)')?.text('quick_check');
  if (finding === 'ok') return;
  throw new StoreError('store.damaged', `The database ${database.path} is damaged: ${finding ?? 'no answer'}`);
}
