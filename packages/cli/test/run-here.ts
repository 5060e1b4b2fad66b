// Runs the command line inside the test's process, in a world the test controls.
import { randomBytes } from 'node:crypto';
import { runProgram } from '../src/program.ts';
import type { World } from '../src/world.ts';
import type { Transcript } from './run-scepter.ts';

export interface HereOptions {
  folder?: string;
  stdin?: string;
  /** To the question that a command asks; without it, there is no terminal to ask at. */
  answer?: string;
  environment?: Record<string, string>;
  fetch?: typeof globalThis.fetch;
  isTTY?: boolean;
  /** Stands for Ctrl-C. */
  interruption?: AbortSignal;
}

export interface RunningHere {
  output: () => string;
  ended: Promise<Omit<Transcript, 'signal'>>;
}

export function startHere(words: string[], options: HereOptions = {}): RunningHere {
  let stdout = '';
  let stderr = '';
  const world: World = {
    version: '0.0.0-test',
    environment: options.environment ?? {},
    stdout: { write: (text) => (stdout += text), isTTY: options.isTTY },
    stderr: { write: (text) => (stderr += text), isTTY: options.isTTY },
    workingFolder: options.folder ?? '/nowhere',
    processId: process.pid,
    fetch: options.fetch ?? globalThis.fetch,
    now: () => new Date(),
    randomBytes: (size) => randomBytes(size),
    readStdin: async () => options.stdin ?? '',
    askLine: async () => options.answer,
    isProcessAlive: () => false,
    takeInterruption: () => ({ signal: options.interruption ?? new AbortController().signal, dispose: () => {} }),
  };
  const ended = runProgram(words, world).then((code) => ({ code, stdout, stderr }));
  return { output: () => stdout, ended };
}

export function scepterHere(words: string[], options: HereOptions = {}): RunningHere['ended'] {
  return startHere(words, options).ended;
}

/** Resolves when the text has been printed; rejects when the command ends without it. */
export async function waitHere(running: RunningHere, text: string): Promise<void> {
  let ended: Omit<Transcript, 'signal'> | undefined;
  running.ended.then((transcript) => (ended = transcript));
  while (!running.output().includes(text)) {
    if (ended !== undefined) throw new Error(`${JSON.stringify(text)} did not come; stderr: ${ended.stderr}`);
    await new Promise((settle) => setTimeout(settle, 1));
  }
}
