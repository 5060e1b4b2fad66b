import { Agent, request, type Dispatcher } from 'undici';
import type { Call } from '../call.ts';
import { IntuneHttpError, IntuneNetworkError } from '../errors.ts';
import { HttpAnswer } from './answer.ts';
import type { CheckedConnectionOptions } from './connection-options.ts';
import { copyCause } from './foreign-cause.ts';
import type { Secrets } from './redaction.ts';

/** The answers to expect are a few hundred bytes; a token or a page of Graph a few thousand. */
const largestBodyBytes = 1024 * 1024;

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Never shown, should the answer echo it. */
  readonly secrets: Secrets;
}

export interface HttpConnectionsOptions extends CheckedConnectionOptions {
  readonly connectTimeoutMs: number;
}

/**
 * The one place that talks HTTP: sign-in, discovery and Intune go through here, over one pool of connections.
 * Redirects are never followed, since a followed redirect takes the bearer token with it.
 */
export class HttpConnections {
  readonly #dispatcher: Dispatcher;
  readonly #ownsDispatcher: boolean;
  #closing: Promise<void> | undefined;

  constructor(options: HttpConnectionsOptions) {
    this.#ownsDispatcher = options.dispatcher === undefined;
    this.#dispatcher = options.dispatcher ?? newAgent(options);
  }

  /**
   * Sends one request and reads the whole answer.
   * @throws {IntuneNetworkError} when no complete answer arrived
   * @throws {IntuneHttpError} when the body is larger than 1 MB
   * @throws the signal's reason when the call is aborted
   */
  async send(message: HttpRequest, call: Call): Promise<HttpAnswer> {
    try {
      const { statusCode, headers, body } = await request(message.url, {
        dispatcher: this.#dispatcher,
        method: message.method,
        headers: { accept: 'application/json', 'client-request-id': call.activityId, ...message.headers },
        body: message.body ?? null,
        signal: call.signal,
        // The call's signal limits headers and body together.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      const text = await readText(body, statusCode, call);
      return new HttpAnswer(statusCode, headers, text, message.secrets);
    } catch (error) {
      if (call.signal.aborted) {
        throw call.signal.reason;
      }
      throw error instanceof IntuneHttpError ? error : networkError(error, message, call);
    }
  }

  /** Lets running requests finish, then closes every connection. */
  async close(): Promise<void> {
    if (this.#ownsDispatcher) {
      this.#closing ??= this.#dispatcher.close(); // A second close of a dispatcher rejects.
      await this.#closing;
    }
  }
}

function newAgent({ ca, connectTimeoutMs }: HttpConnectionsOptions): Agent {
  const trust = ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : Buffer.from(ca) };
  return new Agent({ allowH2: false, connect: { ...trust, timeout: connectTimeoutMs } });
}

async function readText(body: AsyncIterable<Uint8Array>, status: number, call: Call): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early destroys the body and its connection.
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > largestBodyBytes) {
      const message = `HTTP ${status} with a body of more than ${largestBodyBytes} bytes`;
      throw new IntuneHttpError(
        message,
        { code: 'intune.bad_reply', status, body: '' },
        { activityId: call.activityId },
      );
    }
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function networkError(error: unknown, message: HttpRequest, call: Call): IntuneNetworkError {
  const cause = copyCause(error, message.secrets);
  const reason = cause?.message ?? 'unknown reason';
  return new IntuneNetworkError(`No answer from ${message.url.host}: ${reason}`, {
    activityId: call.activityId,
    cause,
  });
}
