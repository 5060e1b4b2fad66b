import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { catalogue, reportToJson } from '../src/index.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'probe.md'), 'utf8');
const [, everyCheck = ''] = page.split('## Every check');
const [tables = ''] = everyCheck.split('\n## ');

describe('docs/probe.md', () => {
  it('shows a report with every field that there is', () => {
    const [, example = ''] = /```json\n(.*?)```/s.exec(page) ?? [];
    const { checks, counts, ...fields } = JSON.parse(example) as ReturnType<typeof reportToJson>;
    const [check] = catalogue.flatMap((group) => group.checks.filter(({ id }) => id === checks[0]?.id));
    assert.ok(check !== undefined);
    const { run: _run, ...description } = check;
    const failed = { ...description, group: 'messages', state: 'fail', saw: 'none', durationMs: 14 } as const;
    const report = reportToJson({ url: '', startedAt: new Date(), durationMs: 1, conforms: false, results: [failed] });
    assert.deepEqual(Object.keys({ ...fields, counts, checks }).toSorted(), Object.keys(report).toSorted());
    assert.deepEqual(Object.keys(counts), Object.keys(report.counts));
    assert.deepEqual(checks, report.checks);
  });

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
