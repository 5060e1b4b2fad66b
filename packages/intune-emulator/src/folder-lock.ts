/** One process per folder: two emulators that write the same state file would undo each other's changes. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EmulatorError } from './errors.ts';

/**
 * Locks the folder until the returned function is called or the process ends, however it ends.
 *
 * @throws EmulatorError `emulator.folder_in_use`, `emulator.folder_unwritable`, `emulator.state_damaged`, with the path
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, 'lock');
  let database: DatabaseSync | undefined;
  try {
    closeSync(openSync(path, 'a', 0o600));
    // SQLite's lock works alike on every system. The transaction is never committed: the file stays empty.
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    throw lockError(folder, path, error);
  }
  const held = database;
  return () => {
    if (held.isOpen) held.close();
  };
}

/** https://sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

function lockError(folder: string, path: string, cause: unknown): EmulatorError {
  const resultCode = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) & 0xff : undefined;
  if (resultCode === SQLITE_BUSY) {
    return new EmulatorError('emulator.folder_in_use', `Another emulator uses the folder ${folder}.`, {
      cause,
      path: folder,
      hint: 'Stop it, or choose another folder.',
    });
  }
  if (resultCode === SQLITE_NOTADB) {
    return new EmulatorError('emulator.state_damaged', `The lock file ${path} holds something else.`, {
      cause,
      path,
      hint: 'Check that this is the right folder; the lock file may be deleted while no emulator runs.',
    });
  }
  return new EmulatorError('emulator.folder_unwritable', `Cannot lock the folder ${folder}.`, {
    cause,
    path: folder,
    hint: 'Choose a folder that you may write to.',
  });
}
