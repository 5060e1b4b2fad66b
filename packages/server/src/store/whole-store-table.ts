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

  boundAuthority(): string | undefined {
    return this.#row().optionalText('authority_fingerprint');
  }

  bindAuthority(fingerprint: string): void {
    const bound = this.boundAuthority();
    if (bound === fingerprint) return;
    if (bound !== undefined) {
      throw new StoreError('store.bound_already', `The database ${this.#database.path} belongs to another CA`);
    }
    this.#database.run('UPDATE whole_store SET authority_fingerprint = $fingerprint', { fingerprint });
  }

  #row(): Row {
    const row = this.#database.get('SELECT revocation_revision, authority_fingerprint FROM whole_store');
    if (row !== undefined) return row;
    throw new StoreError(
      'store.damaged',
      `The database ${this.#database.path} has lost a row that it was created with`,
    );
  }
}
