/** The statements on `authorities`. All of them run inside a transaction of the caller. */
import type { Row, SqliteDatabase } from './sqlite.ts';
import { StoreError } from './store.ts';
import type { AuthorityState, StoredAuthority } from './store.ts';

export class AuthoritiesTable {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  list(): StoredAuthority[] {
    const sql = `SELECT id, generation, state, added_at, activated_at, retired_at FROM authorities ORDER BY generation`;
    return this.#database.all(sql).map(toAuthority);
  }

  add({ id, generation, addedAt }: Pick<StoredAuthority, 'id' | 'generation' | 'addedAt'>): void {
    const known = this.list();
    if (known.some((each) => each.id === id && each.generation === generation)) return;
    const isFirst = known.length === 0;
    // Generations follow each other without a gap, and the next one waits alone.
    if (generation !== known.length + 1 || known.some((each) => each.id === id || each.state === 'next')) {
      throw new StoreError('store.authority_conflict', `The database ${this.#database.path} belongs to other CAs`);
    }
    this.#database.run(
      `INSERT INTO authorities (id, generation, state, added_at, activated_at)
       VALUES ($id, $generation, $state, $addedAt, $activatedAt)`,
      {
        id,
        generation,
        state: (isFirst ? 'current' : 'next') satisfies AuthorityState,
        addedAt: addedAt.getTime(),
        activatedAt: isFirst ? addedAt.getTime() : null,
      },
    );
  }

  /** False when it does not wait to be activated. */
  activate(id: string, at: Date): boolean {
    const isNext = this.list().some((each) => each.id === id && each.state === 'next');
    if (!isNext) return false;
    const parameters = { at: at.getTime() };
    this.#database.run(`UPDATE authorities SET state = 'former', retired_at = $at WHERE state = 'current'`, parameters);
    this.#database.run(`UPDATE authorities SET state = 'current', activated_at = $at WHERE state = 'next'`, parameters);
    return true;
  }
}

/** The table's CHECK constraints hold the values to those of the types. */
function toAuthority(row: Row): StoredAuthority {
  return {
    id: row.text('id'),
    generation: row.integer('generation'),
    state: row.text('state') as AuthorityState,
    addedAt: row.date('added_at'),
    activatedAt: row.optionalDate('activated_at'),
    retiredAt: row.optionalDate('retired_at'),
  };
}
