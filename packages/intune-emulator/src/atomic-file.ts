import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EmulatorError } from './errors.ts';

/**
 * Replaces a file so that a crash leaves the old or the new content, never a mixture: temporary file beside it, fsync,
 * rename, fsync of the folder. Mode 0600.
 *
 * @throws EmulatorError `emulator.folder_unwritable`
 */
export async function writeFileAtomically(path: string, content: string): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new EmulatorError('emulator.folder_unwritable', `Cannot write ${path}.`, {
      cause,
      path,
      hint: 'Check that the folder exists, belongs to you, and that the disk is not full.',
    });
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows has no fsync on folders; the rename is durable there without it.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * The file's text, or undefined when there is none.
 *
 * @throws EmulatorError `emulator.state_damaged` when it is there and cannot be read.
 */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new EmulatorError('emulator.state_damaged', `Cannot read ${path}.`, {
      cause,
      path,
      hint: 'Check that it is a file and that you may read it.',
    });
  }
}
