/**
 * The machine's own limit: the three RSA-2048 private operations that no enrollment can do without (the RA opens the
 * request, the CA signs the certificate, the RA signs the reply), in as many worker threads as the server has, and
 * nothing else.
 */
import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { serveParent } from './child.ts';

interface Measurement {
  readonly enrollments: number;
  readonly seconds: number;
}

const methods = {
  /** Enrollments a second that the RSA operations alone would allow. */
  measure: async ({ workers, durationMs }: { workers: number; durationMs: number }): Promise<number> => {
    const measured = await Promise.all(
      Array.from({ length: workers }, async () => {
        const worker = new Worker(new URL(import.meta.url), { workerData: durationMs });
        const [measurement] = (await once(worker, 'message')) as [Measurement];
        await worker.terminate();
        return measurement.enrollments / measurement.seconds;
      }),
    );
    return measured.reduce((sum, rate) => sum + rate, 0);
  },
};
export type MachineLimit = typeof methods;

if (isMainThread) serveParent(methods);
else parentPort?.postMessage(measure(workerData as number));

function measure(durationMs: number): Measurement {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const padding = constants.RSA_PKCS1_PADDING;
  const sealed = publicEncrypt({ key: publicKey, padding }, randomBytes(16));
  const certificate = randomBytes(900);
  const attributes = randomBytes(250);
  const enrollment = (): void => {
    privateDecrypt({ key: privateKey, padding }, sealed);
    sign('sha256', certificate, privateKey);
    sign('sha256', attributes, privateKey);
  };
  for (let warmUp = 0; warmUp < 50; warmUp += 1) enrollment();
  let enrollments = 0;
  const startedAt = performance.now();
  while (performance.now() - startedAt < durationMs) {
    enrollment();
    enrollments += 1;
  }
  return { enrollments, seconds: (performance.now() - startedAt) / 1000 };
}
