/**
 * Packs each published package as `npm publish` would, installs the tarball in an empty project, and uses it there:
 * `npm run verify:package`. Needs the npm registry, for what a user's `npm install` needs.
 *
 * It exists because everything here runs from the sources of one workspace, where a missing file, an undeclared
 * dependency or a declaration that only our compiler settings accept does not show.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { publishedPackages, root } from './published-packages.ts';

interface Manifest {
  readonly name: string;
  readonly exports: unknown;
  readonly engines: { readonly node: string };
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

/** The compiler that most users have; ours is newer. */
const olderTypeScript = '5.9.3';
const resolutions: readonly { readonly name: string; readonly options: object; readonly olderOnly?: true }[] = [
  { name: 'node16', options: { module: 'node16', moduleResolution: 'node16' } },
  { name: 'nodenext', options: { module: 'nodenext', moduleResolution: 'nodenext' } },
  { name: 'bundler', options: { module: 'esnext', moduleResolution: 'bundler' } },
  {
    name: 'bundler with the condition "source"',
    options: { module: 'esnext', moduleResolution: 'bundler', customConditions: ['source'] },
  },
  // What a CommonJS project has by default until TypeScript 6.
  { name: 'node10', options: { module: 'commonjs', moduleResolution: 'node10', outDir: 'commonjs' }, olderOnly: true },
];

const npm = process.env['npm_execpath'];
if (npm === undefined) {
  console.error('Run this as npm run verify:package.');
  process.exit(2);
}
/** The environment without what npm tells the scripts of this workspace, and would take for its own settings. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([key]) => !/^npm_(package_|lifecycle_|config_(local_prefix|workspace))/.test(key),
  ),
);
const workbench = mkdtempSync(join(tmpdir(), 'scepter-package-'));
try {
  for (const name of publishedPackages()) await checkPackage(name, join(workbench, name));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(workbench, { recursive: true });
}

async function checkPackage(name: string, folder: string): Promise<void> {
  mkdirSync(folder);
  const tarball = pack(name, join(folder, 'tree'));
  await checkManifestAndTypes(tarball);
  const consumer = join(folder, 'consumer');
  const installed = installAlone(name, tarball, consumer);
  checkFiles(name, installed);
  const manifest: Manifest = readJson(join(installed, 'package.json'));
  const lowest = installLowestNode(manifest, tarball, folder);
  typeCheck(name, consumer, folder);
  runConsumer(consumer, lowest);
  console.log(`${basename(tarball)} (${statSync(tarball).size} bytes) installs, compiles and runs alone.`);
}

/** In a copy of the tree: packing replaces `package.json` for a moment, and a build removes `dist`. */
function pack(name: string, tree: string): string {
  const packageFolder = join(tree, 'packages', name);
  mkdirSync(packageFolder, { recursive: true });
  for (const file of ['package.json', 'tsconfig.json']) copyFileSync(join(root, file), join(tree, file));
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'), 'junction');
  cpSync(join(root, 'tools'), join(tree, 'tools'), { recursive: true });
  cpSync(join(root, 'packages', name), packageFolder, {
    recursive: true,
    filter: (source) => !['dist', 'node_modules'].includes(basename(source)),
  });
  run(process.execPath, [npm ?? '', 'pack', '--foreground-scripts=false', '--pack-destination', tree], packageFolder);
  expect(
    readFileSync(join(packageFolder, 'package.json'), 'utf8') ===
      readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'),
    'Packing has not put package.json back',
  );
  const [tarball] = globSync('*.tgz', { cwd: tree });
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  return join(tree, tarball);
}

async function checkManifestAndTypes(tarball: string): Promise<void> {
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer },
    level: 'suggestion',
    strict: true,
  });
  expect(messages.length === 0, messages.map((message) => formatMessage(message, pkg)).join('\n'));
  // Profile esm-only ignores what it finds under node10 and for CommonJS sources under node16: that an ES module is
  // required. Every Node that `engines` allows can do that; `runConsumer` shows it.
  const attw = fileURLToPath(new URL('dist/index.js', import.meta.resolve('@arethetypeswrong/cli/package.json')));
  run(process.execPath, [attw, tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-definitely-typed'], root);
}

/** What a user does; @types/node is what every user of TypeScript on Node has. */
function installAlone(name: string, tarball: string, consumer: string): string {
  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), '{ "private": true, "type": "module" }\n');
  const { devDependencies = {} } = readJson(join(root, 'package.json'));
  npmInstall(consumer, tarball, `@types/node@${devDependencies['@types/node']}`);
  copyFileSync(join(root, 'tools', 'consumers', `${name}.ts`), join(consumer, 'index.ts'));
  return join(consumer, 'node_modules', '@scepter', name);
}

