/** Makes PKCSReq messages in a worker thread, as a device with an RSA-2048 key would, before any clock runs. */
import { createPkiRequest, transactionIdOf } from '@scepter/scep';
import {
  createCertificationRequest,
  createSelfSignedCertificate,
  decodeCertificate,
  parseName,
  publicKeyInfoOf,
} from '@scepter/x509';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

export interface BuildOrder {
  readonly id: number;
  /** DER of the certificate to encrypt to. */
  readonly recipient: Uint8Array;
  /** One message for each. */
  readonly requests: readonly { readonly subject: string; readonly challenge: string }[];
}

export interface BuiltMessage {
  readonly body: Uint8Array;
  readonly transactionId: string;
  readonly senderNonce: Uint8Array;
  /** Which of the builder's devices sent it. */
  readonly device: number;
}

export interface BuildAnswer {
  readonly id: number;
  readonly messages: readonly BuiltMessage[];
}

/** Generating a key takes a hundred times as long as the rest of a message. */
const DEVICES = 4;

const devices = Array.from({ length: DEVICES }, () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const now = Date.now();
  const certificate = createSelfSignedCertificate({
    subject: parseName('CN=Bench device'),
    privateKey,
    publicKey,
    serialNumber: randomBytes(16),
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + 86_400_000),
  });
  return { privateKey, publicKey, certificate };
});

function build(recipient: Uint8Array, requests: BuildOrder['requests']): BuiltMessage[] {
  const recipients = [decodeCertificate(recipient)];
  const signers = devices.map(({ certificate, privateKey }) => ({
    certificate: decodeCertificate(certificate),
    privateKey,
  }));
  return requests.map(({ subject, challenge }, index) => {
    const device = index % DEVICES;
    const { privateKey, publicKey } = devices[device]!;
    const senderNonce = randomBytes(16);
    const transactionId = `${transactionIdOf(publicKeyInfoOf(publicKey).encoded).slice(0, 16)}-${randomBytes(12).toString('hex')}`;
    const body = createPkiRequest({
      messageType: 'PKCSReq',
      content: createCertificationRequest({
        subject: parseName(subject),
        privateKey,
        publicKey,
        challengePassword: challenge,
      }),
      transactionId,
      senderNonce,
      recipients,
      contentCipher: 'aes-128-cbc',
      keyTransport: { kind: 'pkcs1' },
      digest: 'sha256',
      signer: signers[device]!,
      randomBytes,
    });
    return { body, transactionId, senderNonce, device };
  });
}

parentPort?.postMessage({
  devices: devices.map(({ certificate, privateKey }) => ({ certificate, privateKey })),
});
parentPort?.on('message', ({ id, recipient, requests }: BuildOrder) => {
  parentPort?.postMessage({ id, messages: build(recipient, requests) } satisfies BuildAnswer);
});
