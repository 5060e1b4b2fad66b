import { access, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Environment } from './sources.ts';

/** Where the agent of Azure Arc is installed, and where it puts the files by which callers prove they are privileged. */
export interface ArcPaths {
  readonly agent: string;
  readonly tokens: string;
}

/** Of this machine's system; macOS has no agent. */
export function arcPaths(environment: Environment): ArcPaths {
  const { ProgramFiles = 'C:\\Program Files', ProgramData = 'C:\\ProgramData' } = environment;
  return process.platform === 'win32'
    ? {
        agent: `${ProgramFiles}\\AzureConnectedMachineAgent\\himds.exe`,
        tokens: `${ProgramData}\\AzureConnectedMachineAgent\\Tokens`,
      }
    : { agent: '/opt/azcmagent/bin/himds', tokens: '/var/opt/azcmagent/tokens' };
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const largestChallengeBytes = 4096;

/**
 * The contents of the file that the agent names in `WWW-Authenticate: Basic realm=…`. Only a `.key` file in the agent's
 * own folder is read: whoever answers on the agent's port could otherwise have any file sent to him.
 * @throws {Error} saying what is wrong
 */
export async function readChallengeFile(header: unknown, { tokens }: ArcPaths): Promise<string> {
  const path = typeof header === 'string' ? /^Basic realm="?([^"]+?)"?$/i.exec(header)?.[1] : undefined;
  if (path === undefined || !path.endsWith('.key') || join(tokens, basename(path)) !== path) {
    throw new Error('it asked for another file than one of its agent');
  }
  const file = await stat(path);
  if (!file.isFile() || file.size > largestChallengeBytes) {
    throw new Error('the file that it asked for is too large');
  }
  return readFile(path, 'latin1');
}
