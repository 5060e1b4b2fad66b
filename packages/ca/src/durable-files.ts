import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CaError } from './errors.ts';

/** Writes a new file that is on the disk when this returns. Fails when the file exists. */
export async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a folder's entries durable. Windows cannot and need not do this. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Moves a finished file or folder to its place, durably. An empty folder in that place is replaced. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
}

/** A folder that only we may look into. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** The system's code of a failed file operation, like ENOENT. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The error for a place that cannot be written to. */
export function unwritable(path: string, cause: unknown): CaError {
  if (cause instanceof CaError) return cause;
  return new CaError('ca.store_unwritable', `${path} cannot be written (${systemCodeOf(cause) ?? 'unknown reason'}).`, {
    path,
    hint: 'Choose a folder that this user may create and that is not itself a mount point, on a disk with free space.',
    cause,
  });
}

/** The error for a file that is there and cannot be read. */
export function unreadable(path: string, cause: unknown): CaError {
  return new CaError('ca.store_unreadable', `${path} cannot be read (${systemCodeOf(cause) ?? 'unknown reason'}).`, {
    path,
    hint: 'Give this user the right to read it.',
    cause,
  });
}
