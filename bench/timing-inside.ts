/** What `timing.ts` measures without a network: the reading of a message alone. */
import { createSelfSignedCertificate, decodeCertificate, parseName } from '@scepter/x509';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { newSealedAnswer } from '../packages/server/src/enrollment/sealed-answer.ts';
import { readRequest } from '../packages/server/src/workers/read-request.ts';
import { waitForWholeMillisecond } from '../packages/server/src/workers/whole-milliseconds.ts';
import { WorkerAuthorities } from '../packages/server/src/workers/worker-authorities.ts';
import type { Identity } from '../packages/server/test/attacks/hand-made-message.ts';

/** With an RSA-2048 key, self-signed. */
export function newIdentity(commonName: string): Identity & { readonly publicKey: Identity['privateKey'] } {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const encoded = createSelfSignedCertificate({
    subject: parseName(`CN=${commonName}`),
    ...keys,
    serialNumber: randomBytes(16),
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 86_400_000),
  });
  return { ...keys, certificate: decodeCertificate(encoded) };
}

/** One CA with this RA. */
export function newAuthorities(registration: Identity): WorkerAuthorities {
  const keyPair = ({ certificate, privateKey }: Identity) => ({ certificate: certificate.encoded, privateKey });
  const issuing = keyPair(newIdentity('Bench issuing CA'));
  return new WorkerAuthorities({ authorities: [{ id: 'bench', issuing, registrations: [keyPair(registration)] }] });
}

/** @returns a function that reads a message addressed to `registration` and says how long that took, in milliseconds */
export function newReader(registration: Identity): (message: Uint8Array) => number {
  const authorities = newAuthorities(registration);
  return (message) => {
    const startedAt = performance.now();
    const result = readRequest(message, 'modern', { authorities, randomBytes });
    const durationMs = performance.now() - startedAt;
    if (result.kind !== 'refused' || result.problem !== 'message.sealed_content') {
      throw new Error(`A message was not refused for what it holds, but ${JSON.stringify(result.kind)}.`);
    }
    return durationMs;
  };
}

/** @returns when the refusal of a message is begun whose reading takes so long, both in milliseconds */
export async function answerAfterWork(workMs: number): Promise<number> {
  const startedAt = performance.now();
  const due = newSealedAnswer();
  while (performance.now() - startedAt < workMs);
  waitForWholeMillisecond(startedAt);
  await due();
  return performance.now() - startedAt;
}
