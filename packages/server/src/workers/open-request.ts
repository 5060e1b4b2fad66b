/** Step 2: what is inside the envelope. */
import { decodeIssuerAndSerialNumber, openEnvelope } from '@scepter/scep';
import type { Envelope, PkiMessage } from '@scepter/scep';
import {
  decodeCertificationRequest,
  der,
  digest,
  equalBytes,
  formatName,
  toHex,
  verifyCertificateSignature,
  verifyCertificationRequest,
} from '@scepter/x509';
import type { Certificate, CertificationRequest } from '@scepter/x509';
import { ownMemory } from './jobs.ts';
import type { OpenedPoll, OpenedQuery, OpenedRequest, ReplyAddress } from './jobs.ts';
import { keyProblem } from './key-problem.ts';
import { recipientOf } from './reply-recipient.ts';
import type { WorkerAuthorities } from './worker-authorities.ts';

export interface OpeningContext {
  readonly authorities: WorkerAuthorities;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** A message that has passed `checkMessage`. */
export interface SealedMessage {
  readonly message: PkiMessage;
  readonly envelope: Envelope;
  readonly address: ReplyAddress;
}

/**
 * Opens a PKCSReq or RenewalReq.
 *
 * @returns a string is the reason against it, for the operator alone. To the device every reason is the same: whoever
 *   signs a captured and changed envelope anew must not learn from us what it was changed to.
 */
export function openRequest(
  { message, envelope, address }: SealedMessage,
  messageType: OpenedRequest['messageType'],
  context: OpeningContext,
): OpenedRequest | string {
  const { content, keyTransport } = open(envelope, address, context);
  const certificationRequest = attempt(() => decodeCertificationRequest(content));
  // A wrong key gives random bytes: this is how a failed decryption shows.
  if (certificationRequest === undefined) return 'not a certification request';
  const { signer } = message;
  const ownKey = equalBytes(signer.publicKey.encoded, certificationRequest.publicKey.encoded);
  const signerIssuedByUs = isIssuedByUs(signer, context);
  if (!ownKey && !signerIssuedByUs) return 'signed by another key';
  const possession = possessionProblem(certificationRequest, ownKey ? signer : undefined);
  if (possession !== undefined) return possession;
  const { challengePassword } = certificationRequest;
  // Clients such as micromdm's renew with the very request and transaction identifier that they enrolled with. What
  // makes it another request is the certificate to be renewed: without it they would get that certificate again.
  const isRenewal = signerIssuedByUs && (messageType === 'RenewalReq' || !challengePassword);
  return {
    messageType,
    address: { ...address, keyTransport, recipient: recipientOf(signer, challengePassword) },
    certificationRequest: ownMemory(certificationRequest.encoded),
    subject: formatName(certificationRequest.subject),
    publicKeySha256: sha256Hex(certificationRequest.publicKey.encoded),
    signerKeySha256: sha256Hex(signer.publicKey.encoded),
    requestSha256: sha256Hex(
      isRenewal ? der.concat(certificationRequest.encoded, signer.encoded) : certificationRequest.encoded,
    ),
    signerIssuedByUs,
    challengePassword,
  };
}

/**
 * Opens a CertPoll. RFC 8894 3.3.3: the transaction is found by its identifier and the signer, the names inside say
 * nothing more. They are not read, so that the answer cannot depend on what an envelope holds; opening it tells only how
 * the reply is to be encrypted.
 */
export function openPoll({ message, envelope, address }: SealedMessage, context: OpeningContext): OpenedPoll {
  const { keyTransport } = open(envelope, address, context);
  return {
    address: { ...address, keyTransport },
    signerKeySha256: sha256Hex(message.signer.publicKey.encoded),
    signerSerialNumber: isIssuedByUs(message.signer, context) ? message.signer.serialHex : undefined,
  };
}

/** Opens a GetCert or GetCRL. What cannot be read names no certificate, and is answered like one that we do not have. */
export function openQuery({ envelope, address }: SealedMessage, context: OpeningContext): OpenedQuery {
  const { content, keyTransport } = open(envelope, address, context);
  const query = attempt(() => decodeIssuerAndSerialNumber(content));
  const certificate = query && { issuer: query.issuer, serialNumber: query.serialHex };
  return { address: { ...address, keyTransport }, certificate };
}

function open(envelope: Envelope, address: ReplyAddress, { authorities, randomBytes }: OpeningContext) {
  return openEnvelope(envelope, authorities.registrationOf(address), randomBytes);
}

/** `signer` is the one whose key is requested: its key is imported already, which costs as much as the verification. */
function possessionProblem(request: CertificationRequest, signer: Certificate | undefined): string | undefined {
  const publicKey = signer?.publicKey ?? request.publicKey;
  const problem = signer === undefined ? keyProblem(publicKey) : undefined;
  if (problem !== undefined) return `requested key: ${problem}`;
  return verifyCertificationRequest({ ...request, publicKey }) ? undefined : 'proof of possession';
}

function isIssuedByUs(certificate: Certificate, { authorities }: OpeningContext): boolean {
  return authorities.all.some(
    ({ issuing }) =>
      equalBytes(certificate.issuer.encoded, issuing.subject.encoded) &&
      verifyCertificateSignature(certificate, issuing.publicKey),
  );
}

function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

function sha256Hex(bytes: Uint8Array): string {
  return toHex(digest('sha256', bytes));
}
