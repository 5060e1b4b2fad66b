/**
 * RFC 8894 3.1: where the signer's key cannot encrypt, the challengePassword is the key. Decided before anything is issued:
 * a certificate that nobody can be sent must not come to be.
 */
import { canEnvelopeFor, canEnvelopeUnder } from '@scepter/scep';
import type { Certificate } from '@scepter/x509';
import type { ReplyRecipient } from './jobs.ts';

/** How a success is sealed for `signer`, whose request carried `challengePassword`. */
export function recipientOf(signer: Certificate, challengePassword: string | undefined): ReplyRecipient {
  if (canEnvelopeFor(signer)) return { kind: 'certificate' };
  if (challengePassword === undefined || !canEnvelopeUnder(challengePassword)) return { kind: 'nobody' };
  return { kind: 'password', password: challengePassword };
}
