#!/usr/bin/env -S node --conditions=source
// The composition root: the one place that knows the process, its environment, the clock and the network.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { runProgram } from './program.ts';
import { takeInterruption } from './interruption.ts';
import type { World } from './world.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const world: World = {
  version,
  // oxlint-disable-next-line node/no-process-env -- the composition root reads it, once.
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  workingFolder: process.cwd(),
  processId: process.pid,
  fetch: globalThis.fetch,
  now: () => new Date(),
  randomBytes: (size) => randomBytes(size),
  readStdin: () => text(process.stdin),
  askLine,
  isProcessAlive,
  takeInterruption: () => takeInterruption(process, () => performance.now()),
};

/** On standard error, so that what is piped holds no question. At the end of the input the answer is empty. */
async function askLine(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await Promise.race([lines.question(question), once(lines, 'close').then(() => '')]);
  } finally {
    lines.close();
  }
}

function isProcessAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

// A reader that went away is no failure worth a stack trace: `scepter … | head` wanted no more. A server whose log has
// nobody to read it ends with 1, so that whoever supervises it starts it again.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.argv[2] === 'serve' ? 1 : 0);
  throw error;
});

process.exitCode = await runProgram(process.argv.slice(2), world);
