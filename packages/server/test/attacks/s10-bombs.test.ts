/** S10: input that is cheap to send and dear to read, through the real endpoint. More: `../http/hostile-input.test.ts`. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { der, encodeAlgorithmIdentifier, encodeExtensions, oid, signData } from '@scepter/x509';
import { certificationRequest } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { AttackLaboratory, newPerson } from './attack-laboratory.ts';
import { attribute, attributes, envelope, message, seal, usualAttributes } from './hand-made-message.ts';
import type { MessageOptions } from './hand-made-message.ts';

const device = newPerson();
let laboratory: Laboratory;
let attack: AttackLaboratory;

before(async () => {
  laboratory = await openLaboratory();
  attack = await AttackLaboratory.at(laboratory, 'static');
});
after(() => laboratory.close());

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

function nested(depth: number, content: Uint8Array = der.null()): Uint8Array {
  let bytes = content;
  for (let level = 0; level < depth; level += 1) bytes = der.sequence(bytes);
  return bytes;
}

function nestedIndefinite(depth: number): Uint8Array {
  return Buffer.concat([...many(depth, () => Buffer.from([0x30, 0x80])), ...many(depth, () => Buffer.from([0, 0]))]);
}

/** A whole certification request with the right signature over whatever is in it. */
function csrOf(subject: Uint8Array, requestAttributes: readonly Uint8Array[]): Uint8Array {
  const info = der.sequence(
    der.integer(0),
    subject,
    device.certificate.publicKey.encoded,
    der.implicitConstructed(0, ...requestAttributes),
  );
  const algorithm = encodeAlgorithmIdentifier(oid.sha256WithRSA, der.null()).encoded;
  return der.sequence(info, algorithm, der.bitString(signData(device.privateKey, 'sha256', info)));
}

const name = (): Uint8Array => device.certificate.subject.encoded;
const challenge = (): Uint8Array => attribute(oid.challengePassword, der.utf8String(STATIC_CHALLENGE));
const commonName = (text: string): Uint8Array => der.sequence(der.oid(oid.commonName), der.utf8String(text));
const extensionRequest = (extensions: Parameters<typeof encodeExtensions>[0]): Uint8Array =>
  attribute(oid.extensionRequest, encodeExtensions(extensions));
const altNames = (value: Uint8Array): Uint8Array =>
  extensionRequest([{ oid: oid.subjectAltName, critical: false, value }]);
const ampleOid = Buffer.concat([Buffer.from([0x06, 0x82, 0x27, 0x10]), Buffer.alloc(9_999, 0x81), Buffer.from([1])]);

/** Inside the envelope, rightly encrypted and signed. What nobody reads is harmless, however much there is of it. */
const requests: readonly [name: string, csr: () => Uint8Array, harmless?: 'harmless'][] = [
  [
    '4,000 attributes',
    () =>
      csrOf(
        name(),
        many(4_000, () => der.sequence(der.oid('1.2.3'), der.set())),
      ),
  ],
  [
    'an attribute of 10,000 values',
    () => csrOf(name(), [challenge(), attribute('1.2.3', ...many(10_000, () => der.null()))]),
  ],
  [
    '2,500 extensions',
    () =>
      csrOf(name(), [
        challenge(),
        extensionRequest(many(2_500, (index) => ({ oid: `1.2.3.${index}`, critical: false, value: der.null() }))),
      ]),
    'harmless',
  ],
  [
    'one extension 2,000 times',
    () =>
      csrOf(name(), [
        challenge(),
        extensionRequest(many(2_000, () => ({ oid: oid.subjectAltName, critical: false, value: der.sequence() }))),
      ]),
  ],
  [
    '10,000 alternative names',
    () =>
      csrOf(name(), [
        challenge(),
        altNames(der.sequence(...many(10_000, () => der.implicitPrimitive(2, Buffer.from('a'))))),
      ]),
  ],
  [
    'an alternative name of 40 KB',
    () => csrOf(name(), [challenge(), altNames(der.sequence(der.implicitPrimitive(2, Buffer.alloc(40_000, 'a'))))]),
  ],
  ['alternative names 5,000 deep', () => csrOf(name(), [challenge(), altNames(nested(5_000))])],
  [
    'a subject of 2,000 names',
    () => csrOf(der.sequence(...many(2_000, () => der.set(commonName('a')))), [challenge()]),
  ],
  [
    'a subject of one name with 2,000 parts',
    () => csrOf(der.sequence(der.set(...many(2_000, () => commonName('a')))), [challenge()]),
  ],
  ['a common name of 40 KB', () => csrOf(der.sequence(der.set(commonName('a'.repeat(40_000)))), [challenge()])],
  [
    'a common name of combining characters',
    () => csrOf(der.sequence(der.set(commonName(`a${'\u0301'.repeat(20_000)}`))), [challenge()]),
  ],
  [
    'a common name of escapes',
    () => csrOf(der.sequence(der.set(commonName(',\\"+<>;=#'.repeat(4_000)))), [challenge()]),
  ],
  [
    'an object identifier of 10 KB',
    () => csrOf(der.sequence(der.set(der.sequence(ampleOid, der.utf8String('a')))), [challenge()]),
  ],
  ['a challenge of 50 KB', () => csrOf(name(), [attribute(oid.challengePassword, der.utf8String('a'.repeat(50_000)))])],
  ['a value 10,000 deep', () => csrOf(name(), [challenge(), attribute('1.2.3', nested(10_000))]), 'harmless'],
  ['10,000 indefinite lengths', () => csrOf(name(), [challenge(), attribute('1.2.3', nestedIndefinite(10_000))])],
  [
    'a number of 40 KB',
    () => csrOf(name(), [challenge(), attribute('1.2.3', der.unsignedInteger(randomBytes(40_000)))]),
    'harmless',
  ],
];

