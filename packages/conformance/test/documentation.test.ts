import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { catalogue } from '../src/index.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'probe.md'), 'utf8');
const [, everyCheck = ''] = page.split('## Every check');
const [tables = ''] = everyCheck.split('\n## ');

describe('docs/probe.md', () => {
  it('lists every check as it is, in its group and in order', () => {
    const documented = tables
      .split('\n### ')
      .slice(1)
      .map((section) => {
        const [name = '', ...lines] = section.split('\n');
        return [name, lines.filter((line) => line.startsWith('| `'))];
      });
    const existing = catalogue.map(({ checks, name }) => [
      name,
      checks.map(({ id, level, section, title }) => `| \`${id}\` | ${level} | ${section} | ${title} |`),
    ]);
    assert.deepEqual(documented, existing);
  });
});
