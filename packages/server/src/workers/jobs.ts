/** What the crypto workers do: whole SCEP messages in and out. Everything here can be posted between threads. */
import type { CertificateProfile } from '@scepter/ca';
import type { AlgorithmFloor, ContentCipher, FailInfo, KeyTransport } from '@scepter/scep';
import type { DigestName, Name, RevocationReason } from '@scepter/x509';
import type { KeyObject } from 'node:crypto';

/** A certificate (DER) with its private key. */
export interface KeyPair {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

/** One generation of the CA: its key signs certificates and CRLs, the RA's opens requests and signs replies. */
export interface AuthorityKeys {
  /** SHA-256 of the CA's certificate, upper-case hex. */
  readonly id: string;
  readonly issuing: KeyPair;
  /** The RA of now first, then those that devices may still have from before. */
  readonly registrations: readonly [KeyPair, ...KeyPair[]];
}

/** All keys of a worker. */
export interface WorkerKeys {
  /** The current CA first, then the others whose requests are still opened. */
  readonly authorities: readonly [AuthorityKeys, ...AuthorityKeys[]];
}

/**
 * How a success is sealed for the signer of the request (RFC 8894 3.1): to its RSA key, or under the challenge that the
 * request carried where the key cannot encrypt. For `nobody` there is neither; a failure or PENDING can still be sent.
 */
export type ReplyRecipient =
  | { readonly kind: 'certificate' }
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'nobody' };

/** What a reply must repeat of its request. */
export interface ReplyAddress {
  readonly transactionId: string;
  readonly recipientNonce: Uint8Array | undefined;
  readonly digest: DigestName;
  /** DER of the certificate that signed the request: the reply is encrypted to it. */
  readonly signerCertificate: Uint8Array;
  readonly contentCipher: ContentCipher;
  readonly keyTransport: KeyTransport;
  readonly recipient: ReplyRecipient;
  /** Whose RA the request was encrypted for (RFC 8894 5.1). */
  readonly authority: string;
  /** Which of this CA's RA certificates it was: the device expects it to sign the reply. */
  readonly registration: number;
}

/** A request whose signature, envelope and proof of possession are verified. */
export interface OpenedRequest {
  readonly messageType: 'PKCSReq' | 'RenewalReq';
  readonly address: ReplyAddress;
  /** DER PKCS#10. */
  readonly certificationRequest: Uint8Array;
  /** RFC 4514, as asked for: for the log. */
  readonly subject: string;
  readonly publicKeySha256: string;
  /** Of the key that signed the message: another one where a certificate is renewed. */
  readonly signerKeySha256: string;
  /** Of the certification request, for a renewal followed by the certificate that is renewed. */
  readonly requestSha256: string;
  /** Whether the signer's certificate is signed by one of our CAs. Only the store knows whether it is really ours. */
  readonly signerIssuedByUs: boolean;
  readonly challengePassword: string | undefined;
}

/** A CertPoll whose signature is verified. What it asks for is told by its outside alone (RFC 8894 3.3.3). */
export interface OpenedPoll {
  readonly address: ReplyAddress;
  readonly signerKeySha256: string;
  /** Upper-case hex; absent unless one of our CAs signed the signer's certificate. */
  readonly signerSerialNumber: string | undefined;
}

/** A GetCert or GetCRL whose signature is verified. */
export interface OpenedQuery {
  readonly address: ReplyAddress;
  /** By its issuer and its serial number in upper-case hex; absent when the envelope held no such thing. */
  readonly certificate: { readonly issuer: Name; readonly serialNumber: string } | undefined;
}

/** What can be said against a message by looking at it alone. */
export type MessageProblem =
  | 'message.unknown_type'
  | 'message.weak_algorithm'
  | 'message.signer_key'
  | 'message.bad_signature'
  | 'message.recipient_key'
  | 'message.sealed_content';

export interface ReadDurations {
  readonly decode: number;
  readonly open: number;
}

export type ReadResult =
  | { readonly kind: 'undecodable'; readonly reason: string }
  | {
      readonly kind: 'refused';
      readonly step: 'decode' | 'open';
      readonly problem: MessageProblem;
      readonly reason: string;
      readonly address: ReplyAddress;
      readonly durationsMs: ReadDurations;
    }
  | { readonly kind: 'opened'; readonly request: OpenedRequest; readonly durationsMs: ReadDurations }
  | { readonly kind: 'poll'; readonly request: OpenedPoll; readonly durationsMs: ReadDurations }
  | { readonly kind: 'get-cert' | 'get-crl'; readonly request: OpenedQuery; readonly durationsMs: ReadDurations };

export type ReplyContent =
  | {
      readonly status: 'success';
      /** DER, the certificate that is asked for; none in the answer to a GetCRL. */
      readonly certificate: Uint8Array | undefined;
      /** Whether the certificate of the CA that issued it goes along. */
      readonly withIssuer: boolean;
      /** DER. */
      readonly crl: Uint8Array | undefined;
    }
  | { readonly status: 'pending' }
  | { readonly status: 'failure'; readonly failInfo: FailInfo; readonly failInfoText: string | undefined };

/** Each job with what it takes and gives. */
export interface Jobs {
  readonly read: { readonly takes: { message: Uint8Array; floor: AlgorithmFloor }; readonly gives: ReadResult };
  readonly issue: {
    readonly takes: { authority: string; tbsCertificate: Uint8Array; profile: CertificateProfile };
    readonly gives: Uint8Array;
  };
  readonly reply: { readonly takes: { address: ReplyAddress; content: ReplyContent }; readonly gives: Uint8Array };
  readonly crl: {
    readonly takes: {
      authority: string;
      crlNumber: bigint;
      thisUpdate: Date;
      nextUpdate: Date;
      revoked: { serialNumber: string; revokedAt: Date; reason: RevocationReason }[];
    };
    readonly gives: Uint8Array;
  };
}

export type JobName = keyof Jobs;

/** Runs jobs, somewhere. */
export interface CryptoWorkers {
  run<Name extends JobName>(name: Name, input: Jobs[Name]['takes']): Promise<Jobs[Name]['gives']>;
}

/**
 * The same bytes in memory of their own. What is posted between threads is copied with all the memory it is a view of:
 * a message of 2 KB in a read buffer of 64 KB would cost more to hand over than to decode.
 */
export function ownMemory(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.prototype.slice.call(bytes);
}
