/** Our server as it is in production: every part, SQLite with durable commits, two crypto workers, no log output. */
import { createCertificateProfile } from '@scepter/ca';
import type { Connection } from '@scepter/intune-emulator';
import { createLogger, startServer } from '@scepter/server';
import type { RunningServer, Settings } from '@scepter/server';
import { randomBytes } from 'node:crypto';
import { serveParent } from './child.ts';

export interface BenchServerOptions {
  readonly port: number;
  readonly dataFolder: string;
  readonly staticChallenge: string;
  readonly workers: number;
  readonly connection: Connection;
  /** PEM. */
  readonly tlsCa: string;
}

export interface BenchServerUrls {
  readonly static: string;
  readonly intune: string;
}

const minuteMs = 60_000;
let server: RunningServer | undefined;

const methods = {
  start: async (options: BenchServerOptions): Promise<BenchServerUrls> => {
    server = await startServer({
      settings: settingsOf(options),
      now: () => new Date(),
      randomBytes,
      logger: createLogger({ destination: { write: () => true }, pretty: false, level: 'warn' }),
    });
    return { static: `${server.url}/scep/static`, intune: `${server.url}/scep/intune` };
  },
  /** Processor time so far, of all threads. */
  cpuMs: async (): Promise<number> => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  /** How many certificates the store says have been handed out. */
  released: async (): Promise<number> => (await server?.store.summary())?.enrollments.released ?? 0,
};
export type BenchServer = typeof methods;

serveParent(methods, async () => server?.close());

function settingsOf(options: BenchServerOptions): Settings {
  const { port, connection, staticChallenge } = options;
  const publicUrl = `http://127.0.0.1:${port}`;
  const certificateProfile = createCertificateProfile({ crlUrls: [`${publicUrl}/crl/issuing.crl`] });
  return {
    listen: { host: '127.0.0.1', port, trustedProxies: [] },
    publicUrl,
    dataFolder: options.dataFolder,
    masterSecret: undefined,
    authority: {
      organization: 'Bench',
      commonNamePrefix: 'Bench',
      keys: { root: 'rsa-3072', issuing: 'rsa-2048', registration: 'rsa-2048' },
      registration: 'separate',
    },
    admin: { listen: { host: '127.0.0.1', port: 0 }, tokens: [] },
    connections: [
      {
        name: 'emulator',
        tenantId: connection.tenantId,
        credential: { clientId: connection.clientId, clientSecret: connection.clientSecret },
        cloud: 'public',
        authorityUrl: connection.authorityUrl,
        graphUrl: connection.graphUrl,
        intuneResource: connection.intuneResource,
        tls: { ca: options.tlsCa },
        proxy: undefined,
        allowLoopback: true,
        timeoutMs: 20_000,
        attemptTimeoutMs: undefined,
      },
    ],
    endpoints: [
      {
        name: 'static',
        authorizer: { kind: 'static-challenge', challenge: staticChallenge },
        certificateProfile,
        algorithms: 'modern',
        renewal: true,
        weakRenewal: false,
        caCertificates: undefined,
        replyCertificates: 'leaf',
      },
      {
        name: 'intune',
        authorizer: { kind: 'intune', connection: 'emulator' },
        certificateProfile,
        algorithms: 'modern',
        renewal: false,
        weakRenewal: false,
        caCertificates: undefined,
        replyCertificates: 'leaf',
      },
    ],
    limits: {
      bodyBytes: 65_536,
      requestTimeoutMs: 30_000,
      workerTimeoutMs: 10_000,
      workers: options.workers,
      concurrentRequests: 256,
      // Everything comes from one address here.
      concurrentRequestsPerAddress: 256,
      requestsPerMinute: 10_000_000,
      requestsPerMinutePerAddress: 10_000_000,
      requestBurstPerAddress: 1_000_000,
      connections: 2048,
      connectionsPerAddress: 2048,
      keepAliveMs: 15_000,
      minimumBytesPerSecond: 512,
      wrongChallengesPerAddress: 60,
      withheldClaimMs: 60 * minuteMs,
      crlValidityMs: 24 * 60 * minuteMs,
    },
  };
}
