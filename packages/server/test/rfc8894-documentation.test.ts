import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { it } from 'node:test';

const root = new URL('../../../', import.meta.url);
const document = readFileSync(new URL('docs/rfc8894.md', root), 'utf8');

/** The contents of RFC 8894, without references and appendix: how many subsections each section has. */
const subsections: Readonly<Record<string, number>> = {
  '1': 1,
  '2': 9,
  '2.1': 2,
  '2.5': 1,
  '3': 5,
  '3.2': 2,
  '3.2.1': 5,
  '3.3': 4,
  '3.3.2': 3,
  '3.5': 2,
  '4': 7,
  '4.2': 1,
  '4.2.1': 2,
  '4.3': 1,
  '4.4': 1,
  '4.5': 1,
  '4.6': 1,
  '4.7': 1,
  '5': 2,
  '6': 4,
  '7': 10,
};

function withSubsections(section: string): string[] {
  const below = Array.from({ length: subsections[section] ?? 0 }, (_, index) => `${section}.${index + 1}`);
  return [section, ...below.flatMap(withSubsections)];
}

it('docs/rfc8894.md has a row for every section of the RFC, in its order, with its state', () => {
  const rows = [...document.matchAll(/^\| ([\d.]+) \| (done|partly|deviates|not done|none) \|/gm)];
  assert.deepEqual(
    rows.map(([, section]) => section),
    ['1', '2', '3', '4', '5', '6', '7'].flatMap(withSubsections),
  );
});

it('docs/rfc8894.md names files that exist', () => {
  const folders = { server: 'packages/server/test', scep: 'packages/scep/test', interop: 'interop' };
  const named = [...document.matchAll(/`(server|scep|interop)\/([\w./-]+\.test\.ts)`/g)];
  assert.ok(named.length > 40);
  for (const [, area = '', path = ''] of named) {
    const file = `${folders[area as keyof typeof folders]}/${path}`;
    assert.ok(existsSync(new URL(file, root)), file);
  }
});

it('docs/rfc8894.md names quirks that docs/clients.md describes', () => {
  const described = new Set(readFileSync(new URL('docs/clients.md', root), 'utf8').match(/\bQ-[A-Z]\d+\b/g));
  for (const quirk of document.match(/\bQ-[A-Z]\d+\b/g) ?? []) assert.ok(described.has(quirk), quirk);
});

it('docs/rfc8894.md says in short where Scepter deviates', () => {
  const [, summary = ''] = /^## Deviations in short\n(.*?)^## /ms.exec(document) ?? [];
  const rows = [...summary.matchAll(/^\| ([\d., ]+) \|/gm)];
  const short = new Set(rows.flatMap(([, sections = '']) => sections.split(', ')));
  const deviating = [...document.matchAll(/^\| ([\d.]+) \| deviates \|/gm)].map(([, section = '']) => section);
  for (const section of deviating) assert.ok(short.has(section), section);
});
