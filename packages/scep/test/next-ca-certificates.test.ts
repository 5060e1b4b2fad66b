import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { basicConstraintsExtension, der } from '@scepter/x509';
import { createNextCaCertificates, decodeCertsOnly, encodeCertsOnly, readNextCaCertificates } from '@scepter/scep';
import { decodeSignedData } from '../src/cms/signed-data.ts';
import { ecKeys, issuedBy, selfSigned } from './fixtures.ts';
import type { Identity } from './fixtures.ts';
import { attributes, signedData, signerInfo } from './message-builder.ts';

const authority = { extensions: [basicConstraintsExtension({ ca: true })] };
const current = selfSigned('ca', authority);
const next = selfSigned('ca', { ...authority, serialNumber: Uint8Array.of(2) });
const nextRegistration = issuedBy(next, 'next ra', { keys: ecKeys() });
const elliptic = selfSigned('elliptic ca', { ...authority, keys: ecKeys('P-384') });
const certificates = [next, nextRegistration].map(({ certificate }) => certificate.encoded);

const by = (signer: Identity): Uint8Array => createNextCaCertificates({ certificates, digest: 'sha256', signer });

describe('GetNextCACert, RFC 8894 section 4.7.1', () => {
  for (const [name, signer] of [
    ['RSA', current],
    ['EC', elliptic],
  ] as const) {
    for (const digest of ['sha256', 'sha384', 'sha512'] as const) {
      it(`what a CA with an ${name} key signs over ${digest} is read with its certificate`, () => {
        const body = createNextCaCertificates({ certificates, digest, signer });
        const read = readNextCaCertificates(body, signer.certificate);
        assert.deepEqual(read.ca.encoded, next.certificate.encoded);
        assert.deepEqual(
          read.certificates.map(({ encoded }) => encoded),
          certificates,
        );
      });
    }
  }

  it('is SignedData over data: the certificates, degenerate, and one signer whose certificate goes along', () => {
    const decoded = decodeSignedData(by(current));
    assert.equal(decoded.contentType, '1.2.840.113549.1.7.1');
    assert.deepEqual(decodeCertsOnly(decoded.content!), { certificates, crls: [] });
    assert.deepEqual(decoded.certificates, [current.certificate.encoded]);
    assert.equal(decoded.signerInfos.length, 1);
    assert.deepEqual(
      decoded.signerInfos[0]?.attributes.map(({ type }) => type),
      ['1.2.840.113549.1.9.3', '1.2.840.113549.1.9.4'],
    );
  });

  it('is believed for the key of the current CA, also under a renewed certificate', () => {
    const renewed = selfSigned('ca', { ...authority, keys: current, serialNumber: Uint8Array.of(9) });
    assert.deepEqual(readNextCaCertificates(by(current), renewed.certificate).ca.encoded, next.certificate.encoded);
  });

  it('finds the CA that issued the next RA among several', () => {
    const root = selfSigned('root', { ...authority, keys: ecKeys() });
    const body = createNextCaCertificates({
      certificates: [root, nextRegistration, next].map(({ certificate }) => certificate.encoded),
      digest: 'sha256',
      signer: current,
    });
    assert.deepEqual(readNextCaCertificates(body, current.certificate).ca.encoded, next.certificate.encoded);
  });

  const content = encodeCertsOnly(certificates);
  const signedAttributes = [attributes.contentType(), attributes.messageDigest(content)];
  const info = (signer: Identity, signed = signedAttributes) => signerInfo({ signer, attributes: signed });
  const built = (signerInfos: Uint8Array[], own: Uint8Array | undefined = content): Uint8Array =>
    signedData({ content: own, certificates: [current.certificate.encoded], signerInfos });
  const impostor = selfSigned('ca', { ...authority, serialNumber: current.certificate.serialNumber });

  it('the bytes that the following are changed from are good', () => {
    assert.equal(readNextCaCertificates(built([info(current)]), current.certificate).certificates.length, 2);
  });

  const refused: [string, string, () => Uint8Array][] = [
    ['signed by the next CA itself', 'scep.reply_signature', () => by(next)],
    ['signed by somebody with the name and number of the CA', 'scep.reply_signature', () => by(impostor)],
    ['signed by nobody', 'scep.reply_signature', () => built([])],
    ['signed twice', 'scep.reply_signature', () => built([info(current), info(current)])],
    ['signed by the CA and by somebody else', 'scep.reply_signature', () => built([info(current), info(impostor)])],
    ['certificates alone, as GetCACert gives them', 'scep.reply_signature', () => content],
    ['other content than was signed', 'scep.reply_signature', () => built([info(current)], encodeCertsOnly([]))],
    ['without content', 'scep.reply_signature', () => signedData({ certificates: [], signerInfos: [info(current)] })],
    ['signed without attributes', 'scep.reply_signature', () => built([signerInfo({ signer: current })])],
    ['without messageDigest', 'scep.reply_signature', () => built([info(current, [attributes.contentType()])])],
    [
      'signed over SHA-1',
      'scep.reply_signature',
      () => createNextCaCertificates({ certificates, digest: 'sha1', signer: current }),
    ],
    [
      'signed over MD5',
      'scep.reply_signature',
      () => createNextCaCertificates({ certificates, digest: 'md5', signer: current }),
    ],
    ['HTML', 'scep.ca_certificates', () => Uint8Array.from(Buffer.from('<html>'))],
    ['nothing', 'scep.ca_certificates', () => new Uint8Array()],
    ['a trailing byte', 'scep.ca_certificates', () => der.concat(by(current), Uint8Array.of(0))],
    ['signed content that is no certificate list', 'scep.ca_certificates', () => ofContent(Uint8Array.of(5, 0))],
    ['no certificate', 'scep.ca_certificates', () => ofContent(encodeCertsOnly([]))],
    [
      'no CA certificate',
      'scep.ca_certificates',
      () => ofContent(encodeCertsOnly([nextRegistration.certificate.encoded])),
    ],
    ['an undecodable certificate', 'scep.ca_certificates', () => ofContent(encodeCertsOnly([der.sequence()]))],
  ];
  const ofContent = (own: Uint8Array): Uint8Array =>
    built([info(current, [attributes.contentType(), attributes.messageDigest(own)])], own);
  for (const [name, code, body] of refused) {
    it(`refuses ${name}: ${code}`, () => {
      assert.throws(() => readNextCaCertificates(body(), current.certificate), { name: 'ScepError', code });
    });
  }

  it('is not made without certificates', () => {
    assert.throws(() => createNextCaCertificates({ certificates: [], digest: 'sha256', signer: current }), {
      name: 'ScepError',
      code: 'scep.bad_argument',
    });
  });

  it('is not signed with MD5 by an EC key', () => {
    assert.throws(() => createNextCaCertificates({ certificates, digest: 'md5', signer: elliptic }), {
      name: 'ScepError',
      code: 'scep.bad_argument',
    });
  });
});