/** Exactly the files that belong there, and in them nothing that only this machine or this workspace has. */
function checkFiles(name: string, installed: string): void {
  const source = join(root, 'packages', name);
  const modules = globSync('src/**/*.ts', { cwd: source }).map((file) =>
    file.replace(/^src/, 'dist').replace(/ts$/, 'js'),
  );
  const wanted = ['LICENSE', 'README.md', 'package.json', join('dist', 'index.d.ts'), ...modules];
  const found = globSync('**/*', { cwd: installed, exclude: ['node_modules'] }).filter((file) =>
    statSync(join(installed, file)).isFile(),
  );
  const missing = wanted.filter((file) => !found.includes(file));
  const extra = found.filter((file) => !wanted.includes(file));
  expect(missing.length === 0, `The tarball lacks ${missing.join(', ')}`);
  expect(extra.length === 0, `The tarball holds also ${extra.join(', ')}`);
  expect(
    readFileSync(join(installed, 'LICENSE'), 'utf8') === readFileSync(join(root, 'LICENSE'), 'utf8'),
    `packages/${name}/LICENSE differs from LICENSE`,
  );
  const manifest: Manifest = readJson(join(installed, 'package.json'));
  expect(!JSON.stringify(manifest.exports).includes('"source"'), 'The published exports name the sources');
  expect(manifest.devDependencies === undefined, 'The published package.json has devDependencies');
  const own = Object.keys(manifest.dependencies ?? {}).filter((each) => each.startsWith('@scepter/'));
  const unpublished = own.filter((each) => !publishedPackages().includes(each.slice('@scepter/'.length)));
  expect(unpublished.length === 0, `It depends on ${unpublished.join(', ')}, which nobody publishes`);
  for (const file of found) {
    const text = readFileSync(join(installed, file), 'utf8');
    const strange = [root + sep, workbench, homedir() + sep, 'sourceMappingURL'].filter((each) => text.includes(each));
    expect(strange.length === 0, `${file} contains ${strange.join(', ')}`);
    if (/\.(?:js|d\.ts)$/.test(file)) {
      expect(!/^(?:import|export)\b.*(?<!\.d)\.ts['"];?$/m.test(text), `${file} imports a TypeScript source`);
    } else if (file.endsWith('.md')) {
      const links = [...text.matchAll(/\]\((?!https:|#)([^)#]*)/g)].map((match) => match[1] ?? '');
      const dead = links.filter((target) => !existsSync(join(installed, target)) || target.startsWith('..'));
      expect(dead.length === 0, `${file} links to ${dead.join(', ')}, which the package does not contain`);
    }
  }
}

/**
 * The Node that `engines` names as the lowest, and with it the proof that npm lets that Node install the package and
 * everything it depends on. `undefined` where npm has no such Node for this platform.
 */
function installLowestNode({ engines }: Manifest, tarball: string, folder: string): string | undefined {
  const version = /^>=(\d+\.\d+\.\d+)$/.exec(engines.node)?.[1];
  if (version === undefined) throw new Error(`engines.node is ${engines.node}, not a lowest version`);
  const platform = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const { optionalDependencies = {} } = readJson(join(root, 'package.json'));
  if (!(platform in optionalDependencies)) {
    console.log(`Not tried on Node ${version}: npm has none for ${process.platform} ${process.arch}.`);
    return undefined;
  }
  const runtime = join(folder, 'runtime');
  mkdirSync(runtime);
  writeFileSync(join(runtime, 'package.json'), '{ "private": true }\n');
  npmInstall(runtime, `${platform}@${version}`);
  const node = ['bin/node', 'bin/node.exe']
    .map((file) => join(runtime, 'node_modules', platform, file))
    .find(existsSync);
  if (node === undefined) throw new Error(`${platform} holds no Node`);
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  writeFileSync(join(empty, 'package.json'), '{ "private": true }\n');
  run(node, [npm ?? '', 'install', '--dry-run', '--engine-strict', '--prefer-offline', tarball], empty);
  return node;
}

function typeCheck(name: string, consumer: string, folder: string): void {
  const older = join(folder, 'older-typescript');
  mkdirSync(older);
  writeFileSync(join(older, 'package.json'), '{ "private": true }\n');
  npmInstall(older, `typescript@${olderTypeScript}`);
  for (const compiler of [root, older]) {
    for (const { name: resolution, options } of resolutions.filter(
      ({ olderOnly }) => !olderOnly || compiler === older,
    )) {
      const compilerOptions = {
        ...options,
        target: 'es2022',
        lib: ['es2022'],
        types: ['node'],
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
      };
      writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['index.ts'] }));
      const tsc = join(compiler, 'node_modules', 'typescript', 'bin', 'tsc');
      run(process.execPath, [tsc, '-p', consumer], consumer, `${name} under moduleResolution ${resolution}`);
    }
  }
}

/** The emitted JavaScript, as users run it: as ES module, with the condition that we use, and as CommonJS. */
function runConsumer(consumer: string, lowest: string | undefined): void {
  writeFileSync(join(consumer, 'commonjs', 'package.json'), '{ "type": "commonjs" }\n');
  for (const node of lowest === undefined ? [process.execPath] : [lowest, process.execPath]) {
    run(node, ['index.js'], consumer);
    run(node, ['--conditions=source', 'index.js'], consumer);
    run(node, [join('commonjs', 'index.js')], consumer);
  }
}

function npmInstall(folder: string, ...packages: readonly string[]): void {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  run(process.execPath, [npm ?? '', 'install', ...options, ...packages], folder);
}

/** Runs a program; shows what it printed only if it fails. */
function run(program: string, parameters: readonly string[], folder: string, subject = ''): void {
  const result = spawnSync(program, parameters, { cwd: folder, env: environment, encoding: 'utf8', timeout: 300_000 });
  if (result.status !== 0) {
    const failure = result.error?.message ?? `exit code ${result.status}`;
    throw new Error(
      `${subject} ${basename(program)} ${parameters.join(' ')}: ${failure}\n${result.stdout}${result.stderr}`.trim(),
    );
  }
}

function readJson(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function expect(condition: boolean, problem: string): void {
  if (!condition) throw new Error(problem);
}
