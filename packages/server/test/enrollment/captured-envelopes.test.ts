/**
 * Whoever captured the envelope of somebody's request may also send it, changed or not, as a poll or a query of his own.
 * The answer says nothing of what is inside.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { decodePkiMessage } from '@scepter/scep';
import { assertRefused, AttackLaboratory, newPerson } from '../attacks/attack-laboratory.ts';
import { attributes, envelope, seal } from '../attacks/hand-made-message.ts';
import type { SealedParts } from '../attacks/hand-made-message.ts';
import { certificationRequest } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const victim = newPerson();
const attacker = newPerson('CN=attacker');
const csr = certificationRequest(victim, { challenge: STATIC_CHALLENGE });
let laboratory: Laboratory;
let attack: AttackLaboratory;
let captured: SealedParts;

before(async () => {
  laboratory = await openLaboratory({ endpoints: { manual: { authorizer: { kind: 'manual' } } } });
  attack = await AttackLaboratory.at(laboratory, 'manual');
  captured = seal(attack.client.recipient, csr);
});
after(() => laboratory.close());

function changed(bytes: Uint8Array, position: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[position] = (copy[position] ?? 0) ^ 1;
  return copy;
}

const envelopes: readonly [name: string, parts: () => SealedParts][] = [
  ['as it was', () => captured],
  ['with another first block', () => ({ ...captured, iv: changed(captured.iv, 1) })],
  [
    'with a changed block in the middle',
    () => ({ ...captured, encryptedContent: changed(captured.encryptedContent, 400) }),
  ],
  ['with a changed RSA blob', () => ({ ...captured, encryptedKey: changed(captured.encryptedKey, 100) })],
  ['without its last block', () => ({ ...captured, encryptedContent: captured.encryptedContent.subarray(0, -16) })],
  ['of random content', () => seal(attack.client.recipient, randomBytes(csr.length))],
];

/** Without what is fresh in every reply: the senderNonce, and the signature at its end. */
function comparable(reply: Uint8Array): string {
  const masked = Buffer.from(reply);
  const nonce = Buffer.from(decodePkiMessage(reply).senderNonce ?? []);
  masked.fill(0, masked.indexOf(nonce), masked.indexOf(nonce) + nonce.length);
  const { key } = attack.client.recipient.publicKey;
  assert.ok(key.kind === 'rsa');
  masked.fill(0, masked.length - key.modulus.length);
  return masked.toString('hex');
}

const types: readonly [name: string, messageType: string, refusal: string][] = [
  ['a CertPoll', '20', 'query.unknown_transaction'],
  ['a GetCert', '21', 'query.unknown_certificate'],
  ['a GetCRL', '22', 'query.unknown_authority'],
];

for (const [name, messageType, refusal] of types) {
  describe(`somebody else's envelope, sent as ${name}`, () => {
    let first: string | undefined;
    for (const [change, parts] of envelopes) {
      it(`${change}: the one answer`, async () => {
        const outcome = await attack.send({
          content: envelope(attack.client.recipient, parts()),
          signer: attacker,
          transactionId: `captured-${messageType}`,
          messageType: [attributes.messageType(messageType)],
        });
        assertRefused(outcome, 'badCertId');
        assert.equal(outcome.refusal, refusal);
        first ??= comparable(outcome.bytes);
        assert.equal(comparable(outcome.bytes), first);
      });
    }
  });
}

describe("a poll of the attacker's own transaction, with somebody else's envelope", () => {
  it('is told PENDING whatever is inside, as with an envelope of his own', async () => {
    const transactionId = 'his-own';
    const own = certificationRequest(attacker, { subject: 'CN=attacker' });
    const request = envelope(attack.client.recipient, seal(attack.client.recipient, own));
    const sent = await attack.send({ content: request, signer: attacker, transactionId });
    assert.deepEqual(sent.reply, { status: 'pending' });
    const answers = new Set<string>();
    for (const [, parts] of envelopes) {
      const content = envelope(attack.client.recipient, parts());
      const messageType = [attributes.messageType('20')];
      const outcome = await attack.send({ content, signer: attacker, transactionId, messageType });
      assert.deepEqual(outcome.reply, { status: 'pending' });
      answers.add(comparable(outcome.bytes));
    }
    assert.equal(answers.size, 1);
  });
});
