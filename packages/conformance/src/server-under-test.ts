import { thumbprint, toHex } from '@scepter/x509';
import { CheckStopped, inconclusive, notApplicable } from './check.ts';
import { newRsaKeys, selfSigned } from './device/device.ts';
import type { Device, KeyPair } from './device/device.ts';
import { Transport } from './http/transport.ts';
import type { HttpAnswer, HttpRequest } from './http/transport.ts';
import { defaultSubject } from './probe-options.ts';
import type { ProbeAlgorithms, ProbeOptions } from './probe-options.ts';
import { transactionOf } from './transaction.ts';
import type { BuiltRequest, RequestPlan, Transaction } from './transaction.ts';
import { assignRoles, isUnder, readOffered } from './wire/authority.ts';
import type { OfferedCertificates, Roles } from './wire/authority.ts';
import { forgeEnvelope } from './wire/forge-envelope.ts';
import type { ForgedCipher } from './wire/forge-envelope.ts';
import { forgeMessage, requestAttributes } from './wire/forge-message.ts';
import { messageTypes } from './wire/object-identifiers.ts';
import type { Certificate, DigestName } from '@scepter/x509';

const algorithmNames: Readonly<Record<ProbeAlgorithms, { cipher: ForgedCipher; digest: DigestName }>> = {
  modern: { cipher: 'aes-128-cbc', digest: 'sha256' },
  compatible: { cipher: 'des-ede3-cbc', digest: 'sha1' },
  legacy: { cipher: 'des-cbc', digest: 'md5' },
};

const nonceBytes = 16;
const serialNumberBytes = 16;

/** Base64 as RFC 8894 section 4.1 wants it in a GET. */
export const escapedBase64 = (bytes: Uint8Array): string => encodeURIComponent(Buffer.from(bytes).toString('base64'));

/** The server that is probed: how to talk to it, and what has been learnt of it so far. */
export class ServerUnderTest {
  readonly options: ProbeOptions;
  readonly transport: Transport;
  readonly algorithms: { readonly cipher: ForgedCipher; readonly digest: DigestName };
  /** Every PKIOperation so far. */
  readonly transactions: Transaction[] = [];
  readonly #remembered = new Map<string, Promise<unknown>>();
  #enrollments = 0;
  #challengeTaken = false;
  readonly #secrets = new Set<string>();

  constructor(options: ProbeOptions) {
    this.options = options;
    this.algorithms = algorithmNames[options.algorithms ?? 'modern'];
    this.transport = new Transport({
      url: options.url,
      timeoutMs: options.timeoutMs ?? 10_000,
      intervalMs: options.intervalMs ?? 25,
      tlsCa: options.tlsCa,
      signal: options.signal,
    });
  }

  /** What is found out once serves every check that asks. */
  once<T>(name: string, find: () => Promise<T>): Promise<T> {
    const known = this.#remembered.get(name) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const found = find();
    this.#remembered.set(name, found);
    return found;
  }

  /** A GET with an operation, and the CA identifier where the operation takes one. */
  get(operation: string, request: HttpRequest & { readonly message?: string } = {}): Promise<HttpAnswer> {
    const { message = this.options.caIdentifier, ...rest } = request;
    const query = `operation=${operation}${message === undefined ? '' : `&message=${encodeURIComponent(message)}`}`;
    return this.transport.send({ query, ...rest });
  }

  capabilitiesAnswer(): Promise<HttpAnswer> {
    return this.once('GetCACaps', () => this.get('GetCACaps'));
  }

  /** The lines of GetCACaps as they are; empty when the server does not know the operation. */
  async capabilityLines(): Promise<readonly string[]> {
    const { body, status } = await this.capabilitiesAnswer();
    return status === 200
      ? Buffer.from(body)
          .toString('latin1')
          .split(/\r\n|\n|\r/)
      : [];
  }

  async announces(keyword: string): Promise<boolean> {
    return (await this.capabilityLines()).some((line) => line.trim().toLowerCase() === keyword.toLowerCase());
  }

  caCertificatesAnswer(): Promise<HttpAnswer> {
    return this.once('GetCACert', () => this.get('GetCACert'));
  }

  offered(): Promise<OfferedCertificates> {
    return this.once('offered', async () => {
      const answer = await this.caCertificatesAnswer();
      try {
        return readOffered(answer.body);
      } catch {
        throw new CheckStopped(inconclusive('GetCACert gave no certificates that can be read'));
      }
    });
  }

  roles(): Promise<Roles> {
    return this.once('roles', async () => assignRoles((await this.offered()).certificates));
  }

  async recipient(): Promise<Certificate> {
    const { recipient } = await this.roles();
    if (recipient !== undefined) return recipient;
    throw new CheckStopped(inconclusive('GetCACert gave no certificate that can be encrypted to'));
  }

  /** Keys and their self-signed certificate, under a subject of its own. */
  async newDevice(
    options: { readonly keys?: KeyPair; readonly subject?: string; readonly serialNumber?: Uint8Array } = {},
  ): Promise<Device> {
    const keys = options.keys ?? (await this.newKeys());
    const subject = options.subject ?? this.newSubject();
    const serialNumber = options.serialNumber ?? this.serialNumber();
    const certificate = selfSigned({ keys, subject, serialNumber, now: this.options.now() });
    return { keys, privateKey: keys.privateKey, certificate, subject };
  }

