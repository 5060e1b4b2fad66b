/** Steps 1 and 2: from bytes to a request whose every signature is verified, or to the reason against it. */
import {
  canEnvelopeFor,
  decodeEnvelope,
  decodePkiMessage,
  floorAllows,
  isAddressedTo,
  openEnvelope,
  ScepError,
  verifyPkiMessage,
} from '@scepter/scep';
import type { AlgorithmFloor, Envelope, KeyTransport, PkiMessage } from '@scepter/scep';
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
import type { Certificate } from '@scepter/x509';
import type { KeyObject } from 'node:crypto';
import { ownMemory } from './jobs.ts';
import type { MessageProblem, OpenedRequest, ReadResult, ReplyAddress } from './jobs.ts';

/** An RA certificate, decoded once. */
export interface Registration {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

export interface ReadContext {
  readonly issuing: Certificate;
  readonly registrations: readonly [Registration, ...Registration[]];
  readonly randomBytes: (size: number) => Uint8Array;
}

/** The reply's transport while the request's own is not known yet; failures carry no envelope. */
const unknownTransport: KeyTransport = { kind: 'pkcs1' };

export function readRequest(bytes: Uint8Array, floor: AlgorithmFloor, context: ReadContext): ReadResult {
  const startedAt = performance.now();
  let message: PkiMessage;
  try {
    message = decodePkiMessage(bytes);
  } catch (error) {
    if (error instanceof ScepError) return { kind: 'undecodable', reason: error.code };
    throw error;
  }
  const decoded = checkMessage(message, floor);
  const decodedAt = performance.now();
  const address = addressOf(message, decoded.envelope, floor, context);
  const refused = (step: 'decode' | 'open', problem: MessageProblem, reason: string): ReadResult => ({
    kind: 'refused',
    step,
    problem,
    reason,
    address,
    durationsMs: { decode: decodedAt - startedAt, open: performance.now() - decodedAt },
  });
  if (decoded.problem !== undefined) return refused('decode', decoded.problem, decoded.reason);

  const opened = openRequest(message, decoded.envelope, decoded.messageType, address, context);
  if (typeof opened === 'string') return refused('open', 'message.sealed_content', opened);
  return {
    kind: 'opened',
    request: opened,
    durationsMs: { decode: decodedAt - startedAt, open: performance.now() - decodedAt },
  };
}

type Checked =
  | { readonly problem: MessageProblem; readonly reason: string; readonly envelope: Envelope | undefined }
  | {
      readonly problem: undefined;
      readonly messageType: OpenedRequest['messageType'];
      readonly envelope: Envelope;
    };

/**
 * Everything that can be said about a message from its outside. The type comes first, as a closed list: an unknown one
 * that slipped through would be issued without a challenge (CVE-2026-30836).
 */
function checkMessage(message: PkiMessage, floor: AlgorithmFloor): Checked {
  const against = (problem: MessageProblem, reason: string, envelope?: Envelope): Checked => ({
    problem,
    reason,
    envelope,
  });
  const { messageType } = message;
  if (messageType === undefined || messageType === 'CertRep') return against('message.unknown_type', 'message type');
  if (messageType !== 'PKCSReq' && messageType !== 'RenewalReq')
    return against('message.unsupported_operation', messageType);
  if (message.digest === undefined || !floorAllows(floor, { digest: message.digest })) {
    return against('message.weak_algorithm', message.digest ?? 'unknown digest');
  }
  if (!verifyPkiMessage(message)) return against('message.bad_signature', 'signature');
  const envelope = tryDecodeEnvelope(message.content);
  if (envelope === undefined) return against('message.sealed_content', 'envelope');
  const { contentCipher } = envelope;
  if (contentCipher === undefined || !floorAllows(floor, { contentCipher })) {
    return against('message.weak_algorithm', contentCipher ?? 'unknown cipher', envelope);
  }
  if (!canEnvelopeFor(message.signer)) return against('message.recipient_key', 'signer key', envelope);
  return { problem: undefined, messageType, envelope };
}

function tryDecodeEnvelope(content: Uint8Array | undefined): Envelope | undefined {
  if (content === undefined) return undefined;
  try {
    return decodeEnvelope(content);
  } catch {
    // Why it does not decode is nobody's business outside: one answer for everything behind the envelope.
    return undefined;
  }
}

/** A string is the reason against it, for the operator alone. */
function openRequest(
  message: PkiMessage,
  envelope: Envelope,
  messageType: OpenedRequest['messageType'],
  address: ReplyAddress,
  context: ReadContext,
): OpenedRequest | string {
  const { content, keyTransport } = openEnvelope(
    envelope,
    context.registrations[address.registration] ?? context.registrations[0],
    context.randomBytes,
  );
  let certificationRequest;
  try {
    certificationRequest = decodeCertificationRequest(content);
  } catch {
    // A wrong key gives random bytes: this is how a failed decryption shows.
    return 'not a certification request';
  }
  const ownKey = equalBytes(message.signer.publicKey.encoded, certificationRequest.publicKey.encoded);
  // The signer's key is imported already; importing it again would cost as much as the verification.
  const publicKey = ownKey ? message.signer.publicKey : certificationRequest.publicKey;
  if (!verifyCertificationRequest({ ...certificationRequest, publicKey })) return 'proof of possession';
  const signerIssuedByUs = isIssuedBy(message.signer, context.issuing);
  if (!ownKey && !signerIssuedByUs) return 'signed by another key';
  const { challengePassword } = certificationRequest;
  // Clients such as micromdm's renew with the very request and transaction identifier that they enrolled with. What
  // makes it another request is the certificate to be renewed: without it they would get that certificate again.
  const isRenewal = signerIssuedByUs && (messageType === 'RenewalReq' || !challengePassword);
  return {
    messageType,
    address: { ...address, keyTransport },
    certificationRequest: ownMemory(certificationRequest.encoded),
    subject: formatName(certificationRequest.subject),
    publicKeySha256: sha256Hex(certificationRequest.publicKey.encoded),
    requestSha256: sha256Hex(
      isRenewal ? der.concat(certificationRequest.encoded, message.signer.encoded) : certificationRequest.encoded,
    ),
    signerIssuedByUs,
    challengePassword,
  };
}

function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  return (
    equalBytes(certificate.issuer.encoded, issuer.subject.encoded) &&
    verifyCertificateSignature(certificate, issuer.publicKey)
  );
}

/**
 * A reply uses its request's algorithms, within the floor: under a broken digest, whoever chooses the transaction
 * identifier could choose what else the RA's signature fits.
 */
function addressOf(
  message: PkiMessage,
  envelope: Envelope | undefined,
  floor: AlgorithmFloor,
  { registrations }: ReadContext,
): ReplyAddress {
  const { digest: requested } = message;
  return {
    transactionId: message.transactionId,
    recipientNonce: message.senderNonce === undefined ? undefined : ownMemory(message.senderNonce),
    digest: requested !== undefined && floorAllows(floor, { digest: requested }) ? requested : 'sha256',
    signerCertificate: ownMemory(message.signer.encoded),
    contentCipher: envelope?.contentCipher ?? 'aes-128-cbc',
    keyTransport: unknownTransport,
    registration: Math.max(
      0,
      registrations.findIndex(({ certificate }) => envelope !== undefined && isAddressedTo(envelope, certificate)),
    ),
  };
}

function sha256Hex(bytes: Uint8Array): string {
  return toHex(digest('sha256', bytes));
}
