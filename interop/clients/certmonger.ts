/**
 * certmonger (Debian's `certmonger`), as a private instance: its dedicated listening socket (`-L -P`) takes the place of
 * the system's D-Bus, and environment variables take its whole state from /var/lib/certmonger into a folder of ours. A
 * system's own certmonger is neither needed nor touched. `getcert` is used as an administrator would.
 *
 * It sends every PKIOperation as a GET, whatever the server announces.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanEnvironment, MissingClientError, run } from '../command.ts';
import type { CommandResult } from '../command.ts';

export interface Certmonger {
  /** `getcert` with these arguments, against this instance. */
  getcert(...args: readonly string[]): Promise<CommandResult>;
  /** The daemon's own account, for a failed test's message. */
  log(): string;
  close(): Promise<void>;
}

export async function certmongerVersion(): Promise<string> {
  return (await run('certmonger', ['-v'])).output.replace(/^certmonger/, '').trim();
}

const startLimitMs = 15_000;
const stopLimitMs = 5_000;

/** Starts an instance that keeps everything in `folder`, whose path must be short enough for a Unix socket. */
export async function startCertmonger(folder: string): Promise<Certmonger> {
  const environment = await stateEnvironment(folder);
  const socket = join(folder, 'socket');
  const daemon = spawn('certmonger', ['-L', '-P', socket, '-n', '-p', join(folder, 'pid'), '-d', '2'], {
    env: cleanEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  for (const stream of [daemon.stdout, daemon.stderr]) stream.on('data', (chunk) => void log.push(String(chunk)));
  let failure: Error | undefined;
  daemon.on('error', (error) => (failure = new MissingClientError('certmonger', error)));

  const deadline = Date.now() + startLimitMs;
  while (!existsSync(socket)) {
    if (failure !== undefined) throw failure;
    if (daemon.exitCode !== null || Date.now() > deadline) {
      daemon.kill('SIGKILL');
      throw new Error(`certmonger did not start:\n${log.join('')}`);
    }
    await sleep(50);
  }
  const client = { ...environment, CERTMONGER_PVT_ADDRESS: `unix:path=${socket}` };
  return {
    getcert: (...args) => run('getcert', args, { folder, environment: client }),
    log: () => log.join(''),
    close: () => stop(daemon),
  };
}

async function stateEnvironment(folder: string): Promise<Record<string, string>> {
  const folders = {
    CERTMONGER_CAS_DIR: join(folder, 'cas'),
    CERTMONGER_REQUESTS_DIR: join(folder, 'requests'),
    CERTMONGER_LOCAL_CA_DIR: join(folder, 'local'),
    CERTMONGER_CONFIG_DIR: join(folder, 'config'),
    CERTMONGER_TMPDIR: join(folder, 'temporary'),
  };
  for (const path of Object.values(folders)) await mkdir(path);
  return { ...folders, CERTMONGER_SYSTEM_LOCK_FILE: join(folder, 'lock'), HOME: folder };
}

async function stop(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = once(daemon, 'exit');
  daemon.kill('SIGTERM');
  const timer = setTimeout(() => daemon.kill('SIGKILL'), stopLimitMs);
  await ended;
  clearTimeout(timer);
}
