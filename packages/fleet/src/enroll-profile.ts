import { generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { ScepClient } from '@scepter/scep';
import { decodeCertificate, equalBytes } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { createDeviceRequest, requestedExtensions } from './certificate-request.ts';
import type { DeviceScepProfile } from './device-management.ts';
import { findInstallProblem, pathOf } from './install.ts';
import type { Candidate } from './install.ts';
import type { InstalledCertificate } from './outcome.ts';
import type { PlatformHabits } from './platforms/habits.ts';
import { requestedContents } from './requested-contents.ts';
import type { RequestedContents } from './requested-contents.ts';
import { openScepSession } from './scep-session.ts';
import type { Surroundings } from './scep-session.ts';
import { StepError, countOf, describeError } from './steps.ts';
import type { RunStep } from './steps.ts';

/** What one SCEP profile is carried out with. */
export interface ProfileWork {
  readonly profile: DeviceScepProfile;
  readonly deviceName: string;
  readonly trustedRoots: readonly Certificate[];
  readonly habits: PlatformHabits;
  readonly surroundings: Surroundings;
  readonly now: () => Date;
  readonly runStep: RunStep;
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const makeRsaKeyPair = promisify(generateKeyPair);

/**
 * Carries out one SCEP profile: a new key, capabilities, CA certificates, the request, and the judgement of the
 * certificate that comes back.
 *
 * @throws StepError at the first step that fails.
 */
export async function enrollProfile(work: ProfileWork): Promise<InstalledCertificate> {
  const { runStep, profile } = work;
  const { contents, keys } = await runStep('key', () => makeKey(profile));
  const session = await runStep('capabilities', () => findServer(work));
  const authority = await runStep('ca-certificate', () => fetchAuthority(session.client));
  const reply = await runStep('enroll', () => sendRequest(work, session.client, contents, keys));
  const received: Candidate = {
    ...chooseIssued(reply.certificates, publicKeyBytes(keys)),
    requested: contents,
    intermediates: authority.certificates,
    trustedRoots: work.trustedRoots,
    extraCertificatesError: work.habits.extraCertificatesError,
    now: work.now(),
  };
  const chain = await runStep('install', () => install(received));
  return {
    profileId: profile.profileId,
    displayName: profile.displayName,
    url: session.url,
    transactionId: reply.transactionId,
    certificate: received.certificate,
    chain,
    privateKey: keys.privateKey,
  };
}

async function makeKey(profile: DeviceScepProfile) {
  const contents = requestedContents(profile);
  const keys: KeyPair = await makeRsaKeyPair('rsa', { modulusLength: profile.keySize });
  return { value: { contents, keys }, detail: `RSA ${profile.keySize}` };
}

/** Asks for the capabilities at the profile's URLs, at the next one too if the platform does, until one answers. */
async function findServer(work: ProfileWork) {
  const [first, ...others] = work.profile.scepServerUrls;
  if (first === undefined) throw new StepError('capabilities', 'the SCEP profile names no server');
  const urls = work.habits.triesEveryUrl ? [first, ...others] : [first];
  const problems: unknown[] = [];
  for (const url of urls) {
    const client = openScepSession(url, work.habits, work.surroundings);
    try {
      const capabilities = await client.getCaCaps();
      return { value: { url, client }, detail: `${capabilities.size} capabilities` };
    } catch (error) {
      problems.push(error);
    }
  }
  throw new StepError('capabilities', problems.map(describeError).join('; '), { cause: problems.at(-1) });
}

async function fetchAuthority(client: ScepClient) {
  const value = await client.getCaCertificates();
  return { value, detail: countOf(value.certificates.length, 'certificate') };
}

async function sendRequest(work: ProfileWork, client: ScepClient, contents: RequestedContents, keys: KeyPair) {
  const { profile, habits, surroundings } = work;
  const extensions = requestedExtensions(contents);
  const csr = createDeviceRequest({
    contents,
    ...keys,
    challenge: profile.challenge,
    extensions,
    attributes: habits.requestAttributes({ profile, deviceName: work.deviceName, extensions }),
  });
  const signer = habits.signerCertificate({
    subject: contents.subject,
    ...keys,
    serialNumber: surroundings.randomBytes(16),
    now: work.now(),
  });
  const reply = await client.enroll({
    csr,
    privateKey: keys.privateKey,
    signerCertificate: decodeCertificate(signer),
    messageType: 'PKCSReq',
  });
  return { value: acceptReply(reply), detail: 'certificate received' };
}

type Reply = Awaited<ReturnType<ScepClient['enroll']>>;

function acceptReply(reply: Reply): Extract<Reply, { status: 'success' }> {
  if (reply.status === 'success') return reply;
  if (reply.status === 'pending') {
    throw new StepError('enroll', 'the server keeps the request pending', { state: 'responsePending' });
  }
  const text = reply.failInfoText === undefined ? '' : `: ${reply.failInfoText}`;
  throw new StepError('enroll', `refused with ${reply.failInfo}${text}`, {
    state: 'requestSubmitFailed',
    failInfo: reply.failInfo,
  });
}

function chooseIssued(received: readonly Certificate[], devicePublicKey: Uint8Array) {
  const own = received.find((certificate) => equalBytes(certificate.publicKey.encoded, devicePublicKey));
  const certificate = own ?? received[0];
  if (certificate === undefined) {
    throw new StepError('enroll', 'the reply carries no certificate', { state: 'responseProcessingFailed' });
  }
  return { certificate, received, devicePublicKey };
}

async function install(candidate: Candidate) {
  const problem = findInstallProblem(candidate);
  if (problem !== undefined) throw new StepError('install', problem.reason, problem);
  const chain = pathOf(candidate) ?? [];
  return { value: chain, detail: `path of ${chain.length} to a trusted root` };
}

function publicKeyBytes(keys: KeyPair): Uint8Array {
  return keys.publicKey.export({ type: 'spki', format: 'der' });
}
