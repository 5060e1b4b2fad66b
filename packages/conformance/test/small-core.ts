/** A small, honest SCEP server without its HTTP. */
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
import type { Certificate, CertificationRequest } from '@scepter/x509';
import { randomBytes } from 'node:crypto';
import { forgeEnvelope } from '../src/wire/forge-envelope.ts';
import type { EnvelopeOptions } from '../src/wire/forge-envelope.ts';
import { forgeMessage } from '../src/wire/forge-message.ts';
import type { ForgedAttribute, MessageOptions } from '../src/wire/forge-message.ts';
import { wireOid } from '../src/wire/object-identifiers.ts';
import { certify, createAuthority, fieldsFor } from './small-authority.ts';
import type { SmallAuthority } from './small-authority.ts';
import { rightChallenge, textAnswer } from './small-behaviour.ts';
import type { Answer, Asked, Behaviour, Outcome, Verification } from './small-behaviour.ts';

const refused = (failInfo: string): Outcome => ({ status: 'FAILURE', failInfo });
const allowedDigests: ReadonlySet<string | undefined> = new Set(['sha1', 'sha256', 'sha384', 'sha512']);
const typeNumbers: Readonly<Record<string, string>> = {
  PKCSReq: '19',
  RenewalReq: '17',
  CertPoll: '20',
  GetCert: '21',
  GetCRL: '22',
};

export class SmallCore {
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
    const same =
      known !== undefined && (equalBytes(known.csr, csr.encoded) || !this.verifies('request of a transaction'));
    if (same && this.verifies('memory')) {
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
    // Clients collide in their identifiers.
    const name = this.issued.has(transactionId) ? `${transactionId} ${certificate.serialHex}` : transactionId;
    this.issued.set(name, { certificate, csr: csr.encoded });
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
