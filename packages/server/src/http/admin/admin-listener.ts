/** The listener of the admin API: a port of its own, never that of SCEP. */
import { getRequestListener } from '@hono/node-server';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeServer } from '../http-server.ts';
import type { ListeningServer } from '../http-server.ts';
import { createAdminApp } from './admin-app.ts';
import type { AdminAppOptions } from './admin-app.ts';

export interface AdminListenerOptions extends AdminAppOptions {
  readonly host: string;
  readonly port: number;
}

/** Administrators and MDMs are few; more connections than this are somebody's mistake. */
const MOST_CONNECTIONS = 256;
const REQUEST_TIMEOUT_MS = 10_000;

/** @throws what `node:http` throws when it cannot listen there */
export async function listenForAdministrators(options: AdminListenerOptions): Promise<ListeningServer> {
  const app = createAdminApp(options);
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const timeouts = {
    headersTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 2,
    keepAliveTimeout: 5_000,
  };
  const server = createServer(timeouts, (request, response) => void listener(request, response));
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { port: (server.address() as AddressInfo).port, close: (drainMs) => closeServer(server, drainMs) };
}
