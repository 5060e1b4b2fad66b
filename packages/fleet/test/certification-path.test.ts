// RFC 5280 6.1, as far as a device applies it.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { basicConstraintsExtension, keyUsageExtension } from '@scepter/x509';
import type { Certificate, Extension } from '@scepter/x509';
import { certificationPath } from '../src/index.ts';
import { createBelow, createRoot, fixedNow, issue } from './authority.ts';
import type { Holder } from './authority.ts';

const ca = (pathLength?: number): Extension =>
  basicConstraintsExtension({ ca: true, ...(pathLength === undefined ? {} : { pathLength }) });

let root: Holder;
let upper: Holder;
let lower: Holder;
let leaf: Certificate;

before(() => {
  root = createRoot('CN=Root');
  upper = createBelow(root, 'CN=Upper', [ca(1)]);
  lower = createBelow(upper, 'CN=Lower', [ca(0), keyUsageExtension(['keyCertSign'])]);
  leaf = createBelow(lower, 'CN=leaf', []).certificate;
});

/** The same name and key again, under other terms. */
function reissued(holder: Holder, issuer: Holder, terms: { extensions?: Extension[]; notAfter?: Date }): Certificate {
  return issue({
    issuer,
    subject: holder.certificate.subject,
    publicKey: holder.certificate.publicKey.encoded,
    extensions: terms.extensions ?? [ca()],
    ...(terms.notAfter === undefined ? {} : { notAfter: terms.notAfter }),
  });
}

describe('a certification path', () => {
  it('is found whatever the order of the intermediates, leaf first, anchor last', () => {
    const intermediates = [root, upper, lower].map(({ certificate }) => certificate);
    const path = certificationPath(leaf, intermediates, [root.certificate], fixedNow);
    assert.deepEqual(path, [leaf, lower.certificate, upper.certificate, root.certificate]);
  });

  it('ends at any certificate that is trusted', () => {
    assert.deepEqual(certificationPath(leaf, [], [lower.certificate], fixedNow), [leaf, lower.certificate]);
  });

  it('goes round a candidate that does not hold', () => {
    const expired = reissued(lower, upper, { notAfter: new Date(fixedNow.getTime() - 1) });
    const intermediates = [expired, lower.certificate, upper.certificate];
    const path = certificationPath(leaf, intermediates, [root.certificate], fixedNow);
    assert.deepEqual(path?.[1], lower.certificate);
  });

  const broken: { name: string; intermediates: () => Certificate[]; anchors?: () => Certificate[]; now?: Date }[] = [
    { name: 'a missing intermediate', intermediates: () => [lower.certificate] },
    {
      name: 'an expired intermediate',
      intermediates: () => [reissued(lower, upper, { notAfter: new Date(fixedNow.getTime() - 1) }), upper.certificate],
    },
    {
      name: 'an intermediate without basic constraints',
      intermediates: () => [reissued(lower, upper, { extensions: [] }), upper.certificate],
    },
    {
      name: 'an intermediate that says it is no CA',
      intermediates: () => [
        reissued(lower, upper, { extensions: [basicConstraintsExtension({ ca: false })] }),
        upper.certificate,
      ],
    },
    {
      name: 'an intermediate that may not sign certificates',
      intermediates: () => [
        reissued(lower, upper, { extensions: [ca(), keyUsageExtension(['digitalSignature'])] }),
        upper.certificate,
      ],
    },
    {
      name: 'more authorities than a path length allows',
      intermediates: () => [lower.certificate, reissued(upper, root, { extensions: [ca(0)] })],
    },
    { name: 'no trusted certificate', intermediates: () => [lower.certificate, upper.certificate], anchors: () => [] },
    {
      name: 'an anchor that has expired',
      intermediates: () => [lower.certificate, upper.certificate],
      now: new Date(fixedNow.getTime() + 4000 * 86_400_000),
    },
  ];
  for (const { name, intermediates, anchors, now } of broken) {
    it(`is not found with ${name}`, () => {
      const trusted = anchors?.() ?? [root.certificate];
      assert.equal(certificationPath(leaf, intermediates(), trusted, now ?? fixedNow), undefined);
    });
  }

  it('is not looked for round and round between authorities that certify each other', () => {
    const [first, second] = [createRoot('CN=First'), createRoot('CN=Second')];
    const crossed = [reissued(first, second, {}), reissued(second, first, {})];
    const below = createBelow(first, 'CN=leaf', []).certificate;
    assert.equal(certificationPath(below, crossed, [root.certificate], fixedNow), undefined);
  });
});
