/**
 * Puts into a tarball the `package.json` that users need: `write` before packing, `restore` after it, in the package's
 * folder.
 *
 * It exists because the condition `source` names files that are not published: whoever runs Node or a bundler with
 * that condition would find nothing. `devDependencies` go too, since they name packages of this workspace that no
 * registry has. npm has no setting for either.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const manifestFile = 'package.json';
/** npm never packs `*.orig`. */
const backupFile = 'package.json.orig';

const [command] = process.argv.slice(2);
if (command === 'write') {
  if (existsSync(backupFile)) {
    console.error(`${backupFile} is left from packing that was interrupted. Restore it, or delete it, first.`);
    process.exit(1);
  }
  const text = readFileSync(manifestFile, 'utf8');
  writeFileSync(backupFile, text);
  const { devDependencies: _, ...manifest } = JSON.parse(text) as Record<string, unknown>;
  writeFileSync(
    manifestFile,
    `${JSON.stringify({ ...manifest, exports: withoutSource(manifest['exports']) }, undefined, 2)}\n`,
  );
} else if (command === 'restore') {
  renameSync(backupFile, manifestFile);
} else {
  console.error('Usage: published-manifest.ts write|restore');
  process.exit(2);
}

/** `exports` without the condition `source`, at any depth. */
function withoutSource(exports: unknown): unknown {
  if (typeof exports !== 'object' || exports === null) return exports;
  return Object.fromEntries(
    Object.entries(exports)
      .filter(([key]) => key !== 'source')
      .map(([key, value]) => [key, withoutSource(value)]),
  );
}
