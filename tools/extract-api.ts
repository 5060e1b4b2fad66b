/**
 * What a package offers its users, taken from the declarations that the compiler emits: one file of declarations with
 * the public names only, a report of them, and the model from which the reference is written.
 *
 * It exists because the compiler emits declarations of every module, internal types and those of our dependencies
 * included; users should see, and their compiler check, what the package exports.
 */
import { Extractor, ExtractorConfig, ExtractorLogLevel, type ExtractorMessage } from '@microsoft/api-extractor';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Messages that say nothing wrong; all others are problems. */
const unproblematic = new Map([
  ['ae-missing-release-tag', 'everything exported is public'],
  ['tsdoc-malformed-inline-tag', '`@throws {Name}` is how editors know it from JSDoc'],
  ['tsdoc-escape-right-brace', 'the same'],
  ['tsdoc-param-tag-missing-hyphen', '`@param name text` is, too'],
  ['ae-undocumented', 'reference-page.ts checks it, and knows what speaks for itself'],
]);

export interface ExtractedApi {
  /** `index.d.ts` for the package's users. */
  readonly declarations: string;
  /** The declarations without comments, for reviewing changes (API Extractor's own format). */
  readonly report: string;
  /** API Extractor's document model, as JSON. */
  readonly model: unknown;
  /** Types that are used and not exported, links that lead nowhere, malformed docstrings. */
  readonly problems: readonly string[];
}

/** Runs the compiler that this workspace has installed; its messages go to the terminal, and its failure ends us. */
export function compile(packageFolder: string, options: readonly string[] = []): void {
  const compiler = join(import.meta.dirname, '..', 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', ...options], {
    cwd: packageFolder,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(1);
}

/** Reads the declarations that `compile` has left in `dist/.declarations`, and removes them. */
export function extractApi(packageFolder: string): ExtractedApi {
  const emitted = join(packageFolder, 'dist', '.declarations');
  const output = join(emitted, '.extracted');
  mkdirSync(output, { recursive: true });
  try {
    const problems: string[] = [];
    Extractor.invoke(extractorConfig(packageFolder, join(emitted, 'index.d.ts'), output), {
      localBuild: true,
      messageCallback: (message) => {
        message.handled = true;
        const problem = describeProblem(message, packageFolder);
        if (problem !== undefined) problems.push(problem);
      },
    });
    return {
      declarations: readFileSync(join(output, 'index.d.ts'), 'utf8'),
      report: readFileSync(join(output, 'report.api.md'), 'utf8'),
      model: JSON.parse(readFileSync(join(output, 'model.api.json'), 'utf8')),
      problems,
    };
  } finally {
    rmSync(emitted, { recursive: true });
  }
}

function describeProblem(message: ExtractorMessage, packageFolder: string): string | undefined {
  const { messageId, text, sourceFilePath, sourceFileLine } = message;
  if (messageId.startsWith('console-') || unproblematic.has(messageId)) return undefined;
  const place = sourceFilePath === undefined ? '' : `${relative(packageFolder, sourceFilePath)}:${sourceFileLine}: `;
  return `${place}${text} (${messageId})`;
}

function extractorConfig(packageFolder: string, entryPoint: string, output: string): ExtractorConfig {
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(packageFolder, 'package.json'),
    configObject: {
      projectFolder: packageFolder,
      mainEntryPointFilePath: entryPoint,
      newlineKind: 'lf',
      // API Extractor brings its own compiler, which knows the released options.
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2024',
            lib: ['es2024'],
            module: 'nodenext',
            moduleResolution: 'nodenext',
            types: ['node'],
            strict: true,
            skipLibCheck: true,
            allowImportingTsExtensions: true,
            noEmit: true,
          },
          files: [entryPoint],
        },
      },
      apiReport: {
        enabled: true,
        reportFolder: output,
        reportTempFolder: join(output, 'temp'),
        reportFileName: 'report.api.md',
      },
      docModel: { enabled: true, apiJsonFilePath: join(output, 'model.api.json') },
      dtsRollup: { enabled: true, untrimmedFilePath: join(output, 'index.d.ts') },
      messages: {
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
      },
    },
  });
}
