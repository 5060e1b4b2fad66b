import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { join } from 'node:path';
import { EmulatorControl, seedDemo } from '@scepter/intune-emulator';
import type { Connection, DemoTenant, EmulatorHost } from '@scepter/intune-emulator';
import { createLogger, startServer } from '@scepter/server';
import type { RunningServer } from '@scepter/server';
import { encodePem, thumbprint } from '@scepter/x509';
import { CommandError } from '../command-error.ts';
import { makePrivateFolder, writeFileAtomically } from '../files.ts';
import { readRecord, recordFiles, requireIdle, writeRecord } from '../run-record.ts';
import type { DemoRecord } from '../run-record.ts';
import { describeServerError } from '../port-hints.ts';
import type { EmulatorPorts } from '../port-hints.ts';
import { startEmulator } from '../start-emulator.ts';
import type { World } from '../world.ts';
import { demoSettings } from './demo-settings.ts';

const logFile = 'server.log';

/** Where a demo lives. */
export interface DemoPlace extends EmulatorPorts {
  /** Absolute path. */
  readonly folder: string;
  readonly scepPort: number;
}

/** A demo with everything up and nothing enrolled yet. */
export interface RunningDemo {
  readonly host: EmulatorHost;
  readonly server: RunningServer;
  readonly tenant: DemoTenant;
  readonly record: DemoRecord;
  close(): Promise<void>;
}

/**
 * Starts the emulator, the server and the demo tenant, or nothing: what was started is stopped again when a later
 * part fails.
 */
export async function startDemo(place: DemoPlace, world: World): Promise<RunningDemo> {
  await makePrivateFolder(place.folder, '--folder');
  await requireIdle(place.folder, world);
  const opened: (() => Promise<void>)[] = [];
  // In reverse: the server can still tell Intune what it has to.
  const close = async (): Promise<void> => {
    for (const closeOne of opened.splice(0).toReversed()) await closeOne();
  };
  try {
    return { ...(await startParts(place, world, opened)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startParts(place: DemoPlace, world: World, opened: (() => Promise<void>)[]) {
  const staticChallenge = await recallStaticChallenge(place.folder, world);
  const host = await startEmulator(place.folder, place, world);
  opened.push(() => host.close());
  const log = await openLog(place.folder);
  opened.push(() => closeLog(log));
  const server = await startDemoServer(place, { host, log, staticChallenge }, world);
  opened.push(() => server.close());
  const tenant = await seedDemo(host.emulator, {
    scepServerUrl: endpointUrl(server, 'intune'),
    rootCertificatePem: encodePem('CERTIFICATE', server.authority.rootCertificate),
  });
  const record = await recordDemo(place, { host, server, staticChallenge }, world);
  return { host, server, tenant, record };
}

/** The challenge of an earlier start, so that what was configured with it still works. */
async function recallStaticChallenge(folder: string, world: World): Promise<string> {
  const { staticChallenge } = (await readRecord(folder, recordFiles.demo)) ?? {};
  if (typeof staticChallenge === 'string' && staticChallenge !== '') return staticChallenge;
  return Buffer.from(world.randomBytes(12)).toString('hex');
}

async function startDemoServer(
  place: DemoPlace,
  { host, log, staticChallenge }: { host: EmulatorHost; log: WriteStream; staticChallenge: string },
  world: World,
): Promise<RunningServer> {
  const dataFolder = join(place.folder, 'server');
  const connection = await readConnection(host, world);
  const settings = demoSettings({ port: place.scepPort, dataFolder, connection, staticChallenge });
  try {
    return await startServer({
      settings,
      now: world.now,
      randomBytes: world.randomBytes,
      logger: createLogger({ destination: log, pretty: false, level: 'info', now: world.now }),
    });
  } catch (error) {
    throw describeServerError(error, place.scepPort, '--scep-port');
  }
}

function readConnection(host: EmulatorHost, world: World): Promise<Connection> {
  return new EmulatorControl({ url: host.controlUrl, fetch: world.fetch }).connection();
}

/** The server's log goes to a file, one JSON object a line: the screen belongs to the devices. */
async function openLog(folder: string): Promise<WriteStream> {
  const stream = createWriteStream(join(folder, logFile), { flags: 'a', mode: 0o600 });
  try {
    await once(stream, 'open');
  } catch (cause) {
    throw new CommandError(`${join(folder, logFile)} cannot be written.`, {
      hint: 'Check the rights of the folder, or choose another one with --folder.',
      cause,
    });
  }
  // A log that can no longer be written, on a full disk for instance, is no reason to stop enrolling.
  stream.on('error', () => {});
  return stream;
}

async function closeLog(log: WriteStream): Promise<void> {
  log.end();
  // Not 'finish': a stream that failed only closes.
  if (!log.closed) await once(log, 'close');
}

async function recordDemo(
  place: DemoPlace,
  { host, server, staticChallenge }: { host: EmulatorHost; server: RunningServer; staticChallenge: string },
  world: World,
): Promise<DemoRecord> {
  const { rootCertificate, issuingCertificate } = server.authority;
  const rootCertificateFile = join(place.folder, 'root.pem');
  await writeFileAtomically(rootCertificateFile, encodePem('CERTIFICATE', rootCertificate), 0o644);
  const record: DemoRecord = {
    processId: world.processId,
    startedAt: world.now().toISOString(),
    folder: place.folder,
    serverUrl: server.url,
    endpoints: Object.fromEntries(server.endpoints.map(({ name, url }) => [name, url])),
    staticChallenge,
    controlUrl: host.controlUrl,
    microsoftUrl: host.microsoftUrl,
    tlsCaFile: host.tlsCaFile,
    rootCertificateFile,
    caFingerprint: thumbprint(issuingCertificate, 'sha256'),
    logFile: join(place.folder, logFile),
  };
  await writeRecord(place.folder, recordFiles.demo, record);
  return record;
}

function endpointUrl(server: RunningServer, name: string): string {
  const endpoint = server.endpoints.find((candidate) => candidate.name === name);
  if (endpoint === undefined) throw new Error(`The demo's server has no endpoint ${name}.`);
  return endpoint.url;
}
