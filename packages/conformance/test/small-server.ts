/**
 * A small, honest SCEP server in one process, with a hook wherever a server can go wrong. It exists to show that every
 * check of the probe can fail; it is no example of how to write a server.
 */
import { decodeEnvelope, decodePkiMessage, encodeCertsOnly, openEnvelope, verifyPkiMessage } from '@scepter/scep';
import type { Envelope, PkiMessage } from '@scepter/scep';
import {
  Asn1Reader,
  decodeCertificationRequest,
  der,
  equalBytes,
  extendedKeyUsageExtension,
  keyUsageExtension,
  oid,
  readName,
  tag,
  toHex,
  verifyCertificationRequest,
} from '@scepter/x509';
import type { Certificate, CertificationRequest, TbsCertificateFields } from '@scepter/x509';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerOptions, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { ServerOptions as TlsServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { forgeEnvelope } from '../src/wire/forge-envelope.ts';
import type { EnvelopeOptions } from '../src/wire/forge-envelope.ts';
import { forgeMessage } from '../src/wire/forge-message.ts';
import type { ForgedAttribute, MessageOptions } from '../src/wire/forge-message.ts';
import { wireOid } from '../src/wire/object-identifiers.ts';
import { certify, createAuthority, fieldsFor } from './small-authority.ts';
import type { SmallAuthority, Tweak } from './small-authority.ts';

export const rightChallenge = 'the challenge of the small server';

export interface Answer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Received {
  readonly method: string;
  readonly path: string;
  /** Raw, without the question mark. */
  readonly query: string;
  readonly operation: string | undefined;
  readonly message: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly httpVersion: string;
  readonly body: Uint8Array;
}

/** A decoded request, as far as it was decoded when a hook is asked. */
export interface Asked {
  readonly bytes: Uint8Array;
  readonly message: PkiMessage;
  readonly type: string;
  readonly envelope: Envelope | undefined;
  readonly content: Uint8Array;
  readonly csr: CertificationRequest | undefined;
}

export type Status = 'SUCCESS' | 'FAILURE' | 'PENDING';

/** What the server verifies, and can be told not to. */
export type Verification =
  | 'type'
  | 'message signature'
  | 'algorithms'
  | 'request signature'
  | 'signer key'
  | 'challenge'
  | 'challenge use'
  | 'renewal signer'
  | 'key'
  | 'addressee'
  | 'memory';

export interface Behaviour {
  readonly capabilities?: string;
  readonly skip?: readonly Verification[];
  /** Rewrites any HTTP answer. */
  readonly http?: (received: Received, answer: Answer) => Answer | Promise<Answer>;
  /** Types of message that are answered by an HTTP error. */
  readonly unserved?: readonly string[];
  /** Refuses what an honest server grants. */
  readonly refuse?: (asked: Asked) => string | undefined;
  /** Rewrites a reply before it is signed. */
  readonly reply?: (options: MessageOptions, status: Status, asked: Asked) => MessageOptions;
  readonly envelope?: (options: EnvelopeOptions) => EnvelopeOptions;
  /** Rewrites a certificate before it is signed. */
  readonly certificate?: (fields: TbsCertificateFields, csr: CertificationRequest) => TbsCertificateFields;
  /** Rewrites the certificates-only content of a SUCCESS. */
  readonly contents?: (certificates: readonly Uint8Array[], crls: readonly Uint8Array[], asked: Asked) => Uint8Array;
  readonly authority?: Tweak;
  /** Every challenge that begins with `once-` serves one certificate. */
  readonly oneTime?: boolean;
  /** How many polls until a request is approved. */
  readonly pendingPolls?: number;
  /** Answers a poll for what is pending. */
  readonly pollAnswer?: (honest: Outcome) => Outcome;
  readonly serverOptions?: ServerOptions;
  readonly tls?: TlsServerOptions;
  /** Requests whose body is not there yet keep others waiting. */
  readonly oneAtATime?: boolean;
}

export interface Outcome {
  readonly status: Status;
  readonly failInfo?: string;
  readonly certificates?: readonly Uint8Array[];
  readonly crls?: readonly Uint8Array[];
}

export interface SmallServer {
  readonly url: string;
  readonly issued: number;
  close(): Promise<void>;
}

const refused = (failInfo: string): Outcome => ({ status: 'FAILURE', failInfo });
const textAnswer = (status: number, text: string): Answer => ({
  status,
  contentType: 'text/plain',
  body: new TextEncoder().encode(text),
});

export const honestCapabilities =
  'AES\nDES3\nGetNextCACert\nPOSTPKIOperation\nRenewal\nSCEPStandard\nSHA-1\nSHA-256\nSHA-512';
const allowedDigests: ReadonlySet<string | undefined> = new Set(['sha1', 'sha256', 'sha384', 'sha512']);
const typeNumbers: Readonly<Record<string, string>> = {
  PKCSReq: '19',
  RenewalReq: '17',
  CertPoll: '20',
  GetCert: '21',
  GetCRL: '22',
};

class Core {
  readonly behaviour: Behaviour;
  readonly authority: SmallAuthority;
  readonly issued = new Map<string, { certificate: Certificate; csr: Uint8Array }>();
  readonly waiting = new Map<string, { polls: number; asked: Asked }>();
  readonly used = new Set<string>();

  constructor(behaviour: Behaviour) {
    this.behaviour = behaviour;
    this.authority = createAuthority(behaviour.authority);
  }

  verifies(what: Verification): boolean {
    return this.behaviour.skip?.includes(what) !== true;
  }

  /** The HTTP answer to a PKIOperation. */
  operate(bytes: Uint8Array): Answer {
    let message: PkiMessage;
    try {
      message = decodePkiMessage(bytes);
    } catch {
      return textAnswer(400, 'no SCEP message');
    }
    const asked = this.#read(bytes, message);
    if (this.behaviour.unserved?.includes(asked.type) === true) return textAnswer(500, 'not implemented');
    const outcome = this.#decide(asked);
    return { status: 200, contentType: 'application/x-pki-message', body: this.#reply(outcome, asked) };
  }

  #read(bytes: Uint8Array, message: PkiMessage): Asked {
    let envelope: Envelope | undefined;
    let content = new Uint8Array();
    let csr: CertificationRequest | undefined;
    try {
      if (message.content !== undefined) envelope = decodeEnvelope(message.content);
      if (envelope?.contentCipher !== undefined) {
        content = Uint8Array.from(openEnvelope(envelope, this.authority.registration, randomBytes).content);
        csr = decodeCertificationRequest(content);
      }
    } catch {
      // What cannot be read stays undefined.
    }
    // Lax about types, it takes what it does not know for a PKCSReq: the fault of CVE-2026-30836.
    const type = typeNumbers[message.messageType ?? ''] ?? (this.verifies('type') ? '' : '19');
    return { bytes, message, type, envelope, content, csr };
  }

  #decide(asked: Asked): Outcome {
    const { envelope, message, type } = asked;
    if (type === '') return refused('2');
    if (this.verifies('message signature') && !verifyPkiMessage(message)) return refused('1');
    const weak = envelope?.contentCipher === 'des-cbc' || !allowedDigests.has(message.digest);
    if (weak && this.verifies('algorithms')) return refused('0');
    const failInfo = this.behaviour.refuse?.(asked);
    if (failInfo !== undefined) return refused(failInfo);
    switch (type) {
      case '20':
        return this.#poll(asked);
      case '21':
        return this.#getCert(asked);
      case '22':
        return { status: 'SUCCESS', crls: [this.authority.crl] };
      default:
        return this.#enroll(asked);
    }
  }

  #enroll(asked: Asked): Outcome {
    const { csr, message } = asked;
    if (csr === undefined) return this.verifies('addressee') ? refused('2') : { status: 'PENDING' };
    const known = this.issued.get(message.transactionId);
    if (known !== undefined && equalBytes(known.csr, csr.encoded) && this.verifies('memory')) {
      return { status: 'SUCCESS', certificates: [known.certificate.encoded] };
    }
    if (this.verifies('request signature') && !verifyCertificationRequest(csr)) return refused('2');
    if (this.verifies('key') && !isGoodKey(csr)) return refused('0');
    const failure = this.#authorize(asked, csr);
    if (failure !== undefined) return failure;
    return { status: 'SUCCESS', certificates: [this.#issue(csr, message.transactionId).encoded] };
  }

  #authorize({ message, type }: Asked, csr: CertificationRequest): Outcome | undefined {
    const isRenewal = this.verifies('renewal signer')
      ? [...this.issued.values()].some(({ certificate }) => equalBytes(certificate.encoded, message.signer.encoded))
      : type === '17';
    if (isRenewal && csr.challengePassword === undefined) return undefined;
    if (type === '17' && this.verifies('renewal signer')) return refused('2');
    const sameKey = equalBytes(message.signer.publicKey.encoded, csr.publicKey.encoded);
    if (this.verifies('signer key') && !sameKey && !isRenewal) return refused('2');
    return this.#checkChallenge(message, csr);
  }

  #checkChallenge(message: PkiMessage, csr: CertificationRequest): Outcome | undefined {
    const { challengePassword } = csr;
    if (this.behaviour.pendingPolls !== undefined) {
      this.waiting.set(message.transactionId, { polls: 0, asked: { message, csr } as Asked });
      return { status: 'PENDING' };
    }
    if (!this.verifies('challenge')) return undefined;
    if (this.behaviour.oneTime === true && challengePassword?.startsWith('once-') === true) {
      if (this.used.has(challengePassword) && this.verifies('challenge use')) return refused('2');
      this.used.add(challengePassword);
      return undefined;
    }
    return challengePassword === rightChallenge ? undefined : refused('2');
  }

  #issue(csr: CertificationRequest, transactionId: string): Certificate {
    const fields = fieldsFor('CN=replaced', csr.publicKey.encoded, [
      keyUsageExtension(['digitalSignature', 'keyEncipherment']),
      extendedKeyUsageExtension([oid.clientAuth]),
    ]);
    const honest = { ...fields, subject: csr.subject };
    const certificate = certify(this.behaviour.certificate?.(honest, csr) ?? honest);
    this.issued.set(transactionId, { certificate, csr: csr.encoded });
    return certificate;
  }

  #poll({ message }: Asked): Outcome {
    const known = this.issued.get(message.transactionId);
    if (known !== undefined) return this.#answerPoll({ status: 'SUCCESS', certificates: [known.certificate.encoded] });
    const waiting = this.waiting.get(message.transactionId);
    if (waiting?.asked.csr === undefined) return this.#answerPoll(refused('4'));
    waiting.polls += 1;
    if (waiting.polls <= (this.behaviour.pendingPolls ?? 0)) return this.#answerPoll({ status: 'PENDING' });
    const certificate = this.#issue(waiting.asked.csr, message.transactionId);
    return this.#answerPoll({ status: 'SUCCESS', certificates: [certificate.encoded] });
  }

  #answerPoll(honest: Outcome): Outcome {
    return this.behaviour.pollAnswer?.(honest) ?? honest;
  }

  #getCert({ content }: Asked): Outcome {
    const reader = Asn1Reader.of(content).sequence();
    readName(reader);
    const serial = toHex(reader.read(tag.integer).content);
    const found = [...this.issued.values()].find(({ certificate }) => toHex(certificate.serialNumber) === serial);
    return found === undefined ? refused('4') : { status: 'SUCCESS', certificates: [found.certificate.encoded] };
  }

  #reply(outcome: Outcome, asked: Asked): Uint8Array {
    const { message } = asked;
    const { status } = outcome;
    const numbers = { SUCCESS: '0', FAILURE: '2', PENDING: '3' } as const;
    const attributes: ForgedAttribute[] = [
      { type: wireOid.transactionId, values: [der.printableString(message.transactionId)] },
      { type: wireOid.messageType, values: [der.printableString('3')] },
      { type: wireOid.pkiStatus, values: [der.printableString(numbers[status])] },
      { type: wireOid.senderNonce, values: [der.octetString(randomBytes(16))] },
      { type: wireOid.recipientNonce, values: [der.octetString(message.senderNonce ?? new Uint8Array())] },
      ...(outcome.failInfo === undefined
        ? []
        : [{ type: wireOid.failInfo, values: [der.printableString(outcome.failInfo)] }]),
    ];
    const options: MessageOptions = {
      content: status === 'SUCCESS' ? this.#envelope(outcome, asked) : undefined,
      attributes,
      signer: this.authority.registration,
      digest: message.digest ?? 'sha256',
    };
    return forgeMessage(this.behaviour.reply?.(options, status, asked) ?? options);
  }

  #envelope({ certificates = [], crls = [] }: Outcome, asked: Asked): Uint8Array {
    const content = this.behaviour.contents?.(certificates, crls, asked) ?? encodeCertsOnly(certificates, crls);
    const cipher = asked.envelope?.contentCipher;
    const options: EnvelopeOptions = {
      content,
      recipients: [asked.message.signer],
      cipher: cipher === undefined || cipher === 'aes-192-cbc' ? 'aes-128-cbc' : cipher,
      randomBytes: (size) => Uint8Array.from(randomBytes(size)),
    };
    return forgeEnvelope(this.behaviour.envelope?.(options) ?? options);
  }
}

