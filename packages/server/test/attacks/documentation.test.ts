/** SECURITY.md says of every known attack where it is tested: every one, and only files that are there. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const root = join(import.meta.dirname, '../../../..');
const page = readFileSync(join(root, 'SECURITY.md'), 'utf8');
const rows = Array.from(page.matchAll(/^\| (S\d+) \|(.*)\|$/gm), ([, name = '', cells = '']) => ({
  name,
  files: Array.from((cells.split('|')[2] ?? '').matchAll(/`([^`]+)`/g), ([, file = '']) => file),
}));

describe('the table of attacks in SECURITY.md', () => {
  it('has S1 to S20', () => {
    assert.deepEqual(
      rows.map(({ name }) => name),
      Array.from({ length: 20 }, (_, index) => `S${index + 1}`),
    );
  });

  for (const { name, files } of rows) {
    it(`${name} names tests that are there`, () => {
      assert.ok(files.length > 0);
      for (const file of files) {
        const path = /^(packages|bench|fuzz)\//.test(file) ? join(root, file) : join(import.meta.dirname, '..', file);
        assert.ok(existsSync(path), file);
      }
    });
  }

  it('names every test of this folder, at its attack', () => {
    for (const file of readdirSync(import.meta.dirname).filter((each) => /^s\d\d-.*\.test\.ts$/.test(each))) {
      const row = rows.find(({ name }) => name === `S${Number(file.slice(1, 3))}`);
      assert.ok(row?.files.includes(`attacks/${file}`), file);
    }
  });
});
