/** What @scepter/scep writes, judged and opened by the OpenSSL command, and the other way round. */
import {
  canEnvelopeUnder,
  createCertRep,
  createNextCaCertificates,
  createPkiRequest,
  decodeEnvelope,
  decodePkiMessage,
  encodeCertsOnly,
  openEnvelope,
  openEnvelopeWithPassword,
  readNextCaCertificates,
} from '@scepter/scep';
import type { CertRepOutcome, EnvelopeRecipient } from '@scepter/scep';
import {
  assembleCertificateList,
  basicConstraintsExtension,
  createCertificationRequest,
  createSelfSignedCertificate,
  decodeCertificate,
  encodePem,
  encodeTbsCertificateList,
  equalBytes,
  keyIdentifier,
  keyUsageExtension,
  parseName,
  signData,
  signatureAlgorithmFor,
} from '@scepter/x509';
import type { Certificate, DigestName } from '@scepter/x509';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';

const folder = mkdtempSync(path.join(tmpdir(), 'scep-openssl-'));
after(() => rmSync(folder, { recursive: true }));

interface Identity {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly certificateFile: string;
  readonly keyFile: string;
}

function file(name: string, content?: Uint8Array | string): string {
  const target = path.join(folder, name);
  if (content !== undefined) writeFileSync(target, content);
  return target;
}

