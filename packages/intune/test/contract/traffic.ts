/**
 * What really arrives at a server of this process, as Node itself reports it: neither the client under test nor the
 * emulator has a hand in the counting.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

const requestChannel = 'http.server.request.start';
const connectionChannel = 'net.server.socket';

export type ArrivedOperation =
  | 'token'
  | 'managedIdentity'
  | 'discovery'
  | 'validateRequest'
  | 'successNotification'
  | 'failureNotification'
  | 'downloadRevocationRequests'
  | 'uploadRevocationResults'
  | 'other';

export interface ArrivedRequest {
  readonly operation: ArrivedOperation;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export class Traffic {
  readonly requests: ArrivedRequest[] = [];
  /** TCP connections accepted so far. */
  connections = 0;
  readonly #ports: ReadonlySet<number>;

  /** Listens from now on to what arrives at these ports of this machine. */
  constructor(...urls: readonly string[]) {
    this.#ports = new Set(urls.map((url) => Number(new URL(url).port)));
    subscribe(requestChannel, this.#onRequest);
    subscribe(connectionChannel, this.#onConnection);
  }

  count(operation: ArrivedOperation): number {
    return this.requests.filter((request) => request.operation === operation).length;
  }

  /** How often each operation was asked for, without those that were not. */
  counts(): Partial<Record<ArrivedOperation, number>> {
    const counts: Partial<Record<ArrivedOperation, number>> = {};
    for (const { operation } of this.requests) {
      counts[operation] = (counts[operation] ?? 0) + 1;
    }
    return counts;
  }

  of(operation: ArrivedOperation): ArrivedRequest[] {
    return this.requests.filter((request) => request.operation === operation);
  }

  /** Every bearer token that has arrived. */
  tokens(): string[] {
    const sent = this.requests.map(({ headers }) => headers.authorization?.replace(/^Bearer /, ''));
    return [...new Set(sent.filter((token) => token !== undefined))];
  }

  clear(): void {
    this.requests.length = 0;
    this.connections = 0;
  }

  stop(): void {
    unsubscribe(requestChannel, this.#onRequest);
    unsubscribe(connectionChannel, this.#onConnection);
  }

  readonly #onRequest = (message: unknown): void => {
    const { request } = message as { request: IncomingMessage };
    if (this.#ports.has(request.socket.localPort ?? 0)) {
      const path = request.url ?? '';
      this.requests.push({ operation: operationOf(path), path, headers: request.headers });
    }
  };

  readonly #onConnection = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    if (this.#ports.has(socket.localPort ?? 0)) {
      this.connections += 1;
    }
  };
}

const actions: readonly ArrivedOperation[] = [
  'validateRequest',
  'successNotification',
  'failureNotification',
  'downloadRevocationRequests',
  'uploadRevocationResults',
];

function operationOf(path: string): ArrivedOperation {
  const { pathname } = new URL(path, 'https://host.example');
  if (pathname.endsWith('/oauth2/v2.0/token')) return 'token';
  if (pathname.startsWith('/metadata/identity/') || pathname.startsWith('/msi/')) return 'managedIdentity';
  if (pathname.includes('/servicePrincipals/') || pathname.includes('/servicePrincipals(')) return 'discovery';
  return actions.find((action) => pathname.endsWith(`/${action}`)) ?? 'other';
}
