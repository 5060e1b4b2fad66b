import { der, equalBytes, parseName } from '@scepter/x509';
import type { Certificate, Extension, RequestAttribute } from '@scepter/x509';
import { setTimeout as sleep } from 'node:timers/promises';
import { CheckStopped, fail, inconclusive, notApplicable } from '../check.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { describeTransaction, isSuccess } from '../transaction.ts';
import type { RequestPlan, Transaction } from '../transaction.ts';
import { messageTypes } from '../wire/object-identifiers.ts';
import { readSuccess } from '../wire/read-success.ts';
import type { SuccessContents } from '../wire/read-success.ts';
import { certificationRequest } from './device.ts';
import type { Device } from './device.ts';

/** A certificate that the probe got, and how. */
export interface Enrollment {
  /** What signed the request: for a renewal the former certificate. */
  readonly signer: Device;
  /** The keys of the new certificate, and that certificate. */
  readonly device: Device;
  readonly csr: Uint8Array;
  readonly transaction: Transaction;
  readonly contents: SuccessContents;
  readonly certificate: Certificate;
}

export interface EnrollOptions {
  readonly device?: Device;
  /** Signs the message; default: the device's self-signed certificate. */
  readonly signer?: Device;
  /** `undefined` for none. */
  readonly challenge: string | undefined;
  readonly extensions?: readonly Extension[];
  readonly attributes?: readonly RequestAttribute[];
  readonly plan?: Partial<RequestPlan>;
}

export interface Attempt {
  readonly signer: Device;
  readonly device: Device;
  readonly csr: Uint8Array;
  readonly transaction: Transaction;
}

/** Asks for a certificate, once; whatever the answer. */
export const attempt = async (server: ServerUnderTest, options: EnrollOptions): Promise<Attempt> => {
  const device = options.device ?? (await server.newDevice());
  const csr = certificationRequest({
    keys: device.keys,
    subject: device.subject,
    challenge: options.challenge,
    ...(options.extensions === undefined ? {} : { extensions: options.extensions }),
    ...(options.attributes === undefined ? {} : { attributes: options.attributes }),
    ...(server.algorithms.digest === 'md5' ? { digest: 'sha1' as const } : {}),
  });
  const signer = options.signer ?? device;
  const transaction = await server.request({ messageData: csr, device: signer, ...options.plan });
  return { signer, device, csr, transaction };
};

/** The certificate in an attempt's answer. @throws CheckStopped fail when there is none or it cannot be read */
export const readEnrollment = (server: ServerUnderTest, attempted: Attempt, reply?: Transaction): Enrollment => {
  const transaction = reply ?? attempted.transaction;
  if (transaction.reply === undefined || !isSuccess(transaction)) {
    throw new CheckStopped(fail(describeTransaction(transaction)));
  }
  const contents = openSuccess(server, transaction, attempted.signer);
  const { publicKey } = attempted.device.certificate;
  const certificate = contents.certificates.find((candidate) =>
    equalBytes(candidate.publicKey.encoded, publicKey.encoded),
  );
  if (certificate === undefined) throw new CheckStopped(fail('SUCCESS without a certificate for the requested key'));
  return { ...attempted, device: { ...attempted.device, certificate }, transaction, contents, certificate };
};

/** What a SUCCESS brings. @throws CheckStopped fail when it cannot be read */
export const openSuccess = (server: ServerUnderTest, transaction: Transaction, signer: Device): SuccessContents => {
  if (transaction.reply === undefined) throw new CheckStopped(fail(describeTransaction(transaction)));
  try {
    return readSuccess(transaction.reply, signer, server.options.randomBytes);
  } catch (error) {
    throw new CheckStopped(fail(`SUCCESS that cannot be read: ${error instanceof Error ? error.message : 'unknown'}`));
  }
};

/** IssuerAndSubject, RFC 8894 section 3.3.3. */
export const pollData = async (server: ServerUnderTest, subject: string): Promise<Uint8Array> => {
  const { issuer } = await server.roles();
  return der.sequence((issuer?.subject ?? parseName('CN=unknown')).encoded, parseName(subject).encoded);
};

export const poll = async (
  server: ServerUnderTest,
  { device, signer, transaction }: Pick<Attempt, 'device' | 'signer' | 'transaction'>,
): Promise<Transaction> =>
  server.request({
    messageType: messageTypes.CertPoll,
    messageData: await pollData(server, device.subject),
    device: signer,
    transactionId: transaction.request.transactionId,
  });

/** Polls until the answer is another one than PENDING or the time is over. */
export const pollUntilDecided = async (server: ServerUnderTest, attempted: Attempt): Promise<Transaction> => {
  const { pendingSeconds = 0, pollIntervalMs = 2_000, signal } = server.options;
  const deadline = performance.now() + pendingSeconds * 1000;
  let latest = attempted.transaction;
  while (latest.reply?.status === 'PENDING' && performance.now() < deadline) {
    await sleep(pollIntervalMs, undefined, signal === undefined ? {} : { signal });
    latest = await poll(server, attempted);
  }
  return latest;
};

/** The first request with a chance of a certificate: with a challenge, or without one where somebody approves requests. */
export const firstAttempt = (server: ServerUnderTest): Promise<Attempt> =>
  server.once('first attempt', async () => {
    const challenge = server.canEnroll ? await server.takeChallenge() : undefined;
    if (challenge === undefined && (server.options.pendingSeconds ?? 0) === 0) {
      throw new CheckStopped(notApplicable('needs a challenge'));
    }
    return attempt(server, { challenge });
  });

/** The first certificate. @throws CheckStopped when there is none */
export const firstEnrollment = (server: ServerUnderTest): Promise<Enrollment> =>
  server.once('first enrollment', async () => {
    const attempted = await firstAttempt(server);
    const decided = await pollUntilDecided(server, attempted);
    if (decided.reply?.status === 'PENDING') {
      throw new CheckStopped(inconclusive('still PENDING: approve the request while the probe polls (--pending)'));
    }
    return readEnrollment(server, attempted, decided);
  });

/** As `firstEnrollment`, for checks of something else: its failure is another check's. */
export const needEnrollment = async (server: ServerUnderTest): Promise<Enrollment> => {
  try {
    return await firstEnrollment(server);
  } catch (error) {
    if (!(error instanceof CheckStopped) || error.outcome.state !== 'fail') throw error;
    throw new CheckStopped(inconclusive(`needs a certificate, and there is none: ${error.outcome.saw}`));
  }
};

/** One more request with a challenge of its own. @throws CheckStopped not-applicable without one */
export const furtherAttempt = async (
  server: ServerUnderTest,
  options: Omit<EnrollOptions, 'challenge'>,
): Promise<Attempt> => {
  await needEnrollment(server);
  return attempt(server, { ...options, challenge: await server.takeChallenge() });
};

/** A request with a challenge that nobody has given out; an honest server refuses it. */
export const refusedAttempt = (server: ServerUnderTest): Promise<Attempt> =>
  server.once('refused attempt', async () =>
    attempt(server, { device: await server.anyDevice(), challenge: `wrong-${server.newTransactionId()}` }),
  );
