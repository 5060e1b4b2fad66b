/**
 * Files that SQLite locks are opened by SQLite alone. On POSIX systems, closing any descriptor of a file lets go of all
 * the locks that this process holds on it (fcntl(2)): another process could then take a file that is in use here.
 */
import { closeSync, openSync } from 'node:fs';

/**
 * Creates an empty file that its owner alone may read, where there is none yet. One that exists is not even opened.
 *
 * @param path of the file; its folder exists
 * @throws what `node:fs` throws when it can't be created
 * @example
 * createPrivateFile('/var/lib/scepter/lock');
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!exists) throw error;
  }
}
