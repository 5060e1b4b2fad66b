import type { Certificate, CertificateList, DigestName } from '@scepter/x509';
import type { KeyObject } from 'node:crypto';
import type { ContentCipher, KeyTransport } from '../algorithms.ts';
import type { CertRep } from '../cert-rep.ts';
import type { FramingName } from '../cms/framing.ts';
import type { IssuerAndSerialNumber } from '../queries/issuer-and-serial-number.ts';
import type { Fetch } from './http.ts';
import type { Sleep } from './retry.ts';

export interface ScepClientOptions {
  /** The server's SCEP address, http or https. */
  url: string;
  fetch: Fetch;
  /** Default: the system's secure source. */
  randomBytes?: (size: number) => Uint8Array;
  userAgent?: string;
  /** Sent as `message` with GetCACaps, GetCACert and GetNextCACert. Default: not sent. */
  caIdentifier?: string;
  /** Appended to the path, for example `/pkiclient.exe`. */
  pathSuffix?: string;
  /** `auto` (default): POST when the server offers it. */
  post?: 'auto' | 'get' | 'post';
  /** Of a POST. Default `application/x-pki-message`. */
  contentType?: string;
  /** Default: the best that the server offers. */
  digest?: DigestName;
  /** Default: the best that the server offers. */
  contentCipher?: ContentCipher;
  /** Default PKCS#1 v1.5, the only one that every server reads. */
  keyTransport?: KeyTransport;
  /** Default `der`. */
  framing?: FramingName;
  /** For one HTTP exchange. Default 30,000. */
  timeoutMs?: number;
  /** How often a request is sent again that was answered with 429 or 503 and a Retry-After. Default 3. */
  retries?: number;
  /** The longest Retry-After to obey; a longer one ends in `scep.http_status`. Default 120,000. */
  maximumRetryWaitMs?: number;
  /** For a Retry-After that is a date. Default: the system's clock. */
  now?: () => Date;
  /** Between retries and between polls. Default: a timer. */
  sleep?: Sleep;
}

/** Who a device is: it signs with this key, and answers are encrypted to it. */
export interface DeviceIdentity {
  /** The key of `signerCertificate`, RSA or EC. */
  privateKey: KeyObject;
  /** Self-signed over the CSR's key, or a certificate that the CA has issued. */
  signerCertificate: Certificate;
}

/** One request for a certificate, and the transaction it belongs to. */
export interface PollOptions extends DeviceIdentity {
  /**
   * PKCS#10, DER, with the challenge inside. To an EC key nothing can be encrypted: the answer comes under the challenge,
   * which then has 16 characters or more (RFC 8894 section 3.1).
   */
  csr: Uint8Array;
  /** Default: `transactionIdOf` the CSR's public key. */
  transactionId?: string;
  signal?: AbortSignal;
}

export interface RenewOptions extends PollOptions {
  /** Between two polls while the server answers PENDING. Default 60,000. */
  pollIntervalMs?: number;
  /** How often to poll before PENDING is the result. Default 0. */
  pollAttempts?: number;
}

export interface EnrollOptions extends RenewOptions {
  /** Default `PKCSReq`. */
  messageType?: 'PKCSReq' | 'RenewalReq';
}

export type EnrollResult = CertRep & { transactionId: string };

/** A question about one certificate. */
export interface QueryOptions extends DeviceIdentity {
  /** Which one; a decoded certificate will do. */
  certificate: IssuerAndSerialNumber;
  signal?: AbortSignal;
}

export type CertificateResult = EnrollResult;

export type CrlResult =
  | { status: 'success'; crl: CertificateList; transactionId: string }
  | (Exclude<CertRep, { status: 'success' }> & { transactionId: string });
