/** The statements on `crls`. All of them run inside a transaction of the caller. */
import type { SqliteDatabase } from './sqlite.ts';
import { StoreError } from './store.ts';
import type { StoredCrl } from './store.ts';

export class CrlsTable {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  /** The number leaves SQL as text: it may be beyond a JavaScript number's precision. */
  findLatest(authority: string): StoredCrl | undefined {
    const row = this.#database.get(
      `SELECT CAST(crl_number AS TEXT) AS crl_number, encoded, this_update, next_update, revision
       FROM crls WHERE authority = $authority`,
      { authority },
    );
    if (row === undefined) return undefined;
    return {
      authority,
      crlNumber: BigInt(row.text('crl_number')),
      encoded: row.blob('encoded'),
      thisUpdate: row.date('this_update'),
      nextUpdate: row.date('next_update'),
      revision: row.integer('revision'),
    };
  }

  /** Keeps the newest of each CA alone: a CRL repeats what earlier ones said, and each revocation makes one. */
  save({ authority, crlNumber, encoded, thisUpdate, nextUpdate, revision }: StoredCrl): void {
    const sql = 'SELECT 1 AS found FROM crls WHERE authority = $authority AND crl_number >= $crlNumber';
    if (this.#database.get(sql, { authority, crlNumber }) !== undefined) {
      throw new StoreError('store.crl_number_used', `A CRL with number ${crlNumber} or a higher one exists`);
    }
    this.#database.run(
      `INSERT OR REPLACE INTO crls (authority, crl_number, encoded, this_update, next_update, revision)
       VALUES ($authority, $crlNumber, $encoded, $thisUpdate, $nextUpdate, $revision)`,
      { authority, crlNumber, encoded, thisUpdate: thisUpdate.getTime(), nextUpdate: nextUpdate.getTime(), revision },
    );
  }
}
