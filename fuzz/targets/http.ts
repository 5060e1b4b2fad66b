/** A whole server in this process, over real sockets. */
import { readCertRep } from '@scepter/scep';
import {
  decodeBasicConstraints,
  decodeCertificationRequest,
  decodeExtendedKeyUsage,
  decodeKeyUsage,
  digest,
  equalBytes,
  findExtension,
  namesEqual,
  oid,
  toHex,
  verifyCertificateSignature,
  createCertificationRequest,
  encodeGeneralNames,
} from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { createPublicKey, randomBytes as systemRandomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { readCorpus } from '../corpus.ts';
import { CHALLENGE, readIdentities } from '../identities.ts';
import type { Identity } from '../identities.ts';
import { seal, signRequestAgain } from '../messages.ts';
import { bucket, promise } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import { openLaboratory, statuses } from './laboratory.ts';
import type { Answer } from './laboratory.ts';
import type { OpenTarget, Target } from './target.ts';

function describe({ status, contentType, body }: Answer): Outcome {
  promise(statuses.has(status), `an answer of status ${status}`);
  promise(
    status === 200 ? contentType === 'application/x-pki-message' : contentType === 'text/plain',
    `${status} with ${contentType}`,
  );
  promise(status === 200 || body.length < 100, 'a refusal that says much');
  return {
    accepted: status === 200,
    signature: `${status} ${bucket(body.length)} ${status === 200 ? '' : Buffer.from(body).toString('latin1')}`,
  };
}

/** Messages from nobody: the server answers each, and issues nothing. */
async function messageTarget(): Promise<OpenTarget> {
  const laboratory = await openLaboratory();
  const { enrolling } = readIdentities();
  const recipient = { ...enrolling, certificate: laboratory.registration };
  const seeds = (['PKCSReq', 'CertPoll', 'GetCert', 'GetCRL'] as const).map((messageType) =>
    seal(readCorpus('corpus', 'issuer-and-serial-number')[0]?.bytes ?? new Uint8Array(), {
      signer: enrolling,
      recipient,
      randomBytes: systemRandomBytes,
      messageType,
    }),
  );
  const before = await laboratory.issued();
  let alive = 0;
  return {
    seeds,
    async execute(input) {
      const { accepted, signature } = describe(await laboratory.post(input));
      laboratory.checkLog();
      return { accepted, signature: `${signature} ${accepted ? laboratory.refusal() : ''}` };
    },
    async check() {
      promise((await laboratory.issued()) === before + alive, 'a certificate was issued for a message of nobody');
      await laboratory.checkAlive();
      alive += 1;
    },
    close: () => laboratory.close(),
  };
}

const allowedExtensions: ReadonlySet<string> = new Set([
  oid.authorityKeyIdentifier,
  oid.subjectKeyIdentifier,
  oid.keyUsage,
  oid.extendedKeyUsage,
  oid.basicConstraints,
  oid.subjectAltName,
  oid.crlDistributionPoints,
  oid.authorityInfoAccess,
  '2.5.29.32',
  '1.3.6.1.4.1.311.25.2',
]);

/** What a certificate may say, whatever its request said. */
function checkIssued(certificate: Certificate, csr: Uint8Array, issuing: Certificate): void {
  const request = decodeCertificationRequest(csr);
  promise(request.challengePassword === CHALLENGE, 'a certificate without the challenge');
  promise(verifyCertificateSignature(certificate, issuing.publicKey), 'a certificate that our CA did not sign');
  promise(equalBytes(certificate.publicKey.encoded, request.publicKey.encoded), 'a certificate for another key');
  promise(namesEqual(certificate.subject, request.subject), 'a certificate for another name');
  for (const { oid: type } of certificate.extensions)
    promise(allowedExtensions.has(type), `a certificate with the extension ${type}`);
  const value = (type: string): Uint8Array | undefined => findExtension(certificate.extensions, type)?.value;
  const constraints = value(oid.basicConstraints);
  promise(constraints === undefined || !decodeBasicConstraints(constraints).ca, 'a certificate of a CA');
  const usages = decodeKeyUsage(value(oid.keyUsage) ?? new Uint8Array());
  promise(
    usages.length > 0 && usages.every((usage) => usage === 'digitalSignature' || usage === 'keyEncipherment'),
    'a certificate with other key usages',
  );
  const purposes = decodeExtendedKeyUsage(value(oid.extendedKeyUsage) ?? new Uint8Array());
  promise(
    purposes.length > 0 && purposes.every((purpose) => purpose === oid.clientAuth),
    'a certificate for other purposes',
  );
  const names = value(oid.subjectAltName);
  promise(
    names === undefined
      ? request.subjectAltNames.length === 0
      : equalBytes(names, encodeGeneralNames(request.subjectAltNames)),
    'a certificate for other names',
  );
}

/** Requests with the right challenge, changed and signed again: whoever gets a certificate gets an ordinary one. */
async function enrollTarget(): Promise<OpenTarget> {
  const laboratory = await openLaboratory();
  const { enrolling } = readIdentities();
  const recipient = { ...enrolling, certificate: laboratory.registration };
  let alive = 0;
  let got = 0;
  const given = new Set<string>();
  return {
    seeds: readCorpus('corpus', 'certification-request').flatMap(({ bytes }) => withKey(bytes, enrolling)),
    async execute(input): Promise<Outcome> {
      const csr = signRequestAgain(input, enrolling.privateKey);
      const transactionId = toHex(digest('sha256', csr));
      let senderNonce = new Uint8Array();
      const message = seal(csr, {
        signer: enrolling,
        recipient,
        transactionId,
        randomBytes: (size) => {
          const bytes = new Uint8Array(systemRandomBytes(size));
          if (senderNonce.length === 0) senderNonce = bytes;
          return bytes;
        },
      });
      const answer = await laboratory.post(message);
      laboratory.checkLog();
      promise(answer.status === 200, `status ${answer.status} for a message that is right outside`);
      const reply = readCertRep(answer.body, {
        recipient: enrolling,
        signers: [laboratory.registration],
        transactionId,
        senderNonce,
      });
      if (reply.status !== 'success')
        return { accepted: false, signature: `${JSON.stringify(reply)} ${laboratory.refusal()}` };
      const [certificate] = reply.certificates;
      promise(certificate !== undefined, 'a success without a certificate');
      checkIssued(certificate, csr, laboratory.issuing);
      if (!given.has(transactionId)) got += 1;
      given.add(transactionId);
      return {
        accepted: true,
        signature: `issued ${certificate.extensions.length} ${certificate.subject.rdns.length} ${bucket(certificate.encoded.length)}`,
      };
    },
    async check() {
      promise((await laboratory.issued()) === got + alive, 'another number of certificates than were handed out');
      await laboratory.checkAlive();
      alive += 1;
    },
    close: () => laboratory.close(),
  };
}

/** Requests of the corpus for a key that the policy takes. */
function withKey(bytes: Uint8Array, { privateKey }: Identity): Uint8Array[] {
  const { subject, extensions, attributes } = decodeCertificationRequest(bytes);
  const others = attributes.filter(({ oid: type }) => type !== oid.challengePassword && type !== oid.extensionRequest);
  return [
    createCertificationRequest({
      subject,
      privateKey,
      publicKey: createPublicKey(privateKey),
      extensions: [...extensions],
      attributes: others,
      challengePassword: CHALLENGE,
    }),
  ];
}

/** A server that has said nothing for so many times as long as it takes to enroll a device is waiting for more. */
const PATIENCE = 5;
const LEAST_QUIET_MS = 15;
/** What is plainly whole is answered, be the machine as busy as it may. */
const WHOLE_QUIET_MS = 2_000;

function isWhole(input: Uint8Array): boolean {
  const text = Buffer.from(input).toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const head = text.slice(0, end);
  if (end < 0 || !/^(?:GET|POST) [!-~]+ HTTP\/1\.[01]\r\n/.test(text) || /transfer-encoding|expect|upgrade/i.test(head))
    return false;
  return text.length >= end + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}

/** Bytes on a socket, whatever they are. */
async function rawTarget(): Promise<OpenTarget> {
  const laboratory = await openLaboratory();
  // The first one of all is slower.
  await laboratory.checkAlive();
  const quietMs = async (): Promise<number> => LEAST_QUIET_MS + PATIENCE * (await laboratory.checkAlive());
  let quiet = await quietMs();
  return {
    async execute(input): Promise<Outcome> {
      const text = await converse(laboratory.port, input, isWhole(input) ? WHOLE_QUIET_MS : quiet);
      laboratory.checkLog();
      const seen = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
      for (const status of seen) promise(status === 100 || statuses.has(status), `an answer of status ${status}`);
      promise(text === '' || text.startsWith('HTTP/1.1 '), 'an answer that is no HTTP');
      return {
        accepted: seen.includes(200),
        signature: `${seen.slice(0, 3).join(' ')} ${bucket(seen.length)} ${
          /\r\n\r\n(.{0,40})/s
            .exec(text)?.[1]
            ?.replaceAll(/[^ -~]/g, '.')
            .slice(0, 20) ?? ''
        }`,
      };
    },
    async check() {
      quiet = await quietMs();
    },
    close: () => laboratory.close(),
  };
}

function converse(port: number, input: Uint8Array, quietMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let quiet: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(quiet);
      socket.destroy();
      resolve(text);
    };
    const wait = (then: () => void): void => {
      clearTimeout(quiet);
      quiet = setTimeout(then, quietMs);
    };
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      socket.write(input);
      wait(() => {
        socket.end();
        wait(finish);
      });
    });
    socket.on('data', (chunk: string) => {
      text += chunk;
      // The first answer tells most; a pipeline's others come in the same breath.
      wait(finish);
      if (/^HTTP\/1\.1 [2-5]/.test(text) && isComplete(text)) setImmediate(finish);
    });
    socket.on('close', finish);
    socket.on('error', finish);
  });
}

function isComplete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const length = /content-length: (\d+)/i.exec(text)?.[1];
  return end > 0 && length !== undefined && text.length >= end + 4 + Number(length);
}

export const httpTargets: readonly Target[] = [
  {
    name: 'http-message',
    description: 'a server: POSTed messages',
    inputKind: 'asn1',
    corpora: ['pki-message'],
    slowMs: 2000,
    open: messageTarget,
  },
  {
    name: 'http-enroll',
    description: 'a server: requests with the right challenge, changed and signed again',
    inputKind: 'asn1',
    corpora: [],
    slowMs: 2000,
    open: enrollTarget,
  },
  {
    name: 'http-request',
    description: 'a server: bytes on its socket',
    inputKind: 'text',
    slowMs: 2000,
    open: rawTarget,
  },
];
