/**
 * The folder that holds everything the server must not lose: database, authority, master secret.
 *
 *     master.secret   protects the keys and the sealed columns of the database
 *     scepter.db      the database
 *     authority/      certificates and encrypted keys of the CA
 *     lock            locked as long as a process uses the folder
 *     admin.json      how the command line reaches that process
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createPrivateFile } from './store/private-file.ts';

export interface DataFolder {
  /** Absolute. */
  readonly path: string;
  readonly masterSecret: string;
  readonly databasePath: string;
  /** May not exist yet. */
  readonly authorityFolder: string;
  /** Whether the authority folder had content when the folder was opened. */
  readonly hasAuthority: boolean;
  /** Lets another process use the folder. */
  release(): void;
}

export interface DataFolderOptions {
  /** From the configuration; without it, the folder's own is used or, in a new folder, created. */
  readonly masterSecret?: string | undefined;
  readonly randomBytes: (size: number) => Uint8Array;
}

export type DataFolderErrorCode = 'data_folder.unwritable' | 'data_folder.in_use' | 'data_folder.damaged';

export class DataFolderError extends Error {
  readonly code: DataFolderErrorCode;
  /** What to do about it, in one sentence. */
  readonly hint: string;

  constructor(code: DataFolderErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DataFolderError';
    this.code = code;
    this.hint = hint;
  }
}

const MASTER_SECRET_BYTES = 32;
/** base64url of 32 bytes, or a longer secret of the administrator's own making. */
const masterSecretPattern = /^[\x21-\x7e]{43,1024}$/;

/**
 * Opens the folder for this process alone, creating what is missing in a new one.
 *
 * @param path absolute, or relative to the working directory
 * @throws DataFolderError with a hint for the person who started the server; nothing that existed was changed
 * @example
 * const folder = openDataFolder('/var/lib/scepter', { randomBytes });
 */
export function openDataFolder(path: string, options: DataFolderOptions): DataFolder {
  const absolutePath = resolve(path);
  createFolder(absolutePath);
  const release = lock(absolutePath);
  try {
    const databasePath = join(absolutePath, 'scepter.db');
    const authorityFolder = join(absolutePath, 'authority');
    const hasAuthority = hasContent(authorityFolder);
    const hasDatabase = existsSync(databasePath);
    if (hasAuthority && !hasDatabase) throw lostDatabase(databasePath);
    const masterSecret =
      options.masterSecret ?? readOrCreateMasterSecret(absolutePath, !hasDatabase, options.randomBytes);
    return { path: absolutePath, masterSecret, databasePath, authorityFolder, hasAuthority, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Not `recursive`: on file systems where nothing can be made, such as /proc, Node then never comes back. */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolders(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

function createFolder(path: string): void {
  const probe = join(path, 'write-test.tmp');
  try {
    makeFolders(path);
    // The permission bits don't tell: think of root, of a read-only mount, of a full disk.
    writeDurably(probe, 'written to see whether the folder can be written to');
    rmSync(probe);
  } catch (error) {
    rmQuietly(probe);
    throw unwritable(path, error);
  }
}

/** The lock is SQLite's: it works alike on every system, and dies with the process however that ends. */
function lock(folder: string): () => void {
  const path = join(folder, 'lock');
  let database: DatabaseSync | undefined;
  try {
    createPrivateFile(path);
    database = new DatabaseSync(path, { timeout: 0 });
    // The transaction is never committed: the file stays empty.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    const held = database;
    return () => {
      if (held.isOpen) held.close();
    };
  } catch (error) {
    database?.close();
    throw lockError(folder, path, error);
  }
}

function lockError(folder: string, path: string, cause: unknown): DataFolderError {
  const SQLITE_BUSY = 5;
  const SQLITE_NOTADB = 26;
  const resultCode = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) & 0xff : undefined;
  if (resultCode === SQLITE_BUSY) {
    return new DataFolderError(
      'data_folder.in_use',
      `Another process uses the data folder ${folder}.`,
      'Stop that process, or choose another data folder.',
      { cause },
    );
  }
  if (resultCode === SQLITE_NOTADB) {
    return new DataFolderError(
      'data_folder.damaged',
      `The lock file ${path} holds something that Scepter did not write.`,
      'Check that this is the right folder; the lock file may be deleted while no server runs.',
      { cause },
    );
  }
  return unwritable(folder, cause);
}

function hasContent(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return false;
    throw new DataFolderError(
      'data_folder.damaged',
      `The authority folder ${folder} can't be read.`,
      'Restore it from a backup, and let the user who runs the server read it.',
      { cause },
    );
  }
}

/**
 * The database is created before the authority, so a process that was killed leaves no authority alone. A new database
 * would let used challenges be used again, and sign a CRL without the revocations.
 */
function lostDatabase(path: string): DataFolderError {
  return new DataFolderError(
    'data_folder.damaged',
    `The database ${path} is missing, and with it what this CA revoked and which challenges were used.`,
    'Restore scepter.db, with its -wal file if there is one, from the newest backup.',
  );
}

function readOrCreateMasterSecret(
  folder: string,
  isNew: boolean,
  randomBytes: DataFolderOptions['randomBytes'],
): string {
  const path = join(folder, 'master.secret');
  if (existsSync(path)) return readMasterSecret(path);
  if (isNew) return createMasterSecret(folder, path, randomBytes);
  throw new DataFolderError(
    'data_folder.damaged',
    `The master secret ${path} is missing, and without it the keys in ${folder} can't be opened.`,
    'Restore master.secret from a backup, or name the secret in the configuration as masterSecret.',
  );
}

function readMasterSecret(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw damagedMasterSecret(path, 'can not be read', { cause });
  }
  if (!masterSecretPattern.test(text)) throw damagedMasterSecret(path, 'is damaged');
  return text;
}

function damagedMasterSecret(path: string, what: string, options?: ErrorOptions): DataFolderError {
  const hint = 'Restore it from a backup, and let the user who runs the server read it.';
  return new DataFolderError('data_folder.damaged', `The master secret ${path} ${what}.`, hint, options);
}

/** Whole or not at all: it gets its name only once it is on the disk. */
function createMasterSecret(folder: string, path: string, randomBytes: DataFolderOptions['randomBytes']): string {
  const masterSecret = Buffer.from(randomBytes(MASTER_SECRET_BYTES)).toString('base64url');
  const temporaryPath = `${path}.tmp`;
  try {
    writeDurably(temporaryPath, `${masterSecret}\n`);
    // Unlike a rename, a link never replaces a file.
    linkSync(temporaryPath, path);
    rmSync(temporaryPath);
    syncFolder(folder);
    return masterSecret;
  } catch (error) {
    rmQuietly(temporaryPath);
    throw unwritable(folder, error);
  }
}

/** A leftover of a process that was killed is written anew. */
function writeDurably(path: string, text: string): void {
  rmSync(path, { force: true });
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Windows can't open folders, and needs no such call. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function rmQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The error that led here is the one to report.
  }
}

function unwritable(path: string, cause: unknown): DataFolderError {
  const reason = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new DataFolderError(
    'data_folder.unwritable',
    `The data folder ${path} can't be written to${reason}.`,
    'Let the user who runs the server own the folder, see that the disk is not full, or choose another data folder.',
    { cause },
  );
}
