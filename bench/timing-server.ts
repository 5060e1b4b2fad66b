/** A server with one endpoint and one crypto worker, for `timing.ts`. */
import { createLogger, parseSettings, startServer } from '@scepter/server';
import type { RunningServer } from '@scepter/server';
import { randomBytes } from 'node:crypto';
import { serveParent } from './child.ts';

let server: RunningServer | undefined;

const methods = {
  start: async ({ dataFolder }: { dataFolder: string }): Promise<{ url: string }> => {
    const settings = parseSettings(
      {
        listen: { port: 0 },
        dataFolder,
        authority: { organization: 'Bench' },
        endpoints: { static: { authorizer: { kind: 'static-challenge', challenge: { environment: 'CHALLENGE' } } } },
        limits: {
          workers: 1,
          requestsPerMinute: 10_000_000,
          requestsPerMinutePerAddress: 10_000_000,
          requestBurstPerAddress: 1_000_000,
        },
      },
      { baseFolder: dataFolder, environment: { CHALLENGE: randomBytes(16).toString('hex') } },
    );
    server = await startServer({
      settings,
      now: () => new Date(),
      randomBytes,
      logger: createLogger({ destination: { write: () => true }, pretty: false, level: 'error' }),
    });
    return { url: `${server.url}/scep/static` };
  },
};
export type TimingServer = typeof methods;

serveParent(methods, async () => server?.close());
