/**
 * Writes the reference of each published package from its docstrings, `docs/reference/NAME.md`, and the report of its
 * declarations, `packages/NAME/api/NAME.api.md`: `npm run reference`. With `--check` it writes nothing, and fails when
 * either file differs, when something public has no docstring, or when a public signature names a type that is not
 * exported: `npm run verify:reference`.
 *
 * It exists because a reference that nobody generates is wrong, and because a type that users cannot name, or a change
 * of the API that nobody meant, compiles without a word.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { exportedItems } from './api-model.ts';
import { compile, extractApi } from './extract-api.ts';
import { publishedPackages, root } from './published-packages.ts';
import { docstringProblems, writeReference } from './reference-page.ts';

const published = publishedPackages();
const check = process.argv.includes('--check');
const problems: string[] = [];

for (const name of published) {
  const packageFolder = join(root, 'packages', name);
  compile(packageFolder, ['--emitDeclarationOnly']);
  const api = extractApi(packageFolder);
  const items = exportedItems(api.model);
  problems.push(...api.problems.map((problem) => `packages/${name}/${problem}`));
  problems.push(...docstringProblems(items).map((problem) => `packages/${name}: ${problem}`));
  const title = `@scepter/${name}`;
  keep(join(root, 'docs', 'reference', `${name}.md`), writeReference(title, items, api.declarations));
  keep(join(packageFolder, 'api', `${name}.api.md`), api.report);
}

function keep(file: string, text: string): void {
  if (!check) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    problems.push(`${relative(root, file)} differs from the docstrings: npm run reference`);
  }
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`The reference of ${published.join(', ')} ${check ? 'is up to date' : 'is written'}.`);
