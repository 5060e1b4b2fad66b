/** Steps 1 and 2: from bytes to a request whose every signature is verified, or to the reason against it. */
import { decodePkiMessage, floorAllows, isAddressedTo, ScepError } from '@scepter/scep';
import type { AlgorithmFloor, Envelope, KeyTransport, PkiMessage } from '@scepter/scep';
import { checkMessage } from './check-message.ts';
import type { RequestType } from './check-message.ts';
import { ownMemory } from './jobs.ts';
import type { MessageProblem, OpenedRequest, OpenedPoll, OpenedQuery, ReadResult, ReplyAddress } from './jobs.ts';
import { openPoll, openQuery, openRequest } from './open-request.ts';
import type { OpeningContext, SealedMessage } from './open-request.ts';
import { recipientOf } from './reply-recipient.ts';

/** The reply's transport while the request's own is not known yet; failures carry no envelope. */
const unknownTransport: KeyTransport = { kind: 'pkcs1' };

export function readRequest(bytes: Uint8Array, floor: AlgorithmFloor, context: OpeningContext): ReadResult {
  const startedAt = performance.now();
  let message: PkiMessage;
  try {
    message = decodePkiMessage(bytes);
  } catch (error) {
    if (error instanceof ScepError) return { kind: 'undecodable', reason: error.code };
    throw error;
  }
  const checked = checkMessage(message, floor);
  const decodedAt = performance.now();
  const address = addressOf(message, checked.envelope, floor, context);
  const durationsMs = () => ({ decode: decodedAt - startedAt, open: performance.now() - decodedAt });
  if (checked.problem !== undefined) {
    const { problem, reason } = checked;
    return { kind: 'refused', step: 'decode', problem, reason, address, durationsMs: durationsMs() };
  }
  const opened = openMessage({ message, envelope: checked.envelope, address }, checked.messageType, context);
  return opened.kind === 'refused'
    ? { ...opened, step: 'open', address, durationsMs: durationsMs() }
    : { ...opened, durationsMs: durationsMs() };
}

type Opened =
  | { readonly kind: 'refused'; readonly problem: MessageProblem; readonly reason: string }
  | { readonly kind: 'opened'; readonly request: OpenedRequest }
  | { readonly kind: 'poll'; readonly request: OpenedPoll }
  | { readonly kind: 'get-cert' | 'get-crl'; readonly request: OpenedQuery };

function openMessage(sealed: SealedMessage, messageType: RequestType, context: OpeningContext): Opened {
  switch (messageType) {
    case 'PKCSReq':
    case 'RenewalReq': {
      const request = openRequest(sealed, messageType, context);
      if (typeof request === 'string') {
        return { kind: 'refused', problem: 'message.sealed_content', reason: request };
      }
      // Only who holds the requested key gets to here: this says nothing of an envelope that somebody captured.
      return request.address.recipient.kind === 'nobody' ? noRecipient : { kind: 'opened', request };
    }
    case 'CertPoll':
      return { kind: 'poll', request: openPoll(sealed, context) };
    case 'GetCert':
    case 'GetCRL':
      if (sealed.address.recipient.kind === 'nobody') return noRecipient;
      return { kind: messageType === 'GetCert' ? 'get-cert' : 'get-crl', request: openQuery(sealed, context) };
  }
}

const noRecipient: Opened = {
  kind: 'refused',
  problem: 'message.recipient_key',
  reason: 'no key and no challenge to encrypt the reply with',
};

/**
 * A reply uses its request's algorithms, within the floor: under a broken digest, whoever chooses the transaction
 * identifier could choose what else the RA's signature fits.
 */
function addressOf(
  message: PkiMessage,
  envelope: Envelope | undefined,
  floor: AlgorithmFloor,
  { authorities }: OpeningContext,
): ReplyAddress {
  const { digest: requested } = message;
  return {
    transactionId: message.transactionId,
    recipientNonce: message.senderNonce === undefined ? undefined : ownMemory(message.senderNonce),
    digest: requested !== undefined && floorAllows(floor, { digest: requested }) ? requested : 'sha256',
    signerCertificate: ownMemory(message.signer.encoded),
    contentCipher: envelope?.contentCipher ?? 'aes-128-cbc',
    keyTransport: unknownTransport,
    recipient: recipientOf(message.signer, undefined),
    ...authorities.addressee((certificate) => envelope !== undefined && isAddressedTo(envelope, certificate)),
  };
}
