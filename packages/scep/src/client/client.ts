import { decodeCertificationRequest, toHex } from '@scepter/x509';
import type { CertificationRequest } from '@scepter/x509';
import { randomBytes as systemRandomBytes } from 'node:crypto';
import { knownCapabilities } from '../algorithms.ts';
import { readCaCertificates } from '../ca-certificates.ts';
import type { CaCertificates, NextCaCertificates } from '../ca-certificates.ts';
import { nonceBytes, readCertRep } from '../cert-rep.ts';
import type { CertRep, ReadCertRepOptions } from '../cert-rep.ts';
import { decoding } from '../errors.ts';
import { readNextCaCertificates } from '../next-ca-certificates.ts';
import { encodeIssuerAndSerialNumber } from '../queries/issuer-and-serial-number.ts';
import { encodeIssuerAndSubject } from '../queries/issuer-and-subject.ts';
import { createPkiRequest, transactionIdOf } from '../request.ts';
import type { RequestMessageType } from '../request.ts';
import { chooseContentCipher, chooseDigest, chooseRenewal, offersPost } from './choices.ts';
import { exchange, requireOk, serviceUrl } from './http.ts';
import type { HttpOptions, HttpReply } from './http.ts';
import type {
  CertificateResult,
  CrlResult,
  DeviceIdentity,
  EnrollOptions,
  EnrollResult,
  PollOptions,
  QueryOptions,
  RenewOptions,
  ScepClientOptions,
} from './options.ts';
import { crlOf, openerFor, withOwnCertificateFirst, withQueriedCertificateFirst } from './replies.ts';
import { sleep } from './retry.ts';

// certmonger, too, reads no more than a kilobyte of capabilities; a page of HTML may be larger.
const maximumCapabilitiesBytes = 64 * 1024;
const maximumReplyBytes = 1024 * 1024;
// A CRL of a quarter of a million revoked certificates.
const maximumCrlReplyBytes = 9 * 1024 * 1024;
/** How servers say that they do not know GetCACaps. Others, such as 503, are no statement about capabilities. */
const unsupportedStatuses: ReadonlySet<number> = new Set([400, 404, 405, 410, 500, 501]);

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const httpOptions = (options: ScepClientOptions): HttpOptions => ({
  url: serviceUrl(options.url, options.pathSuffix ?? ''),
  fetch: options.fetch,
  userAgent: options.userAgent,
  timeoutMs: options.timeoutMs ?? 30_000,
  patience: {
    retries: options.retries ?? 3,
    maximumWaitMs: options.maximumRetryWaitMs ?? 120_000,
    now: options.now ?? (() => new Date()),
    sleep: options.sleep ?? sleep,
  },
});

