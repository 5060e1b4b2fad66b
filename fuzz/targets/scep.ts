/** Messages and their parts, as a server and as a client read them. */
import {
  decodeCertsOnly,
  decodeEnvelope,
  decodeIssuerAndSerialNumber,
  decodeIssuerAndSubject,
  decodePkiMessage,
  encodeCertsOnly,
  encodeIssuerAndSerialNumber,
  encodeIssuerAndSubject,
  isAddressedTo,
  openEnvelope,
  openEnvelopeWithPassword,
  readCertRep,
  readNextCaCertificates,
  ScepError,
  verifyPkiMessage,
} from '@scepter/scep';
import type { CertRep, PkiMessage } from '@scepter/scep';
import { digest, equalBytes, toHex } from '@scepter/x509';
import { isDeepStrictEqual } from 'node:util';
import { readCaCertificates } from '../../packages/scep/src/ca-certificates.ts';
import { readCorpus } from '../corpus.ts';
import { CHALLENGE, readIdentities } from '../identities.ts';
import type { Identity } from '../identities.ts';
import { seal, signAgain } from '../messages.ts';
import { Random } from '../mutation/random.ts';
import { attempt, bucket, promise } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { OpenTarget, Target } from './target.ts';
import { checkName } from './x509.ts';

/** What a signature stands for: who, and over what. Bytes that nobody's key ever signed must not verify. */
function signedContent(message: PkiMessage): string {
  const { content = new Uint8Array(), signer, signerInfo } = message;
  const { key, encoded } = signer.publicKey;
  // One key can be written in several ways, and the certificate around it is not signed by the message.
  const parts = [key.kind === 'rsa' ? key.modulus : encoded, signerInfo.signedBytes ?? new Uint8Array(), content];
  return parts.map((part) => toHex(digest('sha256', part))).join(' ');
}

function shapeOf(message: PkiMessage): string {
  const {
    content,
    digest: digestName,
    messageType,
    messageTypes,
    senderNonce,
    signedData,
    signerInfo,
    transactionId,
  } = message;
  return [
    messageType,
    messageTypes.length,
    digestName,
    bucket(transactionId.length),
    senderNonce?.length,
    bucket(signedData.certificates.length),
    bucket(signedData.crls.length),
    signedData.signerInfos.length,
    bucket(signerInfo.attributes.length),
    signerInfo.identifier.kind,
    signerInfo.signatureAlgorithm.oid,
    content === undefined ? '' : bucket(content.length),
    signedData.contentType,
  ].join(' ');
}

function checkMessage(message: PkiMessage): void {
  promise(
    message.transactionId.length > 0 && message.transactionId.length <= 256,
    'a transaction identifier beyond its bounds',
  );
  promise((message.senderNonce?.length ?? 0) <= 64, 'a nonce beyond its bounds');
  promise(message.messageType === undefined || message.messageTypes.length === 1, 'a message with two types has one');
}

/** Nothing verifies that was not signed: every message that does says what one of the corpus says. */
function messageTarget(corpora: readonly string[]): OpenTarget {
  const known = new Set<string>();
  for (const { bytes } of corpora.flatMap((name) => readCorpus('corpus', name))) {
    const message = attempt(() => decodePkiMessage(bytes), ScepError);
    if (message.accepted && verifyPkiMessage(message.value)) known.add(signedContent(message.value));
  }
  return {
    execute(input): Outcome {
      const read = attempt(() => decodePkiMessage(input), ScepError);
      if (!read.accepted) return read;
      const message = read.value;
      checkMessage(message);
      const verified = verifyPkiMessage(message);
      promise(!verified || known.has(signedContent(message)), 'a signature verifies over what was never signed');
      const envelope =
        message.content === undefined
          ? undefined
          : attempt(() => decodeEnvelope(message.content ?? new Uint8Array()), ScepError);
      return {
        accepted: true,
        signature: `${verified} ${shapeOf(message)} ${checkName(message.signer.subject)} ${envelope?.accepted === false ? envelope.signature : ''}`,
      };
    },
  };
}

function signedMessageTarget(): OpenTarget {
  const { device } = readIdentities();
  return {
    execute(input): Outcome {
      const bytes = signAgain(input, device.privateKey);
      const read = attempt(() => decodePkiMessage(bytes), ScepError);
      if (!read.accepted) return read;
      checkMessage(read.value);
      const verified = verifyPkiMessage(read.value);
      return { accepted: verified, signature: `${verified} ${shapeOf(read.value)}` };
    },
  };
}

