/** The one row of `whole_store`: what is true of the store as a whole. */
import type { Row, SqliteDatabase } from './sqlite.ts';
import { StoreError } from './store.ts';

export class WholeStoreTable {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  revocationRevision(): number {
    return this.#row().integer('revocation_revision');
  }

  countRevocation(): void {
    this.#database.run('UPDATE whole_store SET revocation_revision = revocation_revision + 1');
  }

  #row(): Row {
    const row = this.#database.get('SELECT revocation_revision FROM whole_store');
    if (row !== undefined) return row;
    throw new StoreError(
      'store.damaged',
      `The database ${this.#database.path} has lost a row that it was created with`,
    );
  }
}
