/** The inputs in the repository: `corpus/`, which fuzzing starts from, and `regressions/`, which it found. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CorpusFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const folderOf = (kind: 'corpus' | 'regressions', target: string): string => join(import.meta.dirname, kind, target);

/** The files of one folder in the order of their names; none when there is no folder. */
export function readCorpus(kind: 'corpus' | 'regressions', target: string): CorpusFile[] {
  const folder = folderOf(kind, target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.bin'))
    .toSorted()
    .map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(folder, name))) }));
}

/** Names of the folders that have files. */
export function corpusFolders(kind: 'corpus' | 'regressions'): string[] {
  return readdirSync(join(import.meta.dirname, kind), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

/** Keeps an input that showed a fault. @returns its path */
export function writeRegression(target: string, input: Uint8Array): string {
  const folder = folderOf('regressions', target);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${createHash('sha256').update(input).digest('hex').slice(0, 16)}.bin`);
  writeFileSync(path, input);
  return path;
}
