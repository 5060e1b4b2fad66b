/** RFC 8894 3.2.1.4 (badTime): a signing time may be checked. It is not: devices without a clock have to enroll, too. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { der } from '@scepter/x509';
import { AttackLaboratory, newPerson } from '../attacks/attack-laboratory.ts';
import { attribute, usualAttributes } from '../attacks/hand-made-message.ts';
import { openLaboratory } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const SIGNING_TIME = '1.2.840.113549.1.9.5';
const device = newPerson();
let laboratory: Laboratory;
let attack: AttackLaboratory;

before(async () => {
  laboratory = await openLaboratory();
  attack = await AttackLaboratory.at(laboratory, 'static');
});
after(() => laboratory.close());

/** A UTCTime, whether or not its text is one. */
function utcTime(text: string): Uint8Array {
  const encoded = Uint8Array.from(der.printableString(text));
  encoded[0] = 0x17;
  return encoded;
}

const rows: readonly [string, Uint8Array][] = [
  ['of 1970', utcTime('700101000000Z')],
  ['of 2049', utcTime('491231235959Z')],
  ['that is no time', der.octetString(Uint8Array.of(1))],
];

describe('a request with a signing time', () => {
  for (const [name, value] of rows) {
    it(`${name} gets its certificate`, async () => {
      const content = attack.sealed(device);
      const transactionId = attack.newTransactionId();
      const options = { content, signer: device, transactionId };
      const signedAttributes = [...usualAttributes(options), attribute(SIGNING_TIME, value)];
      const { reply } = await attack.send({ ...options, signedAttributes });
      assert.equal(reply?.status, 'success');
    });
  }
});
