import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IntuneError, type IntuneEvent } from '../../src/index.ts';
import { disconnect, json, Microsoft, text, type Answer, type Operation } from '../microsoft.ts';
import { validation } from '../requests.ts';

/** Numbers that look random and are the same in every run (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const weather: Answer[] = [
  disconnect,
  text(401, ''),
  text(404, ''),
  text(429, '', { 'retry-after': '0' }),
  text(500, '<html>'),
  text(503, '', { 'retry-after': '3600' }),
  text(200, '{"value":'),
  json(403, { error: { code: 'Forbidden', message: 'no' } }),
  (response) => void setTimeout(() => response.socket?.destroy(), 20),
  () => {},
];

describe('in a storm of failures', () => {
  for (const seed of [1, 2, 3]) {
    it(`every call ends in time, as a success or as an error of ours, and fair weather is noticed (${seed})`, async (test) => {
      const random = dice(seed);
      const microsoft = await Microsoft.start();
      test.after(() => microsoft.stop());
      const events: IntuneEvent[] = [];
      let offsetMs = 0;
      const client = microsoft.connect({
        random,
        timeoutMs: 1500,
        attemptTimeoutMs: 150,
        now: () => new Date(Date.now() + offsetMs),
        onEvent: (event) => void events.push(event),
      });
      const usual = { ...microsoft.answers };
      for (const operation of ['token', 'discovery', 'service'] satisfies Operation[]) {
        microsoft.answers[operation] = (...call) => {
          const failure = random() < 0.4 ? weather[Math.floor(random() * weather.length)] : undefined;
          (failure ?? usual[operation])(...call);
        };
      }
      const outcomes: PromiseSettledResult<unknown>[] = [];
      for (let round = 0; round < 8; round += 1) {
        outcomes.push(
          ...(await Promise.allSettled(Array.from({ length: 25 }, () => client.validateRequest(validation)))),
        );
        offsetMs += 10 * 60_000 + 1; // Past every circuit, and in the end past the tokens.
      }
      assert.ok(outcomes.some(({ status }) => status === 'fulfilled'));
      for (const outcome of outcomes) {
        assert.ok(outcome.status === 'fulfilled' || outcome.reason instanceof IntuneError);
      }
      assert.equal(events.filter(({ type }) => type === 'call').length, outcomes.length);

      Object.assign(microsoft.answers, usual);
      offsetMs += 11 * 60_000;
      await assert.doesNotReject(client.validateRequest(validation));
      assert.equal(client.status().circuits.scep.state, 'closed');
      await client.close();
    });
  }
});
