import { IntuneTimeoutError } from './errors.ts';

/** One piece of work under one activity id: everything it sends carries that id and ends with its signal. */
export interface Call {
  /** GUID, sent as `client-request-id`. */
  readonly activityId: string;
  /** Aborted when time is up or nobody wants the result; its reason is the error to throw. */
  readonly signal: AbortSignal;
}

export interface CallLimits {
  readonly timeoutMs: number;
  /** The caller's own signal. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `work` with a limit on its whole duration.
 * @throws {IntuneTimeoutError} when the limit runs out first; the caller's reason when the caller's signal does.
 */
export async function runCall<T>(activityId: string, limits: CallLimits, work: (call: Call) => Promise<T>): Promise<T> {
  const { timeoutMs, signal } = limits;
  signal?.throwIfAborted();
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new IntuneTimeoutError(timeoutMs, { activityId })), timeoutMs);
  const abort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await untilAborted(work({ activityId, signal: controller.signal }), controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
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
