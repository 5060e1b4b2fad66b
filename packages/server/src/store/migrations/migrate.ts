/** Brings a database to this program's schema. `PRAGMA user_version` counts the migrations that it has seen. */
import type { SqliteDatabase } from '../sqlite.ts';
import { StoreError } from '../store.ts';
import { enrollments } from './0001-enrollments.ts';
import { authorizersAndAuthorities } from './0002-authorizers-and-authorities.ts';
import { pendingRequests } from './0003-pending-requests.ts';
import { issuedChallenges } from './0004-issued-challenges.ts';
import { authorities } from './0005-authorities.ts';

/** "Scep", so that a database of another program is never taken for one of ours. */
const APPLICATION_ID = 0x53636570;

/** In order, for ever: a released migration never changes. */
const migrations: readonly string[] = [
  enrollments,
  authorizersAndAuthorities,
  pendingRequests,
  issuedChallenges,
  authorities,
];

/**
 * All missing migrations run in one transaction: a database is at the old schema or at the new one.
 *
 * @throws StoreError `store.newer_schema` when a later release wrote the database; `store.damaged` when it is not one
 *   of Scepter's. Nothing was written then.
 */
export function migrate(database: SqliteDatabase, now: () => Date): void {
  const version = readVersion(database);
  database.makeDurable();
  if (version === migrations.length) return;
  database.run('BEGIN IMMEDIATE');
  try {
    database.execute(`CREATE TABLE IF NOT EXISTS migrations
      (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT`);
    for (const [index, script] of migrations.entries()) {
      if (index < version) continue;
      database.execute(script);
      database.run('INSERT INTO migrations (version, applied_at) VALUES ($version, $appliedAt)', {
        version: index + 1,
        appliedAt: now().getTime(),
      });
    }
    database.execute(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}`);
    database.run('COMMIT');
  } catch (error) {
    if (database.inTransaction) database.run('ROLLBACK');
    throw error;
  }
}

function readVersion(database: SqliteDatabase): number {
  const version = database.get('PRAGMA user_version')?.integer('user_version') ?? 0;
  const applicationId = database.get('PRAGMA application_id')?.integer('application_id') ?? 0;
  const isEmpty = database.get('SELECT name FROM sqlite_schema LIMIT 1') === undefined;
  if (isEmpty && version === 0) return 0;
  if (applicationId !== APPLICATION_ID) {
    throw new StoreError('store.damaged', `The database ${database.path} is not one of Scepter's`);
  }
  if (version > migrations.length) {
    const message = `A newer release of Scepter wrote the database ${database.path}: start that release again`;
    throw new StoreError('store.newer_schema', `${message} (schema ${version}, this one knows ${migrations.length})`);
  }
  return version;
}
