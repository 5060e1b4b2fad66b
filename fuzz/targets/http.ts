/** A whole server in this process, over real sockets. */
import { createLogger, parseSettings, startServer } from '@scepter/server';
import type { RunningServer } from '@scepter/server';
import { readCertRep } from '@scepter/scep';
import {
  decodeBasicConstraints,
  decodeCertificate,
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
  parseName,
} from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { createPublicKey, randomBytes as systemRandomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCorpus } from '../corpus.ts';
import { CHALLENGE, readIdentities } from '../identities.ts';
import type { Identity } from '../identities.ts';
import { seal, signRequestAgain } from '../messages.ts';
import { bucket, Finding, promise } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { OpenTarget, Target } from './target.ts';

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

interface Laboratory {
  readonly server: RunningServer;
  readonly port: number;
  readonly registration: Identity['certificate'];
  readonly issuing: Certificate;
  post(body: Uint8Array): Promise<Answer>;
  /** Why the last request was refused, for the operator. */
  refusal(): string | undefined;
  /** Fails when the server reported an error of its own since the last time. */
  checkLog(): void;
  /** Fails when a device does not get its certificate at once. */
  checkAlive(): Promise<void>;
  issued(): Promise<number>;
  close(): Promise<void>;
}

const PATH = '/scep/fuzz';
/** What the server may say, and when. */
const statuses: ReadonlySet<number> = new Set([
  200, 400, 404, 405, 408, 411, 413, 414, 417, 426, 429, 431, 501, 503, 505,
]);
const ALIVE_MS = 10_000;

const limits = {
  workers: 1,
  requestTimeoutMs: 1000,
  requestsPerMinute: 10_000_000,
  requestsPerMinutePerAddress: 10_000_000,
  requestBurstPerAddress: 1_000_000,
  connections: 65_536,
  connectionsPerAddress: 65_536,
  wrongChallengesPerAddress: 1000,
};

async function openLaboratory(): Promise<Laboratory> {
  const folder = mkdtempSync(join(tmpdir(), 'scepter-fuzz-'));
  const errors: string[] = [];
  let refusal: string | undefined;
  const server = await startServer({
    settings: parseSettings(
      {
        listen: { host: '127.0.0.1', port: 0 },
        publicUrl: 'http://127.0.0.1:1',
        dataFolder: 'data',
        authority: { organization: 'Fuzz' },
        endpoints: {
          fuzz: {
            authorizer: { kind: 'static-challenge', challenge: { environment: 'CHALLENGE' } },
            algorithms: 'legacy',
          },
        },
        limits,
      },
      { baseFolder: folder, environment: { CHALLENGE } },
    ),
    now: () => new Date(),
    onStep: (step) => {
      if (step.refusal !== undefined) refusal = `${step.refusal} ${step.reason}`;
    },
    randomBytes: systemRandomBytes,
    logger: createLogger({
      destination: { write: (line: string) => errors.push(line) },
      pretty: false,
      level: 'error',
    }),
  });
  const port = Number(new URL(server.url).port);
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const post = (body: Uint8Array): Promise<Answer> => send(port, agent, body);
  const { enrolling } = readIdentities();
  const registration = decodeCertificate(server.authority.registrationCertificate);
  let alive = 0;
  return {
    server,
    port,
    registration,
    issuing: decodeCertificate(server.authority.issuingCertificate),
    post,
    refusal: () => refusal,
    checkLog() {
      const [error] = errors.splice(0);
      if (error !== undefined)
        throw new Finding('broken_promise', `the server reports an error of its own: ${error.slice(0, 2000)}`);
    },
    async checkAlive() {
      alive += 1;
      const csr = createCertificationRequest({
        subject: parseName('CN=alive'),
        privateKey: enrolling.privateKey,
        publicKey: createPublicKey(enrolling.privateKey),
        challengePassword: CHALLENGE,
      });
      const message = seal(csr, {
        signer: enrolling,
        recipient: { ...enrolling, certificate: registration },
        randomBytes: systemRandomBytes,
        transactionId: `alive-${alive}`,
      });
      const startedAt = performance.now();
      const answer = await post(message);
      promise(
        answer.status === 200 && answer.body.length > 1500,
        `the server does not serve any more: ${answer.status}`,
      );
      promise(performance.now() - startedAt < ALIVE_MS, 'the server takes long to serve');
    },
    async issued() {
      const { enrollments } = await server.store.summary();
      return enrollments.withheld + enrollments.released + enrollments.revoked;
    },
    async close() {
      agent.destroy();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function send(port: number, agent: Agent, body: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        port,
        host: '127.0.0.1',
        agent,
        method: 'POST',
        path: `${PATH}?operation=PKIOperation`,
        headers: { 'content-length': body.length },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers['content-type'] ?? '',
            body: new Uint8Array(Buffer.concat(chunks)),
          }),
        );
        response.on('error', reject);
      },
    );
    request.on('error', (error) => reject(new Finding('broken_promise', `no answer: ${error.message}`)));
    request.end(body);
  });
}

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
      const outcome = describe(await laboratory.post(input));
      laboratory.checkLog();
      return outcome;
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

/** Until the server has said something, or is waiting for more. */
const QUIET_MS = 15;

/** Bytes on a socket, whatever they are. */
async function rawTarget(): Promise<OpenTarget> {
  const laboratory = await openLaboratory();
  return {
    async execute(input): Promise<Outcome> {
      const text = await converse(laboratory.port, input);
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
    check: () => laboratory.checkAlive(),
    close: () => laboratory.close(),
  };
}

function converse(port: number, input: Uint8Array): Promise<string> {
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
      quiet = setTimeout(then, QUIET_MS);
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
