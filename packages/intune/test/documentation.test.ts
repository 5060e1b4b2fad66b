import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import * as intune from '../src/index.ts';
import { parseResultCode } from '../src/result-codes.ts';

describe('result codes', () => {
  it('are the 25 of the reference clients, each with meaning and advice', () => {
    const entries = Object.entries(intune.resultCodes);
    assert.equal(entries.length, 25);
    for (const [code, { meaning, advice }] of entries) {
      assert.match(meaning, /^[A-Z].*\.$/, code);
      assert.match(advice, /^[A-Z].*\.$/, code);
    }
  });

  it('are found in any letter case, and only they', () => {
    assert.equal(parseResultCode('SUBJECTNAMEMISMATCH'), 'SubjectNameMismatch');
    assert.equal(parseResultCode('toString'), undefined);
    assert.equal(parseResultCode(''), undefined);
  });
});

describe('README', () => {
  it('explains every error class and code', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const source = await readFile(new URL('../src/errors.ts', import.meta.url), 'utf8');
    const codes = new Set(source.match(/(?<=\| ')intune\.\w+/g));
    assert.equal(codes.size, 12);
    const classes = Object.keys(intune).filter((name) => name.endsWith('Error'));
    for (const term of [...codes, ...classes]) {
      assert.ok(readme.includes(`\`${term}\``), `${term} is not explained`);
    }
  });

  it('cites a test for each defect of the reference clients, and every such test', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const source = await readFile(new URL('contract/defects.test.ts', import.meta.url), 'utf8');
    const section = /^## Defects of the reference clients.*?(?=^## )/ms.exec(readme)?.[0] ?? '';
    const cited = section
      .split('\n')
      .filter((line) => /^\| (?:Java|C#)/.test(line))
      .map((line) => line.split(' | ').at(-1)?.replace(/ \|$/, ''));
    const titles = [...source.matchAll(/^ {2}it\((['"])(.+?)\1,/gm)].map((match) => match[2]);
    assert.ok(cited.length >= 33);
    assert.deepEqual(new Set(cited), new Set(titles));
  });
});
