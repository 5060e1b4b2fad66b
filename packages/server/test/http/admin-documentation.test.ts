import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { problems } from '../../src/http/admin/problem.ts';

const page = readFileSync(new URL('../../../../docs/administration.md', import.meta.url), 'utf8');

describe('docs/administration.md', () => {
  it('lists every problem of the admin API with its status, and no other', () => {
    const rows = Array.from(page.matchAll(/^\| `(admin\.[a-z_]+)` \| (\d{3}) \|/gm), ([, code, status]) => [
      code,
      Number(status),
    ]);
    assert.equal(rows.length, Object.keys(problems).length);
    assert.deepEqual(
      Object.fromEntries(rows),
      Object.fromEntries(Object.entries(problems).map(([code, [status]]) => [code, status])),
    );
  });
});
