import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  IntuneArgumentError,
  IntuneAuthenticationError,
  IntuneCircuitOpenError,
  IntuneHttpError,
  IntuneNetworkError,
  IntunePermissionError,
  IntuneRejectedError,
  IntuneServiceNotFoundError,
  IntuneTimeoutError,
  type NetworkFailureReason,
} from '../../src/index.ts';
import { retryDelayMs, type RetryCircumstances } from '../../src/resilience/retry-policy.ts';

const http = (status: number, retryAfterMs?: number): IntuneHttpError =>
  new IntuneHttpError('', { code: 'intune.http', status, body: '', retryAfterMs });
const network = (reason: NetworkFailureReason): IntuneNetworkError => new IntuneNetworkError('', { reason });

const circumstances: RetryCircumstances = {
  error: http(503),
  idempotent: true,
  retries: 0,
  remainingMs: 30_000,
  options: { maximumRetries: 2, initialDelayMs: 200, maximumDelayMs: 5000 },
  random: () => 0.5,
};

describe('what is repeated', () => {
  const always = { idempotent: true, other: true };
  const whereSafe = { idempotent: true, other: false };
  const never = { idempotent: false, other: false };
  const rejected = { originalCode: 'Unknown', description: '', transactionId: '', activityId: '' };
  const rows: [name: string, error: unknown, expected: typeof always][] = [
    ['an unknown host', network('dns'), always],
    ['a refused connection', network('refused'), always],
    ['a connection that does not come about', network('connect_timeout'), always],
    ['a proxy that does not connect', network('proxy'), always],
    ['429', http(429), always],
    ['503', http(503), always],
    ['a cut connection', network('cut'), whereSafe],
    ['an unknown failure of the network', network('other'), whereSafe],
    ['an attempt out of time', new IntuneTimeoutError(1, { limit: 'attempt' }), whereSafe],
    ['408', http(408), whereSafe],
    ['500', http(500), whereSafe],
    ['502', http(502), whereSafe],
    ['504', http(504), whereSafe],
    ['a certificate that is not trusted', network('tls'), never],
    ['a closed client', network('closed'), never],
    ['a call out of time', new IntuneTimeoutError(1), never],
    ...[204, 301, 400, 401, 403, 404, 409, 413, 501, 505].map((status): [string, unknown, typeof always] => [
      String(status),
      http(status),
      never,
    ]),
    ['a bad reply', new IntuneHttpError('', { code: 'intune.bad_reply', status: 503, body: '' }), never],
    ['a rejection', new IntuneRejectedError(rejected), never],
    ['a refused sign-in', new IntuneAuthenticationError(''), never],
    ['a missing permission', new IntunePermissionError('scep_challenge_provider', ''), never],
    ['a missing service', new IntuneServiceNotFoundError('licence', ''), never],
    ['an open circuit', new IntuneCircuitOpenError('scep', '', { retryAfterMs: 1 }), never],
    ['an unusable argument', new IntuneArgumentError('x', ''), never],
    ["the caller's abort", new DOMException('', 'AbortError'), never],
  ];
  for (const [name, error, expected] of rows) {
    it(`${name}: ${expected.other ? 'always' : expected.idempotent ? 'where that is safe' : 'never'}`, () => {
      const isRepeated = (idempotent: boolean): boolean =>
        retryDelayMs({ ...circumstances, error, idempotent }) !== undefined;
      assert.deepEqual({ idempotent: isRepeated(true), other: isRepeated(false) }, expected);
    });
  }
});

describe('how long to wait', () => {
  const rows: [name: string, changes: Partial<RetryCircumstances>, expected: number | undefined][] = [
    ['half of the first limit', {}, 100],
    ['half of the second, which is twice the first', { retries: 1 }, 200],
    ['no third time', { retries: 2 }, undefined],
    ['not at all when the dice say so', { random: () => 0 }, 0],
    ['never the whole limit', { random: () => 0.999 }, 200],
    [
      'not beyond the longest',
      { retries: 9, options: { maximumRetries: 10, initialDelayMs: 200, maximumDelayMs: 5000 } },
      2500,
    ],
    ['Retry-After and some more', { error: http(429, 7000) }, 7100],
    ['Retry-After of 0', { error: http(429, 0) }, 100],
    ['no wait that outlasts the call', { remainingMs: 100 }, undefined],
    ['one that just fits', { remainingMs: 101 }, 100],
    ['no Retry-After that outlasts the call', { error: http(503, 30_000) }, undefined],
    ['no repeats when there are none', { options: { ...circumstances.options, maximumRetries: 0 } }, undefined],
  ];
  for (const [name, changes, expected] of rows) {
    it(name, () => assert.equal(retryDelayMs({ ...circumstances, ...changes }), expected));
  }
});
