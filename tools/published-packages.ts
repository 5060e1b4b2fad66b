/** Which packages are published: those that say how they are packed. One place, so that no check forgets one. */
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export const root = join(import.meta.dirname, '..');

/** Folder names below `packages/`. */
export function publishedPackages(): string[] {
  return globSync('packages/*/package.json', { cwd: root })
    .filter((file) => 'prepack' in (JSON.parse(readFileSync(join(root, file), 'utf8')).scripts ?? {}))
    .map((file) => basename(dirname(file)))
    .toSorted();
}
