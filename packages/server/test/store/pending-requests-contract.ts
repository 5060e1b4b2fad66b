/** What every implementation of `PendingRequestStore` must do. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { NewPendingRequest, PendingRequestDecision } from '../../src/store/pending-requests.ts';
import type { Store } from '../../src/store/store.ts';
import { byStaticChallenge, certificate, dayMs, identity, intent, later, recordedAt, serialNumber } from './samples.ts';
import type { StoreUnderTest } from './store-contract.ts';

const signerKeySha256 = 'c'.repeat(64);
const LIMIT = 5;
const LIMITS = { ofEndpoint: LIMIT, ofClientNetwork: 2 };

function pendingRequest(index: number, changes: Partial<NewPendingRequest> = {}): NewPendingRequest {
  return {
    identity: identity(index),
    signerKeySha256,
    subject: `CN=device ${index}`,
    subjectAltNames: ['dns:one.example', 'dns:two.example'],
    keyDescription: 'RSA 2048',
    clientNetwork: `192.0.2.${index}`,
    certificationRequest: Uint8Array.of(0x30, index),
    requestedAt: recordedAt,
    expiresAt: later(7 * dayMs),
    ...changes,
  };
}

const approval: PendingRequestDecision = { decision: 'approved', at: later(dayMs), by: 'ann' };
const denial: PendingRequestDecision = { decision: 'denied', at: later(dayMs), by: 'ann', reason: 'not one of ours' };

export function pendingRequestsContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`Store contract, pending requests: ${name}`, () => {
    let underTest: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      underTest = await open();
      store = underTest.store;
    });
    afterEach(() => underTest.dispose());

    const add = async (index = 1, changes: Partial<NewPendingRequest> = {}): Promise<number> => {
      const added = await store.addPendingRequest(pendingRequest(index, changes), LIMITS);
      assert.ok(added !== undefined);
      return added.id;
    };
    const stateOf = async (id: number, now = recordedAt): Promise<string | undefined> =>
      (await store.findPendingRequest({ id }, now))?.state;
    const issueOn = async (id: number, index = 1, at = later(2 * dayMs)): Promise<void> => {
      const authorization = { kind: 'manual', pendingRequest: id } as const;
      assert.equal(await store.recordIntent(intent(index, { authorization, recordedAt: at })), 'recorded');
      await store.storeCertificate({
        serialNumber: serialNumber(index),
        certificate: certificate(index),
        storedAt: at,
        notification: undefined,
      });
    };

    it('keeps a request as it was given, over a restart', async () => {
      const id = await add();
      store = await underTest.reopen();
      const expected = { ...pendingRequest(1), id, state: 'pending', decision: undefined, serialNumber: undefined };
      assert.deepEqual(await store.findPendingRequest({ id }, recordedAt), expected);
      assert.deepEqual(await store.findPendingRequest({ identity: identity(1) }, recordedAt), expected);
    });

    it('records the same request once, whatever became of it', async () => {
      const id = await add();
      assert.deepEqual(await store.addPendingRequest(pendingRequest(1), LIMITS), { id, state: 'pending' });
      await store.decidePendingRequest(id, denial);
      assert.deepEqual(await store.addPendingRequest(pendingRequest(1), LIMITS), { id, state: 'denied' });
    });

    it('records one of 20 that are sent at once', async () => {
      const added = await Promise.all(
        Array.from({ length: 20 }, () => store.addPendingRequest(pendingRequest(1), LIMITS)),
      );
      assert.equal(new Set(added.map((each) => each?.id)).size, 1);
      assert.equal((await store.listPendingRequests({ limit: 100 }, recordedAt)).length, 1);
    });

    it('takes so many for an endpoint, and more when one has ended or is decided', async () => {
      const ids = [];
      for (let index = 1; index <= LIMIT; index += 1) ids.push(await add(index));
      assert.equal(await store.addPendingRequest(pendingRequest(9), LIMITS), undefined);
      assert.equal((await store.listPendingRequests({ limit: 100 }, recordedAt)).length, LIMIT);
      const elsewhere = pendingRequest(10, { identity: { ...identity(10), endpoint: 'other' } });
      assert.ok((await store.addPendingRequest(elsewhere, LIMITS)) !== undefined, 'another endpoint has its own');
      await store.decidePendingRequest(ids[0] ?? 0, denial);
      assert.ok((await store.addPendingRequest(pendingRequest(9), LIMITS)) !== undefined);
      const afterwards = { requestedAt: later(8 * dayMs), expiresAt: later(15 * dayMs) };
      assert.ok((await store.addPendingRequest(pendingRequest(11, afterwards), LIMITS)) !== undefined);
    });

    it('takes fewer from one client network, and then still those of others', async () => {
      const clientNetwork = '2001:db8:1:2::/64';
      for (const index of [1, 2]) await add(index, { clientNetwork });
      assert.equal(await store.addPendingRequest(pendingRequest(3, { clientNetwork }), LIMITS), undefined);
      assert.ok((await store.addPendingRequest(pendingRequest(4), LIMITS)) !== undefined);
    });

    describe('a poll', () => {
      const poll = { endpoint: 'intune', transactionId: 'transaction-1', signerKeySha256 };

      it('finds the request of its transaction and key', async () => {
        const id = await add();
        assert.equal((await store.findPendingRequest(poll, recordedAt))?.id, id);
      });

      for (const [difference, changes] of Object.entries({
        endpoint: { endpoint: 'other' },
        transaction: { transactionId: 'another' },
        key: { signerKeySha256: 'd'.repeat(64) },
      })) {
        it(`with another ${difference} finds nothing`, async () => {
          await add();
          assert.equal(await store.findPendingRequest({ ...poll, ...changes }, recordedAt), undefined);
        });
      }

      it('finds the newest of several', async () => {
        await add();
        const again = await add(1, { identity: { ...identity(1), requestSha256: 'e'.repeat(64) } });
        assert.equal((await store.findPendingRequest(poll, recordedAt))?.id, again);
      });
    });

    it('lists by state and endpoint, the newest first', async () => {
      const [first, second] = [await add(1), await add(2)];
      const other = await add(3, { identity: { ...identity(3), endpoint: 'other' } });
      await store.decidePendingRequest(second, denial);
      const listed = async (filter: Parameters<Store['listPendingRequests']>[0]): Promise<number[]> =>
        (await store.listPendingRequests(filter, later(dayMs))).map(({ id }) => id);
      assert.deepEqual(await listed({ limit: 10 }), [other, second, first]);
      assert.deepEqual(await listed({ limit: 1 }), [other]);
      assert.deepEqual(await listed({ state: 'pending', limit: 10 }), [other, first]);
      assert.deepEqual(await listed({ state: 'pending', endpoint: 'intune', limit: 10 }), [first]);
      const [denied] = await store.listPendingRequests({ state: 'denied', limit: 10 }, later(dayMs));
      assert.deepEqual(denied?.decision, { at: denial.at, by: 'ann', reason: 'not one of ours' });
      assert.equal(denied !== undefined && 'certificationRequest' in denied, false);
    });

    describe('a decision', () => {
      it('approves, for as long again as the request might have waited', async () => {
        const id = await add();
        assert.equal(await store.decidePendingRequest(id, approval), true);
        const approved = await store.findPendingRequest({ id }, approval.at);
        assert.equal(approved?.state, 'approved');
        assert.deepEqual(approved?.decision, { at: approval.at, by: 'ann', reason: undefined });
        assert.deepEqual(approved?.expiresAt, later(8 * dayMs));
        assert.deepEqual(approved?.certificationRequest, Uint8Array.of(0x30, 1));
      });

      it('denies, and drops what was sealed', async () => {
        const id = await add();
        assert.equal(await store.decidePendingRequest(id, denial), true);
        const denied = await store.findPendingRequest({ identity: identity(1) }, later(900 * dayMs));
        assert.equal(denied?.state, 'denied', 'for ever');
        assert.equal(denied?.certificationRequest, undefined);
        assert.equal(denied?.expiresAt, undefined);
      });

      it('is made once', async () => {
        const id = await add();
        const outcomes = await Promise.all(
          [approval, approval, approval].map((each) => store.decidePendingRequest(id, each)),
        );
        assert.deepEqual(outcomes, [true, false, false]);
      });

      it('is not made of a request that is unknown, denied or has ended', async () => {
        assert.equal(await store.decidePendingRequest(77, approval), false);
        const [denied, ended] = [await add(1), await add(2)];
        await store.decidePendingRequest(denied, denial);
        assert.equal(await store.decidePendingRequest(denied, approval), false);
        assert.equal(await store.decidePendingRequest(ended, { ...approval, at: later(7 * dayMs) }), false);
      });

      it('is taken back as long as nothing is about to be signed', async () => {
        const [unclaimed, claimed] = [await add(1), await add(2)];
        for (const id of [unclaimed, claimed]) await store.decidePendingRequest(id, approval);
        await issueOn(claimed, 2);
        assert.equal(await store.decidePendingRequest(unclaimed, denial), true);
        assert.equal(await store.decidePendingRequest(claimed, denial), false);
        assert.equal(await stateOf(unclaimed), 'denied');
        assert.equal(await stateOf(claimed), 'approved');
      });
    });

    describe('an intent', () => {
      const on = (pendingRequestId: number, index = 1, at = later(2 * dayMs)) =>
        intent(index, { authorization: { kind: 'manual', pendingRequest: pendingRequestId }, recordedAt: at });

      for (const [when, prepare] of Object.entries({
        'that nobody has given': async () => undefined,
        'that was withdrawn': async (id: number) => {
          await store.decidePendingRequest(id, approval);
          await store.decidePendingRequest(id, denial);
        },
        'that has ended': async (id: number) => {
          await store.decidePendingRequest(id, { ...approval, at: recordedAt });
          await store.expirePendingRequests(later(8 * dayMs));
        },
        'that has served another': async (id: number) => {
          await store.decidePendingRequest(id, approval);
          await issueOn(id, 2);
        },
      })) {
        it(`is not recorded on an approval ${when}`, async () => {
          const id = await add();
          await prepare(id);
          assert.equal(await store.recordIntent(on(id)), 'approval-not-valid');
          assert.equal(await store.findBySerialNumber(serialNumber(1)), undefined);
        });
      }

      it('of a request that has its certificate is told so, although its approval is used up', async () => {
        const id = await add();
        await store.decidePendingRequest(id, approval);
        await issueOn(id);
        const again = { ...on(id), serialNumber: serialNumber(2) };
        assert.equal(await store.recordIntent(again), 'already-issued');
      });

      it('is recorded on an approval, again and again until a certificate is stored', async () => {
        const id = await add();
        await store.decidePendingRequest(id, approval);
        assert.equal(await store.recordIntent(on(id, 3)), 'recorded');
        await issueOn(id);
        assert.deepEqual((await store.findBySerialNumber(serialNumber(1)))?.authorization, {
          kind: 'manual',
          pendingRequest: id,
        });
        assert.equal((await store.findPendingRequest({ id }, recordedAt))?.serialNumber, serialNumber(1));
      });
    });

    describe('the end', () => {
      it('of the time to decide', async () => {
        const id = await add();
        assert.equal(await stateOf(id, later(7 * dayMs - 1)), 'pending');
        assert.equal(await stateOf(id, later(7 * dayMs)), 'expired', 'before anybody has swept');
        assert.equal(await store.expirePendingRequests(later(7 * dayMs - 1)), 0);
        assert.equal(await store.expirePendingRequests(later(7 * dayMs)), 1);
        assert.equal(await store.expirePendingRequests(later(7 * dayMs)), 0);
        const expired = await store.findPendingRequest({ id }, recordedAt);
        assert.equal(expired?.state, 'expired');
        assert.equal(expired?.certificationRequest, undefined);
      });

      it('is forgotten after 90 days where nobody had decided', async () => {
        const [undecided, approved, denied] = [await add(1), await add(2), await add(3)];
        await store.decidePendingRequest(approved, approval);
        await store.decidePendingRequest(denied, denial);
        await store.expirePendingRequests(later(8 * dayMs));
        await store.expirePendingRequests(later(97 * dayMs - 1));
        assert.equal(await stateOf(undecided, later(97 * dayMs)), 'expired');
        await store.expirePendingRequests(later(100 * dayMs));
        assert.equal(await stateOf(undecided, later(100 * dayMs)), undefined);
        assert.equal(await stateOf(approved, later(100 * dayMs)), 'expired');
        assert.equal(await stateOf(denied, later(100 * dayMs)), 'denied');
      });

      it('lets the same request be recorded anew', async () => {
        const id = await add();
        const now = later(7 * dayMs);
        assert.equal(await store.findPendingRequest({ identity: identity(1) }, now), undefined);
        const anew = await add(1, { requestedAt: now, expiresAt: later(14 * dayMs) });
        assert.notEqual(anew, id);
        assert.equal((await store.findPendingRequest({ identity: identity(1) }, now))?.id, anew);
        assert.equal(await store.decidePendingRequest(id, { ...approval, at: now }), false);
      });

      it('of an approval that was used leaves it on record, without what was sealed', async () => {
        const id = await add();
        await store.decidePendingRequest(id, approval);
        await issueOn(id);
        assert.equal(await store.expirePendingRequests(later(30 * dayMs)), 0);
        const used = await store.findPendingRequest({ id }, later(30 * dayMs));
        assert.equal(used?.state, 'approved');
        assert.equal(used?.certificationRequest, undefined);
        assert.equal(await store.findPendingRequest({ identity: identity(1) }, later(30 * dayMs)), undefined);
      });
    });

    describe('findPolledEnrollment', () => {
      const poll = {
        endpoint: 'intune',
        transactionId: 'transaction-1',
        signerKeySha256: identity(1).publicKeySha256,
        signerSerialNumber: undefined,
      };
      const issue = async (index: number, changes: Parameters<typeof intent>[1] = {}): Promise<void> => {
        await store.recordIntent(intent(index, { authorization: byStaticChallenge, ...changes }));
        await store.storeCertificate({
          serialNumber: serialNumber(index),
          certificate: certificate(index),
          storedAt: recordedAt,
          notification: undefined,
        });
      };

      it('finds by transaction and key, the newest', async () => {
        await issue(1);
        await issue(2, { identity: { ...identity(1), requestSha256: 'e'.repeat(64) } });
        assert.equal((await store.findPolledEnrollment(poll, recordedAt))?.serialNumber, serialNumber(2));
      });

      it('finds a renewal by the certificate that it replaces', async () => {
        await issue(1);
        await issue(2, { authorization: { kind: 'renewal', replaces: serialNumber(1) } });
        const renewed = { ...poll, transactionId: 'transaction-2' };
        assert.equal(await store.findPolledEnrollment(renewed, recordedAt), undefined);
        const byPredecessor = { ...renewed, signerSerialNumber: serialNumber(1) };
        assert.equal((await store.findPolledEnrollment(byPredecessor, recordedAt))?.serialNumber, serialNumber(2));
      });

      for (const [difference, changes] of Object.entries({
        endpoint: { endpoint: 'other' },
        transaction: { transactionId: 'another' },
        key: { signerKeySha256 },
      })) {
        it(`finds nothing of another ${difference}`, async () => {
          await issue(1);
          assert.equal(await store.findPolledEnrollment({ ...poll, ...changes }, recordedAt), undefined);
        });
      }

      it('finds no intent, but the certificate that was there before it', async () => {
        await issue(1);
        await store.recordIntent(
          intent(2, {
            authorization: byStaticChallenge,
            identity: { ...identity(1), requestSha256: 'e'.repeat(64) },
          }),
        );
        assert.equal((await store.findPolledEnrollment(poll, recordedAt))?.serialNumber, serialNumber(1));
      });

      it('finds nothing that has expired', async () => {
        await issue(1, { notAfter: later(dayMs) });
        assert.equal(await store.findPolledEnrollment(poll, later(dayMs + 1)), undefined);
      });
    });
  });
}
