/* Folders are written under another name and renamed when they are whole, so that a kill leaves nothing half-made. */
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { toHex } from '@scepter/x509';
import { makePrivateFolder, renameDurably, syncFolder, systemCodeOf } from '../durable-files.ts';

/** `.{name}.unfinished-{process id}-{random}` */
const UNFINISHED = /^\.(?<name>.+)\.unfinished-(?<processId>\d+)-[0-9a-f]{8}$/;

export function isUnfinished(entry: string): boolean {
  return UNFINISHED.test(entry);
}

/**
 * Fills a new folder and puts it in its place.
 *
 * @param folder an absolute path
 * @returns false when somebody else put one there first; theirs stays
 * @throws what the file system throws
 */
export async function createWhole(
  folder: string,
  randomBytes: (size: number) => Uint8Array,
  fill: (unfinished: string) => Promise<void>,
): Promise<boolean> {
  const parent = dirname(folder);
  await makePrivateFolder(parent);
  const unfinished = join(parent, `.${basename(folder)}.unfinished-${process.pid}-${toHex(randomBytes(4))}`);
  try {
    await makePrivateFolder(unfinished);
    await fill(unfinished);
    await syncFolder(unfinished);
    // Windows does not rename over an empty folder. One that is not empty stays.
    if (process.platform === 'win32') await rmdir(folder).catch(() => undefined);
    await renameDurably(unfinished, folder);
    return true;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true }).catch(() => undefined);
    if (await isFilled(folder)) return false;
    throw error;
  }
}

async function isFilled(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length > 0;
}

/**
 * Removes what runs that died left in a folder. Runs that are alive are left alone, and what cannot be removed too: it
 * does no harm.
 *
 * @param wanted the names, of the folders that would have become, to look for
 */
export async function removeLeftovers(parent: string, wanted: (name: string) => boolean): Promise<void> {
  const entries = await readdir(parent).catch(() => []);
  for (const entry of entries) {
    const { name, processId } = UNFINISHED.exec(entry)?.groups ?? {};
    if (name === undefined || processId === undefined || !wanted(name)) continue;
    const path = join(parent, entry);
    if (!(await isLeftover(path, Number(processId)))) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function isLeftover(path: string, processId: number): Promise<boolean> {
  if (processId !== process.pid) return !isAlive(processId);
  // In a container every run may have the same process id: what is older than this process is of an earlier one.
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
  return mtimeMs < performance.timeOrigin;
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch (error) {
    // EPERM: alive, and another user's.
    return systemCodeOf(error) === 'EPERM';
  }
}
