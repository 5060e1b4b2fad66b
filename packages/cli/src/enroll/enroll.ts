import { setTimeout as sleep } from 'node:timers/promises';
import { ScepClient, ScepError } from '@scepter/scep';
import type { ContentCipher, EnrollResult } from '@scepter/scep';
import {
  certificationPath,
  createCertificationRequest,
  decodeCertificationRequest,
  equalBytes,
  parseName,
  subjectAltNameExtension,
} from '@scepter/x509';
import type { Certificate, DigestName, GeneralName, Name } from '@scepter/x509';
import { CommandError } from '../command-error.ts';
import type { World } from '../world.ts';
import { failInfoExplanations } from './fail-info.ts';
import { alternativeNamesOf, makeKeyPair, makeRequestSigner } from './identity.ts';
import type { Identity, KeyKind, KeyPair } from './identity.ts';
import {
  discardPending,
  isPending,
  readPendingRequest,
  writePendingKey,
  writePendingRequest,
  writeResults,
} from './output-files.ts';
import type { OutputFiles, PendingRequest } from './output-files.ts';
import { requireIssuedUnder, requirePinned } from './trust.ts';
import type { OfferedAuthority } from './trust.ts';

/** One enrollment, fully decided: what the command line becomes. */
export interface EnrollmentPlan {
  readonly url: string;
  /** Absent only in a renewal, which then keeps the old names. */
  readonly subject: Name | undefined;
  readonly alternativeNames: readonly GeneralName[];
  readonly challenge: string | undefined;
  readonly key: KeyKind;
  /** While somebody has to approve the request; 0 does not wait. */
  readonly waitMs: number;
  /** Asks for the outcome of the request that is pending under these files. */
  readonly resume: boolean;
  readonly renew: Identity | undefined;
  /** Absent: by the server's capabilities. */
  readonly digest: DigestName | undefined;
  readonly contentCipher: ContentCipher | undefined;
  readonly getOnly: boolean;
  readonly oaep: boolean;
  /** SHA-256, upper-case hexadecimal. */
  readonly caFingerprint: string | undefined;
  readonly files: OutputFiles;
}

/** What came of an enrollment. */
export interface Enrolled {
  readonly certificate: Certificate;
  /** From the issuing CA towards the root, as far as the server gave it. */
  readonly issuers: readonly Certificate[];
  readonly transactionId: string;
  readonly ca: Certificate;
  readonly caPinned: boolean;
}

/**
 * Gets a certificate from any SCEP server and writes it with its key.
 *
 * @throws CommandError when the server refuses, the pin does not hold, or the answer is not what was asked for;
 * ScepError when the conversation itself breaks.
 */
export async function enroll(plan: EnrollmentPlan, world: World): Promise<Enrolled> {
  const client = openClient(plan, world);
  const authority = await client.getCaCertificates();
  const pinned =
    plan.caFingerprint === undefined ? undefined : requirePinned(authority, plan.caFingerprint, world.now());
  const request = plan.resume ? await resumeRequest(plan) : await prepareRequest(plan, world);
  try {
    const { certificates, transactionId } = await ask(plan, client, request);
    const certificate = findOwn(certificates, request);
    const issuers = findIssuers(certificate, [...certificates, ...authority.certificates], authority, world.now());
    if (pinned !== undefined) requireIssuedUnder(pinned, issuers);
    await writeResults(plan.files, certificate, issuers);
    return { certificate, issuers, transactionId, ca: authority.ca, caPinned: pinned !== undefined };
  } catch (error) {
    // What the server keeps for a person to decide on can be asked for again, unless the answer was no.
    if (error instanceof RefusedError || !(await isPending(plan.files))) await discardPending(plan.files);
    throw error;
  }
}

function openClient(plan: EnrollmentPlan, world: World): ScepClient {
  return new ScepClient({
    url: plan.url,
    fetch: world.fetch,
    randomBytes: world.randomBytes,
    userAgent: 'scepter',
    post: plan.getOnly ? 'get' : 'auto',
    // OAEP with its default parameters (SHA-1), the form that Windows sends and servers know.
    keyTransport: plan.oaep ? { kind: 'oaep', digest: 'sha1' } : { kind: 'pkcs1' },
    ...(plan.digest === undefined ? {} : { digest: plan.digest }),
    ...(plan.contentCipher === undefined ? {} : { contentCipher: plan.contentCipher }),
  });
}

