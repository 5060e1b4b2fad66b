import { decodeCertificationRequest, equalBytes } from '@scepter/x509';
import type { Certificate, CertificationRequest, DigestName } from '@scepter/x509';
import { randomBytes as systemRandomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { knownCapabilities } from './algorithms.ts';
import type { ContentCipher, KeyTransport } from './algorithms.ts';
import { readCaCertificates } from './ca-certificates.ts';
import type { CaCertificates } from './ca-certificates.ts';
import { nonceBytes, readCertRep } from './cert-rep.ts';
import type { CertRep } from './cert-rep.ts';
import { exchange, requireOk, serviceUrl } from './client-http.ts';
import type { Fetch, HttpOptions } from './client-http.ts';
import type { FramingName } from './cms/framing.ts';
import { ScepError, decoding } from './errors.ts';
import { createPkiRequest, encodeIssuerAndSubject, transactionIdOf } from './request.ts';
import type { RequestMessageType } from './request.ts';

export type { CaCertificates } from './ca-certificates.ts';

export interface ScepClientOptions {
  /** The server's SCEP address, http or https. */
  url: string;
  fetch: Fetch;
  /** Default: the system's secure source. */
  randomBytes?: (size: number) => Uint8Array;
  userAgent?: string;
  /** Sent as `message` with GetCACaps and GetCACert. Default: not sent. */
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
}

export interface EnrollOptions {
  /** PKCS#10, DER, with the challenge inside. */
  csr: Uint8Array;
  /** The key of `signerCertificate`. */
  privateKey: KeyObject;
  /** Self-signed over the CSR's key, or for a renewal the certificate to be renewed. */
  signerCertificate: Certificate;
  /** Default `PKCSReq`. */
  messageType?: 'PKCSReq' | 'RenewalReq';
  /** Default: `transactionIdOf` the CSR's public key. */
  transactionId?: string;
  /** Between two polls while the server answers PENDING. Default 60,000. */
  pollIntervalMs?: number;
  /** How often to poll before PENDING is the result. Default 0. */
  pollAttempts?: number;
  signal?: AbortSignal;
}

export type EnrollResult = CertRep & { transactionId: string };

// certmonger, too, reads no more than a kilobyte of capabilities; a page of HTML may be larger.
const maximumCapabilitiesBytes = 64 * 1024;
const maximumReplyBytes = 1024 * 1024;
/** How servers say that they do not know GetCACaps. Others, such as 503, are no statement about capabilities. */
const unsupportedStatuses: ReadonlySet<number> = new Set([400, 404, 405, 410, 500, 501]);

const chooseDigest = (capabilities: ReadonlySet<string>): DigestName => {
  if (capabilities.has('SHA-256') || capabilities.has('SCEPStandard')) return 'sha256';
  if (capabilities.has('SHA-512')) return 'sha512';
  return capabilities.has('SHA-384') ? 'sha384' : 'sha1';
};

/** AES-128 and triple DES are the two that RFC 8894 section 3.5.2 gives capabilities for. */
const chooseContentCipher = (capabilities: ReadonlySet<string>): ContentCipher =>
  capabilities.has('AES') || capabilities.has('SCEPStandard') ? 'aes-128-cbc' : 'des-ede3-cbc';

const offersPost = (capabilities: ReadonlySet<string>): boolean =>
  capabilities.has('POSTPKIOperation') || capabilities.has('SCEPStandard');

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/**
 * The device side of SCEP over HTTP (RFC 8894 section 4).
 *
 * A client remembers the capabilities and CA certificates that it fetched last and enrolls with them. It does not know
 * whom to trust: compare the fingerprint of `getCaCertificates().ca` before enrolling where that matters.
 *
 * @example
 * const client = new ScepClient({ url: 'http://scep.example.com/scep/static', fetch });
 * const result = await client.enroll({ csr, privateKey, signerCertificate });
 * if (result.status === 'success') console.log(result.certificates[0]?.serialHex);
 */
export class ScepClient {
  readonly #options: ScepClientOptions;
  readonly #http: HttpOptions;
  readonly #randomBytes: (size: number) => Uint8Array;
  #capabilities: Set<string> | undefined;
  #caCertificates: CaCertificates | undefined;

  /** @throws ScepError `scep.bad_argument` for an address that is not http or https */
  constructor(options: ScepClientOptions) {
    this.#options = options;
    this.#randomBytes = options.randomBytes ?? systemRandomBytes;
    this.#http = {
      url: serviceUrl(options.url, options.pathSuffix ?? ''),
      fetch: options.fetch,
      userAgent: options.userAgent,
      timeoutMs: options.timeoutMs ?? 30_000,
    };
  }

  /**
   * Asks what the server can do. Keywords this client does not know are left out; a server without GetCACaps gives an
   * empty set (RFC 8894 section 3.5.2).
   *
   * @throws ScepError `scep.http_status`, `scep.too_large`, `scep.network`, `scep.timeout` or `scep.aborted`
   */
  async getCaCaps(signal?: AbortSignal): Promise<Set<string>> {
    const reply = await exchange(this.#http, {
      operation: 'GetCACaps',
      message: this.#options.caIdentifier,
      maximumBytes: maximumCapabilitiesBytes,
      signal,
    });
    const supported = !unsupportedStatuses.has(reply.status);
    const text = supported ? new TextDecoder().decode(requireOk(reply, 'GetCACaps').body) : '';
    const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim());
    this.#capabilities = new Set(lines.filter((line) => knownCapabilities.has(line)));
    return new Set(this.#capabilities);
  }

  /**
   * Fetches the CA and RA certificates and sorts out who issues, decrypts and signs.
   *
   * @throws ScepError `scep.ca_certificates` when they do not decode or cannot serve; or as `getCaCaps`
   */
  async getCaCertificates(signal?: AbortSignal): Promise<CaCertificates> {
    const reply = await exchange(this.#http, {
      operation: 'GetCACert',
      message: this.#options.caIdentifier,
      maximumBytes: maximumReplyBytes,
      signal,
    });
    this.#caCertificates = readCaCertificates(requireOk(reply, 'GetCACert').body);
    return this.#caCertificates;
  }

  /**
   * Sends a request and reads the answer; polls while it is PENDING, as often as allowed.
   *
   * @returns the server's answer: a refusal is a result, not an error. The certificate for the CSR's key comes first
   * @throws ScepError `scep.bad_argument` for an undecodable CSR; `scep.bad_reply` and `scep.reply_*` for an answer that
   *   is not to be believed; or as `getCaCertificates`
   */
  async enroll(options: EnrollOptions): Promise<EnrollResult> {
    const csr = decoding('scep.bad_argument', 'the certification request', () =>
      decodeCertificationRequest(options.csr),
    );
    const capabilities = this.#capabilities ?? (await this.getCaCaps(options.signal));
    const caCertificates = this.#caCertificates ?? (await this.getCaCertificates(options.signal));
    const transactionId = options.transactionId ?? transactionIdOf(csr.publicKey.encoded);
    const send = (messageType: RequestMessageType, content: Uint8Array): Promise<CertRep> =>
      this.#transact({ messageType, content, transactionId, capabilities, caCertificates, enrollment: options });

    let reply = await send(options.messageType ?? 'PKCSReq', csr.encoded);
    for (let attempt = 0; reply.status === 'pending' && attempt < (options.pollAttempts ?? 0); attempt += 1) {
      await pause(options.pollIntervalMs ?? 60_000, options.signal);
      reply = await send('CertPoll', pollContent(caCertificates, csr));
    }
    return { ...ownCertificateFirst(reply, csr), transactionId };
  }

  async #transact(transaction: Transaction): Promise<CertRep> {
    const { caCertificates, capabilities, enrollment, transactionId } = transaction;
    const device = { certificate: enrollment.signerCertificate, privateKey: enrollment.privateKey };
    const senderNonce = this.#randomBytes(nonceBytes);
    const message = createPkiRequest({
      messageType: transaction.messageType,
      content: transaction.content,
      transactionId,
      senderNonce,
      recipients: [caCertificates.recipient],
      contentCipher: this.#options.contentCipher ?? chooseContentCipher(capabilities),
      keyTransport: this.#options.keyTransport ?? { kind: 'pkcs1' },
      digest: this.#options.digest ?? chooseDigest(capabilities),
      signer: device,
      framing: this.#options.framing ?? 'der',
      randomBytes: this.#randomBytes,
    });
    const body = await this.#sendMessage(message, capabilities, enrollment.signal);
    return readCertRep(body, {
      recipient: device,
      signers: caCertificates.signers,
      transactionId,
      senderNonce,
      randomBytes: this.#randomBytes,
    });
  }

  async #sendMessage(
    message: Uint8Array,
    capabilities: ReadonlySet<string>,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const { contentType = 'application/x-pki-message', post = 'auto' } = this.#options;
    const usePost = post === 'post' || (post === 'auto' && offersPost(capabilities));
    const reply = await exchange(this.#http, {
      operation: 'PKIOperation',
      ...(usePost ? { post: { body: message, contentType } } : { message: toBase64(message) }),
      maximumBytes: maximumReplyBytes,
      signal,
    });
    return requireOk(reply, 'PKIOperation').body;
  }
}

