/** A process that holds a data folder until it is killed, or says why it can't. */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { DataFolderError, openDataFolder } from '../src/data-folder.ts';

try {
  const folder = openDataFolder(process.argv[2] ?? '', { randomBytes });
  writeSync(1, 'held');
  setInterval(() => folder.path, 1000);
} catch (error) {
  if (!(error instanceof DataFolderError)) throw error;
  writeSync(1, error.code);
}