function envelopeTarget(): OpenTarget {
  const identities = readIdentities();
  const recipients: readonly Identity[] = [
    identities.recorder,
    identities.earlier,
    identities.openssl,
    identities.registration,
  ];
  const random = new Random(1);
  const randomBytes = (size: number): Uint8Array => random.bytes(size);
  return {
    execute(input): Outcome {
      const read = attempt(() => decodeEnvelope(input), ScepError);
      if (!read.accepted) return read;
      const envelope = read.value;
      const addressed = recipients.findIndex(({ certificate }) => isAddressedTo(envelope, certificate));
      const opened = attempt(
        () => openEnvelope(envelope, recipients[addressed] ?? identities.registration, randomBytes),
        ScepError,
      );
      if (opened.accepted) {
        promise(
          opened.value.content.length <= Math.max(envelope.encryptedContent.length, 16),
          'more comes out of an envelope than is in it',
        );
        promise(envelope.iv.length === 8 || envelope.iv.length === 16, 'an initialization vector of no block');
      } else promise(envelope.contentCipher === undefined, 'an envelope with a known cipher does not open to anything');
      const kinds = envelope.recipients
        .map(({ identifier, keyTransport }) => `${identifier.kind} ${keyTransport?.kind}`)
        .join(' ');
      return {
        accepted: true,
        signature: `${addressed} ${envelope.contentCipher} ${kinds} ${envelope.passwordRecipients.length} ${bucket(envelope.encryptedContent.length)}`,
      };
    },
  };
}

const certsOnlyTarget = (): OpenTarget => ({
  execute(input): Outcome {
    const list = attempt(() => decodeCertsOnly(input), ScepError);
    if (list.accepted) {
      const again = decodeCertsOnly(encodeCertsOnly(list.value.certificates, list.value.crls));
      promise(isDeepStrictEqual(again, list.value), 'certificates get lost when written again');
    }
    const roles = attempt(() => readCaCertificates(input), ScepError);
    if (!roles.accepted)
      return list.accepted
        ? { accepted: true, signature: `${list.value.certificates.length} ${roles.signature}` }
        : roles;
    const { ca, certificates, recipient, signers } = roles.value;
    promise(certificates.includes(ca) && certificates.includes(recipient), 'a role for a certificate from nowhere');
    return {
      accepted: true,
      signature: `${certificates.length} ${certificates.indexOf(ca)} ${certificates.indexOf(recipient)} ${signers.length}`,
    };
  },
});

function nextCaTarget(): OpenTarget {
  const { authority } = readIdentities();
  const known = new Set(readCorpus('corpus', 'next-ca').map(({ bytes }) => nextCertificates(bytes, authority)));
  return {
    execute(input): Outcome {
      const read = attempt(() => nextCertificates(input, authority), ScepError);
      if (!read.accepted) return read;
      promise(known.has(read.value), 'a next CA is believed that nobody signed');
      return { accepted: true, signature: 'believed' };
    },
  };
}

function nextCertificates(body: Uint8Array, { certificate }: Identity): string {
  return readNextCaCertificates(body, certificate)
    .certificates.map(({ encoded }) => toHex(digest('sha256', encoded)))
    .join(' ');
}

const serialNumberTarget = (): OpenTarget => ({
  execute(input): Outcome {
    const read = attempt(() => decodeIssuerAndSerialNumber(input), ScepError);
    if (!read.accepted) return read;
    const again = decodeIssuerAndSerialNumber(encodeIssuerAndSerialNumber(read.value));
    promise(
      equalBytes(again.serialNumber, read.value.serialNumber) && again.serialHex === read.value.serialHex,
      'a serial number is another one when written again',
    );
    return { accepted: true, signature: `${bucket(read.value.serialNumber.length)} ${checkName(read.value.issuer)}` };
  },
});

const subjectTarget = (): OpenTarget => ({
  execute(input): Outcome {
    const read = attempt(() => decodeIssuerAndSubject(input), ScepError);
    if (!read.accepted) return read;
    const again = decodeIssuerAndSubject(encodeIssuerAndSubject(read.value));
    promise(isDeepStrictEqual(again, read.value), 'names are others when written again');
    return { accepted: true, signature: `${checkName(read.value.issuer)} ${checkName(read.value.subject)}` };
  },
});

const senderNonce = Uint8Array.from({ length: 16 }, (_, index) => index);

function shapeOfReply(reply: CertRep): string {
  switch (reply.status) {
    case 'success':
      return `success ${bucket(reply.certificates.length)} ${bucket(reply.crls.length)}`;
    case 'failure':
      return `failure ${reply.failInfo} ${reply.failInfoText?.length}`;
    default:
      return reply.status;
  }
}

