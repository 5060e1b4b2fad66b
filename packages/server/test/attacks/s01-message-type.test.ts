/**
 * S1: a messageType that is not checked is issuance without authorization (CVE-2026-30836, CVE-2025-44005). Every other
 * piece of these messages is right, the challenge too, and everything is tried as a renewal as well.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { der } from '@scepter/x509';
import { certificationRequest, issued } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { AttackLaboratory, assertRefused, newPerson } from './attack-laboratory.ts';
import { attribute, attributes } from './hand-made-message.ts';

const messageType = '2.16.840.1.113733.1.9.2';
const device = newPerson();
let laboratory: Laboratory;
let attack: AttackLaboratory;

before(async () => {
  laboratory = await openLaboratory();
  attack = await AttackLaboratory.at(laboratory, 'static');
});
after(() => laboratory.close());

const types: readonly [name: string, attributes: readonly Uint8Array[]][] = [
  ...[
    '0',
    '1',
    '2',
    '3',
    '4',
    '5',
    '16',
    '18',
    '23',
    '24',
    '190',
    '019',
    '19 ',
    ' 19',
    '+19',
    '-1',
    '19.0',
    '0x13',
    '',
  ].map((text): [string, Uint8Array[]] => [JSON.stringify(text), [attributes.messageType(text)]]),
  ['"１９", as full-width digits', [attribute(messageType, der.utf8String('１９'))]],
  ['"19" and a NUL', [attribute(messageType, der.utf8String('19\0'))]],
  ['the INTEGER 19', [attribute(messageType, der.integer(19))]],
  ['two values', [attributes.messageType('19', '18')]],
  ['two equal values', [attributes.messageType('19', '19')]],
  ['two attributes, the right one first', [attributes.messageType('19'), attributes.messageType('18')]],
  ['two attributes, the right one last', [attributes.messageType('18'), attributes.messageType('19')]],
  ['no value', [attribute(messageType)]],
  ['missing', []],
];

describe('S1: a messageType other than those of RFC 8894 issues nothing', () => {
  it('and with the right one, these very messages are issued', async () => {
    const { reply } = await attack.send({ content: attack.sealed(device), signer: device });
    assert.equal(reply?.status, 'success');
  });

  for (const [name, type] of types) {
    it(`${name}: badRequest, and the store is unchanged`, async () => {
      const before = await attack.stored();
      const outcome = await attack.send({ content: attack.sealed(device), signer: device, messageType: type });
      assertRefused(outcome, 'badRequest');
      assert.equal(outcome.refusal, 'message.unknown_type');
      assert.deepEqual(await attack.stored(), before);
    });
  }

  for (const type of ['18', '3', '019']) {
    it(`${type}, signed with a valid certificate as a renewal would be`, async () => {
      const certificate = issued(
        await attack.client.send({
          csr: certificationRequest(device, { challenge: STATIC_CHALLENGE }),
          transactionId: attack.newTransactionId(),
          signer: device,
        }),
      );
      const before = await attack.stored();
      const outcome = await attack.send({
        content: attack.sealed(device),
        signer: { certificate, privateKey: device.privateKey },
        messageType: [attributes.messageType(type)],
      });
      assertRefused(outcome, 'badRequest');
      assert.deepEqual(await attack.stored(), before);
    });
  }
});
