/** S6: whose signature it is, and over what. The device's key, request and challenge are right throughout. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openLaboratory } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { AttackLaboratory, newPerson, senderNonce } from './attack-laboratory.ts';
import { attributes, message, signerInfo, usualAttributes } from './hand-made-message.ts';
import type { MessageOptions } from './hand-made-message.ts';

const device = newPerson();
const attacker = newPerson('CN=attacker');
let laboratory: Laboratory;
let attack: AttackLaboratory;

before(async () => {
  laboratory = await openLaboratory();
  attack = await AttackLaboratory.at(laboratory, 'static');
});
after(() => laboratory.close());

type Forge = (usual: MessageOptions) => MessageOptions;

const without =
  (index: number): Forge =>
  (usual) => ({ ...usual, signedAttributes: usualAttributes(usual).filter((_, each) => each !== index) });

describe('S6: a message that is not signed as a whole by the one it names gets no certificate', () => {
  const rows: readonly [name: string, forge: Forge, answer: string][] = [
    [
      'other content than what was signed',
      (usual) => ({ ...usual, contentInstead: attack.sealed(attacker) }),
      'badMessageCheck',
    ],
    ['no content', (usual) => ({ ...usual, contentInstead: new Uint8Array() }), 'badMessageCheck'],
    [
      'a changed signature',
      (usual) => ({ ...usual, signature: (right) => right.map((byte, index) => (index === 9 ? byte ^ 1 : byte)) }),
      'badMessageCheck',
    ],
    ['an empty signature', (usual) => ({ ...usual, signature: () => new Uint8Array() }), 'badMessageCheck'],
    [
      'a SignerInfo that names another certificate than that of the key',
      (usual) => ({ ...usual, named: attacker.certificate, certificates: [attacker.certificate, device.certificate] }),
      'badMessageCheck',
    ],
    [
      'a SignerInfo that names a certificate that is not there',
      (usual) => ({ ...usual, named: attacker.certificate }),
      'HTTP 400',
    ],
    ['no certificate', (usual) => ({ ...usual, certificates: [] }), 'HTTP 400'],
    ['no SignerInfo', (usual) => ({ ...usual, signerInfos: [] }), 'HTTP 400'],
    [
      'two SignerInfos of one signer',
      (usual) => ({ ...usual, signerInfos: [signerInfo(usual), signerInfo(usual)] }),
      'badMessageCheck',
    ],
    [
      'two SignerInfos, the other one first',
      (usual) => ({
        ...usual,
        certificates: [device.certificate, attacker.certificate],
        signerInfos: [signerInfo({ ...usual, signer: attacker }), signerInfo(usual)],
      }),
      'badMessageCheck',
    ],
    ['no signed attributes', (usual) => ({ ...usual, signedAttributes: undefined }), 'HTTP 400'],
    ['no contentType attribute', without(0), 'badMessageCheck'],
    ['no messageDigest attribute', without(1), 'badMessageCheck'],
    ['no transactionID attribute', without(4), 'HTTP 400'],
    [
      'two messageDigest attributes',
      (usual) => ({
        ...usual,
        signedAttributes: [...usualAttributes(usual), attributes.messageDigest(Buffer.from('x'))],
      }),
      'badMessageCheck',
    ],
    [
      "the signature of the attacker's key",
      (usual) => ({ ...usual, signer: attacker, certificates: [attacker.certificate] }),
      'badRequest',
    ],
  ];
  for (const [name, forge, expected] of rows) {
    it(`${name}: ${expected}`, async () => {
      const before = await attack.stored();
      const transactionId = attack.newTransactionId();
      const forged = forge({ content: attack.sealed(device), signer: device, transactionId, senderNonce });
      const { status, reply } = await attack.post(message(forged), transactionId, device);
      const answer = status === 200 ? reply?.status === 'failure' && reply.failInfo : `HTTP ${status}`;
      assert.equal(answer, expected);
      assert.deepEqual(await attack.stored(), before);
    });
  }

  it('and as it was before each change, it is issued', async () => {
    assert.equal((await attack.send({ content: attack.sealed(device), signer: device })).reply?.status, 'success');
  });
});
