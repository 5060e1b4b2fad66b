/** Runs other people's programs as a user would: by name, with arguments, in a folder. */
import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly folder?: string;
  /** Beside PATH and a C locale, all that the program gets. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface CommandResult {
  /** -1 when the program was ended for taking too long. */
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  /** What it wrote to both streams, as text. */
  readonly output: string;
}

/** The Debian package of each program that the suite drives. */
const debianPackages: Readonly<Record<string, string>> = {
  scepclient: 'scep',
  pki: 'strongswan-pki',
  certmonger: 'certmonger',
  getcert: 'certmonger',
  openssl: 'openssl',
  tinyproxy: 'tinyproxy-bin',
};

export class MissingClientError extends Error {
  constructor(program: string, cause: Error) {
    super(`${program} is not installed. On Debian: apt-get install ${debianPackages[program] ?? program}`, { cause });
    this.name = 'MissingClientError';
  }
}

/**
 * Resolves however the program ends; only one that is not there is an error.
 *
 * @throws MissingClientError with the package to install
 */
export function run(program: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { folder, environment = {}, timeoutMs = 30_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...(folder === undefined ? {} : { cwd: folder }),
      env: cleanEnvironment(environment),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const both: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => void [stdout.push(chunk), both.push(chunk)]);
    child.stderr.on('data', (chunk: Buffer) => void both.push(chunk));
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.on('error', (error) => reject(new MissingClientError(program, error)));
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ exitCode: code ?? -1, stdout: Buffer.concat(stdout), output: Buffer.concat(both).toString('utf8') });
    });
  });
}

/** Clients must not be swayed by the configuration of whoever runs the suite. */
export function cleanEnvironment(environment: Readonly<Record<string, string>>): Record<string, string> {
  return { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin`, LC_ALL: 'C', ...environment };
}
