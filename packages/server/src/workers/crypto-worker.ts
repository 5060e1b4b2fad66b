/** A crypto worker: holds the keys and does whole messages, so that RSA work never blocks the thread that serves sockets. */
import { issueCertificate, issueCrl, localSigningKey } from '@scepter/ca';
import { createCertRep } from '@scepter/scep';
import { decodeCertificate, fromHex } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { JobName, Jobs, KeyPair, WorkerKeys } from './jobs.ts';
import { readRequest } from './read-request.ts';
import type { ReadContext, Registration } from './read-request.ts';
import type { WorkerRequest, WorkerResponse } from './worker-pool.ts';

type JobTable = { [Name in JobName]: (input: Jobs[Name]['takes']) => Jobs[Name]['gives'] };

function jobTable(keys: WorkerKeys): JobTable {
  const issuing = decodeCertificate(keys.issuing.certificate);
  const signingKey = localSigningKey(keys.issuing.privateKey);
  const [current, ...former] = keys.registrations;
  const registrations: ReadContext['registrations'] = [decodeKeyPair(current), ...former.map(decodeKeyPair)];
  return {
    read: ({ message, floor }) => readRequest(message, floor, { issuing, registrations, randomBytes }),
    issue: ({ tbsCertificate, profile }) => issueCertificate(tbsCertificate, { signingKey, issuer: issuing, profile }),
    reply: ({ address, content }) =>
      createCertRep({
        outcome:
          content.status === 'failure'
            ? content
            : {
                status: 'success',
                certificates: [content.certificate],
                recipient: recipientOf(address.signerCertificate),
                contentCipher: address.contentCipher,
                keyTransport: address.keyTransport,
              },
        transactionId: address.transactionId,
        recipientNonce: address.recipientNonce,
        digest: address.digest,
        signer: registrations[address.registration] ?? registrations[0],
        randomBytes,
      }),
    crl: ({ revoked, ...times }) =>
      issueCrl({
        issuer: issuing,
        signingKey,
        ...times,
        revoked: revoked.map((entry) => ({ ...entry, serialNumber: fromHex(entry.serialNumber) })),
      }),
  };
}

function decodeKeyPair({ certificate, privateKey }: KeyPair): Registration {
  return { certificate: decodeCertificate(certificate), privateKey };
}

function recipientOf(encoded: Uint8Array): Certificate {
  return decodeCertificate(encoded, { rules: 'ber' });
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
