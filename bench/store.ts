/**
 * How many enrollments per second the SQLite store makes durable (intent and certificate: two commits each), beside the
 * disk's own limit: appends of 4 KB, each with fdatasync.
 *
 *     node --conditions=source bench/store.ts [folder]
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecretBox } from '../packages/server/src/store/secret-box.ts';
import { openSqliteStore } from '../packages/server/src/store/sqlite-store.ts';
import type { Store } from '../packages/server/src/store/store.ts';

const durationMs = 3000;
const certificateBytes = 1200;
const now = (): Date => new Date();
const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'scepter-bench-'));

async function enroll(store: Store, withNotification: boolean): Promise<void> {
  const serialNumber = randomBytes(16).toString('hex').toUpperCase();
  const digest = randomBytes(32).toString('hex');
  const certificateRequest = randomBytes(3000).toString('base64');
  const notification = { connection: 'bench', endpoint: 'bench', transactionId: serialNumber, firstAttemptAt: now() };
  await store.recordIntent({
    identity: { endpoint: 'bench', transactionId: serialNumber, publicKeySha256: digest, requestSha256: digest },
    authority: 'AB'.repeat(32),
    authorization: { kind: 'intune', connection: 'bench', activityId: serialNumber, challengeDigest: digest },
    serialNumber,
    tbsCertificate: randomBytes(certificateBytes - 300),
    subject: 'CN=device',
    notBefore: now(),
    notAfter: new Date(Date.now() + 86_400_000),
    recordedAt: now(),
    notification: withNotification
      ? {
          ...notification,
          kind: 'failure',
          serialNumber: undefined,
          payload: { kind: 'failure', certificateRequest, hResult: -2_147_467_259, errorDescription: 'abandoned' },
        }
      : undefined,
  });
  await store.storeCertificate({
    serialNumber,
    certificate: randomBytes(certificateBytes),
    storedAt: now(),
    notification: withNotification
      ? {
          ...notification,
          kind: 'success',
          serialNumber,
          payload: {
            kind: 'success',
            certificateRequest,
            certificateThumbprint: digest.slice(0, 40),
            certificateSerialNumber: serialNumber,
            certificateExpirationDateUtc: now().toISOString(),
            issuingCertificateAuthority: 'CN=Bench',
          },
        }
      : undefined,
  });
}

async function measure(concurrency: number, withNotification: boolean): Promise<void> {
  const path = join(folder, `${concurrency}-${withNotification}.db`);
  const store = openSqliteStore({ path, secretBox: createSecretBox('bench', randomBytes), now });
  const latenciesMs: number[] = [];
  const start = performance.now();
  const lane = async (): Promise<void> => {
    while (performance.now() - start < durationMs) {
      const begin = performance.now();
      await enroll(store, withNotification);
      latenciesMs.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  const perSecond = latenciesMs.length / ((performance.now() - start) / 1000);
  latenciesMs.sort((a, b) => a - b);
  const percentile = (share: number): string =>
    (latenciesMs[Math.floor(latenciesMs.length * share)] ?? Number.NaN).toFixed(2);
  const what = withNotification ? 'with notification' : 'without notification';
  console.log(
    `${what.padEnd(21)} ${String(concurrency).padStart(3)} at once: ${perSecond.toFixed(0).padStart(6)}/s` +
      `   p50 ${percentile(0.5)} ms   p99 ${percentile(0.99)} ms`,
  );
  await store.close();
}

function measureDisk(): void {
  const file = openSync(join(folder, 'limit'), 'w');
  const block = randomBytes(4096);
  const start = performance.now();
  let writes = 0;
  for (; performance.now() - start < durationMs; writes += 1) {
    writeSync(file, block);
    fdatasyncSync(file);
  }
  closeSync(file);
  const perSecond = writes / ((performance.now() - start) / 1000);
  console.log(`the disk: ${perSecond.toFixed(0)} durable appends/s`);
}

try {
  measureDisk();
  for (const withNotification of [false, true]) {
    for (const concurrency of [1, 16, 64]) await measure(concurrency, withNotification);
  }
} finally {
  rmSync(folder, { recursive: true });
}
