/** Devices and authorities with EC keys: they sign like others, and answers to them come under a password. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { der, encodeAlgorithmIdentifier, oid } from '@scepter/x509';
import type { DigestName } from '@scepter/x509';
import {
  createCertRep,
  createPkiRequest,
  decodeEnvelope,
  decodePkiMessage,
  openEnvelope,
  readCertRep,
  verifyPkiMessage,
} from '@scepter/scep';
import type { PkiMessage } from '@scepter/scep';
import { certificationRequest, ecKeys, issuedBy, selfSigned, systemRandom, to } from './fixtures.ts';
import { attributes, message, nonce, signedData, signerInfo, usualAttributes } from './message-builder.ts';

const curves = ['P-256', 'P-384', 'P-521'] as const;
const digests: DigestName[] = ['sha1', 'sha256', 'sha384', 'sha512'];
const schemes: Record<string, string> = {
  sha1: oid.ecdsaWithSHA1,
  sha256: oid.ecdsaWithSHA256,
  sha384: oid.ecdsaWithSHA384,
  sha512: oid.ecdsaWithSHA512,
};
const challenge = 'a challenge of some length';
const ra = selfSigned('registration authority');
const content = Uint8Array.from(Buffer.from('an envelope, as far as the signature is concerned'));

for (const curve of curves) {
  const device = selfSigned('device', { keys: ecKeys(curve) });
  const issued = issuedBy(ra, 'device', { keys: device, serialNumber: Uint8Array.of(0x77) });
  const csr = certificationRequest(device, challenge);

  describe(`a device with a key on ${curve}`, () => {
    const request = (digest: DigestName): PkiMessage =>
      decodePkiMessage(
        createPkiRequest({
          messageType: 'PKCSReq',
          content: csr,
          transactionId: 'transaction-1',
          senderNonce: nonce,
          recipients: [ra.certificate],
          contentCipher: 'aes-128-cbc',
          keyTransport: { kind: 'pkcs1' },
          digest,
          signer: device,
          randomBytes: systemRandom,
        }),
      );

    for (const digest of digests) {
      it(`${digest}: its request verifies, under the name of the whole scheme without parameters`, () => {
        const decoded = request(digest);
        assert.equal(decoded.signerInfo.signatureAlgorithm.oid, schemes[digest]);
        assert.equal(decoded.signerInfo.signatureAlgorithm.parameters, undefined);
        assert.equal(decoded.digest, digest);
        assert.ok(verifyPkiMessage(decoded));
        assert.deepEqual(openEnvelope(decodeEnvelope(decoded.content!), ra, systemRandom).content, csr);
      });

      it(`${digest}: reads the answer under its challenge, with the same digest`, () => {
        const reply = createCertRep({
          outcome: {
            status: 'success',
            certificates: [issued.certificate.encoded],
            recipient: { kind: 'password', password: challenge, iterations: 1000 },
            contentCipher: 'aes-128-cbc',
          },
          transactionId: 'transaction-1',
          recipientNonce: nonce,
          digest,
          signer: ra,
          randomBytes: systemRandom,
        });
        assert.equal(decodePkiMessage(reply).digest, digest);
        const read = readCertRep(reply, {
          recipient: { password: challenge },
          signers: [ra.certificate],
          transactionId: 'transaction-1',
          senderNonce: nonce,
        });
        assert.deepEqual(read.status === 'success' && read.certificates.map(({ encoded }) => encoded), [
          issued.certificate.encoded,
        ]);
      });
    }

    it('changed signatures and attributes do not verify', () => {
      const decoded = request('sha256');
      const { signature, signedBytes } = decoded.signerInfo;
      for (const bytes of [signature, signedBytes!]) {
        const last = bytes.length - 1;
        bytes[last] = (bytes[last] ?? 0) ^ 1;
        assert.equal(verifyPkiMessage(decoded), false);
        bytes[last] = (bytes[last] ?? 0) ^ 1;
      }
      assert.ok(verifyPkiMessage(decoded));
    });

    it('its key does not verify the signature of another key on the same curve', () => {
      const other = selfSigned('device', { keys: ecKeys(curve) });
      const infos = [
        signerInfo({ signer: other, attributes: usualAttributes(content), signatureAlgorithm: ecdsa('sha256') }),
      ];
      const certificates = [device.certificate.encoded];
      assert.equal(
        verifyPkiMessage(decodePkiMessage(signedData({ content, certificates, signerInfos: infos }))),
        false,
      );
    });
  });

  describe(`an authority with a key on ${curve}`, () => {
    const authority = selfSigned('elliptic authority', { keys: ecKeys(curve) });
    const rsaDevice = selfSigned('rsa device');

    it('signs answers that an RSA device reads', () => {
      for (const digest of digests) {
        const reply = createCertRep({
          outcome: {
            status: 'success',
            certificates: [issued.certificate.encoded],
            recipient: to(rsaDevice),
            contentCipher: 'aes-256-cbc',
          },
          transactionId: 'transaction-1',
          recipientNonce: nonce,
          digest,
          signer: authority,
          randomBytes: systemRandom,
        });
        const expectations = { recipient: rsaDevice, signers: [authority.certificate], senderNonce: nonce };
        assert.equal(readCertRep(reply, { ...expectations, transactionId: 'transaction-1' }).status, 'success');
      }
    });
  });
}

const ecdsa = (digest: string): Uint8Array => encodeAlgorithmIdentifier(schemes[digest] ?? '').encoded;

describe('how a signature by an EC key may be named', () => {
  const device = selfSigned('device', { keys: ecKeys() });
  const verifies = (signatureAlgorithm: Uint8Array): boolean =>
    verifyPkiMessage(
      decodePkiMessage(
        signedData({
          content,
          certificates: [device.certificate.encoded],
          signerInfos: [signerInfo({ signer: device, attributes: usualAttributes(content), signatureAlgorithm })],
        }),
      ),
    );
  const rows: Record<string, [Uint8Array, boolean]> = {
    'ecdsa-with-SHA256': [ecdsa('sha256'), true],
    'ecPublicKey, as Windows writes it': [encodeAlgorithmIdentifier(oid.ecPublicKey).encoded, true],
    'ecPublicKey with NULL': [encodeAlgorithmIdentifier(oid.ecPublicKey, der.null()).encoded, true],
    'ecPublicKey with the curve': [encodeAlgorithmIdentifier(oid.ecPublicKey, der.oid(oid.prime256v1)).encoded, true],
    'ecPublicKey with something else': [encodeAlgorithmIdentifier(oid.ecPublicKey, der.integer(1)).encoded, false],
    'ecdsa-with-SHA256 with NULL': [encodeAlgorithmIdentifier(oid.ecdsaWithSHA256, der.null()).encoded, false],
    'ecdsa-with-SHA512 over SHA-256': [ecdsa('sha512'), false],
    'ecdsa-with-SHA1 over SHA-256': [ecdsa('sha1'), false],
    rsaEncryption: [encodeAlgorithmIdentifier(oid.rsaEncryption, der.null()).encoded, false],
  };
  for (const [name, [algorithm, expected]] of Object.entries(rows)) {
    it(`${expected ? 'accepts' : 'refuses'} ${name}`, () => assert.equal(verifies(algorithm), expected));
  }

  it('there is no ECDSA with MD5', () => {
    const signatureAlgorithm = encodeAlgorithmIdentifier(oid.ecPublicKey).encoded;
    const verifiesWith = (digest: DigestName): boolean => {
      const signed = [
        ...usualAttributes(content).filter((_, index) => index !== 1),
        attributes.messageDigest(content, digest),
      ];
      const infos = [signerInfo({ signer: device, attributes: signed, digest, signatureAlgorithm })];
      const bytes = signedData({ content, certificates: [device.certificate.encoded], signerInfos: infos });
      return verifyPkiMessage(decodePkiMessage(bytes));
    };
    assert.equal(verifiesWith('sha384'), true);
    assert.equal(verifiesWith('md5'), false);
  });

  it('an RSA key does not sign as ecPublicKey', () => {
    const infos = [
      signerInfo({
        signer: ra,
        attributes: usualAttributes(content),
        signatureAlgorithm: encodeAlgorithmIdentifier(oid.ecPublicKey).encoded,
      }),
    ];
    const bytes = signedData({ content, certificates: [ra.certificate.encoded], signerInfos: infos });
    assert.equal(verifyPkiMessage(decodePkiMessage(bytes)), false);
    assert.ok(verifyPkiMessage(decodePkiMessage(message(ra, content, usualAttributes(content)))));
  });
});