/** What it wrote to its standard output; fails when it does. */
function openssl(...parameters: string[]): Buffer {
  return execFileSync('openssl', parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
}

function identity(name: string, keys: { privateKey: KeyObject; publicKey: KeyObject }): Identity {
  const certificate = createSelfSignedCertificate({
    subject: parseName(`CN=${name}`),
    ...keys,
    serialNumber: randomBytes(15),
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
    extensions: [
      basicConstraintsExtension({ ca: true }),
      keyUsageExtension(['digitalSignature', 'keyEncipherment', 'keyCertSign', 'cRLSign']),
    ],
  });
  return {
    certificate: decodeCertificate(certificate),
    ...keys,
    certificateFile: file(`${name}.pem`, encodePem('CERTIFICATE', certificate)),
    keyFile: file(`${name}.key`, keys.privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const authority = identity('authority', rsa());
const device = identity('device', rsa());
const signers: Identity[] = [device, ...['P-256', 'P-384', 'P-521'].map((curve) => identity(curve, ec(curve)))];
const nonce = randomBytes(16);
const password = 'a challenge of some length';
const digests: DigestName[] = ['sha1', 'sha256', 'sha384', 'sha512'];

const certRep = (outcome: CertRepOutcome, signer: Identity = authority, digest: DigestName = 'sha256'): Uint8Array =>
  createCertRep({ outcome, transactionId: 'transaction-1', recipientNonce: nonce, digest, signer, randomBytes });
const success = (
  recipient: EnvelopeRecipient,
  contents: { certificates?: Uint8Array[]; crls?: Uint8Array[] } = {},
): Extract<CertRepOutcome, { status: 'success' }> => ({
  status: 'success',
  certificates: contents.certificates ?? [device.certificate.encoded],
  crls: contents.crls ?? [],
  recipient,
  contentCipher: 'aes-128-cbc',
});
const toDevice: EnvelopeRecipient = {
  kind: 'certificate',
  certificate: device.certificate,
  keyTransport: { kind: 'pkcs1' },
};

/** Verifies the signature, whoever made it, and gives the content. */
const verifiedContent = (message: Uint8Array): Buffer =>
  openssl('cms', '-verify', '-noverify', '-binary', '-inform', 'DER', '-in', file('message.der', message));
const unsealed = (envelope: Uint8Array, ...how: string[]): Buffer =>
  openssl('cms', '-decrypt', '-binary', '-inform', 'DER', '-in', file('envelope.der', envelope), ...how);
const printed = (certsOnly: Uint8Array): string =>
  openssl('pkcs7', '-inform', 'DER', '-in', file('certs.p7', certsOnly), '-print_certs', '-noout').toString();

describe('OpenSSL reads envelopes of ours', () => {
  for (const contentCipher of ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des-ede3-cbc'] as const) {
    const message = certRep({ ...success({ kind: 'password', password }), contentCipher });

    it(`${contentCipher}: opens an answer under a password`, () => {
      const certsOnly = unsealed(verifiedContent(message), '-pwri_password', password);
      assert.match(printed(certsOnly), /subject=CN = device/);
    });

    it(`${contentCipher}: does not open it under another`, () => {
      const envelope = verifiedContent(message);
      assert.throws(() => unsealed(envelope, '-pwri_password', 'another secret altogether'));
    });
  }

  it('opens an answer with the private key', () => {
    const certsOnly = unsealed(verifiedContent(certRep(success(toDevice))), '-inkey', device.keyFile);
    assert.match(printed(certsOnly), /subject=CN = device/);
  });

  it('finds a CRL and nothing else in an answer to GetCRL', () => {
    const signatureAlgorithm = signatureAlgorithmFor(authority.privateKey, 'sha256');
    const tbs = encodeTbsCertificateList({
      signatureAlgorithm,
      issuer: authority.certificate.subject,
      thisUpdate: new Date(Date.now() - 1000),
      nextUpdate: new Date(Date.now() + 86_400_000),
      crlNumber: 5n,
      authorityKeyIdentifier: keyIdentifier(authority.certificate.publicKey),
      revoked: [],
    });
    const crl = assembleCertificateList(tbs, signatureAlgorithm, signData(authority.privateKey, 'sha256', tbs));
    const message = certRep(success(toDevice, { certificates: [], crls: [crl] }));
    const certsOnly = unsealed(verifiedContent(message), '-inkey', device.keyFile);
    const pem = openssl('pkcs7', '-inform', 'DER', '-in', file('certs.p7', certsOnly), '-print_certs').toString();
    assert.match(pem, /BEGIN X509 CRL/);
    assert.doesNotMatch(pem, /BEGIN CERTIFICATE/);
    const crlFile = file('only.crl', pem);
    assert.ok(equalBytes(openssl('crl', '-in', crlFile, '-outform', 'DER'), crl));
  });
});

describe('OpenSSL verifies messages of ours', () => {
  for (const signer of signers) {
    for (const digest of digests) {
      const name = signer.certificate.subject.rdns[0]?.[0]?.value;

      it(`a request signed by ${name} with ${digest}`, () => {
        const csr = createCertificationRequest({ subject: signer.certificate.subject, ...signer });
        const message = createPkiRequest({
          messageType: 'PKCSReq',
          content: csr,
          transactionId: 'transaction-1',
          senderNonce: nonce,
          recipients: [authority.certificate],
          contentCipher: 'aes-128-cbc',
          keyTransport: { kind: 'pkcs1' },
          digest,
          signer,
          randomBytes,
        });
        const content = unsealed(verifiedContent(message), '-inkey', authority.keyFile);
        assert.ok(equalBytes(content, csr));
      });

      it(`an answer signed by ${name} with ${digest}`, () => {
        const message = certRep(success(toDevice), signer, digest);
        assert.ok(equalBytes(verifiedContent(message), decodePkiMessage(message).content ?? new Uint8Array()));
      });
    }
  }

  // RFC 8894 section 3: without content the eContent is left out, which OpenSSL takes for content kept elsewhere.
  for (const outcome of [{ status: 'pending' }, { status: 'failure', failInfo: 'badCertId' }] as const) {
    it(`an answer without content: ${outcome.status}`, () => {
      const message = file('message.der', certRep(outcome));
      const input = ['-binary', '-inform', 'DER', '-in', message, '-content', file('empty', '')];
      assert.equal(openssl('cms', '-verify', '-noverify', ...input).length, 0);
    });
  }
});

describe('envelopes of OpenSSL under a password', () => {
  const plain = file('plain.txt', 'an answer in an envelope');
  for (const cipher of ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des-ede3-cbc']) {
    it(`open: ${cipher}`, () => {
      assert.ok(canEnvelopeUnder(password));
      const sealed = ['cms', '-encrypt', '-binary', '-outform', 'DER', '-in', plain, '-pwri_password', password];
      const envelope = decodeEnvelope(openssl(...sealed, `-${cipher}`));
      assert.ok(equalBytes(openEnvelopeWithPassword(envelope, password, randomBytes), readFileSync(plain)));
    });
  }

  it('open beside recipients with a certificate, and those as well', () => {
    const sealed = ['cms', '-encrypt', '-binary', '-outform', 'DER', '-in', plain, '-pwri_password', password];
    const envelope = decodeEnvelope(openssl(...sealed, '-aes128', authority.certificateFile, device.certificateFile));
    assert.equal(envelope.recipients.length, 2);
    assert.ok(equalBytes(openEnvelopeWithPassword(envelope, password, randomBytes), readFileSync(plain)));
    assert.ok(equalBytes(openEnvelope(envelope, device, randomBytes).content, readFileSync(plain)));
  });
});

describe('GetNextCACert, RFC 8894 section 4.7.1', () => {
  const next = identity('next', ec('P-384'));
  for (const current of signers) {
    const name = current.certificate.subject.rdns[0]?.[0]?.value;
    const certificates = [next.certificate.encoded];
    // sscep unwraps the answer with PKCS7_verify, which is what `smime` does.
    for (const command of ['cms', 'smime']) {
      it(`OpenSSL's ${command} verifies an answer by the CA with the key ${name}, up to the CA it trusts`, () => {
        const body = createNextCaCertificates({ certificates, digest: 'sha256', signer: current });
        const trust = ['-CAfile', current.certificateFile, '-purpose', 'any'];
        const input = ['-binary', '-inform', 'DER', '-in', file('next.der', body)];
        assert.match(printed(openssl(command, '-verify', ...input, ...trust)), /subject=CN = next/);
        const distrust = ['-CAfile', next.certificateFile, '-purpose', 'any'];
        assert.throws(() => openssl(command, '-verify', ...input, ...distrust));
      });
    }

    it(`we believe one that OpenSSL signed with the key ${name}`, () => {
      const content = file('certs-only.der', encodeCertsOnly(certificates));
      const signing = ['-signer', current.certificateFile, '-inkey', current.keyFile, '-md', 'sha256'];
      const body = openssl('cms', '-sign', '-nodetach', '-binary', '-outform', 'DER', '-in', content, ...signing);
      assert.ok(equalBytes(readNextCaCertificates(body, current.certificate).ca.encoded, next.certificate.encoded));
      assert.throws(() => readNextCaCertificates(body, next.certificate), { code: 'scep.reply_signature' });
    });
  }
});