/** Size, exponent, and one step of Fermat's method. */
function isGoodKey({ publicKey: { key } }: CertificationRequest): boolean {
  if (key.kind === 'ec') return false; // This server has no password recipients, and says so before it issues.
  if (key.kind !== 'rsa' || key.modulusBits < 2048 || key.modulusBits > 4096 || key.exponent < 65_537n) return false;
  const modulus = BigInt(`0x${toHex(key.modulus)}`);
  const middle = squareRoot(modulus) + 1n;
  const difference = middle * middle - modulus;
  return squareRoot(difference) ** 2n !== difference;
}

function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let guess = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const better = (guess + value / guess) >> 1n;
    if (better >= guess) return guess;
    guess = better;
  }
}

async function receive(request: IncomingMessage): Promise<Received> {
  const [path = '/', ...rest] = (request.url ?? '/').split('?');
  const query = rest.join('?');
  const parameters = new Map(
    query.split('&').map((part) => [part.split('=', 1)[0] ?? '', part.slice(part.indexOf('=') + 1)]),
  );
  return {
    method: request.method ?? 'GET',
    path,
    query,
    operation: parameters.get('operation'),
    message: parameters.get('message'),
    headers: request.headers,
    httpVersion: request.httpVersion,
    body: Uint8Array.from(await buffer(request)),
  };
}

