/**
 * S7: whoever captured a device's envelope may change it, sign it with a key of his own and look at the answer
 * (Bleichenbacher 1998, Vaudenay 2002). Every answer is the same, byte by byte. In time: `npm run bench:timing`.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { decodePkiMessage } from '@scepter/scep';
import { certificationRequest } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { AttackLaboratory, assertRefused, newPerson } from './attack-laboratory.ts';
import { attributes, envelope, pad, seal } from './hand-made-message.ts';
import type { SealedParts } from './hand-made-message.ts';

const victim = newPerson();
const attacker = newPerson('CN=attacker');
const csr = certificationRequest(victim, { challenge: STATIC_CHALLENGE });
let laboratory: Laboratory;
let attack: AttackLaboratory;
let captured: SealedParts;

before(async () => {
  laboratory = await openLaboratory();
  attack = await AttackLaboratory.at(laboratory, 'static');
  captured = seal(attack.client.recipient, csr);
});
after(() => laboratory.close());

function changed(bytes: Uint8Array, position: number, mask = 0x01): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const index = position < 0 ? copy.length + position : position;
  copy[index] = (copy[index] ?? 0) ^ mask;
  return copy;
}

function ending(byte: number): Uint8Array {
  const padded = Buffer.from(pad(csr));
  padded[padded.length - 1] = byte;
  return padded;
}

const sealed = (...rest: Parameters<typeof seal> extends [unknown, ...infer Rest] ? Rest : never): SealedParts =>
  seal(attack.client.recipient, ...rest);

const corruptions: readonly [name: string, parts: () => SealedParts][] = [
  ['nothing changed, signed by another key', () => captured],
  ['a changed RSA blob', () => ({ ...captured, encryptedKey: changed(captured.encryptedKey, 100) })],
  [
    'an RSA blob of random bytes',
    () => ({ ...captured, encryptedKey: changed(randomBytes(captured.encryptedKey.length), 0, 0).fill(1, 0, 1) }),
  ],
  [
    'an RSA blob larger than the modulus',
    () => ({ ...captured, encryptedKey: new Uint8Array(captured.encryptedKey.length).fill(0xff) }),
  ],
  ['an RSA blob of zeros', () => ({ ...captured, encryptedKey: new Uint8Array(captured.encryptedKey.length) })],
  ['an RSA blob of one byte less', () => ({ ...captured, encryptedKey: captured.encryptedKey.subarray(1) })],
  ['an empty RSA blob', () => ({ ...captured, encryptedKey: new Uint8Array() })],
  ['another content key', () => sealed(csr, { transported: randomBytes(16) })],
  ['a content key of 15 bytes', () => sealed(csr, { transported: randomBytes(15) })],
  ['a content key of 24 bytes', () => sealed(csr, { transported: randomBytes(24) })],
  ['a content key of 32 bytes', () => sealed(csr, { transported: randomBytes(32) })],
  ['an empty content key', () => sealed(csr, { transported: new Uint8Array() })],
  ['a changed last block', () => ({ ...captured, encryptedContent: changed(captured.encryptedContent, -1) })],
  ['a changed block in the middle', () => ({ ...captured, encryptedContent: changed(captured.encryptedContent, 400) })],
  ['a changed first block', () => ({ ...captured, encryptedContent: changed(captured.encryptedContent, 0) })],
  ['a changed IV', () => ({ ...captured, iv: changed(captured.iv, 1) })],
  ['padding of 0', () => sealed(csr, { padded: ending(0) })],
  ['padding of 1 where there is more', () => sealed(csr, { padded: ending(1) })],
  ['padding of 17', () => sealed(csr, { padded: ending(17) })],
  ['padding of 255', () => sealed(csr, { padded: ending(255) })],
  [
    'a request without its last block',
    () => ({ ...captured, encryptedContent: captured.encryptedContent.subarray(0, -16) }),
  ],
  ['half a block', () => ({ ...captured, encryptedContent: captured.encryptedContent.subarray(0, -8) })],
  ['no block', () => ({ ...captured, encryptedContent: new Uint8Array() })],
  ['random content, rightly padded', () => sealed(randomBytes(csr.length))],
  ['a request damaged inside', () => sealed(changed(csr, csr.length / 2))],
  ['a request whose signature is wrong', () => sealed(changed(csr, -20))],
];

/** Without what is fresh in every reply: the senderNonce, and the signature at its end. */
function comparable(reply: Uint8Array): string {
  const masked = Buffer.from(reply);
  const nonce = Buffer.from(decodePkiMessage(reply).senderNonce ?? []);
  assert.equal(nonce.length, 16);
  masked.fill(0, masked.indexOf(nonce), masked.indexOf(nonce) + 16);
  const { key } = attack.client.recipient.publicKey;
  assert.ok(key.kind === 'rsa');
  masked.fill(0, masked.length - key.modulus.length);
  return masked.toString('hex');
}

for (const type of ['19', '17']) {
  describe(`S7: a captured envelope, changed and sent as messageType ${type}`, () => {
    let first: string | undefined;
    for (const [name, parts] of corruptions) {
      it(`${name}: the one answer`, async () => {
        const outcome = await attack.send({
          content: envelope(attack.client.recipient, parts()),
          signer: attacker,
          transactionId: `captured-${type}`,
          messageType: [attributes.messageType(type)],
        });
        assertRefused(outcome, 'badRequest');
        assert.equal(outcome.refusal, 'message.sealed_content');
        first ??= comparable(outcome.bytes);
        assert.equal(comparable(outcome.bytes), first);
      });
    }
  });
}

it('S7: nothing was issued for any of it', async () => assert.deepEqual(await attack.stored(), []));