  newKeys(): Promise<KeyPair> {
    return this.options.newKeys?.() ?? newRsaKeys();
  }

  /** For what is not to be issued: one key is enough. */
  anyDevice(): Promise<Device> {
    return this.once('device', () => this.newDevice({ subject: this.newSubject() }));
  }

  newSubject(): string {
    this.#enrollments += 1;
    const unique = `${toHex(this.options.randomBytes(3))}-${this.#enrollments}`;
    return (this.options.subject ?? defaultSubject).replaceAll('{n}', unique);
  }

  newTransactionId(): string {
    return toHex(this.options.randomBytes(20)).toUpperCase();
  }

  serialNumber(size = serialNumberBytes): Uint8Array {
    const serial = Uint8Array.from(this.options.randomBytes(size));
    serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
    return serial;
  }

  /** Whether further enrollments are possible: the source is not used up. */
  get canEnroll(): boolean {
    const kind = this.options.challenge?.kind ?? 'none';
    return kind !== 'none' && !(kind === 'one-time' && this.#challengeTaken);
  }

  /** Whether there is a challenge for a request that must be refused: one for all, or one more. */
  get hasChallenges(): boolean {
    const kind = this.options.challenge?.kind;
    return kind === 'static' || kind === 'fresh';
  }

  /**
   * A challenge for one more certificate. It is a secret: where the CA's fingerprint is known, whoever else answers gets none.
   *
   * @throws CheckStopped not-applicable when there is no challenge, inconclusive when the CA is another one
   */
  async takeChallenge(): Promise<string> {
    await this.#requirePinned();
    const challenge = await this.#nextChallenge();
    this.#secrets.add(challenge);
    return challenge;
  }

  /** A server may quote a challenge; the report must not. */
  withoutSecrets(text: string): string {
    return [...this.#secrets].reduce((clean, secret) => clean.replaceAll(secret, '(the challenge)'), text);
  }

  async #nextChallenge(): Promise<string> {
    const source = this.options.challenge ?? { kind: 'none' };
    switch (source.kind) {
      case 'none':
        throw new CheckStopped(notApplicable('needs a challenge'));
      case 'static':
        return source.challenge;
      case 'fresh':
        return source.next();
      case 'one-time':
        if (this.#challengeTaken) {
          throw new CheckStopped(notApplicable('needs one more challenge (--challenge-command)'));
        }
        this.#challengeTaken = true;
        return source.challenge;
      default:
        return source satisfies never;
    }
  }

  async #requirePinned(): Promise<void> {
    const { caFingerprint } = this.options;
    if (caFingerprint === undefined) return;
    const { all } = await this.roles();
    const pinned = all.find(({ encoded }) => thumbprint(encoded, 'sha256') === caFingerprint);
    if (pinned !== undefined && isUnder(await this.recipient(), pinned, all)) return;
    throw new CheckStopped(inconclusive('this is not the CA with the expected fingerprint: it gets no challenge'));
  }

  async build(plan: RequestPlan): Promise<BuiltRequest> {
    const { randomBytes } = this.options;
    const transactionId = plan.transactionId ?? this.newTransactionId();
    const senderNonce = plan.senderNonce ?? randomBytes(nonceBytes);
    const messageType = plan.messageType ?? messageTypes.PKCSReq;
    const content = forgeEnvelope({
      content: plan.messageData,
      recipients: plan.recipients ?? [await this.recipient()],
      cipher: plan.cipher ?? this.algorithms.cipher,
      transport: plan.transport ?? 'pkcs1',
      randomBytes,
      spoil: plan.spoilEnvelope,
    });
    const bytes = forgeMessage({
      content,
      attributes: plan.attributes ?? requestAttributes({ messageType, transactionId, senderNonce }),
      signer: plan.device,
      digest: plan.digest ?? this.algorithms.digest,
      spoil: plan.spoilMessage,
    });
    return { bytes, device: plan.device, transactionId, senderNonce };
  }

  /** POST where the server announces it, else GET. */
  async send(request: BuiltRequest): Promise<Transaction> {
    const post = (await this.announces('POSTPKIOperation')) || (await this.announces('SCEPStandard'));
    return post ? this.post(request) : this.getOperation(request);
  }

  post(request: BuiltRequest, http: HttpRequest = {}): Promise<Transaction> {
    const headers = { 'content-type': 'application/x-pki-message' };
    return this.transact(request, { query: 'operation=PKIOperation', headers, body: request.bytes, ...http });
  }

  /** `message` is what stands in the query, escaped as it is to be sent. */
  getOperation(request: BuiltRequest, message = escapedBase64(request.bytes)): Promise<Transaction> {
    return this.transact(request, { query: `operation=PKIOperation&message=${message}` });
  }

  async transact(request: BuiltRequest, http: HttpRequest): Promise<Transaction> {
    const transaction = transactionOf(request, await this.transport.send(http));
    if (transaction.reply === undefined && [429, 503].includes(transaction.answer.status)) {
      throw new CheckStopped(inconclusive(`the server is busy: HTTP ${transaction.answer.status}`));
    }
    this.transactions.push(transaction);
    return transaction;
  }

  async request(plan: RequestPlan): Promise<Transaction> {
    return this.send(await this.build(plan));
  }
}