const fromQuery = (message: string): Uint8Array =>
  Uint8Array.from(
    Buffer.from(
      decodeURIComponent(message.replaceAll('+', '%2B')).replaceAll(' ', '+').replaceAll(/\s/g, ''),
      'base64',
    ),
  );

const longestBody = 65_536;

function answerHonestly(core: Core, received: Received): Answer {
  const { body, message, method, operation } = received;
  if (method === 'POST') {
    if (operation !== undefined && operation !== 'PKIOperation') return textAnswer(400, 'unknown operation');
    return body.length > longestBody ? textAnswer(413, 'too large') : core.operate(body);
  }
  if (method !== 'GET') return textAnswer(405, 'GET and POST');
  const { authority, next, registration } = core.authority;
  switch (operation) {
    case 'GetCACaps':
      return textAnswer(200, core.behaviour.capabilities ?? honestCapabilities);
    case 'GetCACert':
      return {
        status: 200,
        contentType: 'application/x-x509-ca-ra-cert',
        body: encodeCertsOnly([registration.certificate.encoded, authority.certificate.encoded]),
      };
    case 'GetNextCACert':
      return {
        status: 200,
        contentType: 'application/x-x509-next-ca-cert',
        body: forgeMessage({
          content: encodeCertsOnly([next.certificate.encoded]),
          attributes: [],
          signer: authority,
          digest: 'sha256',
        }),
      };
    case 'PKIOperation':
      return core.operate(fromQuery(message ?? ''));
    default:
      return textAnswer(400, 'unknown operation');
  }
}

/** Starts it on a free port; at every path it is the same. */
export async function startSmallServer(behaviour: Behaviour = {}): Promise<SmallServer> {
  const core = new Core(behaviour);
  const incomplete = new Set<IncomingMessage>();
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    incomplete.add(request);
    const received = await receive(request).finally(() => incomplete.delete(request));
    while (behaviour.oneAtATime === true && incomplete.size > 0) await sleep(20);
    const honest = answerHonestly(core, received);
    const answer = (await behaviour.http?.(received, honest)) ?? honest;
    response.writeHead(answer.status, {
      ...answer.headers,
      ...(answer.contentType === undefined ? {} : { 'content-type': answer.contentType }),
    });
    response.end(answer.body);
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch(() => response.destroy());
  };
  const options = { requireHostHeader: false, maxHeaderSize: 65_536, ...behaviour.serverOptions };
  const server =
    behaviour.tls === undefined
      ? createServer(options, listener)
      : createTlsServer({ ...options, ...behaviour.tls }, listener);
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${behaviour.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/scep`,
    get issued() {
      return core.issued.size;
    },
    close: () =>
      new Promise((settle) => {
        server.close(() => settle());
        server.closeAllConnections();
      }),
  };
}
