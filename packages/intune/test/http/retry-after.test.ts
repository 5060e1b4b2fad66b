import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { retryAfterMs } from '../../src/http/retry-after.ts';

const receivedAt = new Date('2026-11-22T10:00:00.400Z');
const dayMs = 86_400_000;

describe('Retry-After (RFC 9110 10.2.3)', () => {
  const rows: [name: string, value: string | string[] | undefined, expected: number | undefined][] = [
    ['is absent', undefined, undefined],
    ['seconds', '120', 120_000],
    ['no seconds', '0', 0],
    ['seconds between spaces', ' 3 ', 3000],
    ['the first of several', ['5', '60'], 5000],
    ['a date, from the clock here when the answer has no Date', 'Sun, 22 Nov 2026 10:00:02 GMT', 1600],
    ['a date that is past', 'Sun, 22 Nov 2026 09:00:00 GMT', 0],
    ['a date in a thousand years', 'Sun, 22 Nov 3026 10:00:00 GMT', dayMs],
    ['more seconds than a day has', '86401', dayMs],
    ['more digits than a number has', '9'.repeat(400), dayMs],
    ['negative seconds', '-5', undefined],
    ['a fraction', '1.5', undefined],
    ['an exponent', '1e9', undefined],
    ['hexadecimal', '0x10', undefined],
    ['nothing', '', undefined],
    ['a word', 'soon', undefined],
    ['an ISO date', '2026-11-22T10:00:02Z', undefined],
    ['a date that does not exist', 'Sun, 99 Nov 2026 10:00:02 GMT', undefined],
  ];
  for (const [name, value, expected] of rows) {
    it(`${name}: ${expected === undefined ? 'says nothing' : `${expected} ms`}`, () => {
      assert.equal(retryAfterMs({ 'retry-after': value }, receivedAt), expected);
    });
  }

  it('compares a date with the Date of the answer, whatever the clock here shows', () => {
    const headers = { 'retry-after': 'Sun, 22 Nov 2026 10:00:30 GMT', date: 'Sun, 22 Nov 2026 10:00:10 GMT' };
    assert.equal(retryAfterMs(headers, new Date('2001-01-01T00:00:00Z')), 20_000);
  });
});
