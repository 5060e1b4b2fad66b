/**
 * A whole server of ours, and an Intune emulator beside it, for other people's clients: free loopback ports, everything
 * it keeps in a temporary folder, nothing left behind.
 *
 *     /scep/intune   floor `modern`      challenges of the emulator
 *     /scep/static   floor `compatible`  one challenge for all, renewal
 *     /scep/legacy   floor `legacy`      one challenge for all, renewal
 *     /scep/manual   floor `compatible`  a person approves
 *     /scep/one-time floor `modern`      challenges from the admin API
 */
import { EmulatorControl, startEmulatorHost } from '@scepter/intune-emulator';
import type { EmulatorHost } from '@scepter/intune-emulator';
import { createLogger, parseSettings, startServer } from '@scepter/server';
import type { RunningServer, Settings, StepReport } from '@scepter/server';
import { encodePem } from '@scepter/x509';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

export type EndpointName = 'intune' | 'static' | 'legacy' | 'manual' | 'one-time';

export interface InteropServer {
  readonly urls: Readonly<Record<EndpointName, string>>;
  readonly staticChallenge: string;
  /** PEM files. */
  readonly rootFile: string;
  readonly issuingFile: string;
  readonly registrationFile: string;
  /** Every step of every enrollment so far. */
  readonly steps: readonly StepReport[];
  /** How many certificates the store holds, handed out or not. */
  issuedCertificates(): Promise<number>;
  /** What the certificate with this serial number (upper-case hex) was given for. */
  authorizationOf(serialNumber: string): Promise<Authorization | undefined>;
  /** A fresh Intune challenge for a request with this subject and no alternative name. */
  intuneChallenge(subject: string): Promise<string>;
  /** The admin API: its answer, when it is a success. */
  administer(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** A new folder for one client, removed at the end. */
  clientFolder(name: string): Promise<string>;
  close(): Promise<void>;
}

/** For a renewal with the serial number of the certificate that it replaces. */
export type Authorization = NonNullable<
  Awaited<ReturnType<RunningServer['store']['findBySerialNumber']>>
>['authorization'];

/** What the CA is like, as the configuration says it. */
export interface InteropAuthority {
  readonly keys?: { readonly root?: string; readonly issuing?: string };
  readonly registration?: 'separate' | 'none';
}

/** Starts the emulator, then the server that is connected to it. */
export async function startInteropServer(authority: InteropAuthority = {}): Promise<InteropServer> {
  // Short, because a Unix socket's path, certmonger's, has at most 107 characters.
  const folder = await mkdtemp(join(tmpdir(), 'scepter-interop-'));
  const started: { close(): Promise<void> }[] = [{ close: () => rm(folder, { recursive: true, force: true }) }];
  const close = async (): Promise<void> => {
    for (const part of started.toReversed()) await part.close();
  };
  try {
    const now = (): Date => new Date();
    const emulator = await startEmulatorHost({
      microsoftPort: 0,
      controlPort: 0,
      folder: join(folder, 'emulator'),
      now,
      randomBytes,
    });
    started.push(emulator);
    const staticChallenge = randomBytes(12).toString('hex');
    const settings = await interopSettings(folder, emulator, { staticChallenge, authority });
    const steps: StepReport[] = [];
    const server = await startServer({
      settings,
      now,
      randomBytes,
      logger: createLogger({ destination: { write: () => true }, pretty: false, level: 'silent' }),
      onStep: (report) => steps.push(report),
    });
    started.push(server);
    return { ...(await describe(folder, server, emulator)), staticChallenge, steps, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function describe(
  folder: string,
  server: RunningServer,
  emulator: EmulatorHost,
): Promise<Omit<InteropServer, 'staticChallenge' | 'steps' | 'close'>> {
  const control = new EmulatorControl({ url: emulator.controlUrl, fetch });
  const certificateFile = async (name: string, certificate: Uint8Array): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, encodePem('CERTIFICATE', certificate));
    return path;
  };
  const { rootCertificate, issuingCertificate, registrationCertificate } = server.authority;
  return {
    urls: Object.fromEntries(server.endpoints.map(({ name, url }) => [name, url])) as InteropServer['urls'],
    administer: (method, path, body) => administer(join(folder, 'server', 'admin.json'), method, path, body),
    rootFile: await certificateFile('root.pem', rootCertificate),
    issuingFile: await certificateFile('issuing.pem', issuingCertificate),
    registrationFile: await certificateFile('registration.pem', registrationCertificate),
    issuedCertificates: async () => {
      const { enrollments } = await server.store.summary();
      return enrollments.withheld + enrollments.released + enrollments.revoked;
    },
    authorizationOf: async (serialNumber) => (await server.store.findBySerialNumber(serialNumber))?.authorization,
    intuneChallenge: async (subject) => {
      const [challenge] = await control.createChallenges({ subject });
      if (challenge === undefined) throw new Error('The emulator minted no challenge.');
      return challenge;
    },
    clientFolder: (name) => mkdtemp(join(folder, `${name}-`)),
  };
}

async function administer(
  recordFile: string,
  method: string,
  path: string,
  body: unknown = {},
): Promise<Record<string, unknown>> {
  const { url, token } = JSON.parse(await readFile(recordFile, 'utf8')) as { url: string; token: string };
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
  return JSON.parse(answer) as Record<string, unknown>;
}

async function interopSettings(
  folder: string,
  emulator: EmulatorHost,
  { staticChallenge, authority }: { staticChallenge: string; authority: InteropAuthority },
): Promise<Settings> {
  const port = await freePort();
  const connection = await new EmulatorControl({ url: emulator.controlUrl, fetch }).connection();
  const { tenantId, clientId, authorityUrl, graphUrl, intuneResource, tlsCaFile } = connection;
  const sharedChallenge = { kind: 'static-challenge', challenge: { environment: 'STATIC_CHALLENGE' } };
  const configuration = {
    listen: { host: '127.0.0.1', port },
    dataFolder: 'server',
    authority: { organization: 'Interop', ...authority },
    connections: {
      emulator: {
        tenantId,
        clientId,
        authorityUrl,
        graphUrl,
        intuneResource,
        tlsCaFile,
        clientSecret: { environment: 'CLIENT_SECRET' },
        allowLoopback: true,
        timeoutMs: 10_000,
      },
    },
    endpoints: {
      intune: { authorizer: { kind: 'intune', connection: 'emulator' } },
      static: { authorizer: sharedChallenge, algorithms: 'compatible' },
      legacy: { authorizer: sharedChallenge, algorithms: 'legacy', renewal: true },
      manual: { authorizer: { kind: 'manual' }, algorithms: 'compatible' },
      'one-time': { authorizer: { kind: 'one-time-challenge' } },
    },
    // Everything comes from one address here.
    limits: {
      concurrentRequestsPerAddress: 256,
      requestsPerMinute: 1_000_000,
      requestsPerMinutePerAddress: 1_000_000,
      requestBurstPerAddress: 100_000,
    },
  };
  const environment = { CLIENT_SECRET: connection.clientSecret, STATIC_CHALLENGE: staticChallenge };
  return parseSettings(configuration, { baseFolder: folder, environment });
}