/**
 * The device side of SCEP over HTTP (RFC 8894 section 4).
 *
 * A client remembers the capabilities and CA certificates that it fetched last and works with them. It does not know whom
 * to trust: compare the fingerprint of `getCaCertificates().ca` before enrolling where that matters. A server that answers
 * 429 or 503 with a Retry-After is asked again after that time.
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
    this.#http = httpOptions(options);
  }

  /**
   * Asks what the server can do. Keywords this client does not know are left out; a server without GetCACaps gives an
   * empty set (RFC 8894 section 3.5.2).
   *
   * @throws ScepError `scep.http_status`, `scep.too_large`, `scep.network`, `scep.timeout` or `scep.aborted`
   */
  async getCaCaps(signal?: AbortSignal): Promise<Set<string>> {
    const reply = await this.#ask('GetCACaps', maximumCapabilitiesBytes, signal);
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
    const reply = await this.#ask('GetCACert', maximumReplyBytes, signal);
    this.#caCertificates = readCaCertificates(requireOk(reply, 'GetCACert').body);
    return this.#caCertificates;
  }

  /**
   * Fetches the certificates of the CA that takes over when the present one expires, signed by the present one (RFC 8894
   * section 4.7). They can be trusted as far as `getCaCertificates().ca` can. A server that has none says so by an HTTP
   * status; ask only one that has the capability GetNextCACert.
   *
   * @throws ScepError `scep.reply_signature` when the present CA did not sign them; or as `getCaCertificates`
   * @example
   * if ((await client.getCaCaps()).has('GetNextCACert')) remember((await client.getNextCaCertificates()).ca);
   */
  async getNextCaCertificates(signal?: AbortSignal): Promise<NextCaCertificates> {
    const { ca } = this.#caCertificates ?? (await this.getCaCertificates(signal));
    const reply = await this.#ask('GetNextCACert', maximumReplyBytes, signal);
    return readNextCaCertificates(requireOk(reply, 'GetNextCACert').body, ca);
  }

  /**
   * Sends a request and reads the answer; polls while it is PENDING, as often as allowed.
   *
   * @returns the server's answer: a refusal is a result, not an error. The certificate for the CSR's key comes first
   * @throws ScepError `scep.bad_argument` for an undecodable CSR, or when no answer could be encrypted to the device;
   *   `scep.bad_reply` and `scep.reply_*` for an answer that is not to be believed; or as `getCaCertificates`
   */
  async enroll(options: EnrollOptions): Promise<EnrollResult> {
    return this.#enroll(options, () => options.messageType ?? 'PKCSReq');
  }

  /**
   * As `enroll`, with the certificate that is to be renewed as `signerCertificate`: by RenewalReq, or by PKCSReq where the
   * server does not have the capability Renewal (RFC 8894 section 2.5).
   */
  async renew(options: RenewOptions): Promise<EnrollResult> {
    return this.#enroll(options, chooseRenewal);
  }

  /**
   * Asks once what has become of a request that was PENDING, for example after a restart (RFC 8894 section 4.4). Signer,
   * CSR and transactionID are those of the request.
   *
   * @returns as `enroll`
   * @throws ScepError as `enroll`
   */
  async poll(options: PollOptions): Promise<EnrollResult> {
    const csr = decodeCsr(options.csr);
    const { ca } = (await this.#server(options.signal)).caCertificates;
    const content = encodeIssuerAndSubject({ issuer: ca.subject, subject: csr.subject });
    return this.#requestCertificate('CertPoll', content, csr, options);
  }

  /**
   * Fetches a certificate by its number (RFC 8894 section 4.5). The signer's key has to be RSA.
   *
   * @returns the server's answer; the certificate that was asked for comes first
   * @throws ScepError `scep.reply_certificate` when the answer has another one; or as `enroll`
   */
  async getCertificate(options: QueryOptions): Promise<CertificateResult> {
    const transactionId = this.#newTransactionId();
    const reply = await this.#query('GetCert', transactionId, options);
    return { ...withQueriedCertificateFirst(reply, options.certificate), transactionId };
  }

  /**
   * Fetches the CRL on which a certificate would stand (RFC 8894 section 4.6). The signer's key has to be RSA.
   *
   * @returns the CRL, signed by a CA certificate of the server; its times are for the caller to judge
   * @throws ScepError `scep.reply_crl` when the answer has none, or one by somebody else; or as `enroll`
   */
  async getCrl(options: QueryOptions): Promise<CrlResult> {
    const transactionId = this.#newTransactionId();
    const reply = await this.#query('GetCRL', transactionId, options);
    if (reply.status !== 'success') return { ...reply, transactionId };
    const { certificates } = (await this.#server(options.signal)).caCertificates;
    return { status: 'success', crl: crlOf(reply.crls, options.certificate.issuer, certificates), transactionId };
  }

  async #enroll(
    options: RenewOptions,
    chooseType: (capabilities: ReadonlySet<string>) => 'PKCSReq' | 'RenewalReq',
  ): Promise<EnrollResult> {
    const csr = decodeCsr(options.csr);
    const { capabilities } = await this.#server(options.signal);
    let result = await this.#requestCertificate(chooseType(capabilities), csr.encoded, csr, options);
    for (let attempt = 0; result.status === 'pending' && attempt < (options.pollAttempts ?? 0); attempt += 1) {
      await this.#http.patience.sleep(options.pollIntervalMs ?? 60_000, options.signal);
      result = await this.poll(options);
    }
    return result;
  }

  async #requestCertificate(
    messageType: RequestMessageType,
    content: Uint8Array,
    csr: CertificationRequest,
    options: PollOptions,
  ): Promise<EnrollResult> {
    const { signal, transactionId = transactionIdOf(csr.publicKey.encoded) } = options;
    const opener = openerFor(options, csr.challengePassword);
    const reply = await this.#transact({ messageType, content, transactionId, device: options, opener, signal });
    return { ...withOwnCertificateFirst(reply, csr), transactionId };
  }

  #query(messageType: 'GetCert' | 'GetCRL', transactionId: string, options: QueryOptions): Promise<CertRep> {
    const content = encodeIssuerAndSerialNumber(options.certificate);
    const opener = openerFor(options);
    return this.#transact({ messageType, content, transactionId, device: options, opener, signal: options.signal });
  }

  /** Queries that look the same are different transactions. */
  #newTransactionId(): string {
    return toHex(this.#randomBytes(nonceBytes)).toUpperCase();
  }

  async #server(signal: AbortSignal | undefined): Promise<ServerFacts> {
    const capabilities = this.#capabilities ?? (await this.getCaCaps(signal));
    const caCertificates = this.#caCertificates ?? (await this.getCaCertificates(signal));
    return { capabilities, caCertificates };
  }

  async #transact(transaction: Transaction): Promise<CertRep> {
    const { device, opener, signal, transactionId } = transaction;
    const { caCertificates, capabilities } = await this.#server(signal);
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
      signer: { certificate: device.signerCertificate, privateKey: device.privateKey },
      framing: this.#options.framing ?? 'der',
      randomBytes: this.#randomBytes,
    });
    const maximumBytes = transaction.messageType === 'GetCRL' ? maximumCrlReplyBytes : maximumReplyBytes;
    return readCertRep(await this.#sendMessage(message, capabilities, maximumBytes, signal), {
      recipient: opener,
      signers: caCertificates.signers,
      transactionId,
      senderNonce,
      randomBytes: this.#randomBytes,
    });
  }

  #ask(
    operation: 'GetCACaps' | 'GetCACert' | 'GetNextCACert',
    maximumBytes: number,
    signal: AbortSignal | undefined,
  ): Promise<HttpReply> {
    return exchange(this.#http, { operation, message: this.#options.caIdentifier, maximumBytes, signal });
  }

  async #sendMessage(
    message: Uint8Array,
    capabilities: ReadonlySet<string>,
    maximumBytes: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const { contentType = 'application/x-pki-message', post = 'auto' } = this.#options;
    const usePost = post === 'post' || (post === 'auto' && offersPost(capabilities));
    const reply = await exchange(this.#http, {
      operation: 'PKIOperation',
      ...(usePost ? { post: { body: message, contentType } } : { message: toBase64(message) }),
      maximumBytes,
      signal,
    });
    return requireOk(reply, 'PKIOperation').body;
  }
}

interface ServerFacts {
  capabilities: ReadonlySet<string>;
  caCertificates: CaCertificates;
}

interface Transaction {
  messageType: RequestMessageType;
  content: Uint8Array;
  transactionId: string;
  device: DeviceIdentity;
  opener: ReadCertRepOptions['recipient'];
  signal: AbortSignal | undefined;
}

const decodeCsr = (csr: Uint8Array): CertificationRequest =>
  decoding('scep.bad_argument', 'the certification request', () => decodeCertificationRequest(csr));
