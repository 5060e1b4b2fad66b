import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { oid } from '@scepter/x509';
import { CaError, createCertificateProfile, validityPeriod } from '@scepter/ca';
import type { CertificateProfile } from '@scepter/ca';

const impossible: [name: string, settings: Partial<CertificateProfile>, message: RegExp][] = [
  ['no name', { name: '' }, /name must/],
  ['no validity', { validityDays: 0 }, /validityDays/],
  ['eleven years', { validityDays: 4015 }, /validityDays/],
  ['a validity that is no number', { validityDays: Number.NaN }, /validityDays/],
  ['negative backdating', { backdateHours: -1 }, /backdateHours/],
  ['two weeks of backdating', { backdateHours: 336 }, /backdateHours/],
  ['keyCertSign', { keyUsages: ['digitalSignature', 'keyEncipherment', 'keyCertSign'] }, /those of a CA/],
  ['no default key usage', { defaultKeyUsages: [] }, /defaultKeyUsages must not/],
  ['a default key usage that is not allowed', { keyUsages: ['digitalSignature'] }, /defaultKeyUsages must be among/],
  ['no default extended key usage', { defaultExtendedKeyUsages: [] }, /defaultExtendedKeyUsages must not/],
  ['a default that is not allowed', { extendedKeyUsages: [oid.serverAuth] }, /defaultExtendedKeyUsages must be among/],
  ['anyExtendedKeyUsage', { extendedKeyUsages: [oid.clientAuth, oid.anyExtendedKeyUsage] }, /must not contain any/],
  ['OCSP signing', { extendedKeyUsages: [oid.clientAuth, oid.ocspSigning] }, /must not contain any/],
  ['RSA of 1024 bits', { rsaBits: { minimum: 1024, maximum: 4096 } }, /rsaBits/],
  ['RSA bounds the wrong way round', { rsaBits: { minimum: 4096, maximum: 2048 } }, /rsaBits/],
  ['RSA of 16384 bits', { rsaBits: { minimum: 2048, maximum: 16_384 } }, /rsaBits/],
  ['a CRL over https', { crlUrls: ['https://pki.example/crl'] }, /http:/],
  ['a CRL URL with a space', { crlUrls: ['http://pki.example/c rl'] }, /http:/],
  ['an issuer URL in a file', { caIssuerUrls: ['file:///ca.cer'] }, /http:/],
];

describe('createCertificateProfile', () => {
  it('gives a device a client certificate by default', () => {
    const profile = createCertificateProfile();
    assert.deepEqual(profile.defaultExtendedKeyUsages, [oid.clientAuth]);
    assert.deepEqual(profile.defaultKeyUsages, ['digitalSignature', 'keyEncipherment']);
    assert.equal(profile.backdateHours, 24);
  });

  for (const [name, settings, message] of impossible) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => createCertificateProfile(settings),
        (error) => error instanceof CaError && error.code === 'ca.invalid_profile' && message.test(error.message),
      );
    });
  }
});

describe('validityPeriod', () => {
  const profile = createCertificateProfile({ validityDays: 10, backdateHours: 24 });
  const issuer = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };

  it('is backdated, as long as the profile says, and cut to seconds', () => {
    assert.deepEqual(validityPeriod(profile, issuer, new Date('2026-03-01T12:00:00.999Z')), {
      notBefore: new Date('2026-02-28T12:00:00Z'),
      notAfter: new Date('2026-03-11T12:00:00Z'),
    });
  });

  it("stays within the issuer's", () => {
    assert.deepEqual(validityPeriod(profile, issuer, new Date('2026-01-01T12:00:00Z')).notBefore, issuer.notBefore);
    assert.deepEqual(validityPeriod(profile, issuer, new Date('2026-12-30T00:00:00Z')).notAfter, issuer.notAfter);
  });
});
