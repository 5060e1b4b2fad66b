import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ChallengeSource } from '@scepter/conformance';
import { CommandError, usageError } from '../command-error.ts';
import { readTextFile } from '../files.ts';
import type { World } from '../world.ts';

/** The options that say where challenges come from. */
export interface ChallengeOptions {
  readonly challenge?: string;
  readonly challengeFile?: string;
  readonly challengeCommand?: string;
  readonly oneTime?: true;
}

/** As the options ask for. @throws CommandError for options that exclude each other, or a challenge that cannot be had */
export async function chooseChallengeSource(options: ChallengeOptions, world: World): Promise<ChallengeSource> {
  const { challenge, challengeCommand, challengeFile, oneTime } = options;
  const given = [challenge, challengeFile, challengeCommand].filter((option) => option !== undefined);
  if (given.length > 1) {
    throw usageError('--challenge, --challenge-file and --challenge-command exclude each other.');
  }
  if (challengeCommand !== undefined) {
    return { kind: 'fresh', next: () => runForChallenge(challengeCommand, world.workingFolder) };
  }
  const read = challengeFile === undefined ? challenge : await readChallengeFile(challengeFile, world);
  if (read === undefined) {
    if (oneTime === true) throw usageError('--one-time says something of a challenge, and there is none.');
    return { kind: 'none' };
  }
  if (read === '') throw usageError('The challenge is empty.');
  return { kind: oneTime === true ? 'one-time' : 'static', challenge: read };
}

async function readChallengeFile(name: string, world: World): Promise<string> {
  const path = resolve(world.workingFolder, name);
  const content = name === '-' ? await world.readStdin() : await readTextFile(path);
  if (content === undefined) throw usageError(`There is no file ${path}.`);
  return content.replace(/\r?\n$/u, '');
}

const longestRunMs = 60_000;

/** The first line that the command prints. Nothing of it is ever shown: it is a secret. */
async function runForChallenge(command: string, folder: string): Promise<string> {
  const child = spawn(command, {
    cwd: folder,
    shell: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: longestRunMs,
  });
  const ended = new Promise<number | null>((settle, reject) => {
    child.once('error', reject);
    child.once('close', settle);
  });
  const [output, exitCode] = await Promise.all([text(child.stdout), ended]);
  const challenge = output.split(/\r?\n/u, 1)[0] ?? '';
  if (exitCode === 0 && challenge !== '') return challenge;
  const problem = exitCode === 0 ? 'printed nothing' : `ended with ${exitCode ?? 'a signal'}`;
  throw new CommandError(`The challenge command ${problem}.`);
}
