/** What every implementation of `Store` must do. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Store, StoreErrorCode } from '../../src/store/store.ts';
import {
  byIntune,
  byStaticChallenge,
  authority,
  certificate,
  dayMs,
  failureNotification,
  identity,
  intent,
  issue,
  later,
  recordedAt,
  serialNumber,
  successNotification,
  withhold,
} from './samples.ts';

/** A fresh database. `reopen` closes the store, where it is still open, and opens the same database again. */
export interface StoreUnderTest {
  readonly store: Store;
  reopen(): Promise<Store>;
  dispose(): Promise<void>;
}

export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`Store contract: ${name}`, () => {
    let underTest: StoreUnderTest;
    let store: Store;
    const failsWith = (code: StoreErrorCode) => ({ name: 'StoreError', code });
    const digest = 'd'.repeat(64);
    /** The transactions that the outbox would report now. */
    const due = async (now: Date, { connection = 'contoso', limit = 100 } = {}): Promise<string[]> =>
      (await store.dueNotifications(connection, now, limit)).map(
        ({ kind, transactionId }) => `${kind} ${transactionId}`,
      );

    beforeEach(async () => {
      underTest = await open();
      store = underTest.store;
    });
    afterEach(() => underTest.dispose());

    describe('recordIntent', () => {
      it('does not renew what is revoked by now', async () => {
        const renewal = intent(2, { authorization: { kind: 'renewal', replaces: serialNumber(1) } });
        assert.equal(await store.recordIntent(renewal), 'predecessor-not-valid', 'never issued');
        await issue(store, 1);
        await store.revoke({ serialNumber: serialNumber(1), revokedAt: recordedAt, reason: 'keyCompromise' });
        assert.equal(await store.recordIntent(renewal), 'predecessor-not-valid');
        assert.equal(await store.findBySerialNumber(serialNumber(2)), undefined);
        await issue(store, 3);
        const valid = intent(4, { authorization: { kind: 'renewal', replaces: serialNumber(3) } });
        assert.equal(await store.recordIntent(valid), 'recorded');
      });

      it('queues the failure that comes of an intent without a certificate', async () => {
        const notification = failureNotification(1, { firstAttemptAt: later(dayMs) });
        assert.equal(await store.recordIntent(intent(1, { notification })), 'recorded');
        assert.deepEqual(await due(later(dayMs - 1)), []);
        const [pending, ...others] = await store.dueNotifications('contoso', later(dayMs), 10);
        assert.deepEqual(pending, { ...notification, id: pending?.id, attempts: 0, createdAt: recordedAt });
        assert.deepEqual(others, []);
      });

      it('queues it instead of the earlier failures of the same transaction', async () => {
        await store.recordIntent(intent(1, { notification: failureNotification(1) }));
        await store.addNotification(failureNotification(1), recordedAt);
        const again = { serialNumber: serialNumber(2), recordedAt: later(1), notification: failureNotification(1) };
        await store.recordIntent(intent(1, again));
        const pending = await store.dueNotifications('contoso', later(dayMs), 10);
        assert.deepEqual(
          pending.map(({ createdAt }) => createdAt),
          [later(1)],
        );
        assert.equal((await store.summary()).pendingNotifications, 1);
      });

      for (const [outcome, prepare] of Object.entries({
        'already-issued': () => issue(store, 1),
        'challenge-used': () => store.recordIntent(intent(3, { authorization: byIntune(digest) })),
      })) {
        it(`queues and cancels nothing when the answer is ${outcome}`, async () => {
          await prepare();
          await store.addNotification(failureNotification(1), recordedAt);
          const refused = { authorization: byIntune(digest), serialNumber: serialNumber(2), recordedAt: later(1) };
          const notification = failureNotification(1, { firstAttemptAt: later(1) });
          assert.equal(await store.recordIntent(intent(1, { ...refused, notification })), outcome);
          const pending = await store.dueNotifications('contoso', later(dayMs), 10);
          assert.deepEqual(
            pending.map(({ createdAt }) => createdAt),
            [recordedAt],
          );
        });
      }

      it('refuses an intent that announces a success, and records nothing', async () => {
        const notification = successNotification(1);
        await assert.rejects(store.recordIntent(intent(1, { notification })), TypeError);
        assert.equal(await store.findBySerialNumber(serialNumber(1)), undefined);
      });

      it('records an intent as it was given', async () => {
        assert.equal(await store.recordIntent(intent(1)), 'recorded');
        const { tbsCertificate: _tbs, notification: _notification, ...given } = intent(1);
        const authorization = { kind: 'intune', connection: 'contoso', activityId: 'activity-1' };
        const expected = { ...given, authorization, state: 'intended', certificate: undefined, revocation: undefined };
        assert.deepEqual(await store.findEnrollment(identity(1), recordedAt), expected);
        assert.deepEqual(await store.findBySerialNumber(serialNumber(1)), expected);
      });

      for (const [authorization, kept] of [
        [byIntune(digest), { kind: 'intune', connection: 'contoso', activityId: 'activity-1' }],
        [byStaticChallenge, { kind: 'static-challenge' }],
        [
          { kind: 'renewal', replaces: serialNumber(9) },
          { kind: 'renewal', replaces: serialNumber(9) },
        ],
      ] as const) {
        it(`keeps an authorization by ${authorization.kind}`, async () => {
          await issue(store, 9);
          assert.equal(await store.recordIntent(intent(1, { authorization })), 'recorded');
          assert.deepEqual((await store.findBySerialNumber(serialNumber(1)))?.authorization, kept);
        });
      }

      it('abandons the earlier intent of the same request', async () => {
        await store.recordIntent(intent(1));
        assert.equal(await store.recordIntent(intent(1, { serialNumber: serialNumber(2) })), 'recorded');
        assert.equal((await store.findBySerialNumber(serialNumber(1)))?.state, 'abandoned');
        assert.equal((await store.findEnrollment(identity(1), recordedAt))?.serialNumber, serialNumber(2));
      });

      it('answers already-issued, and writes nothing, while a certificate of the request is valid', async () => {
        await withhold(store, 1);
        assert.equal(await store.recordIntent(intent(1, { serialNumber: serialNumber(2) })), 'already-issued');
        assert.equal(await store.findBySerialNumber(serialNumber(2)), undefined);
        assert.equal((await store.findEnrollment(identity(1), recordedAt))?.state, 'withheld');
      });

      it('answers already-issued for a revoked certificate', async () => {
        await issue(store, 1);
        await store.revoke({ serialNumber: serialNumber(1), revokedAt: recordedAt, reason: 'keyCompromise' });
        assert.equal(await store.recordIntent(intent(1, { serialNumber: serialNumber(2) })), 'already-issued');
      });

      it('sets an expired certificate aside, which keeps its state', async () => {
        await issue(store, 1, { notAfter: later(dayMs) });
        const again = intent(1, { serialNumber: serialNumber(2), recordedAt: later(dayMs + 1) });
        assert.equal(await store.recordIntent(again), 'recorded');
        assert.equal((await store.findBySerialNumber(serialNumber(1)))?.state, 'released');
        assert.equal((await store.findEnrollment(identity(1), later(dayMs + 1)))?.serialNumber, serialNumber(2));
      });

      for (const [difference, changes] of Object.entries({
        endpoint: { endpoint: 'static' },
        'transaction id': { transactionId: 'another' },
        key: { publicKeySha256: 'e'.repeat(64) },
        'certification request': { requestSha256: 'e'.repeat(64) },
      })) {
        it(`takes another ${difference} for another request`, async () => {
          await withhold(store, 1);
          const other = { ...identity(1), ...changes };
          assert.equal(await store.findEnrollment(other, recordedAt), undefined);
          assert.equal(
            await store.recordIntent(intent(1, { identity: other, serialNumber: serialNumber(2) })),
            'recorded',
          );
        });
      }

      for (const [when, prepare] of Object.entries({
        'of an abandoned intent': async () => {
          await store.recordIntent(intent(1, { authorization: byIntune(digest) }));
          await store.recordIntent(intent(1, { serialNumber: serialNumber(3) }));
        },
        'of a withheld certificate': () => withhold(store, 1, { authorization: byIntune(digest) }),
        'of a revoked certificate': async () => {
          await withhold(store, 1, { authorization: byIntune(digest) });
          await store.revoke({ serialNumber: serialNumber(1), revokedAt: recordedAt, reason: 'superseded' });
        },
        'of an expired certificate that is set aside': async () => {
          await withhold(store, 1, { authorization: byIntune(digest), notAfter: recordedAt });
          await store.recordIntent(intent(1, { serialNumber: serialNumber(3), recordedAt: later(1) }));
        },
      })) {
        it(`answers challenge-used to another request for the challenge ${when}`, async () => {
          await prepare();
          assert.equal(await store.recordIntent(intent(2, { authorization: byIntune(digest) })), 'challenge-used');
          assert.equal(await store.findBySerialNumber(serialNumber(2)), undefined);
          assert.equal(await store.findEnrollment(identity(2), recordedAt), undefined);
        });
      }

      it('lets the request that holds a challenge try again until a certificate is stored', async () => {
        await store.recordIntent(intent(1, { authorization: byIntune(digest) }));
        const again = intent(1, { authorization: byIntune(digest), serialNumber: serialNumber(2) });
        assert.equal(await store.recordIntent(again), 'recorded');
      });

      it('gives one challenge no second certificate when the first has expired', async () => {
        await withhold(store, 1, { authorization: byIntune(digest), notAfter: later(dayMs) });
        const again = { authorization: byIntune(digest), serialNumber: serialNumber(2), recordedAt: later(2 * dayMs) };
        assert.equal(await store.recordIntent(intent(1, again)), 'challenge-used');
        assert.equal((await store.findBySerialNumber(serialNumber(1)))?.state, 'withheld');
      });

      it('claims no challenge when nothing is recorded', async () => {
        await issue(store, 1);
        const again = intent(1, { authorization: byIntune(digest), serialNumber: serialNumber(2) });
        assert.equal(await store.recordIntent(again), 'already-issued');
        assert.equal(await store.recordIntent(intent(3, { authorization: byIntune(digest) })), 'recorded');
      });

      it('never takes a serial number twice, not even that of an abandoned intent', async () => {
        await store.recordIntent(intent(1));
        await store.recordIntent(intent(1, { serialNumber: serialNumber(2) }));
        const reused = intent(3, { serialNumber: serialNumber(1), authorization: byIntune(digest) });
        await assert.rejects(store.recordIntent(reused), failsWith('store.serial_number_used'));
        assert.equal(await store.findEnrollment(identity(3), recordedAt), undefined);
        assert.equal(await store.recordIntent(intent(4, { authorization: byIntune(digest) })), 'recorded');
      });

      it('gives one challenge to exactly one of 50 concurrent requests', async () => {
        const indexes = Array.from({ length: 50 }, (_, index) => index + 1);
        const attempts = indexes.map((index) => store.recordIntent(intent(index, { authorization: byIntune(digest) })));
        const outcomes = await Promise.all(attempts);
        assert.equal(outcomes.filter((outcome) => outcome === 'recorded').length, 1);
        assert.equal(outcomes.filter((outcome) => outcome === 'challenge-used').length, 49);
        assert.equal((await store.summary()).enrollments.intended, 1);
      });

      it('keeps one current intent of 50 concurrent attempts of one request', async () => {
        const indexes = Array.from({ length: 50 }, (_, index) => index + 1);
        const again = (index: number) =>
          intent(1, { serialNumber: serialNumber(index), authorization: byIntune(digest) });
        const outcomes = await Promise.all(indexes.map((index) => store.recordIntent(again(index))));
        assert.ok(outcomes.every((outcome) => outcome === 'recorded'));
        assert.equal((await store.summary()).enrollments.intended, 1);
        assert.equal((await store.summary()).enrollments.abandoned, 49);
      });

      it('lets a failing write undo none of its neighbours', async () => {
        const [first, second, third] = await Promise.allSettled([
          store.recordIntent(intent(1)),
          store.recordIntent(intent(2, { serialNumber: serialNumber(1) })),
          store.recordIntent(intent(3)),
        ]);
        assert.deepEqual([first.status, second.status, third.status], ['fulfilled', 'rejected', 'fulfilled']);
        assert.equal((await store.summary()).enrollments.intended, 2);
      });
    });

    describe('findEnrollment', () => {
      it('finds a certificate to its last instant, and not after', async () => {
        await issue(store, 1, { notAfter: later(dayMs) });
        assert.equal((await store.findEnrollment(identity(1), later(dayMs)))?.state, 'released');
        assert.equal(await store.findEnrollment(identity(1), later(dayMs + 1)), undefined);
      });
    });

    describe('storeCertificate', () => {
      it('withholds a certificate that somebody must be told of, with the notification', async () => {
        await withhold(store, 1);
        const enrollment = await store.findEnrollment(identity(1), recordedAt);
        assert.equal(enrollment?.state, 'withheld');
        assert.deepEqual(enrollment?.certificate, certificate(1));
        const found = await store.findSuccessNotification(serialNumber(1));
        assert.equal(found?.delivered, false);
        assert.deepEqual(found?.notification.payload, successNotification(1).payload);
      });

      it('cancels the failures that its transaction was to report, for good', async () => {
        await store.addNotification(failureNotification(1), recordedAt);
        await withhold(store, 1, { notification: failureNotification(1) });
        assert.deepEqual(await due(later(dayMs)), ['success transaction-1']);
        await store.release(serialNumber(1), { at: recordedAt, activityId: 'accepted' });
        store = await underTest.reopen();
        assert.deepEqual(await due(later(dayMs)), []);
        assert.equal((await store.summary()).pendingNotifications, 0);
      });

      for (const [difference, changes] of Object.entries({
        connection: { connection: 'fabrikam' },
        endpoint: { endpoint: 'other' },
        transaction: { transactionId: 'another' },
      })) {
        it(`leaves the failures of another ${difference} alone`, async () => {
          await store.addNotification(failureNotification(1, changes), recordedAt);
          await withhold(store, 1, { notification: failureNotification(1) });
          const { connection, transactionId } = failureNotification(1, changes);
          assert.ok((await due(later(dayMs), { connection })).includes(`failure ${transactionId}`));
          assert.equal((await store.summary()).pendingNotifications, 2);
        });
      }

      it('leaves the success of another certificate of the same transaction alone', async () => {
        await withhold(store, 1);
        await store.recordIntent(intent(2));
        const { transactionId } = successNotification(1);
        await store.storeCertificate({
          serialNumber: serialNumber(2),
          certificate: certificate(2),
          storedAt: recordedAt,
          notification: successNotification(2, { transactionId }),
        });
        assert.equal((await store.summary()).pendingNotifications, 2);
      });

      it('cancels nothing when it stores nothing', async () => {
        await store.addNotification(failureNotification(1), recordedAt);
        const stored = store.storeCertificate({
          serialNumber: serialNumber(1),
          certificate: certificate(1),
          storedAt: recordedAt,
          notification: successNotification(1),
        });
        await assert.rejects(stored, failsWith('store.unknown_serial_number'));
        assert.deepEqual(await due(recordedAt), ['failure transaction-1']);
      });

      it('releases at once where nobody must be told', async () => {
        await issue(store, 1);
        assert.equal((await store.findEnrollment(identity(1), recordedAt))?.state, 'released');
        assert.equal(await store.findSuccessNotification(serialNumber(1)), undefined);
      });

      for (const [which, prepare] of Object.entries({
        'that was never recorded': async () => {},
        'of an abandoned intent': async () => {
          await store.recordIntent(intent(1));
          await store.recordIntent(intent(1, { serialNumber: serialNumber(2) }));
        },
        'that has a certificate': () => withhold(store, 1),
      })) {
        it(`refuses a serial number ${which}, without leaving a notification`, async () => {
          await prepare();
          const before = await store.summary();
          const stored = store.storeCertificate({
            serialNumber: serialNumber(1),
            certificate: certificate(7),
            storedAt: recordedAt,
            notification: successNotification(1),
          });
          await assert.rejects(stored, failsWith('store.unknown_serial_number'));
          assert.deepEqual(await store.summary(), before);
        });
      }

      it('refuses a notification about another certificate', async () => {
        await store.recordIntent(intent(1));
        const stored = store.storeCertificate({
          serialNumber: serialNumber(1),
          certificate: certificate(1),
          storedAt: recordedAt,
          notification: successNotification(2),
        });
        await assert.rejects(stored, TypeError);
        assert.equal((await store.findBySerialNumber(serialNumber(1)))?.state, 'intended');
      });
    });

    describe('release', () => {
      const accepted = { at: later(1000), activityId: 'accepted' };

      it('releases a withheld certificate and settles its notification', async () => {
        await withhold(store, 1);
        assert.equal(await store.release(serialNumber(1), accepted), true);
        assert.equal((await store.findBySerialNumber(serialNumber(1)))?.state, 'released');
        assert.equal(await store.findSuccessNotification(serialNumber(1)), undefined);
        assert.equal((await store.summary()).pendingNotifications, 0);
      });

      for (const [state, prepare] of Object.entries({
        unknown: async () => {},
        intended: () => store.recordIntent(intent(1)),
        released: () => issue(store, 1),
        revoked: async () => {
          await withhold(store, 1);
          await store.revoke({ serialNumber: serialNumber(1), revokedAt: recordedAt, reason: 'superseded' });
        },
      })) {
        it(`is false for a certificate that is ${state}, and changes nothing`, async () => {
          await prepare();
          const before = await store.findBySerialNumber(serialNumber(1));
          assert.equal(await store.release(serialNumber(1), { ...accepted, activityId: undefined }), false);
          assert.deepEqual(await store.findBySerialNumber(serialNumber(1)), before);
        });
      }

      it('lets one of a concurrent release and revocation win', async () => {
        await withhold(store, 1);
        const revocation = { serialNumber: serialNumber(1), revokedAt: recordedAt, reason: 'superseded' } as const;
        const outcomes = await Promise.all([
          store.release(serialNumber(1), accepted),
          store.revoke(revocation, { onlyIf: 'withheld' }),
        ]);
        assert.equal(outcomes.filter(Boolean).length, 1);
      });
    });

    describe('the outbox', () => {
      it('hands out what is due, the longest due first, up to the limit', async () => {
        const firstAttempts = [later(500), later(1000), recordedAt, recordedAt];
        for (const [index, firstAttemptAt] of firstAttempts.entries()) {
          await store.addNotification(failureNotification(index + 1, { firstAttemptAt }), recordedAt);
        }
        const third = 'failure transaction-3';
        const fourth = 'failure transaction-4';
        assert.deepEqual(await due(recordedAt), [third, fourth]);
        assert.deepEqual(await due(later(999), { limit: 1 }), [third]);
        assert.deepEqual(await due(later(999)), [third, fourth, 'failure transaction-1']);
        assert.equal((await due(later(1000))).length, 4);
      });

      it('puts one whose attempt failed behind those that wait longer', async () => {
        await store.addNotification(failureNotification(1), recordedAt);
        await store.addNotification(failureNotification(2, { firstAttemptAt: later(1) }), recordedAt);
        const [first] = await store.dueNotifications('contoso', recordedAt, 1);
        await store.markAttemptFailed(first!.id, { nextAttemptAt: later(2), reason: 'intune.timeout' });
        assert.deepEqual(await due(later(2)), ['failure transaction-2', 'failure transaction-1']);
      });

      it('keeps the connections apart', async () => {
        await store.addNotification(failureNotification(1), recordedAt);
        await store.addNotification(failureNotification(2, { connection: 'fabrikam' }), recordedAt);
        assert.deepEqual(await due(recordedAt, { limit: 1 }), ['failure transaction-1']);
        const fabrikam = { connection: 'fabrikam', limit: 1 };
        assert.deepEqual(await due(recordedAt, fabrikam), ['failure transaction-2']);
        assert.deepEqual(await due(recordedAt, { connection: 'unknown' }), []);
      });

      it('does not try again what is given up', async () => {
        await store.addNotification(failureNotification(1), recordedAt);
        const [pending] = await store.dueNotifications('contoso', recordedAt, 1);
        const givenUp = { at: later(1), reason: 'intune.timeout' };
        await store.giveUp(pending!.id, givenUp);
        await store.markAttemptFailed(pending!.id, { nextAttemptAt: later(2), reason: 'intune.timeout' });
        assert.deepEqual(await due(later(dayMs)), []);
        assert.equal((await store.summary()).pendingNotifications, 0);
      });

      it('keeps nothing of a success that is given up, whose certificate can still be revoked', async () => {
        await withhold(store, 1);
        const [pending] = await store.dueNotifications('contoso', recordedAt, 1);
        await store.giveUp(pending!.id, { at: later(1), reason: 'intune.timeout' });
        assert.equal(await store.findSuccessNotification(serialNumber(1)), undefined);
        const revocation = { serialNumber: serialNumber(1), revokedAt: later(2), reason: 'superseded' } as const;
        assert.equal(await store.revoke(revocation), true);
      });

      it('does not give up what is delivered', async () => {
        await withhold(store, 1);
        const [pending] = await store.dueNotifications('contoso', recordedAt, 1);
        await store.markDelivered(pending!.id, { at: recordedAt, activityId: 'activity' });
        await store.giveUp(pending!.id, { at: later(1), reason: 'intune.timeout' });
        assert.equal((await store.findSuccessNotification(serialNumber(1)))?.delivered, true);
      });

      it('returns a notification as it was given', async () => {
        await store.addNotification(failureNotification(1), later(5));
        const [pending] = await store.dueNotifications('contoso', recordedAt, 1);
        assert.ok(pending !== undefined);
        const { id, ...rest } = pending;
        assert.ok(Number.isSafeInteger(id));
        assert.deepEqual(rest, { ...failureNotification(1), attempts: 0, createdAt: later(5) });
      });

      it('counts a failed attempt and waits until the next', async () => {
        await store.addNotification(failureNotification(1), recordedAt);
        const [first] = await store.dueNotifications('contoso', recordedAt, 1);
        await store.markAttemptFailed(first!.id, { nextAttemptAt: later(60_000), reason: 'intune.timeout' });
        assert.deepEqual(await store.dueNotifications('contoso', later(59_999), 1), []);
        const [second] = await store.dueNotifications('contoso', later(60_000), 1);
        assert.equal(second?.id, first!.id);
        assert.equal(second?.attempts, 1);
      });

      it('forgets a delivered notification of a failure', async () => {
        await store.addNotification(failureNotification(1), recordedAt);
        const [pending] = await store.dueNotifications('contoso', recordedAt, 1);
        await store.markDelivered(pending!.id, { at: recordedAt, activityId: 'activity' });
        assert.deepEqual(await store.dueNotifications('contoso', later(dayMs), 1), []);
        assert.equal((await store.summary()).pendingNotifications, 0);
      });

      it('keeps the delivered success of a withheld certificate until that is released', async () => {
        await withhold(store, 1);
        const [pending] = await store.dueNotifications('contoso', recordedAt, 1);
        await store.markDelivered(pending!.id, { at: recordedAt, activityId: 'activity' });
        const found = await store.findSuccessNotification(serialNumber(1));
        assert.equal(found?.delivered, true);
        assert.deepEqual(found?.notification.payload, successNotification(1).payload);
        assert.deepEqual(await store.dueNotifications('contoso', later(dayMs), 1), []);
        assert.equal((await store.findBySerialNumber(serialNumber(1)))?.state, 'withheld');

        assert.equal(await store.release(serialNumber(1), { at: recordedAt, activityId: undefined }), true);
        assert.equal(await store.findSuccessNotification(serialNumber(1)), undefined);
      });

      it('ignores a failed attempt that is reported after the delivery', async () => {
        await store.addNotification(failureNotification(1), recordedAt);
        const [pending] = await store.dueNotifications('contoso', recordedAt, 1);
        await store.markDelivered(pending!.id, { at: recordedAt, activityId: 'activity' });
        await store.markAttemptFailed(pending!.id, { nextAttemptAt: recordedAt, reason: 'intune.timeout' });
        assert.deepEqual(await store.dueNotifications('contoso', later(dayMs), 1), []);
      });
    });

    describe('unclaimedEnrollments', () => {
      it('lists what was withheld before an instant, up to the limit', async () => {
        await withhold(store, 1);
        await withhold(store, 2);
        await issue(store, 3);
        assert.deepEqual(await store.unclaimedEnrollments(recordedAt, 10), []);
        const unclaimed = await store.unclaimedEnrollments(later(1), 10);
        assert.deepEqual(
          unclaimed.map((enrollment) => enrollment.serialNumber),
          [serialNumber(1), serialNumber(2)],
        );
        assert.equal((await store.unclaimedEnrollments(later(1), 1)).length, 1);
      });
    });

    describe('revoke', () => {
      const revocation = {
        serialNumber: serialNumber(1),
        revokedAt: later(5),
        reason: 'cessationOfOperation',
      } as const;

      it('revokes a withheld certificate, cancels its notification and queues another', async () => {
        await withhold(store, 1);
        const notification = failureNotification(1, { serialNumber: serialNumber(1) });
        assert.equal(await store.revoke(revocation, { onlyIf: 'withheld', notification }), true);
        const enrollment = await store.findEnrollment(identity(1), recordedAt);
        assert.equal(enrollment?.state, 'revoked');
        assert.deepEqual(enrollment?.revocation, { revokedAt: later(5), reason: 'cessationOfOperation' });
        assert.equal(await store.findSuccessNotification(serialNumber(1)), undefined);
        const due = await store.dueNotifications('contoso', later(dayMs), 10);
        assert.deepEqual(
          due.map(({ kind }) => kind),
          ['failure'],
        );
      });

      it('drops the delivered success of a certificate that nobody claimed', async () => {
        await withhold(store, 1);
        const [pending] = await store.dueNotifications('contoso', recordedAt, 1);
        await store.markDelivered(pending!.id, { at: recordedAt, activityId: 'activity' });
        assert.equal(await store.revoke(revocation), true);
        assert.equal(await store.findSuccessNotification(serialNumber(1)), undefined);
      });

      it('revokes a released certificate', async () => {
        await issue(store, 1);
        assert.equal(await store.revoke(revocation), true);
      });

      for (const [state, prepare] of Object.entries({
        unknown: async () => {},
        intended: () => store.recordIntent(intent(1)),
        revoked: async () => {
          await issue(store, 1);
          await store.revoke({ ...revocation, reason: 'keyCompromise' });
        },
      })) {
        it(`is false for a certificate that is ${state}, and queues nothing`, async () => {
          await prepare();
          const before = await store.findBySerialNumber(serialNumber(1));
          assert.equal(await store.revoke(revocation, { notification: failureNotification(1) }), false);
          assert.deepEqual(await store.findBySerialNumber(serialNumber(1)), before);
          assert.equal((await store.summary()).pendingNotifications, 0);
        });
      }

      it('is false in another state than the one asked for', async () => {
        await issue(store, 1);
        assert.equal(await store.revoke(revocation, { onlyIf: 'withheld' }), false);
        assert.equal((await store.findBySerialNumber(serialNumber(1)))?.state, 'released');
      });
    });

    describe('listRevocations', () => {
      it('lists every revocation of a certificate that is not expired', async () => {
        await issue(store, 1, { notAfter: later(dayMs) });
        await issue(store, 2);
        await issue(store, 3);
        const first = { serialNumber: serialNumber(1), revokedAt: later(1), reason: 'keyCompromise' } as const;
        const second = { serialNumber: serialNumber(2), revokedAt: later(2), reason: 'superseded' } as const;
        await store.revoke(first);
        await store.revoke(second);
        assert.deepEqual(await store.listRevocations(authority(1), later(dayMs)), [first, second]);
        assert.deepEqual(await store.listRevocations(authority(1), later(dayMs + 1)), [second]);
      });

      it('lists those of one CA alone', async () => {
        await issue(store, 1);
        await issue(store, 2, { authority: authority(2) });
        const revocation = { serialNumber: serialNumber(2), revokedAt: later(1), reason: 'superseded' } as const;
        await store.revoke(revocation);
        assert.deepEqual(await store.listRevocations(authority(1), later(2)), []);
        assert.deepEqual(await store.listRevocations(authority(2), later(2)), [revocation]);
      });
    });

    describe('revocationRevision', () => {
      const revoke = (index: number) =>
        store.revoke({ serialNumber: serialNumber(index), revokedAt: recordedAt, reason: 'superseded' });

      it('grows with every revocation, and with no other write', async () => {
        const seen = [await store.revocationRevision()];
        await issue(store, 1);
        await withhold(store, 2);
        seen.push(await store.revocationRevision());
        for (const index of [1, 2, 2, 3]) {
          await revoke(index);
          seen.push(await store.revocationRevision());
        }
        const [first, ...rest] = seen;
        assert.deepEqual(
          rest.map((revision) => revision - (first ?? Number.NaN)),
          [0, 1, 2, 2, 2],
        );
      });

      it('counts each of the revocations that share a commit, and does not forget', async () => {
        const before = await store.revocationRevision();
        for (const index of [1, 2, 3]) await issue(store, index);
        await Promise.all([1, 2, 3].map(revoke));
        store = await underTest.reopen();
        assert.equal(await store.revocationRevision(), before + 3);
      });
    });

    describe('the generations of the CA', () => {
      const add = (generation: number, id = authority(generation)): Promise<void> =>
        store.addAuthority({ id, generation, addedAt: later(generation) });
      const states = async (): Promise<string[]> => (await store.listAuthorities()).map(({ state }) => state);

      it('are none at first, then a current one that is found again', async () => {
        assert.deepEqual(await store.listAuthorities(), []);
        await add(1);
        await add(1);
        store = await underTest.reopen();
        assert.deepEqual(await store.listAuthorities(), [
          {
            id: authority(1),
            generation: 1,
            state: 'current',
            addedAt: later(1),
            activatedAt: later(1),
            retiredAt: undefined,
          },
        ]);
      });

      it('are another CA when the fingerprint is another, which is refused', async () => {
        await add(1);
        await assert.rejects(add(1, authority(7)), failsWith('store.authority_conflict'));
        await assert.rejects(add(2, authority(1)), failsWith('store.authority_conflict'));
        await assert.rejects(add(3), failsWith('store.authority_conflict'));
        assert.deepEqual(await states(), ['current']);
      });

      it('have one next at most, also when two are added at once', async () => {
        await add(1);
        const outcomes = await Promise.allSettled([add(2), add(2, authority(7))]);
        assert.deepEqual(
          outcomes.map(({ status }) => status),
          ['fulfilled', 'rejected'],
        );
        await assert.rejects(add(3), failsWith('store.authority_conflict'));
        assert.deepEqual(await states(), ['current', 'next']);
      });

      it('change places at once', async () => {
        await add(1);
        await add(2);
        assert.equal(await store.activateAuthority(authority(2), later(9)), true);
        store = await underTest.reopen();
        const [former, current] = await store.listAuthorities();
        assert.deepEqual([former?.state, former?.retiredAt], ['former', later(9)]);
        assert.deepEqual([current?.state, current?.activatedAt], ['current', later(9)]);
      });

      it('change places for the next one only, and once', async () => {
        await add(1);
        assert.equal(await store.activateAuthority(authority(1), later(9)), false);
        await add(2);
        assert.equal(await store.activateAuthority(authority(7), later(9)), false);
        const both = [1, 2].map(() => store.activateAuthority(authority(2), later(9)));
        assert.deepEqual(await Promise.all(both), [true, false]);
        assert.deepEqual(await states(), ['former', 'current']);
      });

      it('know when the last certificate of each ends', async () => {
        await issue(store, 1, { notAfter: later(3 * dayMs) });
        await issue(store, 2, { notAfter: later(2 * dayMs) });
        await issue(store, 3, { notAfter: later(9 * dayMs), authority: authority(2) });
        assert.deepEqual(await store.lastCertificateEnd(authority(1)), later(3 * dayMs));
        assert.deepEqual(await store.lastCertificateEnd(authority(2)), later(9 * dayMs));
        assert.equal(await store.lastCertificateEnd(authority(3)), undefined);
      });
    });

    describe('CRLs', () => {
      const crl = (crlNumber: bigint, of = authority(1)) => ({
        authority: of,
        crlNumber,
        encoded: Uint8Array.of(0x30, 0x03),
        thisUpdate: recordedAt,
        nextUpdate: later(dayMs),
        revision: 7,
      });

      it('has none at first', async () => {
        assert.equal(await store.latestCrl(authority(1)), undefined);
      });

      it('returns the one with the highest number, beyond the precision of a JavaScript number', async () => {
        await store.saveCrl(crl(9n));
        await store.saveCrl(crl(2n ** 53n + 1n));
        assert.deepEqual(await store.latestCrl(authority(1)), crl(2n ** 53n + 1n));
      });

      it('counts for each CA on its own', async () => {
        await store.saveCrl(crl(9n));
        await store.saveCrl(crl(1n, authority(2)));
        assert.deepEqual(await store.latestCrl(authority(1)), crl(9n));
        assert.deepEqual(await store.latestCrl(authority(2)), crl(1n, authority(2)));
      });

      for (const [which, number] of [
        ['the same', 5n],
        ['a lower', 4n],
      ] as const) {
        it(`refuses ${which} number`, async () => {
          await store.saveCrl(crl(5n));
          await assert.rejects(store.saveCrl(crl(number)), failsWith('store.crl_number_used'));
          assert.deepEqual(await store.latestCrl(authority(1)), crl(5n));
        });
      }
    });

    describe('overviews', () => {
      it('lists the newest enrollments first', async () => {
        for (const index of [3, 1, 2]) await store.recordIntent(intent(index));
        const newest = await store.listEnrollments(2);
        assert.deepEqual(
          newest.map((enrollment) => enrollment.serialNumber),
          [serialNumber(2), serialNumber(1)],
        );
      });

      it('counts enrollments by state and pending notifications', async () => {
        await store.recordIntent(intent(1));
        await store.recordIntent(intent(1, { serialNumber: serialNumber(11) }));
        await withhold(store, 2);
        await issue(store, 3);
        await issue(store, 4);
        await store.revoke({ serialNumber: serialNumber(4), revokedAt: recordedAt, reason: 'unspecified' });
        assert.deepEqual(await store.summary(), {
          enrollments: { intended: 1, abandoned: 1, withheld: 1, released: 1, revoked: 1 },
          pendingNotifications: 1,
        });
      });
    });

    describe('durability', () => {
      it('has everything after it is opened again', async () => {
        await withhold(store, 1, { authorization: byIntune(digest) });
        const before = await store.listEnrollments(10);
        const notification = await store.findSuccessNotification(serialNumber(1));
        const reopened = await underTest.reopen();
        assert.deepEqual(await reopened.listEnrollments(10), before);
        assert.deepEqual(await reopened.findSuccessNotification(serialNumber(1)), notification);
        assert.equal(await reopened.recordIntent(intent(2, { authorization: byIntune(digest) })), 'challenge-used');
      });

      it('commits what is queued when it is closed, and takes nothing afterwards', async () => {
        const recorded = store.recordIntent(intent(1));
        await store.close();
        assert.equal(await recorded, 'recorded');
        await assert.rejects(store.recordIntent(intent(2)), failsWith('store.unavailable'));
        await assert.rejects(store.findBySerialNumber(serialNumber(1)), failsWith('store.unavailable'));
        const reopened = await underTest.reopen();
        assert.equal((await reopened.findBySerialNumber(serialNumber(1)))?.state, 'intended');
      });
    });
  });
}
