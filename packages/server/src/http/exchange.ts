/** The little that every route needs of HTTP: bounded bodies and exact answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Why, for the log alone. */
  readonly reason?: string;
  /** A limit was reached, which is told once in a while and not for each answer. */
  readonly limited?: boolean;
}

export function textAnswer(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, contentType: 'text/plain', body: `${text}\n`, headers };
}

export function send(response: ServerResponse, answer: Answer): void {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body, 'utf8') : answer.body;
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...answer.headers,
  });
  response.end(body);
}

export interface BodyLimits {
  readonly maximumBytes: number;
  /** On average, once `patienceMs` are over. */
  readonly minimumBytesPerSecond: number;
  readonly patienceMs: number;
}

export type ReadBody =
  | { readonly kind: 'whole'; readonly body: Uint8Array }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'too-slow' };

/** How often the speed of a body is looked at. */
const CHECK_INTERVAL_MS = 500;

/**
 * The whole body, or why it is not waited for: nothing beyond the limits is kept. The connection stays, for the refusal
 * still has to go out on it.
 *
 * @throws the stream's error when the client goes away
 */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<ReadBody> {
  const { maximumBytes, minimumBytesPerSecond, patienceMs } = limits;
  if (Number(request.headers['content-length'] ?? 0) > maximumBytes) return Promise.resolve({ kind: 'too-large' });
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (result: ReadBody): void => {
      clearInterval(timer);
      request.off('data', onData);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > maximumBytes) finish({ kind: 'too-large' });
    };
    const timer = setInterval(() => {
      const seconds = (performance.now() - startedAt - patienceMs) / 1000;
      if (length < seconds * minimumBytesPerSecond) finish({ kind: 'too-slow' });
    }, CHECK_INTERVAL_MS);
    request.on('data', onData);
    request.once('end', () => finish({ kind: 'whole', body: Buffer.concat(chunks) }));
    request.once('error', reject);
    request.once('close', () => clearInterval(timer));
  });
}
