/** A crypto worker: holds the keys and does whole messages, so that RSA work never blocks the thread that serves sockets. */
import { issueCertificate, issueCrl } from '@scepter/ca';
import { createCertRep } from '@scepter/scep';
import type { CertRepOutcome, EnvelopeRecipient } from '@scepter/scep';
import { decodeCertificate, equalBytes, fromHex } from '@scepter/x509';
import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { JobName, Jobs, ReadResult, ReplyAddress, ReplyContent, WorkerKeys } from './jobs.ts';
import { readRequest } from './read-request.ts';
import { waitForWholeMillisecond } from './whole-milliseconds.ts';
import { WorkerAuthorities } from './worker-authorities.ts';
import { WorkerError } from './worker-error.ts';
import type { WorkerRequest, WorkerResponse } from './worker-pool.ts';

type JobTable = { [Name in JobName]: (input: Jobs[Name]['takes']) => Jobs[Name]['gives'] };

/** Results that must not tell by their time what an envelope holds; to whoever holds the requested key it is no secret. */
function isAboutContent(result: ReadResult): boolean {
  if (result.kind === 'refused') return result.problem === 'message.sealed_content';
  return result.kind !== 'opened' && result.kind !== 'undecodable';
}

function jobTable(keys: WorkerKeys): JobTable {
  const authorities = new WorkerAuthorities(keys);
  return {
    read: ({ message, floor }) => {
      const startedAt = performance.now();
      const result = readRequest(message, floor, { authorities, randomBytes });
      if (isAboutContent(result)) waitForWholeMillisecond(startedAt);
      return result;
    },
    issue: ({ authority, tbsCertificate, profile }) => {
      const { issuing, signingKey } = authorities.byId(authority);
      return issueCertificate(tbsCertificate, { signingKey, issuer: issuing, profile });
    },
    reply: ({ address, content }) =>
      createCertRep({
        outcome: outcomeOf(content, address, authorities),
        transactionId: address.transactionId,
        recipientNonce: address.recipientNonce,
        digest: address.digest,
        signer: authorities.registrationOf(address),
        randomBytes,
      }),
    crl: ({ authority, revoked, ...times }) => {
      const { issuing, signingKey } = authorities.byId(authority);
      return issueCrl({
        issuer: issuing,
        signingKey,
        ...times,
        revoked: revoked.map((entry) => ({ ...entry, serialNumber: fromHex(entry.serialNumber) })),
      });
    },
  };
}

function outcomeOf(content: ReplyContent, address: ReplyAddress, authorities: WorkerAuthorities): CertRepOutcome {
  switch (content.status) {
    case 'pending':
      return content;
    case 'failure': {
      const { failInfo, failInfoText } = content;
      return { status: 'failure', failInfo, ...(failInfoText === undefined ? {} : { failInfoText }) };
    }
    case 'success':
      return {
        status: 'success',
        certificates: certificatesOf(content, authorities),
        ...(content.crl === undefined ? {} : { crls: [content.crl] }),
        recipient: recipientOf(address),
        contentCipher: address.contentCipher,
      };
  }
}

/** RFC 8894, table 6: the certificate itself is the first; others may follow. */
function certificatesOf(
  { certificate, withIssuer }: Extract<ReplyContent, { status: 'success' }>,
  authorities: WorkerAuthorities,
): Uint8Array[] {
  if (certificate === undefined) return [];
  if (!withIssuer) return [certificate];
  const { issuer } = decodeCertificate(certificate);
  const authority = authorities.all.find(({ issuing }) => equalBytes(issuing.subject.encoded, issuer.encoded));
  return authority === undefined ? [certificate] : [certificate, authority.issuing.encoded];
}

function recipientOf({ recipient, signerCertificate, keyTransport }: ReplyAddress): EnvelopeRecipient {
  switch (recipient.kind) {
    case 'certificate':
      return { kind: 'certificate', certificate: decodeCertificate(signerCertificate, { rules: 'ber' }), keyTransport };
    case 'password':
      return recipient;
    case 'nobody':
      throw new WorkerError('worker.no_recipient', 'There is nothing to encrypt the reply with.');
  }
}

function errorOf(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'unknown', message: 'unknown' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return { code, message: error.message };
}

const port = parentPort;
if (port === null) throw new Error('crypto-worker.ts runs as a worker thread.');
const jobs = jobTable(workerData as WorkerKeys);
const runners: { [Name in JobName]: (input: never) => unknown } = jobs;

port.on('message', ({ id, name, input }: WorkerRequest) => {
  let response: WorkerResponse;
  try {
    response = { id, result: runners[name](input as never) };
  } catch (error) {
    response = { id, error: errorOf(error) };
  }
  port.postMessage(response);
});
