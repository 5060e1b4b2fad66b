/**
 * A thin, strict wrapper of node:sqlite.
 *
 * node:sqlite binds a missing parameter as NULL and takes a `Date` for a record of named parameters, so a slip would
 * write wrong rows in silence. Here every statement uses named parameters, and exactly those must be given.
 */
import { DatabaseSync } from 'node:sqlite';
import type { SQLOutputValue, StatementSync } from 'node:sqlite';
import { createPrivateFile } from './private-file.ts';
import { StoreError } from './store.ts';

export type SqlValue = string | number | bigint | Uint8Array | null;
/** Values by parameter name, without the `$` that marks the parameter in SQL. */
export type SqlParameters = Readonly<Record<string, SqlValue>>;

/**
 * How long a statement waits for another process, such as a backup, that holds the file's lock. Every call to the store
 * waits with it; what waits longer fails, and the device asks again.
 */
const BUSY_TIMEOUT_MS = 1000;
/** SQLite's result codes for a file that is not, or no longer, a sound database. */
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

interface PreparedStatement {
  readonly statement: StatementSync;
  readonly parameterNames: ReadonlySet<string>;
}

export class SqliteDatabase {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, PreparedStatement>();

  private constructor(path: string, database: DatabaseSync) {
    this.path = path;
    this.#database = database;
  }

  /**
   * Opens a database file, creating it readable by its owner alone.
   *
   * @param path of the file
   * @throws StoreError `store.unavailable` when it can't be opened
   * @example
   * const database = SqliteDatabase.open('/var/lib/scepter/scepter.db');
   */
  static open(path: string): SqliteDatabase {
    try {
      // SQLite gives the journal files the mode of the database file.
      createPrivateFile(path);
      const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
      return new SqliteDatabase(path, database);
    } catch (error) {
      throw databaseError(path, error);
    }
  }

  /**
   * Makes commits durable. Apart from opening, because it writes to the file: a file that is not ours stays untouched.
   * With a write-ahead log, FULL is what makes a commit survive a power failure and not only the death of the process.
   */
  makeDurable(): void {
    this.execute('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  }

  /** Whether a transaction is open: SQLite itself rolls back at some errors, such as a full disk. */
  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Runs one statement; returns the number of rows that it changed. */
  run(sql: string, parameters: SqlParameters = {}): number {
    return this.#guarded(() => Number(this.#bind(sql, parameters).run(parameters).changes));
  }

  get(sql: string, parameters: SqlParameters = {}): Row | undefined {
    const values = this.#guarded(() => this.#bind(sql, parameters).get(parameters));
    return values === undefined ? undefined : new Row(this.path, values);
  }

  all(sql: string, parameters: SqlParameters = {}): Row[] {
    const rows = this.#guarded(() => this.#bind(sql, parameters).all(parameters));
    return rows.map((values) => new Row(this.path, values));
  }

  /** Runs a script of several statements without parameters. */
  execute(script: string): void {
    this.#guarded(() => this.#database.exec(script));
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #bind(sql: string, parameters: SqlParameters): StatementSync {
    const { statement, parameterNames } = this.#prepare(sql);
    for (const name of parameterNames) {
      if (!Object.hasOwn(parameters, name)) throw new TypeError(`SQL parameter $${name} has no value`);
    }
    for (const [name, value] of Object.entries(parameters)) {
      if (!parameterNames.has(name)) throw new TypeError(`The statement has no parameter $${name}`);
      if (!isSqlValue(value)) throw new TypeError(`SQL parameter $${name} has a value that SQLite can't hold`);
    }
    return statement;
  }

  #prepare(sql: string): PreparedStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const parameterNames = new Set(Array.from(sql.matchAll(/\$(\w+)/g), ([, name]) => name ?? ''));
    const prepared = { statement: this.#database.prepare(sql), parameterNames };
    this.#statements.set(sql, prepared);
    return prepared;
  }

  #guarded<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof TypeError) throw error;
      throw databaseError(this.path, error);
    }
  }
}

/** One row; a column of another type than expected means a damaged database. */
export class Row {
  readonly #path: string;
  readonly #values: Readonly<Record<string, SQLOutputValue>>;

  constructor(path: string, values: Readonly<Record<string, SQLOutputValue>>) {
    this.#path = path;
    this.#values = values;
  }

  text(column: string): string {
    return this.optionalText(column) ?? this.#unexpected(column);
  }

  optionalText(column: string): string | undefined {
    const value = this.#values[column];
    return value === null || typeof value === 'string' ? (value ?? undefined) : this.#unexpected(column);
  }

  integer(column: string): number {
    return this.optionalInteger(column) ?? this.#unexpected(column);
  }

  optionalInteger(column: string): number | undefined {
    const value = this.#values[column];
    return value === null || typeof value === 'number' ? (value ?? undefined) : this.#unexpected(column);
  }

  blob(column: string): Uint8Array {
    return this.optionalBlob(column) ?? this.#unexpected(column);
  }

  optionalBlob(column: string): Uint8Array | undefined {
    const value = this.#values[column];
    return value === null || value instanceof Uint8Array ? (value ?? undefined) : this.#unexpected(column);
  }

  /** A column of milliseconds since 1970. */
  date(column: string): Date {
    return new Date(this.integer(column));
  }

  optionalDate(column: string): Date | undefined {
    const milliseconds = this.optionalInteger(column);
    return milliseconds === undefined ? undefined : new Date(milliseconds);
  }

  #unexpected(column: string): never {
    throw new StoreError('store.damaged', `The database ${this.#path} has an unexpected value in column ${column}`);
  }
}

function isSqlValue(value: unknown): value is SqlValue {
  switch (typeof value) {
    case 'string':
      return true;
    case 'number':
      return Number.isSafeInteger(value);
    case 'bigint':
      return BigInt.asIntN(64, value) === value;
    default:
      return value === null || value instanceof Uint8Array;
  }
}

/** SQLite's messages name tables and columns, never values. */
function databaseError(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const resultCode = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
  const reason = error instanceof Error ? error.message : 'unknown error';
  if (resultCode === SQLITE_CORRUPT || resultCode === SQLITE_NOTADB) {
    return new StoreError('store.damaged', `The database ${path} is damaged: ${reason}`, { cause: error });
  }
  return new StoreError('store.unavailable', `The database ${path} can't be used: ${reason}`, { cause: error });
}
