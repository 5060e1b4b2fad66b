/** The admin API of the server that runs on a configuration's data folder. */
import { dirname, resolve } from 'node:path';
import { adminRecordPath, parseDataFolder, readAdminRecord } from '@scepter/server';
import type { AdminRecord } from '@scepter/server';
import { CommandError } from './command-error.ts';
import { exists } from './files.ts';
import { readConfiguration } from './read-configuration.ts';
import type { World } from './world.ts';

/**
 * Each call resolves to the JSON of a success, in the form that `docs/administration.md` gives it. Callers take it for
 * that without a check: server and command line are of one installation.
 *
 * @throws CommandError for everything else
 */
export interface AdminClient {
  get(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<unknown>;
  post(path: string, body?: unknown): Promise<unknown>;
  delete(path: string): Promise<unknown>;
}

const TIMEOUT_MS = 30_000;

/**
 * Finds the running server.
 *
 * @param config path of the configuration file, absolute or from the working folder
 * @throws CommandError when no server runs on it, or this user may not administer it
 * @example
 * const admin = await openAdminClient('scepter.json', world);
 * await admin.get('/api/challenges', { endpoint: 'printers' });
 */
export async function openAdminClient(config: string, world: World): Promise<AdminClient> {
  const folder = await findDataFolder(resolve(world.workingFolder, config), world);
  const path = adminRecordPath(folder);
  const record = await readAdminRecord(folder).catch((cause: unknown) => {
    throw unreadable(path, folder, cause);
  });
  if (record === undefined) {
    throw new CommandError(`${path} is damaged.`, { hint: 'A restart of the server writes it anew.' });
  }
  const call = async (method: string, target: string, body?: unknown): Promise<unknown> =>
    readAnswer(await send(record, { method, target, body }, { path, world }), path);
  return {
    get: (target, query = {}) => call('GET', target + formatQuery(query)),
    post: (target, body = {}) => call('POST', target, body),
    delete: (target) => call('DELETE', target),
  };
}

async function findDataFolder(configurationFile: string, world: World): Promise<string> {
  if (!(await exists(configurationFile))) {
    throw new CommandError(`There is no file ${configurationFile}.`, {
      hint: 'Say with --config which configuration the server runs from.',
    });
  }
  const json = await readConfiguration(configurationFile);
  return parseDataFolder(json, { baseFolder: dirname(configurationFile), environment: world.environment });
}

function unreadable(path: string, folder: string, cause: unknown): CommandError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'EACCES' || code === 'EPERM') {
    const hint = 'Run this as the user that the server runs as; for a program of its own, configure a token.';
    return new CommandError(`${path} must not be read by this user.`, { hint, cause });
  }
  return new CommandError(`No server runs on the data folder ${folder}.`, { hint: startHint, cause });
}

const startHint =
  'Start it with `scepter serve`, or say with --config which configuration it runs from. It must run on this machine.';

async function send(
  { url, token, processId }: AdminRecord,
  { method, target, body }: { method: string; target: string; body: unknown },
  { path, world }: { path: string; world: World },
): Promise<Response> {
  try {
    return await world.fetch(new URL(target, url), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (cause) {
    if (world.isProcessAlive(processId)) {
      const hint = `It is process ${processId}; if that is another program by now, the server was killed: start it again.`;
      throw new CommandError(`The server does not answer at ${url}.`, { hint, cause });
    }
    // A process that is killed takes nothing away.
    throw new CommandError(`The server that wrote ${path} does not run any more.`, { hint: startHint, cause });
  }
}

async function readAnswer(response: Response, path: string): Promise<unknown> {
  const text = await response.text();
  if (response.ok) return text === '' ? undefined : parseAnswer(text, path);
  if (response.status === 401) {
    throw new CommandError(`What listens there does not know the token in ${path}.`, {
      hint: 'It is another program, or another server on a copy of the folder: look which one runs.',
    });
  }
  throw new CommandError(problemDetail(text) ?? `The server answered HTTP ${response.status}.`);
}

function parseAnswer(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandError(`What listens at the address in ${path} does not answer as the server does.`, {
      hint: 'It is another program by now: start the server again.',
      cause,
    });
  }
}

function problemDetail(text: string): string | undefined {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    return typeof detail === 'string' ? detail : undefined;
  } catch {
    return undefined;
  }
}

function formatQuery(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
