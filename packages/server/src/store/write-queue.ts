/**
 * Group commit: the writes that arrive while the disk is busy with a commit share the next one. `docs/decisions/0002`
 * has the measurements.
 */
import type { SqliteDatabase } from './sqlite.ts';
import { StoreError } from './store.ts';

interface QueuedWrite {
  /** Runs the write inside its savepoint and keeps what comes of it. */
  run(): void;
  /** The transaction is on disk: hands out what came of the write. */
  settle(): void;
  fail(error: unknown): void;
}

export class WriteQueue {
  readonly #database: SqliteDatabase;
  #queued: QueuedWrite[] = [];
  #closed = false;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  /**
   * Queues a write. The writes of a batch run one after the other, each in its own savepoint.
   *
   * @param body reads and writes synchronously; what it throws undoes its own writes alone
   * @returns what `body` returns, once that is durable
   * @throws StoreError `store.unavailable` when the transaction could not be committed; then nothing was written
   */
  write<T>(body: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreError('store.unavailable', 'The store is closed'));
    return new Promise<T>((resolve, reject) => {
      let settle = (): void => reject(new StoreError('store.unavailable', 'The write was not run'));
      const run = (): void => {
        const outcome = this.#inSavepoint(body);
        settle = (): void => (outcome.succeeded ? resolve(outcome.value) : reject(outcome.error));
      };
      if (this.#queued.length === 0) setImmediate(() => this.flush());
      this.#queued.push({ run, settle: () => settle(), fail: reject });
    });
  }

  /** Commits what is queued, now. */
  flush(): void {
    const batch = this.#queued;
    this.#queued = [];
    if (batch.length === 0) return;
    try {
      this.#database.run('BEGIN IMMEDIATE');
      for (const write of batch) write.run();
      this.#database.run('COMMIT');
    } catch (error) {
      this.#rollBack();
      for (const write of batch) write.fail(error);
      return;
    }
    for (const write of batch) write.settle();
  }

  /** Commits what is queued and takes no more. */
  close(): void {
    this.flush();
    this.#closed = true;
  }

  #inSavepoint<T>(body: () => T): { succeeded: true; value: T } | { succeeded: false; error: unknown } {
    this.#database.run('SAVEPOINT one_write');
    try {
      const value = body();
      this.#database.run('RELEASE one_write');
      return { succeeded: true, value };
    } catch (error) {
      // Without its transaction nothing of the batch stands: let all of it fail.
      if (!this.#database.inTransaction) throw error;
      this.#database.run('ROLLBACK TO one_write');
      this.#database.run('RELEASE one_write');
      return { succeeded: false, error };
    }
  }

  #rollBack(): void {
    try {
      if (this.#database.inTransaction) this.#database.run('ROLLBACK');
    } catch {
      // The error that led here is the one to report; SQLite rolls back when the file is opened again.
    }
  }
}
