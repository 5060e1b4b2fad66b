/** A server of ours with endpoints of every kind that the probe can tell apart. */
import { createLogger, parseSettings, startServer } from '@scepter/server';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const challenge = 'a challenge that many devices share';

export interface OurServer {
  readonly url: string;
  close(): Promise<void>;
}

const secret = { environment: 'CHALLENGE' };

/** Endpoints `modern`, `compatible` and `legacy`, all with the one challenge; more by `endpoints`. */
export async function startOurServer(
  overrides: { readonly authority?: object; readonly endpoints?: object } = {},
): Promise<OurServer> {
  const folder = await mkdtemp(join(tmpdir(), 'scepter-probe-'));
  const authorizer = { kind: 'static-challenge', challenge: secret };
  const settings = parseSettings(
    {
      listen: { host: '127.0.0.1', port: 0 },
      publicUrl: 'http://127.0.0.1:1',
      dataFolder: 'data',
      authority: { organization: 'Probed', ...overrides.authority },
      connections: {},
      endpoints: {
        modern: { authorizer, algorithms: 'modern' },
        compatible: { authorizer, algorithms: 'compatible' },
        legacy: { authorizer, algorithms: 'legacy' },
        ...overrides.endpoints,
      },
    },
    { baseFolder: folder, environment: { CHALLENGE: challenge } },
  );
  const server = await startServer({
    settings,
    now: () => new Date(),
    randomBytes,
    logger: createLogger({ destination: { write: () => true }, pretty: false, level: 'silent' }),
  });
  return {
    url: server.url,
    close: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
