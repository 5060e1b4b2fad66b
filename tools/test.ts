/**
 * Runs the tests of every package, or of those named: `npm test`, `npm test -- x509 scep`.
 *
 * It exists because a package without tests must fail rather than pass unseen, and because a pattern for all packages
 * would take the tests of a package that is named wrongly for no tests at all.
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const all = readdirSync(join(root, 'packages')).filter((name) =>
  existsSync(join(root, 'packages', name, 'package.json')),
);
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`No such package: ${unknown.join(', ')}. There are ${all.join(', ')}.`);
  process.exit(2);
}

const files = (wanted.length > 0 ? wanted : all).flatMap((name) => {
  const found = globSync(`packages/${name}/test/**/*.test.ts`, { cwd: root });
  if (found.length === 0) {
    console.error(`Package ${name} has no tests.`);
    process.exit(1);
  }
  return found.toSorted();
});

const child = spawn(
  process.execPath,
  [
    '--conditions=source',
    '--import=./tools/property-seed.ts',
    '--test',
    // Node leaves one processor idle, which on a machine with two is half of it.
    `--test-concurrency=${availableParallelism()}`,
    '--test-reporter=spec',
    '--test-timeout=120000',
    ...files,
  ],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
child.on('exit', (code) => process.exit(code ?? 1));
