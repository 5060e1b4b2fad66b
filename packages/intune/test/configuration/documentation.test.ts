import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { intuneProperties, revocationErrorCodes } from '../../src/index.ts';

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
/** The cells of the row that begins with a name. */
const row = (name: string): string[] => {
  const line = readme.split('\n').find((each) => each.startsWith(`| \`${name}\` `));
  assert.ok(line, `${name} has no row`);
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
};

describe('README', () => {
  for (const property of intuneProperties) {
    it(`explains the property ${property.name} as it is`, () => {
      const { option, required = '', meaning } = property;
      assert.deepEqual(row(property.name).slice(2), [option === undefined ? '' : `\`${option}\``, required, meaning]);
    });
  }

  for (const [code, { number, retryable, meaning }] of Object.entries(revocationErrorCodes)) {
    it(`explains the revocation error ${code} as it is`, () => {
      assert.deepEqual(row(code).slice(1), [`${number}`, retryable ? 'yes' : 'no', meaning]);
    });
  }
});
