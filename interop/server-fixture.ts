/**
 * A whole server of ours, and an Intune emulator beside it, for other people's clients: free loopback ports, everything
 * it keeps in a temporary folder, nothing left behind.
 *
 *     /scep/intune   floor `modern`      challenges of the emulator
 *     /scep/static   floor `compatible`  one challenge for all, renewal
 *     /scep/legacy   floor `legacy`      one challenge for all, renewal
 */
import { createCertificateProfile } from '@scepter/ca';
import { EmulatorControl, startEmulatorHost } from '@scepter/intune-emulator';
import type { EmulatorHost } from '@scepter/intune-emulator';
import { createLogger, startServer } from '@scepter/server';
import type { RunningServer, Settings, StepReport } from '@scepter/server';
import { encodePem } from '@scepter/x509';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

export type EndpointName = 'intune' | 'static' | 'legacy';

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
  /** A new folder for one client, removed at the end. */
  clientFolder(name: string): Promise<string>;
  close(): Promise<void>;
}

/** For a renewal with the serial number of the certificate that it replaces. */
export type Authorization = NonNullable<
  Awaited<ReturnType<RunningServer['store']['findBySerialNumber']>>
>['authorization'];

const minuteMs = 60_000;

/** Starts the emulator, then the server that is connected to it. */
export async function startInteropServer(): Promise<InteropServer> {
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
    const settings = await interopSettings(folder, emulator, staticChallenge);
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
    urls: {
      intune: `${server.url}/scep/intune`,
      static: `${server.url}/scep/static`,
      legacy: `${server.url}/scep/legacy`,
    },
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

async function interopSettings(folder: string, emulator: EmulatorHost, staticChallenge: string): Promise<Settings> {
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const connection = await new EmulatorControl({ url: emulator.controlUrl, fetch }).connection();
  const certificateProfile = createCertificateProfile({ crlUrls: [`${publicUrl}/crl/issuing.crl`] });
  return {
    listen: { host: '127.0.0.1', port },
    publicUrl,
    dataFolder: join(folder, 'server'),
    masterSecret: undefined,
    authority: { organization: 'Interop', commonNamePrefix: 'Interop' },
    connections: [
      {
        name: 'emulator',
        tenantId: connection.tenantId,
        credential: { clientId: connection.clientId, clientSecret: connection.clientSecret },
        cloud: 'public',
        authorityUrl: connection.authorityUrl,
        graphUrl: connection.graphUrl,
        intuneResource: connection.intuneResource,
        tls: { ca: emulator.tlsCaPem },
        proxy: undefined,
        allowLoopback: true,
        timeoutMs: 10_000,
        attemptTimeoutMs: undefined,
      },
    ],
    endpoints: [
      {
        name: 'intune',
        authorizer: { kind: 'intune', connection: 'emulator' },
        certificateProfile,
        algorithms: 'modern',
        renewal: false,
      },
      {
        name: 'static',
        authorizer: { kind: 'static-challenge', challenge: staticChallenge },
        certificateProfile,
        algorithms: 'compatible',
        renewal: true,
      },
      {
        name: 'legacy',
        authorizer: { kind: 'static-challenge', challenge: staticChallenge },
        certificateProfile,
        algorithms: 'legacy',
        renewal: true,
      },
    ],
    limits: {
      bodyBytes: 65_536,
      requestTimeoutMs: 30_000,
      workerTimeoutMs: 10_000,
      workers: 2,
      concurrentRequests: 256,
      withheldClaimMs: 60 * minuteMs,
      crlValidityMs: 24 * 60 * minuteMs,
    },
  };
}
