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
  findLatest(): StoredCrl | undefined {
    const row = this.#database.get(
      `SELECT CAST(crl_number AS TEXT) AS crl_number, encoded, this_update, next_update, revision
       FROM crls ORDER BY crls.crl_number DESC LIMIT 1`,
    );
    if (row === undefined) return undefined;
    return {
      crlNumber: BigInt(row.text('crl_number')),
      encoded: row.blob('encoded'),
      thisUpdate: row.date('this_update'),
      nextUpdate: row.date('next_update'),
      revision: row.integer('revision'),
    };
  }

  /** Keeps the newest alone: a CRL repeats what earlier ones said, and each revocation makes one. */
  save({ crlNumber, encoded, thisUpdate, nextUpdate, revision }: StoredCrl): void {
    const sql = 'SELECT 1 AS found FROM crls WHERE crl_number >= $crlNumber LIMIT 1';
    if (this.#database.get(sql, { crlNumber }) !== undefined) {
      throw new StoreError('store.crl_number_used', `A CRL with number ${crlNumber} or a higher one exists`);
    }
    this.#database.run('DELETE FROM crls');
    this.#database.run(
      `INSERT INTO crls (crl_number, encoded, this_update, next_update, revision)
       VALUES ($crlNumber, $encoded, $thisUpdate, $nextUpdate, $revision)`,
      { crlNumber, encoded, thisUpdate: thisUpdate.getTime(), nextUpdate: nextUpdate.getTime(), revision },
    );
  }
}
