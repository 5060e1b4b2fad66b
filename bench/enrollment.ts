/**
 * How many enrollments a second the whole server completes: `npm run bench`, or `npm run bench -- --quick` for half a
 * minute. `bench/README.md` explains how to read it.
 *
 *     --quick            one short round
 *     --rounds N         how often each line is measured, default 3; the medians are printed
 *     --seconds N        about how long one measurement takes, default 3
 *     --folder PATH      where the databases go, default .scepter in this repository: commits are as durable as its disk
 *     --profile FOLDER   instead: CPU profiles of the server at 16 connections, for Chromium's or VS Code's viewer
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { availableParallelism, cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchEmulator, BenchEmulatorUrls } from './bench-emulator.ts';
import type { BenchServer, BenchServerUrls } from './bench-server.ts';
import { startChild } from './child.ts';
import type { Child } from './child.ts';
import type { LoadGenerator, LoadOrder, LoadResult } from './load-generator.ts';
import type { MachineLimit } from './machine-limit.ts';
import { Measurements, targetNames } from './measurements.ts';
import type { TargetName } from './measurements.ts';
import { formatReport } from './report.ts';
import { createScepserverAuthority, scepserverVersion, startScepserver } from './scepserver.ts';

const WORKERS = 2;
const CONNECTIONS = [1, 4, 16] as const;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    folder: { type: 'string' },
    profile: { type: 'string' },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 1 : 3));
const seconds = Number(options.seconds ?? (options.quick ? 1 : 3));
if (!(rounds >= 1 && seconds > 0)) throw new Error('--rounds and --seconds take positive numbers.');

/** Gets the hot code compiled, and tells how many messages a round needs. */
const warmUpMessages = options.quick ? 300 : 1000;

const staticChallenge = randomBytes(12).toString('hex');
const parent = resolve(options.folder ?? join(import.meta.dirname, '..', '.scepter'));
mkdirSync(parent, { recursive: true });
const folder = mkdtempSync(join(parent, 'bench-'));
const children: Child<never>[] = [];

try {
  if (options.profile === undefined) await bench();
  else await profile(resolve(options.profile));
} finally {
  for (const child of children.toReversed()) await child.stop();
  rmSync(folder, { recursive: true, force: true });
}

interface OurParts {
  readonly server: Child<BenchServer>;
  readonly urls: BenchServerUrls;
  readonly emulator: BenchEmulatorUrls;
}

async function bench(): Promise<void> {
  const load = started(startChild<LoadGenerator>('./load-generator.ts'));
  const limit = started(startChild<MachineLimit>('./machine-limit.ts'));
  const ours = await startOurParts();
  const version = await scepserverVersion();
  const authority = version === undefined ? undefined : await createScepserverAuthority(folder);
  const measurements = new Measurements();

  for (let round = 0; round <= rounds; round += 1) {
    const isWarmUp = round === 0;
    progress(isWarmUp ? 'warming up' : `round ${round} of ${rounds}`);
    if (!isWarmUp) {
      measurements.addLimit(await limit.call('measure', { workers: WORKERS, durationMs: seconds * 1000 }));
    }
    const peer =
      authority === undefined
        ? undefined
        : await startScepserver({
            authority,
            depot: join(folder, `depot-${round}`),
            port: await freePort(),
            challenge: staticChallenge,
          });
    const targets = loadTargets(ours, peer?.url);
    for (const connections of isWarmUp ? [4] : CONNECTIONS) {
      // One after the other within a minute: whatever else the machine does then hits all of them alike.
      for (const name of targetNames) {
        const target = targets.get(name);
        if (target === undefined) continue;
        const messages = isWarmUp ? warmUpMessages : Math.ceil(measurements.expectedRate(name, connections) * seconds);
        progress(`${isWarmUp ? 'warming up' : `round ${round} of ${rounds}`}: ${name}, ${connections} connections`);
        const serverCpuBefore = await ours.server.call('cpuMs', undefined);
        const result = await load.call('run', { ...target, connections, messages });
        const serverCpuMs = (await ours.server.call('cpuMs', undefined)) - serverCpuBefore;
        measurements.add({ target: name, connections, result, isWarmUp, serverCpuMs });
      }
    }
    await peer?.stop();
  }
  progress('');
  await assertAllStored(ours, measurements);
  for (const line of formatReport(measurements, {
    connections: CONNECTIONS,
    workers: WORKERS,
    rounds,
    seconds,
    scepserverVersion: version,
    node: process.version,
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
  })) {
    console.log(line);
  }
}

/** Only what is in the database was issued. */
async function assertAllStored(ours: OurParts, measurements: Measurements): Promise<void> {
  const released = await ours.server.call('released', undefined);
  const counted = measurements.successes('static') + measurements.successes('intune');
  if (released < counted) throw new Error(`${counted} successes were counted, but only ${released} are in the store.`);
}

async function profile(profileFolder: string): Promise<void> {
  const load = started(startChild<LoadGenerator>('./load-generator.ts'));
  const ours = await startOurParts(['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]);
  const target = loadTargets(ours, undefined).get('static');
  if (target === undefined) throw new Error('unreachable');
  await load.call('run', { ...target, connections: 16, messages: warmUpMessages });
  const result: LoadResult = await load.call('run', { ...target, connections: 16, messages: 1000 * seconds });
  console.log(`${result.perSecond.toFixed(0)} enrollments/s, ${result.failures} failures; profiles: ${profileFolder}`);
  if (result.failure !== undefined) console.log(`First failure: ${result.failure}`);
}

async function startOurParts(nodeOptions: readonly string[] = []): Promise<OurParts> {
  const emulatorChild = started(startChild<BenchEmulator>('./bench-emulator.ts'));
  const emulator = await emulatorChild.call('start', { folder: join(folder, 'emulator') });
  const server = started(startChild<BenchServer>('./bench-server.ts', nodeOptions));
  const urls = await server.call('start', {
    port: await freePort(),
    dataFolder: join(folder, 'server'),
    staticChallenge,
    workers: WORKERS,
    connection: emulator.connection,
    tlsCa: emulator.tlsCa,
  });
  return { server, urls, emulator };
}

function loadTargets(
  { urls, emulator }: OurParts,
  scepserverUrl: string | undefined,
): ReadonlyMap<TargetName, Pick<LoadOrder, 'url' | 'challenge'>> {
  return new Map<TargetName, Pick<LoadOrder, 'url' | 'challenge'>>([
    ['static', { url: urls.static, challenge: { static: staticChallenge } }],
    ...(scepserverUrl === undefined
      ? []
      : [['scepserver', { url: scepserverUrl, challenge: { static: staticChallenge } }] as const]),
    ['intune', { url: urls.intune, challenge: { controlUrl: emulator.controlUrl } }],
  ]);
}

function started<Started extends Child<never>>(child: Started): Started {
  children.push(child);
  return child;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}

/** One line that is overwritten, where somebody may be watching. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}