/** Around the envelope. */
const outsides: readonly [
  name: string,
  change: (usual: MessageOptions) => Partial<MessageOptions>,
  harmless?: 'harmless',
][] = [
  [
    '1,000 attributes',
    (usual) => ({
      signedAttributes: [...usualAttributes(usual), ...many(1_000, (index) => attribute(`1.2.3.${index}`, der.null()))],
    }),
  ],
  [
    'an attribute of 10,000 values',
    (usual) => ({
      signedAttributes: [...usualAttributes(usual), attribute('1.2.3', ...many(10_000, () => der.null()))],
    }),
  ],
  [
    'an attribute 10,000 deep',
    (usual) => ({ signedAttributes: [...usualAttributes(usual), attribute('1.2.3', nested(10_000))] }),
    'harmless',
  ],
  ['50 certificates', () => ({ certificates: many(50, () => device.certificate) })],
  ['10,000 SignerInfos', () => ({ signerInfos: many(10_000, () => der.sequence()) })],
  [
    'a transactionID of 40 KB',
    (usual) => ({
      signedAttributes: [...usualAttributes(usual).slice(0, 4), attributes.transactionId('a'.repeat(40_000))],
    }),
  ],
  ['a nonce of 40 KB', () => ({ senderNonce: randomBytes(40_000) })],
  [
    'an envelope of 20,000 recipients',
    () => ({
      content: der.sequence(
        der.oid('1.2.840.113549.1.7.3'),
        der.explicit(0, der.sequence(der.integer(0), der.set(...many(20_000, () => der.null())), der.sequence())),
      ),
    }),
  ],
  ['an envelope 15,000 deep', () => ({ content: nested(15_000) })],
  ['an envelope of nothing but indefinite lengths', () => ({ content: nestedIndefinite(12_000) })],
];

async function staysResponsive(bytes: Uint8Array, harmless: 'harmless' | undefined): Promise<void> {
  const before = await attack.stored();
  assert.ok(bytes.length <= 65_536 * 2, `${bytes.length}`);
  const startedAt = performance.now();
  const bomb = fetch(`${attack.client.url}?operation=PKIOperation`, { method: 'POST', body: Buffer.from(bytes) });
  const others = await Promise.all(many(5, () => fetch(`${attack.client.url}?operation=GetCACaps`)));
  assert.ok(others.every(({ status }) => status === 200));
  assert.ok(performance.now() - startedAt < 2_000, 'others are served meanwhile');
  const answer = await bomb;
  await answer.arrayBuffer();
  assert.ok([200, 400, 413].includes(answer.status), `${answer.status}`);
  assert.ok(performance.now() - startedAt < 4_000, `${performance.now() - startedAt} ms`);
  assert.equal((await attack.stored()).length, before.length + (harmless === undefined ? 0 : 1));
  assert.ok(!laboratory.steps.some(({ outcome }) => outcome === 'failed'), 'no step fails in an unforeseen way');
  assert.ok(!laboratory.log.some((line) => line.includes('crypto worker was lost')));
}

describe('S10: a bomb in the request is answered in no time', () => {
  for (const [row, csr, harmless] of requests) {
    it(row, () =>
      staysResponsive(
        message({
          content: envelope(attack.client.recipient, seal(attack.client.recipient, csr())),
          signer: device,
          transactionId: attack.newTransactionId(),
        }),
        harmless,
      ),
    );
  }
});

describe('S10: a bomb around the request is answered in no time', () => {
  for (const [row, change, harmless] of outsides) {
    it(row, () => {
      const csr = certificationRequest(device, { challenge: STATIC_CHALLENGE });
      const content = envelope(attack.client.recipient, seal(attack.client.recipient, csr));
      const usual: MessageOptions = { content, signer: device, transactionId: attack.newTransactionId() };
      return staysResponsive(message({ ...usual, ...change(usual) }), harmless);
    });
  }
});
