/**
 * Proves at start that this runtime can do what SCEP needs: some builds of Node.js refuse RSAES-PKCS1-v1_5 decryption,
 * and the server would then refuse every device without a visible reason.
 */
import type { Generation } from '@scepter/ca';
import { createPkiRequest } from '@scepter/scep';
import { createCertificationRequest, decodeCertificate, parseName } from '@scepter/x509';
import { createPublicKey } from 'node:crypto';
import { ServerError } from '../startup-error.ts';
import type { CryptoWorkers } from '../workers/jobs.ts';

/** Sends a request of our own, signed and sealed with the RA's key, through a worker. Nothing is issued. */
export async function selfTest(
  workers: CryptoWorkers,
  { registration }: Pick<Generation, 'registration'>,
  randomBytes: (size: number) => Uint8Array,
): Promise<void> {
  const certificate = decodeCertificate(registration.certificate);
  const { privateKey } = registration;
  const message = createPkiRequest({
    messageType: 'PKCSReq',
    content: createCertificationRequest({
      subject: parseName('CN=self-test'),
      privateKey,
      publicKey: createPublicKey(privateKey),
    }),
    transactionId: 'self-test',
    senderNonce: randomBytes(16),
    recipients: [certificate],
    contentCipher: 'aes-128-cbc',
    keyTransport: { kind: 'pkcs1' },
    digest: 'sha256',
    signer: { certificate, privateKey },
    randomBytes,
  });
  const result = await workers.run('read', { message, floor: 'modern' });
  if (result.kind !== 'opened') {
    throw new ServerError(
      'server.self_test_failed',
      'This Node.js cannot decrypt RSAES-PKCS1-v1_5, which SCEP needs.',
      'Use the Node.js that the project brings (npm ci installs it), or version 24.5 and above.',
    );
  }
}
