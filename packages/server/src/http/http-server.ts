/** The listener: routes, limits, and one answer for what went wrong inside. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { send, textAnswer } from './exchange.ts';
import type { Answer } from './exchange.ts';
import type { ClientAddress } from './limits/client-address.ts';
import type { Guard, HttpLimits } from './limits/guard.ts';

/** Gets the path behind the route's prefix, the query as sent, and who asks. */
export type Route = (
  request: IncomingMessage,
  suffix: string,
  rawQuery: string,
  client: ClientAddress,
) => Promise<Answer> | Answer;

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  /** By path prefix; the first that fits. */
  readonly routes: readonly (readonly [prefix: string, route: Route])[];
  readonly limits: HttpLimits;
  readonly guard: Guard;
  readonly onUnexpectedError: (error: unknown) => void;
  /** Hears of every answer that is not a success. */
  readonly onRefused: (answer: Answer, address: string) => void;
}

/** GET messages live in the URL: 48 KB of base64 for the largest request, and room for a proxy's headers. */
const HEADER_BYTES = 96 * 1024;
/** Connections that are closed already and not yet gone from the system's count. */
const CLOSING_CONNECTIONS = 256;

export interface ListeningServer {
  readonly port: number;
  /** Stops listening and resolves when the requests in work are answered, or after `drainMs`. */
  close(drainMs: number): Promise<void>;
}

export async function listen(options: HttpServerOptions): Promise<ListeningServer> {
  const { limits, guard } = options;
  const server = createServer(
    {
      // Cisco and strongSwan send no Host header.
      requireHostHeader: false,
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: limits.requestTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(limits.requestTimeoutMs / 2, 1_000),
      keepAliveTimeout: limits.keepAliveMs,
    },
    (request, response) => void respond(request, response, options),
  );
  server.prependListener('connection', (socket: Socket) => guard.connected(socket));
  server.on('drop', (dropped) => guard.dropped(dropped?.remoteAddress));
  server.maxConnections = limits.connections + CLOSING_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { port: (server.address() as AddressInfo).port, close: (drainMs) => closeServer(server, drainMs) };
}

async function respond(request: IncomingMessage, response: ServerResponse, options: HttpServerOptions): Promise<void> {
  const { guard } = options;
  const client = guard.clientOf(request);
  if (request.method === 'POST') request.once('end', () => guard.owe(request.socket, response));
  else guard.owe(request.socket, response);
  try {
    const answer = await answerTo(request, client, options);
    if (answer.status >= 400 && !answer.limited) options.onRefused(answer, client.text);
    guard.limitSending(response, answer.body.length);
    send(response, answer);
  } catch (error) {
    // A client that went away is not our error, and cannot be answered.
    if (request.destroyed && !request.complete) return;
    options.onUnexpectedError(error);
    if (!response.headersSent) send(response, textAnswer(500, 'Something failed.'));
  }
}

async function answerTo(
  request: IncomingMessage,
  client: ClientAddress,
  { guard, routes }: HttpServerOptions,
): Promise<Answer> {
  // RFC 9112 3.2.2: the absolute form, which proxies send, must be taken too.
  const url = (request.url ?? '/').replace(/^https?:\/\/[^/?]*/i, '');
  const question = url.indexOf('?');
  const path = question === -1 ? url : url.slice(0, question);
  const rawQuery = question === -1 ? '' : url.slice(question + 1);
  // Whoever supervises us must not take this process away from the others because many are asking.
  const refusal = guard.refusalOf(request, client, { overall: path !== '/health' });
  if (refusal !== undefined) return refusal;
  for (const [prefix, handle] of routes) {
    if (path.startsWith(prefix)) return handle(request, path.slice(prefix.length), rawQuery, client);
  }
  return textAnswer(404, 'Not found.');
}

/** Idle connections go at once; `closeIdleConnections` leaves those that wait for an answer of ours. */
export async function closeServer(server: Server, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const forced = setTimeout(() => server.closeAllConnections(), drainMs);
  // A connection that falls idle while the server is closing would otherwise be kept for its keep-alive time.
  const sweep = setInterval(() => server.closeIdleConnections(), 100);
  await closed;
  clearTimeout(forced);
  clearInterval(sweep);
}
