import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { failurePayload } from '../../src/enrollment/notify.ts';
import { describeRefusal, refusals } from '../../src/enrollment/refusals.ts';
import type { RefusalCode } from '../../src/enrollment/refusals.ts';

const codes = Object.keys(refusals) as RefusalCode[];
// The page goes on with what is no refusal.
const [page = ''] = readFileSync(join(import.meta.dirname, '../../../../docs/errors.md'), 'utf8').split('\n## ');

describe('the table of refusals', () => {
  for (const code of codes) {
    it(`${code} is documented as it is`, () => {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${code}\` |`));
      assert.ok(row !== undefined, `docs/errors.md has no row for ${code}`);
      const { failInfo, hResult, explanation, failInfoText } = describeRefusal(code);
      const cells = row.split('|').map((cell) => cell.trim());
      assert.equal(cells[2], failInfo);
      assert.equal(cells[3], hResult === undefined ? 'not told' : `0x${(hResult >>> 0).toString(16).toUpperCase()}`);
      assert.equal(cells[4], explanation);
      assert.equal(cells[5] ?? '', failInfoText ?? '');
    });
  }

  it('has no rows in the documentation for refusals that do not exist', () => {
    const documented = [...page.matchAll(/^\| `([a-z]+\.[a-z_]+)` \|/gm)];
    assert.deepEqual(documented.map(([, code = '']) => code).toSorted(), codes.toSorted());
  });

  it('keeps what Intune hears within 255 characters, without a word of the request', () => {
    for (const code of codes) {
      const payload = failurePayload(code, 'AAAA');
      if (payload === undefined) continue;
      assert.ok(payload.kind === 'failure' && payload.errorDescription.length <= 255);
      assert.ok(Number.isInteger(payload.hResult) && payload.hResult < 0);
    }
  });
});
