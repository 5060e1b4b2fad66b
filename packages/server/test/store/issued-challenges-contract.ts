/** What every implementation of `IssuedChallengeStore` must do, and how intents use challenges up. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ChallengeUse, NewIssuedChallenge } from '../../src/store/issued-challenges.ts';
import type { GrantedAuthorization, Intent, Store } from '../../src/store/store.ts';
import { certificate, dayMs, intent, later, recordedAt, serialNumber } from './samples.ts';
import type { StoreUnderTest } from './store-contract.ts';

const digestOf = (index: number): string => index.toString(16).padStart(64, '0');
const idOf = (index: number): string => index.toString(16).padStart(16, '0');

function newChallenge(index: number, changes: Partial<NewIssuedChallenge> = {}): NewIssuedChallenge {
  return {
    id: idOf(index),
    digest: digestOf(index),
    endpoint: 'intune',
    kind: 'static',
    label: undefined,
    binding: undefined,
    createdAt: recordedAt,
    createdBy: 'mdm',
    expiresAt: later(dayMs),
    maximumUses: 2,
    ...changes,
  };
}

const issuedUse = { kind: 'issued', id: idOf(1) } as const;
const configuredUse = { kind: 'configured', digest: digestOf(99), maximumUses: 2 } as const;
const by = (challengeUse: ChallengeUse): GrantedAuthorization => ({ kind: 'static-challenge', challengeUse });

export function issuedChallengesContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`Store contract, issued challenges: ${name}`, () => {
    let underTest: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      underTest = await open();
      store = underTest.store;
    });
    afterEach(() => underTest.dispose());

    const use = (index: number, changes: Partial<Intent> = {}) =>
      store.recordIntent(intent(index, { authorization: by(issuedUse), ...changes }));
    const storeCertificate = (index: number) =>
      store.storeCertificate({
        serialNumber: serialNumber(index),
        certificate: certificate(index),
        storedAt: recordedAt,
        notification: undefined,
      });
    const uses = async (): Promise<number | undefined> => (await store.findIssuedChallenge(digestOf(1)))?.uses;

    it('keeps a challenge as it was made, without its digest, across a restart', async () => {
      const challenge = newChallenge(1, {
        kind: 'one-time',
        maximumUses: 1,
        label: 'printer 7',
        binding: { subject: 'CN=printer', subjectAltNames: ['DNS:printer.example'] },
      });
      await store.addIssuedChallenge(challenge);
      store = await underTest.reopen();
      const { digest, ...kept } = challenge;
      assert.deepEqual(await store.findIssuedChallenge(digest), { ...kept, uses: 0, revocation: undefined });
      assert.equal(await store.findIssuedChallenge(digestOf(2)), undefined);
    });

    it('lists the newest first, of one endpoint or of all, as many as asked for', async () => {
      await store.addIssuedChallenge(newChallenge(1));
      await store.addIssuedChallenge(newChallenge(2, { createdAt: later(1), endpoint: 'other' }));
      await store.addIssuedChallenge(newChallenge(3, { createdAt: later(2) }));
      const ids = async (filter: Parameters<Store['listIssuedChallenges']>[0]) =>
        (await store.listIssuedChallenges(filter)).map(({ id }) => id);
      assert.deepEqual(await ids({ limit: 10 }), [idOf(3), idOf(2), idOf(1)]);
      assert.deepEqual(await ids({ endpoint: 'intune', limit: 10 }), [idOf(3), idOf(1)]);
      assert.deepEqual(await ids({ limit: 1 }), [idOf(3)]);
    });

    it('revokes once, and keeps by whom', async () => {
      await store.addIssuedChallenge(newChallenge(1));
      const [first, second] = [
        { at: later(5), by: 'ann' },
        { at: later(9), by: 'bob' },
      ];
      assert.equal(await store.revokeIssuedChallenge(idOf(1), first), 'revoked');
      assert.equal(await store.revokeIssuedChallenge(idOf(1), second), 'revoked-before');
      assert.equal(await store.revokeIssuedChallenge(idOf(2), second), 'unknown');
      assert.deepEqual((await store.findIssuedChallenge(digestOf(1)))?.revocation, first, 'it stays who did it first');
    });

    it('forgets, when another is made, what expired three months ago, and keeps what it was used for', async () => {
      await store.addIssuedChallenge(newChallenge(1));
      await use(1);
      await store.addIssuedChallenge(newChallenge(2, { createdAt: later(90 * dayMs), expiresAt: later(91 * dayMs) }));
      assert.notEqual(await store.findIssuedChallenge(digestOf(1)), undefined);
      await store.addIssuedChallenge(newChallenge(3, { createdAt: later(92 * dayMs), expiresAt: later(93 * dayMs) }));
      assert.equal(await store.findIssuedChallenge(digestOf(1)), undefined);
      const expected = { kind: 'static-challenge', issuedChallenge: idOf(1) };
      assert.deepEqual((await store.findBySerialNumber(serialNumber(1)))?.authorization, expected);
    });

    describe('recordIntent', () => {
      for (const [kind, challengeUse] of Object.entries({ 'a made': issuedUse, 'a configured': configuredUse })) {
        it(`lets ${kind} challenge serve so many requests, and writes nothing for one more`, async () => {
          await store.addIssuedChallenge(newChallenge(1));
          const outcomes = await Promise.all([1, 2, 3].map((index) => use(index, { authorization: by(challengeUse) })));
          assert.deepEqual(outcomes, ['recorded', 'recorded', 'challenge-used']);
          assert.equal(await store.findBySerialNumber(serialNumber(3)), undefined);
        });
      }

      it('counts the same request once, however often it is begun', async () => {
        await store.addIssuedChallenge(newChallenge(1, { kind: 'one-time', maximumUses: 1 }));
        assert.equal(await use(1), 'recorded');
        assert.equal(await use(1, { serialNumber: serialNumber(2) }), 'recorded', 'the process died in between');
        assert.equal(await uses(), 1);
        store = await underTest.reopen();
        assert.equal(await use(3), 'challenge-used');
      });

      it('gives one certificate a use, also when that has expired', async () => {
        await store.addIssuedChallenge(newChallenge(1, { expiresAt: later(400 * dayMs) }));
        await use(1);
        await storeCertificate(1);
        assert.equal(await use(1, { serialNumber: serialNumber(2) }), 'already-issued');
        const again = { serialNumber: serialNumber(2), recordedAt: later(366 * dayMs) };
        assert.equal(await use(1, again), 'challenge-used');
        assert.equal(await uses(), 1);
      });

      it('does not count what comes to nothing', async () => {
        await store.addIssuedChallenge(newChallenge(1));
        await use(1);
        await assert.rejects(use(2, { serialNumber: serialNumber(1) }), { code: 'store.serial_number_used' });
        assert.equal(await uses(), 1);
      });

      it('takes no challenge that has expired, was revoked or forgotten meanwhile', async () => {
        await store.addIssuedChallenge(newChallenge(1));
        assert.equal(await use(1, { recordedAt: later(dayMs) }), 'challenge-expired');
        await store.revokeIssuedChallenge(idOf(1), { at: later(1), by: 'ann' });
        assert.equal(await use(1), 'challenge-revoked');
        assert.equal(await use(1, { authorization: by({ kind: 'issued', id: idOf(7) }) }), 'challenge-revoked');
        assert.equal(await store.findBySerialNumber(serialNumber(1)), undefined);
      });

      it('remembers which challenge an enrollment came of', async () => {
        await store.addIssuedChallenge(newChallenge(1));
        await use(1);
        await use(2, { authorization: { kind: 'one-time-challenge', challengeUse: issuedUse } });
        await use(3, { authorization: by(configuredUse) });
        const authorizationOf = async (index: number) =>
          (await store.findBySerialNumber(serialNumber(index)))?.authorization;
        assert.deepEqual(await authorizationOf(1), { kind: 'static-challenge', issuedChallenge: idOf(1) });
        assert.deepEqual(await authorizationOf(2), { kind: 'one-time-challenge', issuedChallenge: idOf(1) });
        assert.deepEqual(await authorizationOf(3), { kind: 'static-challenge' });
      });
    });
  });
}
