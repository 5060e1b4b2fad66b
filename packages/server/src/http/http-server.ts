/** The listener: routes, limits, and one answer for what went wrong inside. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { send, textAnswer } from './exchange.ts';
import type { Answer } from './exchange.ts';

/** Gets the path behind the route's prefix and the query as sent. */
export type Route = (request: IncomingMessage, suffix: string, rawQuery: string) => Promise<Answer> | Answer;

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  /** By path prefix; the first that fits. */
  readonly routes: readonly (readonly [prefix: string, route: Route])[];
  readonly requestTimeoutMs: number;
  readonly onUnexpectedError: (error: unknown) => void;
  /** Hears of every answer that is not a success. */
  readonly onRefused: (answer: Answer, address: string | undefined) => void;
}

/** GET messages live in the URL: 48 KB of base64 for the largest request, and room for a proxy's headers. */
const HEADER_BYTES = 96 * 1024;

export interface ListeningServer {
  readonly port: number;
  /** Stops listening and resolves when the requests in work are answered, or after `drainMs`. */
  close(drainMs: number): Promise<void>;
}

export async function listen(options: HttpServerOptions): Promise<ListeningServer> {
  const server = createServer(
    {
      // Cisco and strongSwan send no Host header.
      requireHostHeader: false,
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: options.requestTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(options.requestTimeoutMs, 5_000),
      keepAliveTimeout: 15_000,
    },
    (request, response) => void respond(request, response, options),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { port: (server.address() as AddressInfo).port, close: (drainMs) => close(server, drainMs) };
}

async function respond(request: IncomingMessage, response: ServerResponse, options: HttpServerOptions): Promise<void> {
  try {
    const answer = await route(request, options);
    if (answer.status >= 400) options.onRefused(answer, request.socket.remoteAddress);
    send(response, answer);
  } catch (error) {
    // A client that went away is not our error, and cannot be answered.
    if (request.destroyed && !request.complete) return;
    options.onUnexpectedError(error);
    if (!response.headersSent) send(response, textAnswer(500, 'Something failed.'));
  }
}

async function route(request: IncomingMessage, options: HttpServerOptions): Promise<Answer> {
  // RFC 9112 3.2.2: the absolute form, which proxies send, must be taken too.
  const url = (request.url ?? '/').replace(/^https?:\/\/[^/?]*/i, '');
  const question = url.indexOf('?');
  const path = question === -1 ? url : url.slice(0, question);
  const rawQuery = question === -1 ? '' : url.slice(question + 1);
  for (const [prefix, handle] of options.routes) {
    if (path.startsWith(prefix)) return handle(request, path.slice(prefix.length), rawQuery);
  }
  return textAnswer(404, 'Not found.');
}

/** Idle connections go at once; `closeIdleConnections` leaves those that wait for an answer of ours. */
async function close(server: Server, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const forced = setTimeout(() => server.closeAllConnections(), drainMs);
  // A connection that falls idle while the server is closing would otherwise be kept for its keep-alive time.
  const sweep = setInterval(() => server.closeIdleConnections(), 100);
  await closed;
  clearTimeout(forced);
  clearInterval(sweep);
}
