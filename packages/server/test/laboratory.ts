/** A server, an emulated Intune and devices in one test: real sockets, real SQLite, real HTTPS to the emulator. */
import { EmulatorControl, startEmulatorHost } from '@scepter/intune-emulator';
import type { EmulatorHost } from '@scepter/intune-emulator';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, parseSettings, startServer } from '../src/index.ts';
import type { RunningServer, ServerOptions, Settings, StepReport } from '../src/index.ts';

export const STATIC_CHALLENGE = 'a challenge that many devices share';

export interface Laboratory {
  readonly folder: string;
  readonly emulator: EmulatorHost;
  readonly control: EmulatorControl;
  readonly steps: StepReport[];
  /** Everything that was logged, as JSON lines. */
  readonly log: string[];
  server: RunningServer;
  /** The server's clock. */
  now(): Date;
  /** Moves the server's clock. */
  advanceMs(durationMs: number): void;
  settings(port?: number): Promise<Settings>;
  /** Stops the server and starts it again on the same folder. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface LaboratoryOptions {
  /** Merged over the settings' `limits`. */
  readonly limits?: Readonly<Record<string, number>>;
  /** Added to the endpoints. */
  readonly endpoints?: Readonly<Record<string, unknown>>;
  /** Merged over the setting `authority`. */
  readonly authority?: Readonly<Record<string, unknown>>;
  /** The setting `admin`. */
  readonly admin?: unknown;
  /** The setting `listen.trustedProxies`. */
  readonly trustedProxies?: readonly string[];
  /** Secrets that these settings take from the environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly intuneTimeoutMs?: number;
  readonly onStep?: (report: StepReport) => void;
  /** The application's secret is in `client.secret` in the folder, and not in the environment. */
  readonly secretInFile?: boolean;
  /** Without it, `server` is not started. */
  readonly start?: boolean;
}

export async function openLaboratory(options: LaboratoryOptions = {}): Promise<Laboratory> {
  const folder = mkdtempSync(join(tmpdir(), 'scepter-server-'));
  const emulator = await startEmulatorHost({
    microsoftPort: 0,
    controlPort: 0,
    folder: join(folder, 'emulator'),
    now: () => new Date(),
    randomBytes,
  });
  const control = new EmulatorControl({ url: emulator.controlUrl, fetch });
  if (options.secretInFile) writeFileSync(join(folder, 'client.secret'), (await control.connection()).clientSecret);
  let offsetMs = 0;
  const log: string[] = [];
  const steps: StepReport[] = [];

  const settings = async (port = 0): Promise<Settings> =>
    parseSettings(await settingsJson(control, port, options), context(folder));
  const start = async (): Promise<RunningServer> => {
    const serverOptions: ServerOptions = {
      settings: await settings(),
      now: () => new Date(Date.now() + offsetMs),
      randomBytes,
      logger: createLogger({ destination: { write: (line) => log.push(line) }, pretty: false, level: 'info' }),
      onStep: (report) => {
        steps.push(report);
        options.onStep?.(report);
      },
    };
    return startServer(serverOptions);
  };

  const laboratory: Laboratory = {
    folder,
    emulator,
    control,
    steps,
    log,
    server: await start(),
    now: () => new Date(Date.now() + offsetMs),
    advanceMs: (durationMs) => {
      offsetMs += durationMs;
    },
    settings,
    restart: async () => {
      await laboratory.server.close();
      laboratory.server = await start();
    },
    close: async () => {
      await laboratory.server.close();
      await emulator.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return laboratory;
}

export async function settingsJson(
  control: EmulatorControl,
  port: number,
  options: LaboratoryOptions = {},
): Promise<unknown> {
  const { tenantId, clientId, clientSecret, authorityUrl, graphUrl, intuneResource, tlsCaFile } =
    await control.connection();
  Object.assign(secrets, { INTUNE_SECRET: clientSecret }, options.environment);
  return {
    listen: { host: '127.0.0.1', port, trustedProxies: options.trustedProxies ?? [] },
    publicUrl: 'http://127.0.0.1:1',
    dataFolder: 'data',
    authority: { organization: 'Laboratory', ...options.authority },
    connections: {
      laboratory: {
        tenantId,
        clientId,
        clientSecret: options.secretInFile ? { file: 'client.secret' } : { environment: 'INTUNE_SECRET' },
        authorityUrl,
        graphUrl,
        intuneResource,
        tlsCaFile,
        allowLoopback: true,
        timeoutMs: options.intuneTimeoutMs ?? 2_000,
      },
    },
    endpoints: {
      intune: { authorizer: { kind: 'intune', connection: 'laboratory' } },
      static: {
        authorizer: { kind: 'static-challenge', challenge: { environment: 'STATIC_CHALLENGE' } },
        algorithms: 'compatible',
      },
      other: { authorizer: { kind: 'static-challenge', challenge: { environment: 'STATIC_CHALLENGE' } } },
      legacy: {
        authorizer: { kind: 'static-challenge', challenge: { environment: 'STATIC_CHALLENGE' } },
        algorithms: 'legacy',
      },
      ...options.endpoints,
    },
    admin: options.admin ?? {},
    limits: { ...options.limits },
  };
}

const secrets: Record<string, string> = { STATIC_CHALLENGE };

export function context(folder: string): Parameters<typeof parseSettings>[1] {
  return { baseFolder: folder, environment: secrets };
}

/** The text of every file in the data folder, for searching what must not be there. */
export function readDataFolder(files: readonly string[]): string {
  return files.map((file) => readFileSync(file, 'latin1')).join('\n');
}
