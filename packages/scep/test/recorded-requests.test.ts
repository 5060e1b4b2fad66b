import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  decodeCertificate,
  decodeCertificationRequest,
  decodePem,
  equalBytes,
  formatName,
  verifyCertificationRequest,
} from '@scepter/x509';
import type { DigestName } from '@scepter/x509';
import { decodeEnvelope, decodePkiMessage, openEnvelope, verifyPkiMessage } from '@scepter/scep';
import type { ContentCipher } from '@scepter/scep';
import { systemRandom } from './fixtures.ts';

const vectors = JSON.parse(readFileSync(new URL('vectors/recorded-requests.json', import.meta.url), 'utf8')) as {
  certificate: string;
  privateKey: string;
  messages: Record<string, string>;
};
const recipient = {
  certificate: decodeCertificate(decodePem(vectors.certificate)[0]!.bytes),
  privateKey: createPrivateKey(vectors.privateKey),
};

describe('requests that real clients sent', () => {
  const expected: [string, DigestName, ContentCipher, string][] = [
    // Single DES, and encryptedContent as a constructed [0] around an OCTET STRING.
    ['scepclient', 'sha1', 'des-cbc', 'CN=device,OU=MDM,O=scep-client,C=US'],
    ['strongswan-aes-sha256', 'sha256', 'aes-128-cbc', 'CN=strong'],
    ['strongswan-des3-sha1', 'sha1', 'des-ede3-cbc', 'CN=strong'],
  ];
  for (const [name, digest, contentCipher, subject] of expected) {
    it(name, () => {
      const message = decodePkiMessage(Buffer.from(vectors.messages[name]!, 'base64'));
      assert.equal(message.messageType, 'PKCSReq');
      assert.equal(message.digest, digest);
      assert.equal(message.senderNonce?.length, 16);
      assert.ok(verifyPkiMessage(message));
      const envelope = decodeEnvelope(message.content!);
      assert.equal(envelope.contentCipher, contentCipher);
      const csr = decodeCertificationRequest(openEnvelope(envelope, recipient, systemRandom).content);
      assert.equal(formatName(csr.subject), subject);
      assert.equal(csr.challengePassword, 'secret');
      assert.ok(verifyCertificationRequest(csr));
      assert.ok(equalBytes(csr.publicKey.encoded, message.signer.publicKey.encoded));
    });
  }
});
