// RFC 5280 6.1, as far as a device applies it.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { before, describe, it } from 'node:test';
import {
  assembleCertificate,
  basicConstraintsExtension,
  certificationPath,
  decodeCertificate,
  encodeTbsCertificate,
  isValidAt,
  keyUsageExtension,
  oid,
  parseName,
  publicKeyInfoOf,
  signatureAlgorithmFor,
  signData,
} from '@scepter/x509';
import type { Certificate, Extension } from '@scepter/x509';

const now = new Date('2026-11-22T12:00:00Z');
const day = 86_400_000;

interface Holder {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}
interface Terms {
  readonly extensions?: Extension[];
  readonly notAfter?: Date;
  readonly serialNumber?: number;
}

const ca = (pathLength?: number): Extension =>
  basicConstraintsExtension({ ca: true, ...(pathLength === undefined ? {} : { pathLength }) });

const holder = (name: string): Holder => ({ name, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) });

function issue(issuer: Holder, subject: Holder, terms: Terms = {}): Certificate {
  const signatureAlgorithm = signatureAlgorithmFor(issuer.privateKey, 'sha256');
  const tbs = encodeTbsCertificate({
    serialNumber: Uint8Array.of(terms.serialNumber ?? 1),
    signatureAlgorithm,
    issuer: parseName(issuer.name),
    notBefore: new Date(now.getTime() - day),
    notAfter: terms.notAfter ?? new Date(now.getTime() + 365 * day),
    subject: parseName(subject.name),
    publicKey: publicKeyInfoOf(subject.publicKey).encoded,
    extensions: terms.extensions ?? [ca()],
  });
  return decodeCertificate(assembleCertificate(tbs, signatureAlgorithm, signData(issuer.privateKey, 'sha256', tbs)));
}

const [rootHolder, upperHolder, lowerHolder] = [holder('CN=Root'), holder('CN=Upper'), holder('CN=Lower')];
const leafHolder = holder('CN=leaf');
let root: Certificate;
let upper: Certificate;
let lower: Certificate;
let leaf: Certificate;

before(() => {
  root = issue(rootHolder, rootHolder);
  upper = issue(rootHolder, upperHolder, { extensions: [ca(1)] });
  lower = issue(upperHolder, lowerHolder, { extensions: [ca(0), keyUsageExtension(['keyCertSign'])] });
  leaf = issue(lowerHolder, leafHolder, { extensions: [] });
});

const expired = (): Certificate => issue(upperHolder, lowerHolder, { notAfter: new Date(now.getTime() - 1) });

describe('a certification path', () => {
  it('is found whatever the order of the intermediates, leaf first, anchor last', () => {
    assert.deepEqual(certificationPath(leaf, [root, upper, lower], [root], now), [leaf, lower, upper, root]);
  });

  it('ends at any certificate that is trusted', () => {
    assert.deepEqual(certificationPath(leaf, [], [lower], now), [leaf, lower]);
  });

  it('goes round a candidate that does not hold', () => {
    assert.deepEqual(certificationPath(leaf, [expired(), lower, upper], [root], now)?.[1], lower);
  });

  it('goes round a candidate whose extensions are damaged', () => {
    const damaged = issue(upperHolder, lowerHolder, {
      extensions: [{ oid: oid.basicConstraints, critical: true, value: Uint8Array.of(0x30, 5) }],
    });
    assert.deepEqual(certificationPath(leaf, [damaged, lower, upper], [root], now)?.[1], lower);
  });

  const broken: { name: string; intermediates: () => Certificate[]; anchors?: () => Certificate[]; at?: Date }[] = [
    { name: 'a missing intermediate', intermediates: () => [lower] },
    { name: 'an expired intermediate', intermediates: () => [expired(), upper] },
    {
      name: 'an intermediate without basic constraints',
      intermediates: () => [issue(upperHolder, lowerHolder, { extensions: [] }), upper],
    },
    {
      name: 'an intermediate that says it is no CA',
      intermediates: () => [
        issue(upperHolder, lowerHolder, { extensions: [basicConstraintsExtension({ ca: false })] }),
        upper,
      ],
    },
    {
      name: 'an intermediate that may not sign certificates',
      intermediates: () => [
        issue(upperHolder, lowerHolder, { extensions: [ca(), keyUsageExtension(['digitalSignature'])] }),
        upper,
      ],
    },
    {
      name: 'more authorities than a path length allows',
      intermediates: () => [lower, issue(rootHolder, upperHolder, { extensions: [ca(0)] })],
    },
    {
      name: 'an intermediate of the right name and another key',
      intermediates: () => [issue(upperHolder, holder('CN=Lower')), upper],
    },
    { name: 'no trusted certificate', intermediates: () => [lower, upper], anchors: () => [] },
    {
      name: 'an anchor that has expired',
      intermediates: () => [lower, upper],
      at: new Date(now.getTime() + 4000 * day),
    },
  ];
  for (const { name, intermediates, anchors, at } of broken) {
    it(`is not found with ${name}`, () => {
      assert.equal(certificationPath(leaf, intermediates(), anchors?.() ?? [root], at ?? now), undefined);
    });
  }

  it('is not looked for round and round between authorities that certify each other', () => {
    const [first, second] = [holder('CN=First'), holder('CN=Second')];
    const crossed = [issue(first, second), issue(second, first)];
    const below = issue(first, leafHolder, { extensions: [] });
    assert.equal(certificationPath(below, crossed, [root], now), undefined);
  });

  it('is given up soon between candidates that fit together in every order', () => {
    const loop = holder('CN=Loop');
    const candidates = Array.from({ length: 16 }, (_, serialNumber) => issue(loop, loop, { serialNumber }));
    const below = issue(loop, leafHolder, { extensions: [] });
    // Every order of five of them would be half a million signatures, which take a minute.
    const started = performance.now();
    assert.equal(certificationPath(below, candidates, [root], now), undefined);
    assert.ok(performance.now() - started < 5000);
  });
});

describe('isValidAt', () => {
  it('includes both ends', () => {
    assert.equal(isValidAt(leaf, leaf.notBefore), true);
    assert.equal(isValidAt(leaf, leaf.notAfter), true);
    assert.equal(isValidAt(leaf, new Date(leaf.notBefore.getTime() - 1)), false);
    assert.equal(isValidAt(leaf, new Date(leaf.notAfter.getTime() + 1)), false);
  });
});
