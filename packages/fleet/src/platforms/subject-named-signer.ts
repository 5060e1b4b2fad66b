import { createSelfSignedCertificate, keyUsageExtension } from '@scepter/x509';
import type { SignerRequest } from './habits.ts';

const validityDays = 365;

/** The signer certificate that RFC 8894 2.3 describes: the request's own subject and key, able to sign and decrypt. */
export function subjectNamedSigner(request: SignerRequest): Uint8Array {
  return createSelfSignedCertificate({
    subject: request.subject,
    privateKey: request.privateKey,
    publicKey: request.publicKey,
    serialNumber: request.serialNumber,
    notBefore: new Date(request.now.getTime() - 3_600_000),
    notAfter: new Date(request.now.getTime() + validityDays * 86_400_000),
    extensions: [keyUsageExtension(['digitalSignature', 'keyEncipherment'])],
    digest: 'sha256',
  });
}
