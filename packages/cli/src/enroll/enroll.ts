import { ScepClient, ScepError } from '@scepter/scep';
import type { ContentCipher, EnrollResult } from '@scepter/scep';
import { createCertificationRequest, equalBytes, parseName, subjectAltNameExtension } from '@scepter/x509';
import type { Certificate, DigestName, GeneralName, Name } from '@scepter/x509';
import { certificationPath } from '@scepter/fleet';
import { CommandError } from '../command-error.ts';
import type { World } from '../world.ts';
import { failInfoExplanations } from './fail-info.ts';
import { alternativeNamesOf, makeKeyPair, makeRequestSigner } from './identity.ts';
import type { Identity, KeyPair } from './identity.ts';
import { discardPendingKey, writePendingKey, writeResults } from './output-files.ts';
import type { OutputFiles } from './output-files.ts';
import { requireIssuedUnder, requirePinned } from './trust.ts';
import type { OfferedAuthority } from './trust.ts';

/** One enrollment, fully decided: what the command line becomes. */
export interface EnrollmentPlan {
  readonly url: string;
  /** Absent only in a renewal, which then keeps the old names. */
  readonly subject: Name | undefined;
  readonly alternativeNames: readonly GeneralName[];
  readonly challenge: string | undefined;
  readonly keyBits: number;
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
  const keys = await makeKeyPair(plan.keyBits);
  await writePendingKey(plan.files, keys.privateKey);
  try {
    const { certificates, transactionId } = await request(plan, world, client, keys);
    const certificate = findOwn(certificates, keys);
    const issuers = findIssuers(certificate, [...certificates, ...authority.certificates], authority, world.now());
    if (pinned !== undefined) requireIssuedUnder(pinned, issuers);
    await writeResults(plan.files, certificate, issuers);
    return { certificate, issuers, transactionId, ca: authority.ca, caPinned: pinned !== undefined };
  } catch (error) {
    await discardPendingKey(plan.files);
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

async function request(plan: EnrollmentPlan, world: World, client: ScepClient, keys: KeyPair) {
  const subject = plan.subject ?? plan.renew?.certificate.subject ?? parseName('');
  const signer = plan.renew ?? {
    certificate: makeRequestSigner(subject, keys, world.randomBytes(16), world.now()),
    privateKey: keys.privateKey,
  };
  const reply = await client.enroll({
    csr: createRequest(plan, subject, keys),
    privateKey: signer.privateKey,
    signerCertificate: signer.certificate,
    messageType: plan.renew === undefined ? 'PKCSReq' : 'RenewalReq',
  });
  if (reply.status === 'success') return reply;
  throw explainRefusal(reply);
}

function explainRefusal(reply: Exclude<EnrollResult, { status: 'success' }>): CommandError {
  if (reply.status === 'pending') {
    return new CommandError('The server keeps the request for somebody to approve.', {
      hint: 'Ask for the approval, then enroll again.',
    });
  }
  const text = reply.failInfoText === undefined ? '' : `, saying ${JSON.stringify(reply.failInfoText)}`;
  return new CommandError(`The server refused the request with ${reply.failInfo}${text}.`, {
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

function findOwn(certificates: readonly Certificate[], keys: KeyPair): Certificate {
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' });
  const own = certificates.find((certificate) => equalBytes(certificate.publicKey.encoded, publicKey));
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
