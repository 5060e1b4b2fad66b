import type { HttpHeaders } from './exchange.ts';

/** A longer wish than a day is no wish but a mistake. */
const longestRetryAfterMs = 24 * 60 * 60_000;

/** RFC 9110 5.6.7, the only form that senders may use. */
const httpDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * How long to wait by the header `Retry-After` (RFC 9110 10.2.3), in milliseconds from 0 to a day.
 * A date is compared with the answer's own `Date`, so that a wrong clock here does no harm.
 *
 * @returns `undefined` when there is no such header, or no such form of it
 */
export function retryAfterMs(headers: HttpHeaders, receivedAt: Date): number | undefined {
  const value = first(headers['retry-after']);
  if (value === undefined) {
    return undefined;
  }
  if (/^\d+$/.test(value)) {
    return Math.min(Number(value) * 1000, longestRetryAfterMs);
  }
  const until = parseDate(value);
  if (until === undefined) {
    return undefined;
  }
  const from = parseDate(first(headers['date'])) ?? receivedAt.getTime();
  return Math.min(Math.max(0, until - from), longestRetryAfterMs);
}

function first(value: string | string[] | undefined): string | undefined {
  return (Array.isArray(value) ? value[0] : value)?.trim();
}

function parseDate(value: string | undefined): number | undefined {
  const milliseconds = value !== undefined && httpDate.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}
