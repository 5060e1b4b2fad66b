import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { it } from 'node:test';

const document = readFileSync(new URL('../../../../docs/clients.md', import.meta.url), 'utf8');
const files = readdirSync(import.meta.dirname).filter(
  (name) => name.endsWith('.test.ts') && name !== 'documentation.test.ts',
);

/** The titles of the tests of a file, as far as they are written out; a title begins with the identifier. */
function titlesIn(name: string): string[] {
  const source = readFileSync(new URL(name, import.meta.url), 'utf8');
  return [...source.matchAll(/\bit\(\s*(['`"])(.*?)\1,/g)].map(([, , title = '']) => title);
}

const titles = new Map(files.map((name) => [name, titlesIn(name)]));
const identifiersOf = (texts: readonly string[]): string[] =>
  [...new Set(texts.flatMap((text) => text.match(/\bQ-[A-Z]\d+\b/g) ?? []))].sort();

it('docs/clients.md and the tests of this folder know the same quirks', () => {
  const tested = identifiersOf([...titles.values()].flat().map((title) => title.split(':', 1)[0] ?? ''));
  assert.ok(tested.length > 30);
  assert.deepEqual(identifiersOf([document]), tested);
});

it('docs/clients.md names the file in which each quirk is tested, in the section of its client', () => {
  for (const section of document.split(/^## /m).slice(1)) {
    const identifiers = identifiersOf([section]);
    const [, file] = /`packages\/server\/test\/clients\/([a-z-]+\.test\.ts)`/.exec(section) ?? [];
    if (identifiers.length === 0 && file === undefined) continue;
    const heading = section.split('\n', 1)[0];
    assert.ok(file !== undefined, `the section "${heading}" names no test file`);
    assert.deepEqual(identifiersOf(titles.get(file) ?? []), identifiers, heading);
  }
});

it('every test of this folder begins with the quirk and the client', () => {
  for (const [name, each] of titles) {
    assert.ok(each.length > 0, name);
    for (const title of each) assert.match(title, /^(Q-[A-Z]\d+ \S+|Node limits): /, name);
  }
});
