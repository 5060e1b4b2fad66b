import { setTimeout as timeout } from 'node:timers/promises';
import { ScepError } from '../errors.ts';

/** Waits, or rejects as soon as the signal is aborted. */
export type Sleep = (durationMs: number, signal: AbortSignal | undefined) => Promise<void>;

/** How a client waits for a server that is busy. */
export interface Patience {
  /** How often one message is sent again. */
  retries: number;
  /** A server that asks for more is given up. */
  maximumWaitMs: number;
  now: () => Date;
  sleep: Sleep;
}

/** RFC 6585 section 4 and RFC 9110 section 15.6.4: the server did nothing with the request, but may later. */
const busyStatuses: ReadonlySet<number> = new Set([429, 503]);

/** RFC 9110 section 10.2.3: a number of seconds, or a date. `undefined` for anything else. */
const readRetryAfter = (value: string, now: Date): number | undefined => {
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  // Date.parse takes more than an HTTP-date, but an HTTP-date always begins with the day of the week.
  return /^[A-Z][a-z]{2}/.test(value) && !Number.isNaN(date) ? Math.max(0, date - now.getTime()) : undefined;
};

/**
 * How long to wait before the same request is worth sending again; `undefined` when it is not. A busy server that does not
 * say for how long is not asked again: whoever knows better may.
 */
export const retryDelayMs = (
  reply: { status: number; retryAfter: string | null },
  patience: Patience,
): number | undefined => {
  if (!busyStatuses.has(reply.status) || reply.retryAfter === null) return undefined;
  const delayMs = readRetryAfter(reply.retryAfter.trim(), patience.now());
  return delayMs === undefined || delayMs > patience.maximumWaitMs ? undefined : delayMs;
};

/** Timers take no more than 31 bits, and fire at once when they are given more. */
const longestTimerMs = 2 ** 31 - 1;

/** The real one. @throws ScepError `scep.aborted` */
export const sleep: Sleep = async (durationMs, signal) => {
  try {
    for (let restMs = durationMs; restMs > 0; restMs -= longestTimerMs) {
      await timeout(Math.min(restMs, longestTimerMs), undefined, { signal });
    }
  } catch (cause) {
    throw new ScepError('scep.aborted', 'the operation was aborted', { cause });
  }
};
