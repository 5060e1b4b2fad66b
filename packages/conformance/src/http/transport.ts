import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { Agent } from 'undici';
import type { Dispatcher } from 'undici';
import { exchangeRaw } from './raw-socket.ts';
import type { RawAnswer, RawRequest } from './raw-socket.ts';
import { TransportError } from './transport-error.ts';

/** One answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  /** Lower case, without what follows the first semicolon. */
  readonly mediaType: string;
  /** As sent; empty where there was none. */
  readonly contentType: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
  readonly durationMs: number;
}

export interface HttpRequest {
  readonly method?: Dispatcher.HttpMethod;
  /** Appended to the server's path, as it is. */
  readonly pathSuffix?: string;
  /** Instead of the server's path and query: sent as it is. */
  readonly target?: string;
  /** Without the question mark, as it is to be sent. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface TransportOptions {
  readonly url: string;
  /** For one exchange. */
  readonly timeoutMs: number;
  /** Between the starts of two exchanges: a probe is no load test. */
  readonly intervalMs: number;
  /** PEM of the certificates to trust for https, instead of the system's. */
  readonly tlsCa?: string | undefined;
  /** Ends the waiting for a server that says it is busy. */
  readonly signal?: AbortSignal | undefined;
}

/** A CRL may be large; everything else is some kilobytes. */
const maximumBodyBytes = 8 * 1024 * 1024;
const longestRetryAfterSeconds = 10;
const maximumRetries = 3;
/** Of all exchanges together: a server that is always busy must not keep the probe for hours. */
const longestBusySeconds = 60;
const busyStatuses: ReadonlySet<number> = new Set([429, 503]);

/** HTTP to one server, bounded in time, size and rate. Redirects are not followed. */
export class Transport {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly #options: TransportOptions;
  readonly #agent: Agent;
  #nextAt = 0;
  #busySeconds = 0;

  constructor(options: TransportOptions) {
    this.url = new URL(options.url);
    this.timeoutMs = options.timeoutMs;
    this.#options = options;
    this.#agent = new Agent({
      connect: { ...(options.tlsCa === undefined ? {} : { ca: options.tlsCa }), timeout: options.timeoutMs },
      pipelining: 1,
    });
  }

  /**
   * One exchange. A server that says it is busy and when to come again is obeyed, for a while.
   *
   * @throws TransportError
   */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#exchange(request);
      const seconds = Number(answer.headers.get('retry-after'));
      const mayRetry = busyStatuses.has(answer.status) && attempt < maximumRetries;
      if (!mayRetry || !(seconds > 0 && seconds <= longestRetryAfterSeconds)) return answer;
      if (!(await this.#waitFor(seconds))) return answer;
    }
  }

  /** False when there was enough waiting, or the probe is interrupted. */
  async #waitFor(seconds: number): Promise<boolean> {
    if (this.#busySeconds + seconds > longestBusySeconds) return false;
    this.#busySeconds += seconds;
    const { signal } = this.#options;
    await sleep(seconds * 1000, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    return signal?.aborted !== true;
  }

  /** Bytes over a connection of their own; `tls` over the probe's TLS options. */
  raw(
    request: Omit<RawRequest, 'timeoutMs'> & { timeoutMs?: number },
    tls: ConnectionOptions = {},
  ): Promise<RawAnswer> {
    const isTls = this.url.protocol === 'https:';
    const target = {
      host: this.url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(this.url.port || (isTls ? 443 : 80)),
      tls: isTls ? { ...this.#tls(), ...tls } : undefined,
    };
    return exchangeRaw(target, { ...request, timeoutMs: request.timeoutMs ?? this.timeoutMs });
  }

  /** The path and query of a request, with what the server's own address has. */
  target(request: HttpRequest): string {
    if (request.target !== undefined) return request.target;
    const own = this.url.search.slice(1);
    const query = [own, request.query ?? ''].filter((part) => part !== '').join('&');
    return `${joinPath(this.url.pathname, request.pathSuffix ?? '')}${query === '' ? '' : `?${query}`}`;
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  #tls(): ConnectionOptions {
    return this.#options.tlsCa === undefined ? {} : { ca: this.#options.tlsCa };
  }

  async #exchange(request: HttpRequest): Promise<HttpAnswer> {
    await this.#takeTurn();
    const startedAt = performance.now();
    const signal = AbortSignal.timeout(this.#options.timeoutMs);
    try {
      const response = await this.#agent.request({
        origin: this.url.origin,
        path: this.target(request),
        method: request.method ?? (request.body === undefined ? 'GET' : 'POST'),
        headers: { ...request.headers },
        body: request.body ?? null,
        signal,
      });
      const body = await readBounded(response.body);
      return answerOf(response, body, performance.now() - startedAt);
    } catch (error) {
      throw asTransportError(error, signal);
    }
  }

  async #takeTurn(): Promise<void> {
    const at = performance.now();
    const waitMs = this.#nextAt - at;
    this.#nextAt = Math.max(at, this.#nextAt) + this.#options.intervalMs;
    if (waitMs > 0) await sleep(waitMs);
  }
}

const joinPath = (path: string, suffix: string): string => (suffix === '' ? path : path.replace(/\/$/, '') + suffix);

const readBounded = async (stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > maximumBodyBytes) {
      throw new TransportError('transport.broken', `the server sent more than ${maximumBodyBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(chunks));
};

const answerOf = (response: Dispatcher.ResponseData, body: Uint8Array, durationMs: number): HttpAnswer => {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(response.headers)) {
    headers.set(name.toLowerCase(), Array.isArray(value) ? value.join(', ') : (value ?? ''));
  }
  const contentType = headers.get('content-type') ?? '';
  const mediaType = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  return { status: response.statusCode, mediaType, contentType, headers, body, durationMs };
};

const unreachableCodes =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|ERR_SSL_.*|.*CERT.*|UNABLE_TO_.*)$/;

/** Node gives several addresses' errors as one AggregateError. */
const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return codeOf(error.cause);
};

const asTransportError = (error: unknown, timeout: AbortSignal): TransportError => {
  if (error instanceof TransportError) return error;
  const code = codeOf(error);
  if (unreachableCodes.test(code)) {
    return new TransportError('transport.unreachable', `the server cannot be reached (${code})`, { cause: error });
  }
  if (timeout.aborted) return new TransportError('transport.timeout', 'no whole answer in time', { cause: error });
  const detail = code === '' ? '' : ` (${code})`;
  return new TransportError('transport.broken', `the connection ended without an answer${detail}`, { cause: error });
};
