import { Agent, buildConnector, type Dispatcher } from 'undici';
import type { Call } from '../call.ts';
import { IntuneHttpError, IntuneNetworkError } from '../errors.ts';
import { HttpAnswer } from './answer.ts';
import type { CheckedConnectionOptions } from './connection-options.ts';
import { BodyTooLargeError, exchange, type HttpHeaders } from './exchange.ts';
import { copyCause } from './foreign-cause.ts';
import type { HttpRequest } from './http-sender.ts';
import { classifyFailure } from './network-failure.ts';
import { proxyContext, targetContext } from './secure-context.ts';
import { Tunnels } from './tunnel.ts';

/** The answers to expect are a few hundred bytes; a token or a page of Graph a few thousand. */
const largestBodyBytes = 1024 * 1024;

/**
 * Connections to one origin, and with them tunnels through a proxy; further requests wait. At 300 ms a call they carry
 * 200 calls a second, and small proxies take no more: tinyproxy's own default is 100 clients.
 */
const connectionsPerOrigin = 64;

/**
 * How long an idle connection is kept. Shorter than the common limits of the other side (Azure's load balancers 240 s,
 * nginx 75 s, IIS 120 s), so that a request seldom meets a connection that is just being closed. A server that names
 * its limit (`Keep-Alive: timeout=…`) is believed, up to the maximum.
 */
const keepAlive = { keepAliveTimeout: 30_000, keepAliveMaxTimeout: 60_000 };

/** More than can be under way at a time. */
const activitiesKept = 1000;

export interface HttpConnectionsOptions extends CheckedConnectionOptions {
  /** Limit for TCP and TLS; with a proxy, once for the tunnel and once for TLS within it. */
  readonly connectTimeoutMs: number;
}

/**
 * The one place that talks HTTP: sign-in, discovery and Intune go through here, over one pool of connections.
 * Redirects are never followed, since a followed redirect takes the bearer token with it.
 */
export class HttpConnections {
  readonly #options: HttpConnectionsOptions;
  readonly #dispatcher: Dispatcher;
  readonly #tunnels: Tunnels | undefined;
  readonly #running = new Set<Promise<HttpAnswer>>();
  /** Of the latest requests. */
  readonly #activityIds = new Set<string>();
  #local: Agent | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: HttpConnectionsOptions) {
    this.#options = options;
    this.#tunnels = newTunnels(options);
    this.#dispatcher = options.dispatcher ?? newAgent(this.#tunnels?.connect ?? newConnector(options));
  }

  /**
   * Sends one request and reads the whole answer.
   * @throws {IntuneNetworkError} when no complete answer arrived
   * @throws {IntuneHttpError} when the body is larger than it may be
   * @throws the signal's reason when the call is aborted
   */
  async send(message: HttpRequest, call: Call): Promise<HttpAnswer> {
    if (this.#closing !== undefined) {
      const { activityId } = call;
      throw new IntuneNetworkError('The client has been closed', { activityId, reason: 'closed' });
    }
    this.#noteActivity(call);
    const answer = this.#exchange(message, call);
    this.#running.add(answer);
    try {
      return await answer;
    } finally {
      this.#running.delete(answer);
    }
  }

  async #exchange(message: HttpRequest, call: Call): Promise<HttpAnswer> {
    let wasSent = false;
    const onSent = (): void => {
      wasSent = true;
      message.onSent?.();
    };
    try {
      const { status, headers, body } = await exchange(
        message.route === 'local' ? this.#localDispatcher() : this.#dispatcher,
        dispatchOptions(message, call),
        {
          signal: call.signal,
          largestBodyBytes: message.largestBodyBytes ?? largestBodyBytes,
          onSent,
          isAnswer: (headers) => this.#isAnswer(headers, message, call),
        },
      );
      return new HttpAnswer(status, headers, new TextDecoder().decode(body), message.secrets);
    } catch (error) {
      if (call.signal.aborted) {
        throw call.signal.reason;
      }
      throw error instanceof BodyTooLargeError ? tooLarge(error, call) : networkError(error, wasSent, message, call);
    }
  }

  #noteActivity({ activityId }: Call): void {
    this.#activityIds.add(activityId);
    const [oldest] = this.#activityIds;
    if (oldest !== undefined && this.#activityIds.size > activitiesKept) {
      this.#activityIds.delete(oldest);
    }
  }

  /**
   * A gateway that has lost step hands the answer of one request to the next on the same connection. Microsoft's
   * services repeat `client-request-id`: one of another request of ours gives that away. Any other value means nothing,
   * and answers to GET may come from a cache.
   */
  #isAnswer(headers: HttpHeaders, { method }: HttpRequest, { activityId }: Call): boolean {
    const id = headers['client-request-id'];
    const isOfAnother = typeof id === 'string' && id !== activityId && this.#activityIds.has(id);
    return method === 'GET' || !isOfAnother;
  }

  /** Lets running requests finish, then closes every connection. A caller's dispatcher stays open. */
  async close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    await this.#closing;
  }

  /** Cuts what is under way, for whoever waits for nothing any more. A caller's dispatcher stays open. */
  async abandon(): Promise<void> {
    this.#closing ??= this.#destroyAll();
    await this.#closing;
  }

  async #closeAll(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#destroyAll();
  }

  async #destroyAll(): Promise<void> {
    const own = this.#options.dispatcher === undefined ? [this.#dispatcher] : [];
    const local = this.#local === undefined ? [] : [this.#local];
    // What is still being connected is wanted by nobody; undici's own `close` would wait for it.
    this.#tunnels?.destroy();
    await Promise.all([...own, ...local].map(async (dispatcher) => dispatcher.destroy()));
  }

  #localDispatcher(): Agent {
    const { connectTimeoutMs } = this.#options;
    this.#local ??= newAgent(buildConnector({ allowH2: false, timeout: connectTimeoutMs }));
    return this.#local;
  }
}

