/** micromdm `scepserver` (Debian's `scep`) as the peer: a 2048-bit CA, a challenge, duplicates allowed. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface ScepServer {
  readonly url: string;
  stop(): Promise<void>;
}

const execute = promisify(execFile);
const START_LIMIT_MS = 10_000;

/** Its version, or undefined when it is not installed. */
export async function scepserverVersion(): Promise<string | undefined> {
  try {
    return (await execute('scepserver', ['-version'])).stdout.trim();
  } catch {
    return undefined;
  }
}

/** @returns the folder of a CA without certificates */
export async function createScepserverAuthority(folder: string): Promise<string> {
  const depot = join(folder, 'scepserver');
  await execute('scepserver', ['ca', '-init', '-keySize', '2048', '-depot', depot]);
  return depot;
}

/** On a copy of the CA's folder: it reads its whole index at every request, and would get slower from round to round. */
export async function startScepserver(options: {
  readonly authority: string;
  readonly depot: string;
  readonly port: number;
  readonly challenge: string;
}): Promise<ScepServer> {
  await cp(options.authority, options.depot, { recursive: true });
  const child = spawn(
    'scepserver',
    [
      ['-depot', options.depot],
      ['-port', String(options.port)],
      ['-challenge', options.challenge],
      ['-allowrenew', '0'],
    ].flat(),
    { stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${options.port}/scep`;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  const deadline = Date.now() + START_LIMIT_MS;
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error('scepserver did not start.');
    }
    await sleep(50);
  }
  return { url, stop };
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}?operation=GetCACaps`, { signal: AbortSignal.timeout(1_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
