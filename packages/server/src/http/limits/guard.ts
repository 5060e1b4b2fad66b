/** Everything that keeps one client from taking the listener away from the others, in one place. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { textAnswer } from '../exchange.ts';
import type { Answer } from '../exchange.ts';
import { ClientAddresses } from './client-address.ts';
import type { ClientAddress } from './client-address.ts';
import { Connections } from './connections.ts';
import { RequestLimits } from './request-limits.ts';
import type { Refusal } from './request-limits.ts';
import { SparseReports } from './sparse-reports.ts';

/** Named as the settings are, where they are explained. */
export interface HttpLimits {
  readonly requestTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly minimumBytesPerSecond: number;
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly requestsPerMinute: number;
  readonly requestsPerMinutePerAddress: number;
  readonly requestBurstPerAddress: number;
}

/** The setting that has been reached. */
export type ReachedLimit =
  | 'connections'
  | 'connectionsPerAddress'
  | 'requestsPerMinute'
  | 'requestsPerMinutePerAddress'
  | 'concurrentRequests'
  | 'concurrentRequestsPerAddress';

export interface GuardOptions {
  readonly limits: HttpLimits;
  /** Addresses and CIDR ranges. */
  readonly trustedProxies: readonly string[];
  /** Hears of each limit and client at most once a minute. */
  readonly onLimitReached: (limit: ReachedLimit, address: string) => void;
  /** A clock that never goes back, in milliseconds. */
  readonly monotonicMs: () => number;
}

const REPORT_EVERY_MS = 60_000;
const REPORTED_CLIENTS = 1_000;
/** Who goes on after so many refusals on one connection does not read them: a new connection costs him more than us. */
const REFUSALS_ON_A_CONNECTION = 16;

export class Guard {
  readonly #options: GuardOptions;
  readonly #addresses: ClientAddresses;
  readonly #connections: Connections;
  readonly #requests: RequestLimits;
  readonly #reports: SparseReports;
  readonly #refusalsOn = new WeakMap<Socket, number>();

  constructor(options: GuardOptions) {
    const { limits, monotonicMs } = options;
    this.#options = options;
    this.#addresses = new ClientAddresses(options.trustedProxies);
    this.#connections = new Connections({ overall: limits.connections, perClient: limits.connectionsPerAddress });
    this.#requests = new RequestLimits({ ...limits, monotonicMs });
    this.#reports = new SparseReports({ everyMs: REPORT_EVERY_MS, keys: REPORTED_CLIENTS, monotonicMs });
  }

  clientOf(request: IncomingMessage): ClientAddress {
    const forwardedFor = request.headers['x-forwarded-for'];
    const joined = Array.isArray(forwardedFor) ? forwardedFor.join(',') : forwardedFor;
    return this.#addresses.of(request.socket.remoteAddress, joined);
  }

  /** Before anything is read of a connection. */
  connected(socket: Socket): void {
    const client = this.#addresses.of(socket.remoteAddress, undefined);
    const shared = this.#addresses.isTrustedProxy(socket.remoteAddress);
    const problem = this.#connections.admit(socket, client.group, { shared });
    if (problem !== undefined) this.report(problem === 'client' ? 'connectionsPerAddress' : 'connections', client);
  }

  /** A connection that came when there was no place for any more, and is gone already. */
  dropped(address: string | undefined): void {
    this.report('connections', this.#addresses.of(address, undefined));
  }

  /** Once a request's head is there. @returns the answer to a request that may not go on */
  refusalOf(
    { socket }: IncomingMessage,
    client: ClientAddress,
    counts: { readonly overall: boolean },
  ): Answer | undefined {
    const refusal = this.#requests.admit(client, counts);
    if (refusal === undefined) return undefined;
    const refusals = (this.#refusalsOn.get(socket) ?? 0) + 1;
    this.#refusalsOn.set(socket, refusals);
    this.report(refusal.whose === 'client' ? 'requestsPerMinutePerAddress' : 'requestsPerMinute', client);
    return busyAnswer(refusal, refusals > REFUSALS_ON_A_CONNECTION ? { connection: 'close' } : {});
  }

  /** For other limits that end in the same answer. */
  busy(whose: Refusal['whose'], waitMs: number): Answer {
    return busyAnswer({ whose, retryAfterSeconds: this.#requests.retryAfterSeconds(waitMs) });
  }

  /** Told once for the whole group: one with a /64 has addresses enough to fill the place for everybody's reports. */
  report(limit: ReachedLimit, { text, group }: ClientAddress): void {
    if (this.#reports.isDue(`${limit} ${group}`)) this.#options.onLimitReached(limit, text);
  }

  /** Keeps the connection until the answer is sent. Call it when the whole request is there. */
  owe(socket: Socket, response: ServerResponse): void {
    // The rest of a refused body may still come in when its answer is out.
    if (response.writableFinished || response.destroyed) return;
    this.#connections.requested(socket);
    response.once('close', () => this.#connections.answered(socket));
  }

  /** Gives a client only so long to take an answer of this size. */
  limitSending(response: ServerResponse, bytes: number): void {
    const { requestTimeoutMs, minimumBytesPerSecond } = this.#options.limits;
    const { socket } = response;
    const timer = setTimeout(
      () => socket?.resetAndDestroy(),
      requestTimeoutMs + (bytes / minimumBytesPerSecond) * 1000,
    );
    response.once('close', () => clearTimeout(timer));
  }
}

/** RFC 6585 4: it is the client that sends too much. RFC 9110 15.6.4: it is us who have too much to do. */
function busyAnswer(
  { whose, retryAfterSeconds }: Refusal,
  headers: Readonly<Record<string, string>> = {},
): Answer & { readonly limited: true } {
  const retry = { 'retry-after': String(retryAfterSeconds), ...headers };
  const answer =
    whose === 'client' ? textAnswer(429, 'Too many requests.', retry) : textAnswer(503, 'Too busy.', retry);
  return { ...answer, limited: true };
}
