import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import {
  buildName,
  decodeAuthorityInfoAccess,
  decodeAuthorityKeyIdentifier,
  decodeBasicConstraints,
  decodeCertificate,
  decodeCrlDistributionPoints,
  decodeExtendedKeyUsage,
  decodeGeneralNames,
  decodeKeyUsage,
  decodeSubjectKeyIdentifier,
  encodeSubjectKeyIdentifier,
  findExtension,
  keyIdentifier,
  oid,
} from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { CaError, composeTbsCertificate, issueCertificate, localSigningKey, newSerialNumber } from '@scepter/ca';
import type { CertificateContents, CertificateProfile } from '@scepter/ca';
import { createTestAuthority, deviceContents, newEcKey, newRsaKey, profile } from './test-authorities.ts';
import type { TestAuthority } from './test-authorities.ts';

const deviceKey = newRsaKey();

describe('issueCertificate', () => {
  let authority: TestAuthority;
  let contents: CertificateContents;

  before(async () => {
    authority = await createTestAuthority();
    contents = deviceContents(authority.issuer, deviceKey);
  });

  function issue(changes: Partial<CertificateContents> = {}, withProfile: CertificateProfile = profile): Certificate {
    const { issuer, signingKey } = authority;
    const changed = { ...contents, ...changes };
    const serialNumber = newSerialNumber(randomBytes);
    const tbs = composeTbsCertificate({ contents: changed, profile: withProfile, issuer, serialNumber });
    return decodeCertificate(issueCertificate(tbs, { signingKey, issuer, profile: withProfile, contents: changed }));
  }

  function valueOf(certificate: Certificate, type: string): Uint8Array {
    const extension = findExtension(certificate.extensions, type);
    assert.ok(extension, `extension ${type}`);
    return extension.value;
  }

  it('makes a certificate that chains to the issuer in the judgement of node:crypto', () => {
    const certificate = new X509Certificate(issue().encoded);
    const issuer = new X509Certificate(authority.issuer.encoded);
    assert.ok(certificate.verify(issuer.publicKey));
    assert.ok(certificate.checkIssued(issuer));
    assert.equal(certificate.ca, false);
    assert.equal(certificate.issuer, issuer.subject);
    assert.match(certificate.subjectAltName ?? '', /DNS:device-1\.example, URI:.*othername:UPN:user@example\.com/);
  });

  it('says exactly what the contents and the profile say', () => {
    const certificate = issue();
    assert.deepEqual(certificate.subject.encoded, contents.subject.encoded);
    assert.deepEqual(certificate.issuer.encoded, authority.issuer.subject.encoded);
    assert.deepEqual(certificate.publicKey.encoded, deviceKey.encoded);
    assert.deepEqual(certificate.notBefore, new Date('2026-02-28T12:00:00Z'));
    assert.deepEqual(certificate.notAfter, new Date('2027-03-01T12:00:00Z'));
    assert.deepEqual(decodeBasicConstraints(valueOf(certificate, oid.basicConstraints)), { ca: false });
    assert.deepEqual(decodeKeyUsage(valueOf(certificate, oid.keyUsage)), profile.defaultKeyUsages);
    assert.deepEqual(decodeExtendedKeyUsage(valueOf(certificate, oid.extendedKeyUsage)), [oid.clientAuth]);
    assert.deepEqual(decodeGeneralNames(valueOf(certificate, oid.subjectAltName)), contents.subjectAltNames);
    assert.deepEqual(decodeCrlDistributionPoints(valueOf(certificate, oid.crlDistributionPoints)), profile.crlUrls);
    const { caIssuers } = decodeAuthorityInfoAccess(valueOf(certificate, oid.authorityInfoAccess));
    assert.deepEqual(caIssuers, profile.caIssuerUrls);
    assert.deepEqual(
      decodeSubjectKeyIdentifier(valueOf(certificate, oid.subjectKeyIdentifier)),
      keyIdentifier(deviceKey),
    );
    const critical = certificate.extensions.filter((extension) => extension.critical).map((extension) => extension.oid);
    assert.deepEqual(critical.sort(), [oid.keyUsage, oid.basicConstraints].sort());
  });

  it("points to the issuer's own key identifier, even when it is not the hash of its key", () => {
    const unusual = Uint8Array.from([1, 2, 3, 4, 5]);
    const issuer: Certificate = {
      ...authority.issuer,
      extensions: authority.issuer.extensions.map((extension) =>
        extension.oid === oid.subjectKeyIdentifier
          ? { ...extension, value: encodeSubjectKeyIdentifier(unusual) }
          : extension,
      ),
    };
    const tbs = composeTbsCertificate({ contents, profile, issuer, serialNumber: newSerialNumber(randomBytes) });
    const { signingKey } = authority;
    const certificate = decodeCertificate(issueCertificate(tbs, { signingKey, issuer, profile, contents }));
    assert.deepEqual(decodeAuthorityKeyIdentifier(valueOf(certificate, oid.authorityKeyIdentifier)), unusual);
  });

  it('marks the alternative names critical when the subject is empty (RFC 5280 4.2.1.6)', () => {
    const certificate = issue({ subject: buildName([]) });
    assert.equal(findExtension(certificate.extensions, oid.subjectAltName)?.critical, true);
  });

  it('leaves out the alternative names and pointers that there are none of', () => {
    const certificate = issue({ subjectAltNames: [] }, { ...profile, crlUrls: [], caIssuerUrls: [] });
    for (const absent of [oid.subjectAltName, oid.crlDistributionPoints, oid.authorityInfoAccess]) {
      assert.equal(findExtension(certificate.extensions, absent), undefined);
    }
  });

  it('gives an elliptic curve key no usage that it cannot have (RFC 5480 3)', () => {
    const certificate = issue({ publicKey: newEcKey('P-256') });
    assert.deepEqual(decodeKeyUsage(valueOf(certificate, oid.keyUsage)), ['digitalSignature']);
  });

  it('ends with the issuer at the latest', () => {
    const certificate = issue({ notAfter: new Date('2999-01-01T00:00:00Z') }, { ...profile, validityDays: 3650 * 2 });
    assert.deepEqual(certificate.notAfter, authority.issuer.notAfter);
  });

  for (const digest of ['sha384', 'sha512'] as const) {
    it(`signs with ${digest} when the profile says so`, () => {
      const certificate = issue({}, { ...profile, digest });
      assert.equal(certificate.signatureAlgorithm.oid, digest === 'sha384' ? oid.sha384WithRSA : oid.sha512WithRSA);
      assert.ok(new X509Certificate(certificate.encoded).verify(authority.issuer.publicKey.keyObject()));
    });
  }

  it('does not touch the key when a lint fires, and names the findings', () => {
    const { issuer } = authority;
    const wrong = { ...contents, extendedKeyUsages: [oid.anyExtendedKeyUsage] };
    const tbs = composeTbsCertificate({ contents: wrong, profile, issuer, serialNumber: newSerialNumber(randomBytes) });
    let signatures = 0;
    const signingKey = {
      publicKey: issuer.publicKey,
      sign: () => {
        signatures += 1;
        return new Uint8Array(256);
      },
    };
    assert.throws(
      () => issueCertificate(tbs, { signingKey, issuer, profile, contents: wrong }),
      (error) =>
        error instanceof CaError &&
        error.code === 'ca.lint' &&
        error.findings.some(({ lint }) => lint === 'extended_key_usage_forbidden'),
    );
    assert.equal(signatures, 0);
  });

  const faultyKeys: [name: string, sign: () => Uint8Array][] = [
    ['signs wrongly', () => new Uint8Array(256).fill(7)],
    [
      'cannot sign',
      () => {
        throw new Error('device removed');
      },
    ],
  ];
  for (const [name, sign] of faultyKeys) {
    it(`hands out nothing when the key ${name}`, () => {
      const { issuer } = authority;
      const tbs = composeTbsCertificate({ contents, profile, issuer, serialNumber: newSerialNumber(randomBytes) });
      const signingKey = { publicKey: issuer.publicKey, sign };
      assert.throws(
        () => issueCertificate(tbs, { signingKey, issuer, profile }),
        (error) => error instanceof CaError && error.code === 'ca.signing_failed',
      );
    });
  }

  it("refuses a signing key that is not the issuer's", () => {
    const { issuer } = authority;
    const tbs = composeTbsCertificate({ contents, profile, issuer, serialNumber: newSerialNumber(randomBytes) });
    const signingKey = localSigningKey(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
    assert.throws(
      () => issueCertificate(tbs, { signingKey, issuer, profile }),
      (error) => error instanceof CaError && error.code === 'ca.signing_failed',
    );
  });
});
