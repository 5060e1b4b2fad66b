import type { Dispatcher } from 'undici';

/** By name in lower case; several lines of one name are an array. */
export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** What came back: a whole answer, not interpreted. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Uint8Array;
}

export interface ExchangeLimits {
  readonly signal: AbortSignal;
  readonly largestBodyBytes: number;
  /** Called when a connection stands and the first byte of the request is about to go out. */
  readonly onSent: () => void;
  /** Whether an answer with these headers may be the one to this request. */
  readonly isAnswer: (headers: HttpHeaders) => boolean;
}

/** What came over the connection is the answer to another request; the connection is not used again. */
export class StrayAnswerError extends Error {
  readonly code = 'STRAY_ANSWER';

  constructor() {
    super('the answer that came is to another request');
    this.name = new.target.name;
  }
}

/** The answer's body is larger than it may be. */
export class BodyTooLargeError extends Error {
  readonly status: number;

  constructor(status: number, largestBodyBytes: number) {
    super(`HTTP ${status} with a body of more than ${largestBodyBytes} bytes`);
    this.name = new.target.name;
    this.status = status;
  }
}

/**
 * Sends one request and collects its answer. Rejects with the signal's reason when that is aborted, with
 * `BodyTooLargeError`, `StrayAnswerError`, or with the dispatcher's error.
 *
 * It speaks to the dispatcher itself and not through `undici.request`, because only the dispatcher tells whether
 * anything of the request was sent, and thereby whether it is safe to repeat.
 */
export async function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  limits: ExchangeLimits,
): Promise<RawAnswer> {
  const { signal } = limits;
  signal.throwIfAborted();
  const collector = new AnswerCollector(limits);
  collector.answer.catch(() => {}); // Nobody waits for it when the dispatcher throws after it has failed.
  const abort = (): void => collector.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    dispatcher.dispatch({ ...request, headersTimeout: 0, bodyTimeout: 0 }, collector);
    return await collector.answer;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

class AnswerCollector implements Dispatcher.DispatchHandler {
  readonly #limits: ExchangeLimits;
  readonly #outcome = Promise.withResolvers<RawAnswer>();
  readonly #chunks: Uint8Array[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #isAborted = false;
  #size = 0;
  #status = 0;
  #headers: HttpHeaders = {};

  constructor(limits: ExchangeLimits) {
    this.#limits = limits;
  }

  get answer(): Promise<RawAnswer> {
    return this.#outcome.promise;
  }

  /** A request that still waits for a connection is dropped when its turn comes. */
  abort(reason: unknown): void {
    this.#isAborted = true;
    this.#outcome.reject(reason);
    try {
      this.#controller?.abort(new Error('The request was aborted'));
    } catch {
      // A dispatcher of the caller may fail here, within a timer, where nobody could catch it.
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isAborted) {
      controller.abort(new Error('The request was aborted'));
      return;
    }
    this.#limits.onSent();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: HttpHeaders): void {
    // 1xx announces the real answer.
    if (status >= 200) {
      this.#status = status;
      this.#headers = headers;
      if (!this.#limits.isAnswer(headers)) {
        this.abort(new StrayAnswerError());
      }
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#size += chunk.byteLength;
    if (this.#size > this.#limits.largestBodyBytes) {
      this.abort(new BodyTooLargeError(this.#status, this.#limits.largestBodyBytes));
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#outcome.resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#outcome.reject(error);
  }
}
