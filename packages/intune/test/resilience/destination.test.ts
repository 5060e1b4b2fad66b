import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCall } from '../../src/call.ts';
import { Diagnostics } from '../../src/diagnostics/diagnostics.ts';
import { IntuneNetworkError, IntuneTimeoutError } from '../../src/index.ts';
import { HttpAnswer } from '../../src/http/answer.ts';
import type { HttpRequest } from '../../src/http/http-sender.ts';
import type { HttpSender } from '../../src/http/http-sender.ts';
import { Lifetime } from '../../src/lifetime.ts';
import { Destination } from '../../src/resilience/destination.ts';
import { rejection } from '../requests.ts';

const request: HttpRequest = { method: 'GET', url: new URL('https://a.example/'), headers: {}, secrets: {} };
const step = { operation: 'validateRequest', idempotent: false } as const;

function newDestination(http: HttpSender, attemptTimeoutMs: number): Destination {
  return new Destination('scep', {
    http,
    attemptTimeoutMs,
    diagnostics: new Diagnostics(),
    lifetime: new Lifetime(),
    timeoutMs: 5000,
    retry: { maximumRetries: 0, initialDelayMs: 1, maximumDelayMs: 1 },
    circuitBreaker: { failureThreshold: 2, openMs: 30_000 },
    now: () => new Date(),
    random: () => 0,
  });
}

const ask = async (destination: Destination, timeoutMs = 5000): Promise<HttpAnswer> =>
  runCall('id', { timeoutMs }, (call) => destination.perform(step, call, (http) => http.send(request, call)));

describe('an exchange', () => {
  it('that got no connection in time was not sent', async () => {
    const destination = newDestination({ send: () => new Promise(() => {}) }, 20);
    const error = await rejection(ask(destination));
    assert.ok(error instanceof IntuneNetworkError);
    assert.equal(error.reason, 'connect_timeout');
    assert.equal(destination.status.failures, 1);
  });

  it('that was sent may have been acted on', async () => {
    const destination = newDestination({ send: ({ onSent }) => (onSent?.(), new Promise(() => {})) }, 20);
    const error = await rejection(ask(destination));
    assert.ok(error instanceof IntuneTimeoutError);
    assert.equal(error.limit, 'attempt');
  });

  it('that waited for our own connections says nothing about the service', async () => {
    let connections = 0;
    const send: HttpSender['send'] = ({ onSent }) => {
      connections += 1;
      if (connections > 64) {
        return new Promise(() => {});
      }
      onSent?.();
      return new Promise((resolve) => setTimeout(resolve, 30, new HttpAnswer(200, {}, '', {})));
    };
    const destination = newDestination({ send }, 60);
    const outcomes = await Promise.allSettled(Array.from({ length: 80 }, () => ask(destination)));
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 16);
    assert.deepEqual(destination.status, { state: 'closed', failures: 0 });
  });

  it('that began at the last moment of its call says nothing about the service', async () => {
    const destination = newDestination({ send: () => new Promise(() => {}) }, 1000);
    const error = await rejection(ask(destination, 20));
    assert.ok(error instanceof IntuneTimeoutError);
    assert.equal(error.limit, 'call');
    assert.equal(destination.status.failures, 0);
  });
});
