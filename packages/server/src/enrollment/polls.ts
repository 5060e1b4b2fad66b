/**
 * CertPoll (RFC 8894 4.4): a device asks what became of its request. The transaction is found by endpoint, transaction
 * identifier and the key that signs; what the envelope says counts for nothing (3.3.3). Any client may poll, also for a
 * request that was answered at once and whose answer was lost (5.2).
 */
import { decodeCertificate, decodeCertificationRequest, formatName } from '@scepter/x509';
import type { OpenedPendingRequest } from '../store/pending-requests.ts';
import type { Store } from '../store/store.ts';
import type { OpenedPoll, OpenedRequest } from '../workers/jobs.ts';
import { recipientOf } from '../workers/reply-recipient.ts';
import type { Endpoint } from './endpoint.ts';
import { RefusalError } from './refusals.ts';

export interface PollParts {
  readonly store: Pick<Store, 'findPendingRequest' | 'findPolledEnrollment'>;
  readonly now: () => Date;
}

/**
 * - `pending`: nobody has decided.
 * - `issued`: there is a certificate, which may leave.
 * - `approved`: the request may go on where it waited; `request` stands for the poll as if it had been sent again.
 */
export type Polled =
  | { readonly kind: 'pending' }
  | { readonly kind: 'issued'; readonly serialNumber: string; readonly certificate: Uint8Array }
  | { readonly kind: 'approved'; readonly request: OpenedRequest };

/** @throws RefusalError for a transaction that is unknown, denied or over */
export async function findPolled(poll: OpenedPoll, endpoint: Endpoint, parts: PollParts): Promise<Polled> {
  const transaction = {
    endpoint: endpoint.name,
    transactionId: poll.address.transactionId,
    signerKeySha256: poll.signerKeySha256,
  };
  const waiting =
    endpoint.authorizer.kind === 'manual' ? await parts.store.findPendingRequest(transaction, parts.now()) : undefined;
  if (waiting?.state === 'pending') return { kind: 'pending' };
  if (waiting?.state === 'denied') throw new RefusalError('approval.denied');
  const sealed = waiting?.state === 'approved' ? waiting.certificationRequest : undefined;
  if (waiting !== undefined && sealed !== undefined) {
    return { kind: 'approved', request: requestInPlaceOf(poll, waiting, sealed) };
  }
  const { signerSerialNumber } = poll;
  const enrollment = await parts.store.findPolledEnrollment({ ...transaction, signerSerialNumber }, parts.now());
  if (enrollment?.state === 'revoked') throw new RefusalError('enrollment.revoked');
  if (enrollment?.state === 'withheld') throw new RefusalError('notification.not_accepted', { reason: 'withheld' });
  if (enrollment?.state === 'released' && enrollment.certificate !== undefined) {
    const { serialNumber, certificate } = enrollment;
    return { kind: 'issued', serialNumber, certificate };
  }
  throw new RefusalError(waiting === undefined ? 'query.unknown_transaction' : 'approval.not_valid');
}

/** What waited, addressed to whoever polls for it: the same key, perhaps with other algorithms than before. */
function requestInPlaceOf(poll: OpenedPoll, waiting: OpenedPendingRequest, sealed: Uint8Array): OpenedRequest {
  const { challengePassword, subject } = decodeCertificationRequest(sealed);
  const signer = decodeCertificate(poll.address.signerCertificate, { rules: 'ber' });
  const { publicKeySha256, requestSha256 } = waiting.identity;
  return {
    messageType: 'PKCSReq',
    address: { ...poll.address, recipient: recipientOf(signer, challengePassword) },
    certificationRequest: sealed,
    subject: formatName(subject),
    publicKeySha256,
    signerKeySha256: poll.signerKeySha256,
    requestSha256,
    // Whatever signed the request, a person has decided on it: it is no renewal by signature.
    signerIssuedByUs: false,
    challengePassword,
  };
}
