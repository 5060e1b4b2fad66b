/** The doctor beside an emulator of Entra, Graph and Intune, both over real HTTPS. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulatorHost, type EmulatorHost } from '@scepter/intune-emulator';
import type { ConnectionCheck, ConnectionCheckName, ConnectionReport, IntuneClientOptions } from '../../src/index.ts';

export interface Desk {
  readonly host: EmulatorHost;
  readonly folder: string;
  options(
    changes?: Partial<IntuneClientOptions>,
  ): Promise<
    IntuneClientOptions & { readonly credential: { readonly clientId: string; readonly clientSecret: string } }
  >;
  close(): Promise<void>;
}

export async function openDesk(now: () => Date = () => new Date()): Promise<Desk> {
  const folder = await mkdtemp(join(tmpdir(), 'scepter-doctor-'));
  const host = await startEmulatorHost({
    microsoftPort: 0,
    controlPort: 0,
    folder: join(folder, 'emulator'),
    now,
    randomBytes: (size) => randomBytes(size),
  });
  return {
    host,
    folder,
    options: async (changes = {}) => {
      const { tenantId, clientId, clientSecret, authorityUrl, graphUrl, intuneResource } =
        await host.emulator.control.connection();
      return {
        tenant: tenantId,
        credential: { clientId, clientSecret },
        callerInfo: 'Test CA 1.0',
        authority: authorityUrl,
        graphUrl,
        intuneResource,
        tls: { ca: host.tlsCaPem },
        allowLoopback: true,
        timeoutMs: 5000,
        ...changes,
      } as Awaited<ReturnType<Desk['options']>>;
    },
    close: async () => {
      await host.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One check of a report. */
export function findCheck({ checks }: ConnectionReport, name: ConnectionCheckName): ConnectionCheck {
  const check = checks.find((each) => each.name === name);
  if (check === undefined) throw new Error(`There is no check ${name}`);
  return check;
}

/** The names of the checks in one state. */
export function inState({ checks }: ConnectionReport, state: ConnectionCheck['state']): ConnectionCheckName[] {
  return checks.filter((check) => check.state === state).map(({ name }) => name);
}
