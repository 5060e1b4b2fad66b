/**
 * Builds the package in the working directory into its `dist`: JavaScript by the compiler, and one `index.d.ts`.
 * Called by the `build` script of every package that is published.
 *
 * It exists because the compiler alone leaves declarations of internal modules beside the public ones, and files of
 * modules that are no more.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile, extractApi } from './extract-api.ts';

const packageFolder = process.cwd();
rmSync(join(packageFolder, 'dist'), { recursive: true, force: true });
compile(packageFolder);
const { declarations } = extractApi(packageFolder);
writeFileSync(join(packageFolder, 'dist', 'index.d.ts'), declarations);
