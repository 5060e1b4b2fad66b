/** S3: what is not the challenge, in every way of writing it. Expiry, use count and limits of guessing: challenges/. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { der, oid } from '@scepter/x509';
import type { RequestOptions } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { AttackLaboratory, assertRefused, newPerson } from './attack-laboratory.ts';

const device = newPerson();
let laboratory: Laboratory;
let attack: AttackLaboratory;

before(async () => {
  laboratory = await openLaboratory();
  attack = await AttackLaboratory.at(laboratory, 'static');
});
after(() => laboratory.close());

const right = (): Uint8Array => der.utf8String(STATIC_CHALLENGE);
const wrong = (): Uint8Array => der.utf8String('another challenge');
const challenges = (...values: Uint8Array[]) => ({ oid: oid.challengePassword, values });

describe('S3: a static challenge', () => {
  const rows: readonly [name: string, options: RequestOptions][] = [
    ['none', { attributes: [] }],
    ['empty', { challenge: '' }],
    ['of blanks', { challenge: ' '.repeat(STATIC_CHALLENGE.length) }],
    ['wrong, of the same length', { challenge: 'x'.repeat(STATIC_CHALLENGE.length) }],
    ['without its last character', { challenge: STATIC_CHALLENGE.slice(0, -1) }],
    ['with one character more', { challenge: `${STATIC_CHALLENGE}!` }],
    ['with a blank behind it', { challenge: `${STATIC_CHALLENGE} ` }],
    ['with a NUL behind it', { challenge: `${STATIC_CHALLENGE}\0` }],
    ['in capitals', { challenge: STATIC_CHALLENGE.toUpperCase() }],
    ['an attribute without a value', { attributes: [challenges()] }],
    ['two values, the right one first', { attributes: [challenges(right(), wrong())] }],
    ['two values, the right one last', { attributes: [challenges(wrong(), right())] }],
    ['two attributes, the right one first', { attributes: [challenges(right()), challenges(wrong())] }],
    ['two attributes, the right one last', { attributes: [challenges(wrong()), challenges(right())] }],
  ];
  for (const [name, options] of rows) {
    it(`${name}: badRequest, and nothing is issued`, async () => {
      const before = await attack.stored();
      const content = attack.sealed(device, {
        ...('challenge' in options ? {} : { challenge: undefined }),
        ...options,
      } as RequestOptions);
      assertRefused(await attack.send({ content, signer: device }), 'badRequest');
      assert.deepEqual(await attack.stored(), before);
    });
  }

  it('the right one is accepted, whatever string type it is written in', async () => {
    for (const value of [right(), der.printableString(STATIC_CHALLENGE), der.ia5String(STATIC_CHALLENGE)]) {
      const content = attack.sealed(device, { challenge: undefined, attributes: [challenges(value)] } as never);
      assert.equal((await attack.send({ content, signer: device })).reply?.status, 'success');
    }
  });
});
