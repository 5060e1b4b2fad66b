// Runs the command line as a person would, as a process of its own.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const mainFile = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export interface Transcript {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  stdin?: string;
  environment?: Record<string, string>;
  folder?: string;
}

export interface RunningScepter {
  child: ChildProcess;
  output: () => string;
  /** Resolves when the process has ended and its output is complete. */
  ended: Promise<Transcript>;
}

export function startScepter(words: string[], options: RunOptions = {}): RunningScepter {
  const { NO_COLOR: _noColor, SCEPTER_DEBUG: _debug, FORCE_COLOR: _force, ...environment } = process.env;
  const child = spawn(process.execPath, ['--conditions=source', mainFile, ...words], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...environment, ...options.environment },
    ...(options.folder === undefined ? {} : { cwd: options.folder }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin ?? '');
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }));
  return { child, output: () => stdout, ended };
}

export function scepter(words: string[], options: RunOptions = {}): Promise<Transcript> {
  return startScepter(words, options).ended;
}

export async function waitForOutput(running: RunningScepter, pattern: RegExp): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!pattern.test(running.output())) {
    if (Date.now() > deadline || running.child.exitCode !== null) {
      const { stdout, stderr } = await Promise.race([
        running.ended,
        pause(100, { stdout: running.output(), stderr: '' }),
      ]);
      throw new Error(`${pattern} did not come; the output was:\n${stdout}\n${stderr}`);
    }
    await pause(20);
  }
}

export async function temporaryFolder(test: Pick<TestContext, 'after'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'scepter-cli-'));
  test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
}

export const anyPorts = ['--scep-port', '0', '--microsoft-port', '0', '--control-port', '0'];
