/** What the crypto workers do: whole SCEP messages in and out. Everything here can be posted between threads. */
import type { CertificateProfile } from '@scepter/ca';
import type { AlgorithmFloor, ContentCipher, FailInfo, KeyTransport } from '@scepter/scep';
import type { DigestName, RevocationReason } from '@scepter/x509';
import type { KeyObject } from 'node:crypto';

/** A certificate (DER) with its private key. */
export interface KeyPair {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

/** The keys of a worker: the CA key signs certificates and CRLs, the RA key opens requests and signs replies. */
export interface WorkerKeys {
  readonly issuing: KeyPair;
  /** The current one first, then those that devices may still have from before. */
  readonly registrations: readonly [KeyPair, ...KeyPair[]];
}

/** What a reply must repeat of its request. */
export interface ReplyAddress {
  readonly transactionId: string;
  readonly recipientNonce: Uint8Array | undefined;
  readonly digest: DigestName;
  /** DER of the certificate that signed the request: the reply is encrypted to it. */
  readonly signerCertificate: Uint8Array;
  readonly contentCipher: ContentCipher;
  readonly keyTransport: KeyTransport;
  /** Which of our RA certificates the request was encrypted for: the device expects it to sign the reply. */
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
  /** Of the certification request, for a renewal followed by the certificate that is renewed. */
  readonly requestSha256: string;
  /** Whether the signer's certificate is signed by our issuing CA. Only the store knows whether it is really ours. */
  readonly signerIssuedByUs: boolean;
  readonly challengePassword: string | undefined;
}

/** What can be said against a message by looking at it alone. */
export type MessageProblem =
  | 'message.unknown_type'
  | 'message.unsupported_operation'
  | 'message.weak_algorithm'
  | 'message.bad_signature'
  | 'message.recipient_key'
  | 'message.sealed_content';

export type ReadResult =
  | { readonly kind: 'undecodable'; readonly reason: string }
  | {
      readonly kind: 'refused';
      readonly step: 'decode' | 'open';
      readonly problem: MessageProblem;
      readonly reason: string;
      readonly address: ReplyAddress;
      readonly durationsMs: { readonly decode: number; readonly open: number };
    }
  | {
      readonly kind: 'opened';
      readonly request: OpenedRequest;
      readonly durationsMs: { readonly decode: number; readonly open: number };
    };

export type ReplyContent =
  | { readonly status: 'success'; readonly certificate: Uint8Array }
  | { readonly status: 'failure'; readonly failInfo: FailInfo };

/** Each job with what it takes and gives. */
export interface Jobs {
  readonly read: { readonly takes: { message: Uint8Array; floor: AlgorithmFloor }; readonly gives: ReadResult };
  readonly issue: {
    readonly takes: { tbsCertificate: Uint8Array; profile: CertificateProfile };
    readonly gives: Uint8Array;
  };
  readonly reply: { readonly takes: { address: ReplyAddress; content: ReplyContent }; readonly gives: Uint8Array };
  readonly crl: {
    readonly takes: {
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
