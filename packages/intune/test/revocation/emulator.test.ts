import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import {
  IntuneCoolDownError,
  IntuneHttpError,
  matchRevocationRequests,
  processRevocations,
  type IntuneClient,
  type Revoke,
} from '../../src/index.ts';
import { Desk } from '../contract/desk.ts';
import { rejection } from '../requests.ts';

const issuerName = 'CN=Contoso Issuing CA,O=Contoso';

describe('revocation with the emulator', () => {
  let desk: Desk;
  let client: IntuneClient;
  /** Of emulator and client, so that an hour passes for both. */
  let clock = Date.now();
  const now = (): Date => new Date(clock);
  before(async () => {
    desk = await Desk.start(now);
  });
  after(() => desk.stop());
  beforeEach(async () => {
    clock += 61 * 60_000;
    client = desk.connect({ now });
  });
  afterEach(() => desk.tidy());

  /** Has Intune ask for revocations, and returns how they stand by serial number. */
  const ask = async (...serialNumbers: string[]): Promise<void> => {
    for (const serialNumber of serialNumbers) {
      await desk.control.requestRevocation({ serialNumber, issuerName, caConfiguration: issuerName });
    }
  };
  const states = async (...serialNumbers: string[]): Promise<string[]> => {
    const all = await desk.control.revocations();
    return serialNumbers.map((serialNumber) => {
      const found = all.find((each) => each.serialNumber === serialNumber);
      return found?.errorCode ?? found?.state ?? 'absent';
    });
  };

  it('hands requests over, matches them in any notation, and reports what became of them', async () => {
    const serialNumbers = ['4f:00:a1', '0x4F00A2', String(0x4f00a3), '4F00A4'];
    await ask(...serialNumbers);
    const { requests, unreadable, transactionId } = await client.downloadRevocationRequests();
    assert.deepEqual(
      requests.map((request) => request.serialNumber),
      serialNumbers,
    );
    assert.deepEqual(unreadable, []);
    const certificates = [0x4f00a1n, 0x4f00a2n, 0x4f00a3n].map((serialNumber) => ({ serialNumber, issuerName }));
    const matches = matchRevocationRequests(requests, certificates);
    await client.uploadRevocationResults({
      transactionId,
      results: matches.map((match) =>
        'certificate' in match
          ? { requestContext: match.request.requestContext, succeeded: true }
          : {
              requestContext: match.request.requestContext,
              succeeded: false,
              errorCode: 'CertificateNotFoundError',
              errorMessage: 'There is no such certificate.',
            },
      ),
    });
    assert.deepEqual(await states(...serialNumbers), ['revoked', 'revoked', 'revoked', 'CertificateNotFoundError']);
  });

  it('takes the same results twice', async () => {
    await ask('5001');
    const { requests, transactionId } = await client.downloadRevocationRequests();
    const results = requests.map(({ requestContext }) => ({ requestContext, succeeded: true }) as const);
    await client.uploadRevocationResults({ transactionId, results });
    await client.uploadRevocationResults({ transactionId, results });
    assert.deepEqual(await states('5001'), ['revoked']);
  });

  it('has the same idea of the cool-down', async () => {
    await client.downloadRevocationRequests();
    const restarted = desk.connect({ now });
    const refused = await rejection(restarted.downloadRevocationRequests());
    assert.ok(refused instanceof IntuneHttpError);
    assert.equal(refused.status, 429);
    const known = await rejection(restarted.downloadRevocationRequests());
    assert.ok(known instanceof IntuneCoolDownError);
    assert.equal(known.until.getTime(), clock + (refused.retryAfterMs ?? 0));
    clock = known.until.getTime();
    await restarted.downloadRevocationRequests();
  });

  it('survives that the results get lost: the next round delivers them', async () => {
    await ask('6001', '6002');
    await desk.setFault('uploadRevocationResults', { kind: 'http', status: 500 }, 3);
    const revoked: string[] = [];
    const revoke: Revoke = async ({ serialNumber }) => {
      revoked.push(serialNumber);
      return { succeeded: true };
    };
    const first = await processRevocations(client, revoke, { now });
    assert.deepEqual(await states('6001', '6002'), ['downloaded', 'downloaded']);
    assert.equal(first.pendingResults.length, 2);
    clock = first.nextRoundAt.getTime();
    const second = await processRevocations(client, revoke, { now, pendingResults: first.pendingResults });
    assert.deepEqual(second.pendingResults, []);
    assert.deepEqual(revoked, ['6001', '6002']);
    assert.deepEqual(await states('6001', '6002'), ['revoked', 'revoked']);
  });

  it('gets requests again after a retryable failure, and not after another', async () => {
    await ask('7001', '7002');
    const first = await processRevocations(
      client,
      async ({ serialNumber }) => {
        if (serialNumber === '7001') {
          throw new Error('the database is away');
        }
        return { succeeded: false, errorCode: 'NotSupportedError' };
      },
      { now },
    );
    assert.deepEqual(await states('7001', '7002'), ['RetryableServiceException', 'NotSupportedError']);
    clock = first.nextRoundAt.getTime();
    const { download } = await processRevocations(client, async () => ({ succeeded: true }), { now });
    assert.deepEqual(
      download?.requests.map(({ serialNumber }) => serialNumber),
      ['7001'],
    );
    assert.deepEqual(await states('7001'), ['revoked']);
  });

  it('has a stale result hold up no other', async () => {
    await ask('8001', '8002', '8003');
    const pendingResults = [{ requestContext: 'of another day', succeeded: true }] as const;
    const first = await processRevocations(client, async () => ({ succeeded: true }), { now, pendingResults });
    assert.deepEqual(first.pendingResults, pendingResults);
    assert.deepEqual(await states('8001', '8002', '8003'), ['revoked', 'revoked', 'revoked']);
  });
});
