import { IntuneTimeoutError } from './errors.ts';

/** One piece of work under one activity id: everything it sends carries that id and ends with its signal. */
export interface Call {
  /** GUID, sent as `client-request-id`. */
  readonly activityId: string;
  /** Aborted when time is up or nobody wants the result; its reason is the error to throw. */
  readonly signal: AbortSignal;
  /** When time is up, on the clock of `performance.now()`; absent where others keep the time. */
  readonly endsAtMs?: number;
  /** Counts the requests of the operation itself, for whoever reports on the call. */
  readonly record?: CallRecord;
}

export interface CallRecord {
  attempts: number;
}

export interface CallLimits {
  readonly timeoutMs: number;
  /** Which limit it is; default: `call`. */
  readonly limit?: 'attempt' | 'call';
  /** The caller's own signal. */
  readonly signal?: AbortSignal | undefined;
  readonly record?: CallRecord;
}

/**
 * Runs `work` with a limit on its whole duration.
 * @throws {IntuneTimeoutError} when the limit runs out first; the caller's reason when the caller's signal does.
 */
export async function runCall<T>(activityId: string, limits: CallLimits, work: (call: Call) => Promise<T>): Promise<T> {
  const { timeoutMs, limit, signal, record } = limits;
  signal?.throwIfAborted();
  const controller = new AbortController();
  const timeout = (): void => {
    controller.abort(new IntuneTimeoutError(timeoutMs, { activityId, ...(limit === undefined ? {} : { limit }) }));
  };
  const timer = setTimeout(timeout, timeoutMs);
  const abort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const call: Call = {
    activityId,
    signal: controller.signal,
    endsAtMs: performance.now() + timeoutMs,
    ...(record === undefined ? {} : { record }),
  };
  try {
    return await untilAborted(work(call), controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** What is left of the call, in milliseconds. */
export function remainingMs(call: Call): number {
  return (call.endsAtMs ?? Number.POSITIVE_INFINITY) - performance.now();
}

/** Settles as `work` does, or rejects with the signal's reason as soon as that is aborted. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.catch(() => {}); // Nobody waits for its outcome any more.
    throw signal.reason;
  }
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
