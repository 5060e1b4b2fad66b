/** What a crypto worker does with a message, whole: the code between a socket and everything that is decided. */
import { createCertRep, decodeIssuerAndSerialNumber, decodePkiMessage, ScepError } from '@scepter/scep';
import { Asn1Error, decodeCertificationRequest, digest, equalBytes, toHex } from '@scepter/x509';
import type { CertificationRequest } from '@scepter/x509';
import type { ReadResult, WorkerKeys } from '../../packages/server/src/workers/jobs.ts';
import { readRequest } from '../../packages/server/src/workers/read-request.ts';
import { WorkerAuthorities } from '../../packages/server/src/workers/worker-authorities.ts';
import { readCorpus } from '../corpus.ts';
import { readIdentities } from '../identities.ts';
import type { Identities, Identity } from '../identities.ts';
import { seal, signAgain, signRequestAgain } from '../messages.ts';
import { Random } from '../mutation/random.ts';
import { attempt, bucket, promise } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { OpenTarget, Target } from './target.ts';

interface Worker {
  readonly identities: Identities;
  readonly randomBytes: (size: number) => Uint8Array;
  read(message: Uint8Array): ReadResult;
  /** Everything an answer is made with comes from the message; making it must not fail. */
  checkAnswer(result: ReadResult): void;
}

function openWorker(seed: number): Worker {
  const identities = readIdentities();
  const { authority, registration, recorder, earlier } = identities;
  const random = new Random(seed);
  const randomBytes = (size: number): Uint8Array => random.bytes(size);
  const keyPair = ({ certificate, privateKey }: Identity) => ({ certificate: certificate.encoded, privateKey });
  const keys: WorkerKeys = {
    authorities: [
      { id: 'current', issuing: keyPair(authority), registrations: [keyPair(registration), keyPair(recorder)] },
      { id: 'former', issuing: keyPair(authority), registrations: [keyPair(earlier)] },
    ],
  };
  const authorities = new WorkerAuthorities(keys);
  return {
    identities,
    randomBytes,
    read: (message) => readRequest(message, 'legacy', { authorities, randomBytes }),
    checkAnswer(result) {
      const address = addressOf(result);
      if (address === undefined) return;
      const { transactionId, recipientNonce, digest: digestName } = address;
      createCertRep({
        outcome: { status: 'failure', failInfo: 'badRequest' },
        transactionId,
        recipientNonce,
        digest: digestName,
        signer: authorities.registrationOf(address),
        randomBytes,
      });
    },
  };
}

function addressOf(result: ReadResult) {
  if (result.kind === 'undecodable') return undefined;
  return result.kind === 'refused' ? result.address : result.request.address;
}

function describe(result: ReadResult): Outcome {
  switch (result.kind) {
    case 'undecodable':
      return { accepted: false, signature: result.reason };
    case 'refused':
      return { accepted: false, signature: `${result.step} ${result.problem} ${result.reason}` };
    case 'opened': {
      const { messageType, challengePassword, signerIssuedByUs, address } = result.request;
      return {
        accepted: true,
        signature: `${messageType} ${address.digest} ${address.contentCipher} ${address.keyTransport.kind} ${address.authority} ${address.recipient.kind} ${signerIssuedByUs} ${bucket(challengePassword?.length ?? 0)}`,
      };
    }
    default:
      return {
        accepted: true,
        signature: `${result.kind} ${result.request.address.recipient.kind} ${result.request.address.digest}`,
      };
  }
}

/** A worker says little of what it cannot decode; the decoder says where it stopped. */
function describeMessage(result: ReadResult, message: Uint8Array): Outcome {
  if (result.kind !== 'undecodable') return describe(result);
  const read = attempt(() => decodePkiMessage(message), ScepError);
  return read.accepted ? describe(result) : read;
}

const requestHash = (request: Uint8Array): string => toHex(digest('sha256', request));

/** Without the keys of its clients, nothing comes out of a message but what they put in. */
function messageTarget(): OpenTarget {
  const worker = openWorker(5);
  const known = new Set<string>();
  for (const { bytes } of readCorpus('corpus', 'pki-message')) {
    const result = worker.read(bytes);
    if (result.kind === 'opened') known.add(requestHash(result.request.certificationRequest));
  }
  return {
    execute(input): Outcome {
      const result = worker.read(input);
      if (result.kind === 'opened')
        promise(known.has(requestHash(result.request.certificationRequest)), 'a request comes to be that nobody made');
      if (input[0] !== undefined && input[0] % 4 === 0) worker.checkAnswer(result);
      return describeMessage(result, input);
    },
  };
}