interface Transaction {
  messageType: RequestMessageType;
  content: Uint8Array;
  transactionId: string;
  capabilities: ReadonlySet<string>;
  caCertificates: CaCertificates;
  enrollment: EnrollOptions;
}

const pollContent = (caCertificates: CaCertificates, csr: CertificationRequest): Uint8Array =>
  encodeIssuerAndSubject(caCertificates.ca.subject, csr.subject);

/** The order of a SET OF means nothing, so the certificate is known by its key. */
const ownCertificateFirst = (reply: CertRep, csr: CertificationRequest): CertRep => {
  if (reply.status !== 'success') return reply;
  const isOwn = ({ publicKey }: Certificate): boolean => equalBytes(publicKey.encoded, csr.publicKey.encoded);
  const own = reply.certificates.filter((certificate) => isOwn(certificate));
  if (own.length === 0) {
    throw new ScepError('scep.reply_certificate', 'the reply has no certificate for the requested key');
  }
  return { ...reply, certificates: [...own, ...reply.certificates.filter((certificate) => !isOwn(certificate))] };
};

const pause = async (durationMs: number, signal: AbortSignal | undefined): Promise<void> => {
  try {
    await sleep(durationMs, undefined, { signal });
  } catch (cause) {
    throw new ScepError('scep.aborted', 'the operation was aborted', { cause });
  }
};
