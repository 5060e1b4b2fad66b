/**
 * Holds the imports to `docs/architecture.md`: which package may import which, no deep imports, no import that climbs out
 * of its package, no cycle between packages, and inside the server only downwards. It exists because a wrong edge
 * compiles as well as a right one.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** The edges that `docs/architecture.md` draws. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  x509: [],
  scep: ['x509'],
  ca: ['x509'],
  intune: [],
  'intune-emulator': ['x509'],
  fleet: ['scep', 'x509'],
  conformance: ['scep', 'x509'],
  server: ['scep', 'ca', 'intune', 'x509'],
  cli: ['server', 'conformance', 'fleet', 'intune', 'intune-emulator', 'scep', 'x509'],
};

/** Inside the server: a folder may import those to its right, and itself. Only app.ts names concrete classes. */
const serverFolders: Readonly<Record<string, readonly string[]>> = {
  http: ['authorities', 'enrollment'],
  authorities: ['enrollment', 'settings', 'store', 'workers'],
  scheduled: ['enrollment', 'store', 'workers'],
  enrollment: ['store', 'workers'],
  workers: [],
  store: [],
  settings: [],
};

interface Import {
  readonly file: string;
  readonly specifier: string;
}

function importsOf(pattern: string): Import[] {
  return globSync(pattern, { cwd: root }).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const found = text.matchAll(
      /^\s*(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
    );
    return [...found].map((match) => ({ file, specifier: match[1] ?? match[2] ?? '' }));
  });
}

const problems: string[] = [];

for (const [name, targets] of Object.entries(allowed)) {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  for (const dependency of declared.filter((entry) => entry.startsWith('@scepter/'))) {
    if (!targets.includes(dependency.slice('@scepter/'.length))) {
      problems.push(`packages/${name}/package.json depends on ${dependency}`);
    }
  }
  for (const { file, specifier } of importsOf(`packages/${name}/src/**/*.ts`)) {
    const target = /^@scepter\/([^/]+)(\/.*)?$/.exec(specifier);
    if (target !== null) {
      if (!targets.includes(target[1] ?? '')) problems.push(`${file} may not import ${specifier}`);
      if (target[2] !== undefined) problems.push(`${file} imports the inside of a package: ${specifier}`);
    } else if (specifier.startsWith('.')) {
      const resolved = join(file, '..', specifier);
      if (!resolved.startsWith(join('packages', name, 'src')))
        problems.push(`${file} leaves its package: ${specifier}`);
    } else if (
      !specifier.startsWith('node:') &&
      !declared.some((entry) => specifier === entry || specifier.startsWith(`${entry}/`))
    ) {
      problems.push(`${file} imports ${specifier}, which its package.json does not declare`);
    }
  }
}

const serverSource = join('packages', 'server', 'src');
for (const [folder, targets] of Object.entries(serverFolders)) {
  for (const { file, specifier } of importsOf(`packages/server/src/${folder}/**/*.ts`)) {
    if (!specifier.startsWith('.')) continue;
    const parts = join(file, '..', specifier)
      .slice(serverSource.length + 1)
      .split('/');
    const target = parts.length > 1 ? parts[0] : undefined;
    if (target !== undefined && target !== folder && !targets.includes(target)) {
      problems.push(`${file}: ${folder}/ may not import ${target}/`);
    }
    if (parts[0] === 'app.ts') problems.push(`${file} imports the composition root`);
  }
}

for (const name of readdirPackages()) {
  if (!(name in allowed)) problems.push(`packages/${name} is not in the map of this check`);
}

function readdirPackages(): string[] {
  return globSync('packages/*/package.json', { cwd: root }).map((file) => file.split('/')[1] ?? '');
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`Import directions hold in ${Object.keys(allowed).length} packages.`);
