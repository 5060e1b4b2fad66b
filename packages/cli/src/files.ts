import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandError } from './command-error.ts';

/** Whether there is anything at the path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Replaces a file as a whole: readers see the old content or the new, never a part.
 *
 * @param mode permission bits; 0o600 for anything that holds a secret.
 * @throws CommandError when the file cannot be written; the old one is then untouched.
 */
export async function writeFileAtomically(path: string, content: string, mode: number): Promise<void> {
  const temporary = `${path}.new`;
  try {
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    throw new CommandError(`${path} cannot be written (${systemReason(cause)}).`, {
      hint: `Check that ${dirname(path)} is a folder you may write to.`,
      cause,
    });
  }
}

/** Not `recursive`: on file systems where nothing can be made, such as /proc, Node then never comes back. */
async function makeFolders(path: string): Promise<void> {
  if (await exists(path)) {
    // Fails with ENOTDIR for anything but a folder.
    await stat(`${path}/.`);
    return;
  }
  if (dirname(path) !== path) await makeFolders(dirname(path));
  await mkdir(path, { mode: 0o700 });
}

/** Makes a folder for secrets, if it is not there. */
export async function makePrivateFolder(path: string, option: string): Promise<void> {
  try {
    await makeFolders(path);
  } catch (cause) {
    throw new CommandError(`The folder ${path} cannot be made (${systemReason(cause)}).`, {
      hint: `Choose another one with ${option}.`,
      cause,
    });
  }
}

/** The content of a text file, or `undefined` when there is none. */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw new CommandError(`${path} cannot be read (${systemReason(cause)}).`, { cause });
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder',
  EEXIST: 'it is there already',
  ENOENT: 'it does not exist',
};

function systemReason(error: unknown): string {
  const code = errorCode(error);
  return (code === undefined ? undefined : reasons[code]) ?? code ?? 'unknown reason';
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