function signedMessageTarget(): OpenTarget {
  const worker = openWorker(6);
  return {
    execute(input): Outcome {
      const message = signAgain(input, worker.identities.device.privateKey);
      const result = worker.read(message);
      worker.checkAnswer(result);
      return describeMessage(result, message);
    },
  };
}

/** The last byte says who signed the request, and whether again after it was changed. */
function sealedRequestTarget(): OpenTarget {
  const worker = openWorker(7);
  const { device, ecDevice, renewing, registration: recipient } = worker.identities;
  const signers = [device, renewing, ecDevice, device] as const;
  return {
    seeds: readCorpus('corpus', 'certification-request').flatMap(({ bytes }) =>
      [0, 1, 2].map((choice) => Uint8Array.of(...bytes, choice)),
    ),
    execute(input): Outcome {
      const choice = (input.at(-1) ?? 0) & 3;
      const signer = signers[choice] ?? device;
      const content = choice === 3 ? input.subarray(0, -1) : signRequestAgain(input.subarray(0, -1), signer.privateKey);
      const result = worker.read(seal(content, { signer, recipient, randomBytes: worker.randomBytes }));
      worker.checkAnswer(result);
      if (result.kind === 'opened') checkOpened(result, content, signer);
      // The worker tells nobody why; the decoder does.
      const inside = attempt(() => decodeCertificationRequest(content), Asn1Error);
      const { accepted, signature } = describe(result);
      return { accepted, signature: `${signature} ${inside.accepted ? shapeOf(inside.value) : inside.signature}` };
    },
  };
}

function shapeOf({ attributes, extensions, subjectAltNames }: CertificationRequest): string {
  return (
    [attributes, extensions].map((list) => list.map(({ oid }) => oid).join(' ')).join() +
    subjectAltNames.map(({ kind }) => kind).join(' ')
  );
}

function checkOpened(
  { request }: Extract<ReadResult, { kind: 'opened' }>,
  content: Uint8Array,
  signer: Identity,
): void {
  promise(equalBytes(request.certificationRequest, content), 'another request comes out of an envelope than was in it');
  const { challengePassword, publicKey } = decodeCertificationRequest(content);
  promise(challengePassword === request.challengePassword, 'another challenge');
  promise(
    request.signerIssuedByUs || equalBytes(publicKey.encoded, signer.certificate.publicKey.encoded),
    'a key that the signer does not have',
  );
  promise(!/[\p{Cc}\p{Cf}]/u.test(request.subject), 'a subject that is not safe to print');
}

/** The last byte says what is asked. */
function sealedQueryTarget(): OpenTarget {
  const worker = openWorker(8);
  const { device, registration: recipient } = worker.identities;
  const types = ['CertPoll', 'GetCert', 'GetCRL'] as const;
  return {
    execute(input): Outcome {
      const messageType = types[(input.at(-1) ?? 0) % 3] ?? 'CertPoll';
      const message = seal(input.subarray(0, -1), {
        signer: device,
        recipient,
        randomBytes: worker.randomBytes,
        messageType,
      });
      const result = worker.read(message);
      worker.checkAnswer(result);
      promise(result.kind !== 'undecodable' && result.kind !== 'opened', 'a question is taken for something else');
      const inside = attempt(() => decodeIssuerAndSerialNumber(input.subarray(0, -1)), ScepError);
      const { accepted, signature } = describe(result);
      return {
        accepted,
        signature: inside.accepted
          ? `${signature} ${inside.value.issuer.rdns.length}`
          : `${signature} ${inside.signature}`,
      };
    },
  };
}

export const workerTargets: readonly Target[] = [
  {
    name: 'worker-message',
    description: 'messages as they come, through a whole worker',
    inputKind: 'asn1',
    corpora: ['pki-message'],
    open: messageTarget,
  },
  {
    name: 'worker-signed',
    description: 'messages signed after they were changed',
    inputKind: 'asn1',
    corpora: ['pki-message'],
    open: signedMessageTarget,
  },
  {
    name: 'worker-sealed-request',
    description: 'requests in a right envelope under a right signature',
    inputKind: 'asn1',
    open: sealedRequestTarget,
  },
  {
    name: 'worker-sealed-query',
    description: 'the contents of CertPoll, GetCert and GetCRL, likewise',
    inputKind: 'asn1',
    corpora: ['sealed-query'],
    open: sealedQueryTarget,
  },
];
