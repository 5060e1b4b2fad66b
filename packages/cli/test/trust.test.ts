import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  assembleCertificate,
  basicConstraintsExtension,
  createSelfSignedCertificate,
  decodeCertificate,
  encodeTbsCertificate,
  parseName,
  signatureAlgorithmFor,
  signData,
  thumbprint,
} from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { requireIssuedUnder, requirePinned } from '../src/enroll/trust.ts';

const now = new Date('2026-11-22T12:00:00Z');
const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2030-01-01T00:00:00Z') };
const keys = () => generateKeyPairSync('rsa', { modulusLength: 2048 });

function selfSigned(name: string) {
  const pair = keys();
  const encoded = createSelfSignedCertificate({
    subject: parseName(name),
    ...pair,
    serialNumber: randomBytes(8),
    ...validity,
    extensions: [basicConstraintsExtension({ ca: true })],
  });
  return { ...pair, certificate: decodeCertificate(encoded) };
}

function issuedBy(issuer: ReturnType<typeof selfSigned>, name: string): Certificate {
  const signatureAlgorithm = signatureAlgorithmFor(issuer.publicKey, 'sha256');
  const tbs = encodeTbsCertificate({
    serialNumber: randomBytes(8),
    signatureAlgorithm,
    issuer: issuer.certificate.subject,
    ...validity,
    subject: parseName(name),
    publicKey: keys().publicKey.export({ type: 'spki', format: 'der' }),
    extensions: [],
  });
  return decodeCertificate(assembleCertificate(tbs, signatureAlgorithm, signData(issuer.privateKey, 'sha256', tbs)));
}

const genuine = selfSigned('CN=CA');
const genuineRa = issuedBy(genuine, 'CN=RA');
const foreign = selfSigned('CN=CA');
const foreignRa = issuedBy(foreign, 'CN=RA');
const pin = thumbprint(genuine.certificate.encoded, 'sha256');

describe('a pinned CA', () => {
  it('is believed with the registration authority that it certified', () => {
    const ca = genuine.certificate;
    const authority = { certificates: [genuineRa, ca], ca, recipient: genuineRa, signers: [genuineRa, ca] };
    assert.equal(requirePinned(authority, pin, now), ca);
  });

  const attacks: { name: string; recipient: Certificate; signers: Certificate[]; reason: RegExp }[] = [
    {
      name: 'requests would go to somebody else',
      recipient: foreignRa,
      signers: [genuineRa],
      reason: /not issued by the pinned CA/,
    },
    {
      name: 'somebody else could sign replies',
      recipient: genuineRa,
      signers: [genuineRa, foreignRa],
      reason: /not issued by the pinned CA/,
    },
    {
      name: 'a CA of the same name stands beside it',
      recipient: genuineRa,
      signers: [foreign.certificate],
      reason: /not issued by the pinned CA/,
    },
  ];
  for (const { name, recipient, signers, reason } of attacks) {
    it(`is not enough when ${name}`, () => {
      const certificates = [recipient, ...signers, genuine.certificate, foreign.certificate];
      const authority = { certificates, ca: genuine.certificate, recipient, signers };
      assert.throws(() => requirePinned(authority, pin, now), reason);
    });
  }

  it('has to be among the certificates of the server', () => {
    const ca = foreign.certificate;
    const authority = { certificates: [foreignRa, ca], ca, recipient: foreignRa, signers: [foreignRa] };
    assert.throws(() => requirePinned(authority, pin, now), /has the expected fingerprint/);
  });

  it('has to stand above the certificate that comes back', () => {
    assert.doesNotThrow(() => requireIssuedUnder(genuine.certificate, [genuine.certificate]));
    assert.throws(() => requireIssuedUnder(genuine.certificate, [foreign.certificate]), /not issued under the pinned/);
  });
});
