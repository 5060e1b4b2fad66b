import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { revocationErrorCodes, revocationErrorNames, type Revocation } from '../src/revocation-types.ts';
import { Revocations, type RevocationResult } from '../src/revocations.ts';

const now = new Date('2026-03-01T12:00:00Z');

const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), serial: fc.nat(8) }),
  fc.record({ kind: fc.constant('download' as const), maximum: fc.integer({ min: 1, max: 5 }) }),
  fc.record({
    kind: fc.constant('answer' as const),
    index: fc.nat(20),
    errorCode: fc.constantFrom(...revocationErrorNames),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function resultFor({ requestContext }: Revocation, errorCode: Revocation['errorCode']): RevocationResult {
  if (errorCode === undefined || errorCode === 'None') return { requestContext, succeeded: true };
  return { requestContext, succeeded: false, errorCode };
}

/** Does a step and tells which requests it handed out. */
function perform(queue: Revocations, action: Step): Revocation[] {
  if (action.kind === 'download') return queue.download(action.maximum, undefined, now);
  if (action.kind === 'add') {
    const certificate = { serialNumber: String(action.serial), issuerName: 'CN=A', caConfiguration: '' };
    queue.add(certificate, 'requested', { now, randomBytes });
    return [];
  }
  const all = queue.list();
  const request = all[action.index % Math.max(all.length, 1)];
  if (request === undefined) return [];
  const result = resultFor(request, action.errorCode);
  if (queue.problemWith(result) === undefined) queue.answer(result, now);
  return [];
}

function wantsAnswer({ state, errorCode }: Revocation): boolean {
  if (state === 'failed') return errorCode !== undefined && revocationErrorCodes[errorCode].retryable;
  return state === 'pending' || state === 'downloaded';
}

describe('the queue, whatever happens to it,', () => {
  it('hands out the oldest open requests, never one that is settled, and never more than asked for', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new Revocations();
        for (const action of steps) {
          const open = queue.list().filter(wantsAnswer);
          const handedOut = perform(queue, action);
          if (action.kind !== 'download') continue;
          assert.deepEqual(handedOut, open.slice(0, action.maximum));
        }
      }),
    );
  });

  it('never takes back a revocation', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new Revocations();
        const revoked = new Set<string>();
        for (const action of steps) {
          perform(queue, action);
          const byContext = new Map(queue.list().map((request) => [request.requestContext, request.state]));
          for (const requestContext of revoked) assert.equal(byContext.get(requestContext), 'revoked');
          for (const [requestContext, state] of byContext) if (state === 'revoked') revoked.add(requestContext);
        }
      }),
    );
  });

  it('is the same after it was stored and read again', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const queue = new Revocations();
        for (const action of steps) perform(queue, action);
        const restored = new Revocations(queue.list(), queue.settings);
        assert.deepEqual(restored.download(500, undefined, now), queue.download(500, undefined, now));
      }),
    );
  });
});

describe('a certificate that is queued again', () => {
  for (const [errorCode, isNew] of [
    ['None', false],
    ['ServiceTooBusyException', false],
    ['CertificateNotFoundError', true],
  ] as const) {
    it(`gets ${isNew ? 'a new' : 'no second'} request after ${errorCode}`, () => {
      const queue = new Revocations();
      const certificate = { serialNumber: '1', issuerName: 'CN=A', caConfiguration: '' };
      const first = queue.add(certificate, 'requested', { now, randomBytes });
      queue.download(1, undefined, now);
      queue.answer(resultFor(first, errorCode), now);
      const second = queue.add(certificate, 'deviceDeleted', { now, randomBytes });
      assert.equal(second.requestContext !== first.requestContext, isNew);
    });
  }
});

describe('the memory of the queue', () => {
  it('ends with 5,000 requests, of which the oldest settled one goes first', () => {
    const queue = new Revocations();
    const add = (serial: number) => {
      const certificate = { serialNumber: String(serial), issuerName: 'CN=A', caConfiguration: '' };
      return queue.add(certificate, 'requested', { now, randomBytes });
    };
    const oldest = add(0);
    const settled = add(1);
    queue.download(2, undefined, now);
    queue.answer({ requestContext: settled.requestContext, succeeded: true }, now);
    for (let serial = 2; serial <= 5000; serial += 1) add(serial);
    const contexts = new Set(queue.list().map(({ requestContext }) => requestContext));
    assert.deepEqual(
      [contexts.size, contexts.has(oldest.requestContext), contexts.has(settled.requestContext)],
      [5000, true, false],
    );
  });
});
