import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  decodeCertificate,
  decodeCertificateList,
  decodeSubjectKeyIdentifier,
  findExtension,
  oid,
  verifySignature,
} from '@scepter/x509';
import { CaError, issueCrl, localSigningKey } from '@scepter/ca';
import type { CrlContents } from '@scepter/ca';
import { createTestAuthority } from './test-authorities.ts';
import type { TestAuthority } from './test-authorities.ts';

const first = new Uint8Array(16).fill(0x51);
const second = new Uint8Array(16).fill(0x52);

describe('issueCrl', () => {
  let authority: TestAuthority;
  let contents: CrlContents;

  before(async () => {
    authority = await createTestAuthority();
    contents = {
      issuer: authority.issuer,
      signingKey: authority.signingKey,
      crlNumber: 41n,
      thisUpdate: new Date('2026-03-01T12:00:00.700Z'),
      nextUpdate: new Date('2026-03-08T12:00:00Z'),
      revoked: [
        { serialNumber: first, revokedAt: new Date('2026-02-01T00:00:00.300Z'), reason: 'keyCompromise' },
        { serialNumber: second, revokedAt: new Date('2026-02-02T00:00:00Z'), reason: 'unspecified' },
      ],
    };
  });

  it('lists what is revoked, in whole seconds, signed by the issuer', () => {
    const crl = decodeCertificateList(issueCrl(contents));
    const { issuer } = authority;
    assert.ok(verifySignature(crl.signatureAlgorithm, issuer.publicKey, crl.tbs, crl.signature));
    assert.deepEqual(crl.issuer.encoded, issuer.subject.encoded);
    assert.equal(crl.crlNumber, 41n);
    assert.deepEqual(crl.thisUpdate, new Date('2026-03-01T12:00:00Z'));
    assert.deepEqual(crl.nextUpdate, contents.nextUpdate);
    const ownIdentifier = findExtension(issuer.extensions, oid.subjectKeyIdentifier);
    assert.ok(ownIdentifier);
    assert.deepEqual(crl.authorityKeyIdentifier, decodeSubjectKeyIdentifier(ownIdentifier.value));
    assert.deepEqual(
      crl.revoked.map(({ serialNumber, revokedAt, reason }) => [serialNumber[0], revokedAt.toISOString(), reason]),
      [
        [0x51, '2026-02-01T00:00:00.000Z', 'keyCompromise'],
        [0x52, '2026-02-02T00:00:00.000Z', 'unspecified'],
      ],
    );
  });

  it('can be empty, and signed with SHA-512', () => {
    const crl = decodeCertificateList(issueCrl({ ...contents, revoked: [], digest: 'sha512' }));
    assert.deepEqual(crl.revoked, []);
    assert.equal(crl.signatureAlgorithm.oid, oid.sha512WithRSA);
  });

  const impossible: [name: string, changes: () => Partial<CrlContents>, code: string][] = [
    ['a negative number', () => ({ crlNumber: -1n }), 'ca.invalid_crl'],
    ['a number of 21 bytes', () => ({ crlNumber: 1n << 160n }), 'ca.invalid_crl'],
    ['an end before its start', () => ({ nextUpdate: contents.thisUpdate }), 'ca.invalid_crl'],
    ['a date that is none', () => ({ nextUpdate: new Date(Number.NaN) }), 'ca.invalid_crl'],
    [
      'a serial number twice',
      () => ({ revoked: [...contents.revoked, { serialNumber: first, revokedAt: new Date(0), reason: 'superseded' }] }),
      'ca.invalid_crl',
    ],
    [
      'removeFromCRL',
      () => ({ revoked: [{ serialNumber: first, revokedAt: new Date(0), reason: 'removeFromCRL' }] }),
      'ca.invalid_crl',
    ],
    [
      'an issuer that may not sign CRLs',
      () => ({ issuer: decodeCertificate(authority.hierarchy.registration.certificate) }),
      'ca.invalid_crl',
    ],
    [
      "a key that is not the issuer's",
      () => ({ signingKey: localSigningKey(authority.hierarchy.root.privateKey) }),
      'ca.signing_failed',
    ],
  ];
  for (const [name, changes, code] of impossible) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => issueCrl({ ...contents, ...changes() }),
        (error) => error instanceof CaError && error.code === code,
      );
    });
  }
});
