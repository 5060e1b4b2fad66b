/** A busy server: 429 and 503 with Retry-After (RFC 6585 section 4, RFC 9110 sections 10.2.3 and 15.6.4). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ScepClientOptions } from '@scepter/scep';
import { clientOf, enrollment, scepServer } from './scep-server.ts';

const now = new Date('2026-11-22T12:00:00Z');

interface Busy {
  status: number;
  retryAfter?: string;
}

/** Answers the first requests with these, and all others as a server that has time. */
const busyServer = (answers: Busy[]) => {
  const server = scepServer();
  const asked: string[] = [];
  const waiting = [...answers];
  const busyFetch: typeof fetch = async (input, init) => {
    asked.push(new Request(input, init).url);
    const busy = waiting.shift();
    if (busy === undefined) return server.fetch(input, init);
    const headers = busy.retryAfter === undefined ? {} : { 'retry-after': busy.retryAfter };
    return new Response('busy', { status: busy.status, headers });
  };
  return { fetch: busyFetch, asked };
};

const patientClient = (server: { fetch: typeof fetch }, options: Partial<ScepClientOptions> = {}) => {
  const waits: number[] = [];
  const sleep = async (durationMs: number): Promise<void> => {
    waits.push(durationMs);
  };
  return { client: clientOf(server, { now: () => now, sleep, ...options }), waits };
};

describe('ScepClient waits as long as a busy server asks', () => {
  const rows: Record<string, { answer: Busy; waitMs: number }> = {
    '429 with seconds': { answer: { status: 429, retryAfter: '7' }, waitMs: 7000 },
    '503 with seconds': { answer: { status: 503, retryAfter: '120' }, waitMs: 120_000 },
    '503 with none': { answer: { status: 503, retryAfter: '0' }, waitMs: 0 },
    '503 with spaces around': { answer: { status: 503, retryAfter: ' 5 ' }, waitMs: 5000 },
    '503 with a date': { answer: { status: 503, retryAfter: 'Sun, 22 Nov 2026 12:01:30 GMT' }, waitMs: 90_000 },
    '503 with a date gone by': { answer: { status: 503, retryAfter: 'Sun, 22 Nov 2026 11:00:00 GMT' }, waitMs: 0 },
  };
  for (const [name, { answer, waitMs }] of Object.entries(rows)) {
    it(name, async () => {
      const { client, waits } = patientClient(busyServer([answer]));
      assert.ok((await client.getCaCaps()).has('AES'));
      assert.deepEqual(waits, [waitMs]);
    });
  }

  const givenUp: Record<string, Busy> = {
    '503 without Retry-After': { status: 503 },
    '429 without Retry-After': { status: 429 },
    '503 with more than the client would wait': { status: 503, retryAfter: '121' },
    '503 with a date too far off': { status: 503, retryAfter: 'Sun, 22 Nov 2026 13:00:00 GMT' },
    '503 with words': { status: 503, retryAfter: 'soon' },
    '503 with a negative number': { status: 503, retryAfter: '-1' },
    '503 with a fraction': { status: 503, retryAfter: '1.5' },
    '503 with a number of forty digits': { status: 503, retryAfter: '9'.repeat(40) },
    '502 with Retry-After': { status: 502, retryAfter: '1' },
    '301 with Retry-After': { status: 301, retryAfter: '1' },
  };
  for (const [name, answer] of Object.entries(givenUp)) {
    it(`but not after ${name}`, async () => {
      const { client, waits } = patientClient(busyServer([answer]));
      await assert.rejects(client.getCaCaps(), { name: 'ScepError', code: 'scep.http_status' });
      assert.deepEqual(waits, []);
    });
  }

  it('sends the same PKIOperation again, which the server has not looked at', async () => {
    const server = scepServer();
    const bodies: string[] = [];
    let busy = 2;
    const busyFetch: typeof fetch = async (input, init) => {
      const request = new Request(input, init);
      if (request.method !== 'POST') return server.fetch(input, init);
      bodies.push(Buffer.from(await request.clone().arrayBuffer()).toString('base64'));
      busy -= 1;
      return busy >= 0 ? new Response('', { status: 503, headers: { 'retry-after': '3' } }) : server.fetch(input, init);
    };
    const { client, waits } = patientClient({ fetch: busyFetch });
    assert.equal((await client.enroll(enrollment)).status, 'success');
    assert.deepEqual(waits, [3000, 3000]);
    assert.equal(new Set(bodies).size, 1);
    assert.equal(bodies.length, 3);
    assert.equal(server.transactions.length, 1);
  });

  it('as often as it may, and no more', async () => {
    const busy = { status: 503, retryAfter: '1' };
    for (const [retries, times] of [
      [undefined, 4],
      [1, 2],
      [0, 1],
    ] as const) {
      const server = busyServer(Array.from({ length: 10 }, () => busy));
      const { client } = patientClient(server, retries === undefined ? {} : { retries });
      await assert.rejects(client.getCaCaps(), { name: 'ScepError', code: 'scep.http_status' });
      assert.equal(server.asked.length, times);
    }
  });

  it('as long as it may', async () => {
    const { client, waits } = patientClient(busyServer([{ status: 503, retryAfter: '600' }]), {
      maximumRetryWaitMs: 600_000,
    });
    await client.getCaCaps();
    assert.deepEqual(waits, [600_000]);
  });

  it('however long that is: a timer of more than 31 bits would fire at once', async () => {
    const month = clientOf(busyServer([{ status: 503, retryAfter: '2592000' }]), { maximumRetryWaitMs: Infinity });
    const started = performance.now();
    await assert.rejects(month.getCaCaps(AbortSignal.timeout(50)), { name: 'ScepError', code: 'scep.aborted' });
    assert.ok(performance.now() - started >= 40);
  });

  it('until it is aborted', async () => {
    const client = clientOf(busyServer([{ status: 503, retryAfter: '60' }]));
    await assert.rejects(client.getCaCaps(AbortSignal.timeout(20)), { name: 'ScepError', code: 'scep.aborted' });
  });
});