/** A reply that is believed says what one of the corpus says. */
function replyTarget(
  folder: string,
  isSignedAgain: boolean,
  recipientOf: (identities: ReturnType<typeof readIdentities>) => Parameters<typeof readCertRep>[1]['recipient'],
): OpenTarget {
  const identities = readIdentities();
  const { registration } = identities;
  const random = new Random(2);
  const options = {
    recipient: recipientOf(identities),
    signers: [registration.certificate],
    transactionId: 'transaction-1',
    senderNonce,
    randomBytes: (size: number) => random.bytes(size),
  };
  const text = (reply: CertRep): string =>
    reply.status === 'success'
      ? `${shapeOfReply(reply)} ${reply.certificates.map(({ encoded }) => toHex(encoded)).join()} ${reply.crls.map(toHex).join()}`
      : JSON.stringify(reply);
  const known = new Set(readCorpus('corpus', folder).map(({ bytes }) => text(readCertRep(bytes, options))));
  return {
    execute(input): Outcome {
      const bytes = isSignedAgain ? signAgain(input, registration.privateKey) : input;
      const read = attempt(() => readCertRep(bytes, options), ScepError);
      if (!read.accepted) return read;
      promise(isSignedAgain || known.has(text(read.value)), 'a reply is believed that nobody signed');
      return { accepted: true, signature: shapeOfReply(read.value) };
    },
  };
}

/** What is in the envelope of a reply whose signature and envelope are right. */
function sealedReplyTarget(): OpenTarget {
  const { device, registration } = readIdentities();
  const random = new Random(3);
  const randomBytes = (size: number): Uint8Array => random.bytes(size);
  const sample = readCorpus('corpus', 'cert-rep').find(({ name }) => name === 'success.bin');
  if (sample === undefined) throw new Error('The corpus has no reply.');
  return {
    execute(input): Outcome {
      const message = decodePkiMessage(seal(input, { signer: registration, recipient: device, randomBytes }));
      const envelope = decodeEnvelope(message.content ?? new Uint8Array());
      const { content } = openEnvelope(envelope, device, randomBytes);
      promise(input.length === 0 || equalBytes(content, input), 'an envelope opens to something else');
      const read = attempt(() => decodeCertsOnly(content), ScepError);
      return read.accepted
        ? { accepted: true, signature: `${bucket(read.value.certificates.length)} ${bucket(read.value.crls.length)}` }
        : read;
    },
  };
}

function passwordEnvelopeTarget(): OpenTarget {
  const random = new Random(4);
  const message = readCorpus('corpus', 'cert-rep-password').map(
    ({ bytes }) => decodePkiMessage(bytes).content ?? new Uint8Array(),
  );
  return {
    seeds: message,
    execute(input): Outcome {
      const read = attempt(() => decodeEnvelope(input), ScepError);
      if (!read.accepted) return read;
      const opened = attempt(
        () => openEnvelopeWithPassword(read.value, CHALLENGE, (size) => random.bytes(size)),
        ScepError,
      );
      return opened.accepted
        ? {
            accepted: true,
            signature: `${read.value.contentCipher} ${bucket(opened.value.length)} ${read.value.passwordRecipients.length}`,
          }
        : opened;
    },
  };
}

export const scepTargets: readonly Target[] = [
  {
    name: 'pki-message',
    description: 'requests as received: decoding, verifying',
    inputKind: 'asn1',
    open: () => messageTarget(['pki-message']),
  },
  {
    name: 'signed-message',
    description: 'requests whose signer signed whatever they now say',
    inputKind: 'asn1',
    corpora: ['pki-message'],
    open: signedMessageTarget,
  },
  {
    name: 'envelope',
    description: 'envelopes: decoding, opening with the key they are for',
    inputKind: 'asn1',
    open: envelopeTarget,
  },
  // A server may ask its clients for a million rounds of PBKDF2, which is the bound.
  {
    name: 'password-envelope',
    description: 'envelopes under a password',
    inputKind: 'asn1',
    corpora: [],
    slowMs: 2000,
    open: passwordEnvelopeTarget,
  },
  {
    name: 'certs-only',
    description: 'certificate lists, and the roles in an answer to GetCACert',
    inputKind: 'asn1',
    open: certsOnlyTarget,
  },
  { name: 'next-ca', description: 'answers to GetNextCACert', inputKind: 'asn1', open: nextCaTarget },
  {
    name: 'issuer-and-serial-number',
    description: 'what GetCert and GetCRL ask for',
    inputKind: 'asn1',
    open: serialNumberTarget,
  },
  { name: 'issuer-and-subject', description: 'what CertPoll asks for', inputKind: 'asn1', open: subjectTarget },
  {
    name: 'cert-rep',
    description: 'replies as a client receives them',
    inputKind: 'asn1',
    open: () => replyTarget('cert-rep', false, ({ device }) => device),
  },
  {
    name: 'signed-cert-rep',
    description: 'replies that the RA signed whatever they now say',
    inputKind: 'asn1',
    corpora: ['cert-rep'],
    open: () => replyTarget('cert-rep', true, ({ device }) => device),
  },
  {
    name: 'sealed-reply',
    description: 'what is in the envelope of a reply',
    inputKind: 'asn1',
    corpora: ['certs-only'],
    open: sealedReplyTarget,
  },
];