function newAgent(connect: buildConnector.connector): Agent {
  return new Agent({ allowH2: false, connections: connectionsPerOrigin, ...keepAlive, connect });
}

/** TLS to the target, over a socket of its own or over a tunnel. */
function newConnector({ tls, connectTimeoutMs }: HttpConnectionsOptions): buildConnector.connector {
  const secureContext = tls === undefined ? {} : { secureContext: targetContext(tls) };
  return buildConnector({ allowH2: false, timeout: connectTimeoutMs, ...secureContext });
}

function newTunnels(options: HttpConnectionsOptions): Tunnels | undefined {
  const { proxy, tls, connectTimeoutMs } = options;
  return proxy === undefined
    ? undefined
    : new Tunnels({
        proxy,
        secureContext: proxyContext(tls),
        timeoutMs: connectTimeoutMs,
        connectTarget: newConnector(options),
      });
}

function dispatchOptions({ url, method, headers, body }: HttpRequest, call: Call): Dispatcher.DispatchOptions {
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method,
    headers: { accept: 'application/json', 'client-request-id': call.activityId, ...headers },
    body: body ?? null,
  };
}

function tooLarge({ message, status }: BodyTooLargeError, { activityId }: Call): IntuneHttpError {
  return new IntuneHttpError(message, { code: 'intune.bad_reply', status, body: '' }, { activityId });
}

/** Node advises an option of its command line, which this client's own trust does not look at. */
const nodesAdvice = /; if the root CA is installed locally, try running Node\.js with --use-system-ca/;

function networkError(error: unknown, wasSent: boolean, message: HttpRequest, call: Call): IntuneNetworkError {
  const cause = copyCause(error, message.secrets);
  const detail = [cause?.message, cause?.cause instanceof Error ? cause.cause.message : undefined];
  const text = detail.filter((part) => part !== undefined && part !== '').join(': ') || 'unknown reason';
  const reason = text.replace(nodesAdvice, '; if its CA is your own or that of a proxy, name it in tls.ca');
  return new IntuneNetworkError(`No answer from ${message.url.host}: ${reason}`, {
    activityId: call.activityId,
    cause,
    ...classifyFailure(error, wasSent),
  });
}
