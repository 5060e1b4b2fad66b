import { join } from 'node:path';
import { CommandError } from './command-error.ts';
import { readTextFile, writeFileAtomically } from './files.ts';
import type { World } from './world.ts';

/** The record a running emulator leaves in its folder, so that other commands and scripts find it. */
export interface EmulatorRecord {
  readonly processId: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Base of the emulator's control API. */
  readonly controlUrl: string;
  /** Base of the emulated Entra, Graph and Intune. */
  readonly microsoftUrl: string;
  /** PEM file of the CA that signed the emulator's TLS certificate. */
  readonly tlsCaFile: string;
}

/** What `demo.json` tells beside that. */
export interface DemoRecord extends EmulatorRecord {
  /** Absolute path of the demo's folder. */
  readonly folder: string;
  readonly serverUrl: string;
  /** SCEP URLs by endpoint name. */
  readonly endpoints: Readonly<Record<string, string>>;
  /** The challenge password of `/scep/static` and `/scep/legacy`. */
  readonly staticChallenge: string;
  /** PEM file of the root certificate. */
  readonly rootCertificateFile: string;
  /** SHA-256 of the issuing CA's certificate, upper-case hexadecimal, for SCEP clients that pin it. */
  readonly caFingerprint: string;
  /** The server's log, one JSON object a line. */
  readonly logFile: string;
}

/** The two records, by who writes them. */
export const recordFiles = { demo: 'demo.json', emulator: 'emulator.json' } as const;

/** Writes a record, readable by its owner alone: it holds the static challenge. */
export async function writeRecord(
  folder: string,
  file: (typeof recordFiles)[keyof typeof recordFiles],
  record: EmulatorRecord,
): Promise<void> {
  await writeFileAtomically(join(folder, file), `${JSON.stringify(record, undefined, 2)}\n`, 0o600);
}

/**
 * Reads a record.
 *
 * @returns `undefined` when there is none.
 * @throws CommandError when there is one that is no JSON object.
 */
export async function readRecord(folder: string, file: string): Promise<Partial<DemoRecord> | undefined> {
  const path = join(folder, file);
  const text = await readTextFile(path);
  if (text === undefined) return undefined;
  const record = parseObject(text);
  if (record !== undefined) return record;
  throw new CommandError(`${path} is damaged: it is not a JSON object.`, {
    hint: 'Move it away; it is written again at the next start.',
  });
}

function parseObject(text: string): Partial<DemoRecord> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes sure that no other process works in the folder: two would overwrite each other's state.
 *
 * @throws CommandError when one does.
 */
export async function requireIdle(folder: string, world: World): Promise<void> {
  for (const file of Object.values(recordFiles)) {
    const record = await readRecord(folder, file);
    if (record === undefined || !(await isRunning(record, world))) continue;
    throw new CommandError(`Process ${record.processId} already runs in ${folder}.`, {
      hint: 'Stop it first, or choose another folder with --folder.',
    });
  }
}

/** A process id alone may have been given to another program since: the control API has to answer too. */
async function isRunning({ processId, controlUrl }: Partial<EmulatorRecord>, world: World): Promise<boolean> {
  if (typeof processId !== 'number' || typeof controlUrl !== 'string') return false;
  if (processId === world.processId || !world.isProcessAlive(processId)) return false;
  try {
    const response = await world.fetch(new URL('/control/connection', controlUrl), {
      signal: AbortSignal.timeout(2_000),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/**
 * The control API of the demo or emulator that works in the folder: that of a process that still lives goes before one
 * that was left behind.
 *
 * @param option by which a person can say where it is instead
 * @throws CommandError when there has been none
 */
export async function findControlUrl(folder: string, world: World, option: string): Promise<string> {
  const found: { url: string; alive: boolean }[] = [];
  for (const file of Object.values(recordFiles)) {
    const { controlUrl, processId } = (await readRecord(folder, file)) ?? {};
    if (typeof controlUrl !== 'string') continue;
    found.push({ url: controlUrl, alive: typeof processId === 'number' && world.isProcessAlive(processId) });
  }
  const best = found.find(({ alive }) => alive) ?? found[0];
  if (best !== undefined) return best.url;
  throw new CommandError(`No demo and no emulator has run in ${folder}.`, {
    hint: `Start one with \`scepter demo\` or \`scepter emulate\`, or say where it is with ${option}.`,
  });
}
