/** Debian's tinyproxy as a forward proxy on a loopback port, with or without Basic authentication. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanEnvironment, MissingClientError } from './command.ts';
import { freePort } from './free-port.ts';

export interface Tinyproxy {
  readonly host: string;
  readonly port: number;
  /** The `host:port` of every CONNECT that it has seen so far. */
  tunnels(): Promise<string[]>;
  stop(): Promise<void>;
}

export interface ProxyUser {
  readonly username: string;
  /** Letters and digits: tinyproxy's file has no quoting. */
  readonly password: string;
}

/** @throws MissingClientError with the package to install */
export async function startTinyproxy(user?: ProxyUser): Promise<Tinyproxy> {
  const folder = await mkdtemp(join(tmpdir(), 'scepter-tinyproxy-'));
  const port = await freePort();
  const configurationFile = join(folder, 'tinyproxy.conf');
  const logFile = join(folder, 'log');
  const lines = [`Port ${port}`, 'Listen 127.0.0.1', 'Allow 127.0.0.1', `LogFile "${logFile}"`, 'LogLevel Connect'];
  if (user !== undefined) lines.push(`BasicAuth ${user.username} ${user.password}`);
  await writeFile(configurationFile, `${lines.join('\n')}\n`);
  const child = spawn('tinyproxy', ['-d', '-c', configurationFile], { stdio: 'ignore', env: cleanEnvironment({}) });
  const ended = once(child, 'exit');
  try {
    await Promise.race([untilListening(port), ended.then(() => Promise.reject(new Error('tinyproxy ended')))]);
  } catch (cause) {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
    throw child.pid === undefined ? new MissingClientError('tinyproxy', cause as Error) : cause;
  }
  return {
    host: '127.0.0.1',
    port,
    tunnels: async () => {
      const log = await readFile(logFile, 'utf8');
      return [...log.matchAll(/CONNECT (\S+) HTTP/g)].map((match) => match[1] ?? '');
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await sleep(50);
  }
  throw new Error('tinyproxy does not listen');
}