/** A new key and a request for it, with the certificate and key that sign it. */
async function prepareRequest(plan: EnrollmentPlan, world: World): Promise<PendingRequest> {
  const keys = await makeKeyPair(plan.key);
  await discardPending(plan.files);
  await writePendingKey(plan.files, keys.privateKey);
  const subject = plan.subject ?? plan.renew?.certificate.subject ?? parseName('');
  return {
    csr: createRequest(plan, subject, keys),
    signerCertificate: plan.renew?.certificate ?? makeRequestSigner(subject, keys, world.randomBytes(16), world.now()),
    privateKey: plan.renew?.privateKey ?? keys.privateKey,
  };
}

/** The request that is pending, with the key that signs for it: a renewal's is that of the old certificate. */
async function resumeRequest({ files, renew }: EnrollmentPlan): Promise<PendingRequest> {
  const pending = await readPendingRequest(files);
  return renew === undefined
    ? pending
    : { ...pending, signerCertificate: renew.certificate, privateKey: renew.privateKey };
}

/** Between two questions whether a person has decided. */
const POLL_INTERVAL_MS = 5_000;

async function ask(plan: EnrollmentPlan, client: ScepClient, request: PendingRequest) {
  const messageType = plan.renew === undefined ? 'PKCSReq' : 'RenewalReq';
  let reply = plan.resume ? await client.poll(request) : await client.enroll({ ...request, messageType });
  // Kept before anybody waits: an interruption must not lose what will be approved.
  if (reply.status === 'pending') await writePendingRequest(plan.files, request);
  for (let waitedMs = 0; reply.status === 'pending' && waitedMs < plan.waitMs; waitedMs += POLL_INTERVAL_MS) {
    await sleep(POLL_INTERVAL_MS);
    reply = await client.poll(request);
  }
  if (reply.status === 'success') return reply;
  if (reply.status === 'pending') throw stillPending(reply.transactionId);
  throw plan.resume && reply.failInfo === 'badCertId' ? unknownHere(reply.transactionId) : explainRefusal(reply);
}

/** Not a failure of anybody: the key and the request stay, to ask again. */
function stillPending(transactionId: string): CommandError {
  return new CommandError(
    `The server keeps the request for somebody to approve. Its transaction is ${transactionId}.`,
    {
      exitCode: 3,
      hint: 'Once it is approved, run the same command with --resume; --wait waits for it.',
    },
  );
}

/** No answer to the request: asked at another address or with another key, and it may still be approved where it waits. */
function unknownHere(transactionId: string): CommandError {
  return new CommandError(`The server knows no request of this key with the transaction ${transactionId}.`, {
    hint: 'The request is kept. Resume it with the --url, and the --renew if there was one, that it was made with.',
  });
}

class RefusedError extends CommandError {}

function explainRefusal(reply: Extract<EnrollResult, { status: 'failure' }>): RefusedError {
  const text = reply.failInfoText === undefined ? '' : `, saying ${JSON.stringify(reply.failInfoText)}`;
  return new RefusedError(`The server refused the request with ${reply.failInfo}${text}.`, {
    hint: `${failInfoExplanations[reply.failInfo]} The transaction is ${reply.transactionId}.`,
  });
}

function createRequest(plan: EnrollmentPlan, subject: Name, keys: KeyPair): Uint8Array {
  const renewed = plan.renew === undefined ? [] : alternativeNamesOf(plan.renew.certificate);
  const names = plan.alternativeNames.length > 0 ? plan.alternativeNames : renewed;
  return createCertificationRequest({
    subject,
    ...keys,
    extensions: names.length === 0 ? [] : [subjectAltNameExtension([...names])],
    ...(plan.challenge === undefined ? {} : { challengePassword: plan.challenge }),
    digest: 'sha256',
  });
}

function findOwn(certificates: readonly Certificate[], { csr }: PendingRequest): Certificate {
  const { publicKey } = decodeCertificationRequest(csr);
  const own = certificates.find((certificate) => equalBytes(certificate.publicKey.encoded, publicKey.encoded));
  if (own === undefined) {
    throw new CommandError('The server answered with a certificate for another key; it was not written.', {
      hint: 'The server is at fault: it has to certify the key of the request.',
    });
  }
  return own;
}

/** The path to the most trusted certificate at hand: the root when the server sends it, else its CA certificate. */
function findIssuers(
  certificate: Certificate,
  candidates: readonly Certificate[],
  authority: OfferedAuthority,
  now: Date,
): readonly Certificate[] {
  const roots = candidates.filter((candidate) => equalBytes(candidate.issuer.encoded, candidate.subject.encoded));
  const path =
    certificationPath(certificate, candidates, roots, now) ??
    certificationPath(certificate, candidates, [authority.ca], now);
  if (path !== undefined) return path.slice(1);
  throw new ScepError('scep.ca_certificates', "The certificate was not issued by the server's CA; it was not written.");
}
