/** A listener with limits and nothing behind them, and clients with addresses of their own. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { listen } from '../../../src/http/http-server.ts';
import type { ListeningServer, Route } from '../../../src/http/http-server.ts';
import { Guard } from '../../../src/http/limits/guard.ts';
import type { HttpLimits, ReachedLimit } from '../../../src/http/limits/guard.ts';

/** Wide enough for none to be met by accident. */
const wideLimits: HttpLimits = {
  requestTimeoutMs: 5_000,
  keepAliveMs: 15_000,
  minimumBytesPerSecond: 512,
  connections: 1_000,
  connectionsPerAddress: 1_000,
  requestsPerMinute: 1_000_000,
  requestsPerMinutePerAddress: 1_000_000,
  requestBurstPerAddress: 100_000,
};

export interface Listener {
  readonly port: number;
  readonly reached: [limit: ReachedLimit, address: string][];
  readonly refused: [status: number, address: string][];
  readonly unexpected: unknown[];
  readonly guard: Guard;
  close(): Promise<void>;
}

export async function openListener(
  routes: Readonly<Record<string, Route>>,
  limits: Partial<HttpLimits> = {},
  trustedProxies: readonly string[] = [],
): Promise<Listener> {
  const reached: Listener['reached'] = [];
  const refused: Listener['refused'] = [];
  const unexpected: unknown[] = [];
  const guard = new Guard({
    limits: { ...wideLimits, ...limits },
    trustedProxies,
    onLimitReached: (limit, address) => reached.push([limit, address]),
    monotonicMs: () => performance.now(),
  });
  const server: ListeningServer = await listen({
    host: '127.0.0.1',
    port: 0,
    routes: Object.entries(routes),
    limits: { ...wideLimits, ...limits },
    guard,
    onUnexpectedError: (error) => unexpected.push(error),
    onRefused: ({ status }, address) => refused.push([status, address]),
  });
  return { port: server.port, reached, refused, unexpected, guard, close: () => server.close(100) };
}

/** Linux has all of 127.0.0.0/8; elsewhere only 127.0.0.1 is there without being set up. */
export const needsAddresses = process.platform === 'linux' ? false : 'needs several addresses on loopback';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Asked {
  readonly port: number;
  readonly path?: string;
  readonly from?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** One request on a connection of its own. */
export function ask({
  port,
  path = '/',
  from = '127.0.0.1',
  method = 'GET',
  headers = {},
  body,
}: Asked): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port, path, method, headers, localAddress: from, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

export interface RawConnection {
  readonly socket: Socket;
  received(): string;
  readonly closed: Promise<void>;
  isOpen(): boolean;
}

/** A connection that does as it is told. */
export async function openRaw(port: number, from = '127.0.0.1'): Promise<RawConnection> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from });
  let text = '';
  let open = true;
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  // It is the point of these tests that the server resets connections.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) =>
    socket.once('close', () => {
      open = false;
      resolve();
    }),
  );
  await once(socket, 'connect').catch(() => closed);
  return { socket, received: () => text, closed, isOpen: () => open };
}

export function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
