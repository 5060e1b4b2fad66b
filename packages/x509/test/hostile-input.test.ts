import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import * as x509 from '@scepter/x509';

const { Asn1Error, der } = x509;

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const subject = x509.parseName('CN=device-1+OU=Sales,O=Contoso,C=NO');
const extensions = [
  x509.keyUsageExtension(['digitalSignature']),
  x509.subjectAltNameExtension([
    { kind: 'upn', value: 'a@b.example' },
    { kind: 'ip', value: '192.0.2.1' },
  ]),
];
const certificate = x509.createSelfSignedCertificate({
  subject,
  ...keys,
  serialNumber: Uint8Array.of(0x80, 1),
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2027-01-01T00:00:00Z'),
  extensions,
});
const request = x509.createCertificationRequest({ subject, ...keys, extensions, challengePassword: 'secret' });
const algorithm = x509.signatureAlgorithmFor(keys.privateKey, 'sha256');
const list = x509.assembleCertificateList(
  x509.encodeTbsCertificateList({
    signatureAlgorithm: algorithm,
    issuer: subject,
    thisUpdate: new Date('2026-01-01T00:00:00Z'),
    nextUpdate: new Date('2027-01-01T00:00:00Z'),
    crlNumber: 5n,
    authorityKeyIdentifier: new Uint8Array(20),
    revoked: [{ serialNumber: Uint8Array.of(1), revokedAt: new Date('2026-01-01T00:00:00Z'), reason: 'keyCompromise' }],
  }),
  algorithm,
  new Uint8Array(70),
);

const decoders: [string, Uint8Array, (bytes: Uint8Array) => unknown][] = [
  ['certificate', certificate, (bytes) => x509.decodeCertificate(bytes)],
  ['certificate in BER', certificate, (bytes) => x509.decodeCertificate(bytes, { rules: 'ber' })],
  ['certification request', request, x509.decodeCertificationRequest],
  ['certificate list', list, x509.decodeCertificateList],
  ['name', subject.encoded, x509.decodeName],
  ['general names', extensions[1]?.value ?? certificate, x509.decodeGeneralNames],
  ['public key', x509.publicKeyInfoOf(keys.publicKey).encoded, x509.decodePublicKeyInfo],
  ['key usage', extensions[0]?.value ?? certificate, x509.decodeKeyUsage],
  ['extended key usage', x509.encodeExtendedKeyUsage(['1.2.3']), x509.decodeExtendedKeyUsage],
  ['basic constraints', x509.encodeBasicConstraints({ ca: true, pathLength: 1 }), x509.decodeBasicConstraints],
  ['subject key identifier', x509.encodeSubjectKeyIdentifier(new Uint8Array(20)), x509.decodeSubjectKeyIdentifier],
  [
    'authority key identifier',
    x509.encodeAuthorityKeyIdentifier(new Uint8Array(20)),
    x509.decodeAuthorityKeyIdentifier,
  ],
  ['CRL distribution points', x509.encodeCrlDistributionPoints(['http://a']), x509.decodeCrlDistributionPoints],
  [
    'authority information access',
    x509.encodeAuthorityInfoAccess({ ocsp: ['http://a'] }),
    x509.decodeAuthorityInfoAccess,
  ],
];

/** Decodes, and fails on any error but the one that is promised. */
function survives(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    decode(bytes);
    return true;
  } catch (error) {
    assert.ok(error instanceof Asn1Error, `${x509.toHex(bytes)}: ${String(error)}`);
    return false;
  }
}

for (const [label, valid, decode] of decoders) {
  describe(`hostile input as ${label}`, () => {
    it('cut off after any byte is refused', () => {
      assert.ok(survives(decode, valid));
      for (let length = 0; length < valid.length; length++) {
        assert.equal(survives(decode, valid.subarray(0, length)), false, `after ${length} bytes`);
      }
    });

    it('with a byte behind it is refused', () => {
      assert.equal(survives(decode, der.concat(valid, Uint8Array.of(0))), false);
    });

    it('of random bytes throws nothing but Asn1Error', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void survives(decode, bytes)),
        { numRuns: 300 },
      );
    });

    it('with some bytes replaced throws nothing but Asn1Error', () => {
      const changes = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(changes, (replaced) => {
          const bytes = Uint8Array.from(valid);
          for (const [at, value] of replaced) bytes[at] = value;
          survives(decode, bytes);
        }),
        { numRuns: 1000 },
      );
    });

    it('nested 10,000 deep is refused at once', () => {
      const started = performance.now();
      for (const open of ['3080', '308400ffffff', '3082ffff', 'a080', '2480']) {
        assert.equal(survives(decode, x509.fromHex(open.repeat(10_000))), false, open);
      }
      assert.ok(performance.now() - started < 1000);
    });

    it('of 20,000 small elements is refused at once', () => {
      const started = performance.now();
      for (const element of ['3000', '3100', '0500', '06012a', '8200', 'a000', '300306012a', '30800000']) {
        const elements = x509.fromHex(element.repeat(20_000));
        for (const bytes of [der.sequence(elements), der.set(elements), elements]) {
          assert.equal(survives(decode, bytes), false, element);
        }
      }
      assert.ok(performance.now() - started < 2000);
    });
  });
}
