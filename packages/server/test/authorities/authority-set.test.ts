import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { createHierarchy } from '@scepter/ca';
import type { Hierarchy, StoredHierarchy } from '@scepter/ca';
import { decodeCertsOnly } from '@scepter/scep';
import {
  createSelfSignedCertificate,
  decodeCertificate,
  keyUsageExtension,
  parseName,
  thumbprint,
} from '@scepter/x509';
import { AuthoritySet } from '../../src/authorities/authority-set.ts';
import type { CaCertificatesShape } from '../../src/authorities/authority-set.ts';
import { invalidity, unsuitability } from '../../src/authorities/suitability.ts';

const now = new Date('2026-03-01T12:00:00Z');
const options = { organization: 'Shapes', now, randomBytes, keyTypes: { root: 'rsa-2048' } } as const;
let withRegistration: Hierarchy;
let without: Hierarchy;

before(async () => {
  withRegistration = await createHierarchy(options);
  without = await createHierarchy({ ...options, registrationAuthority: 'none' });
});

function setOf({ root, ...issuing }: Hierarchy): AuthoritySet {
  const hierarchy: StoredHierarchy = {
    origin: 'loaded',
    root,
    generations: [{ number: 1, ...issuing, formerRegistrations: [] }],
  };
  const id = thumbprint(issuing.issuing.certificate, 'sha256');
  return new AuthoritySet(hierarchy, [
    { id, generation: 1, state: 'current', addedAt: now, activatedAt: now, retiredAt: undefined },
  ]);
}

describe('GetCACert', () => {
  const list = 'application/x-x509-ca-ra-cert';
  const single = 'application/x-x509-ca-cert';
  const rows: [
    name: string,
    hierarchy: () => Hierarchy,
    shape: CaCertificatesShape | undefined,
    contentType: string,
    certificates: (keyof Hierarchy)[],
  ][] = [
    ['an RA, nothing asked for', () => withRegistration, undefined, list, ['registration', 'issuing', 'root']],
    ['an RA and the chain', () => withRegistration, 'chain', list, ['registration', 'issuing', 'root']],
    ['an RA and its issuer', () => withRegistration, 'issuer', list, ['registration', 'issuing']],
    ['Apple: no RA, nothing asked for', () => without, undefined, single, ['issuing']],
    ['no RA, single', () => without, 'single', single, ['issuing']],
    ['no RA, issuer', () => without, 'issuer', single, ['issuing']],
    ['no RA and the chain', () => without, 'chain', list, ['issuing', 'root']],
  ];
  for (const [name, hierarchy, shape, contentType, parts] of rows) {
    it(name, () => {
      const answer = setOf(hierarchy()).caCertificates(shape);
      assert.equal(answer.contentType, contentType);
      const certificates = contentType === single ? [answer.body] : decodeCertsOnly(answer.body).certificates;
      assert.deepEqual(
        certificates,
        parts.map((part) => hierarchy()[part].certificate),
      );
    });
  }

  it('is the same bytes from one set to another of the same CA', () => {
    assert.deepEqual(
      setOf(withRegistration).caCertificates('chain').body,
      setOf(withRegistration).caCertificates('chain').body,
    );
  });
});

describe('a CA that no client could enroll with', () => {
  const endpoints = [{ name: 'apple', caCertificates: undefined }];

  it('is none that we make', () => {
    for (const { current } of [setOf(withRegistration), setOf(without)]) {
      assert.equal(unsuitability(current, endpoints), undefined);
      assert.equal(invalidity(current, now), undefined);
    }
  });

  it('Windows: an RA without keyEncipherment', () => {
    const { current } = setOf(withRegistration);
    const { privateKey } = withRegistration.registration;
    const registration = decodeCertificate(
      createSelfSignedCertificate({
        subject: parseName('CN=RA'),
        privateKey,
        publicKey: privateKey,
        serialNumber: randomBytes(8),
        notBefore: current.registration.notBefore,
        notAfter: current.registration.notAfter,
        extensions: [keyUsageExtension(['digitalSignature'])],
      }),
    );
    assert.match(
      unsuitability({ ...current, registration }, endpoints) ?? '',
      /lacks digitalSignature or keyEncipherment/,
    );
  });

  it('a certificate that has ended', () => {
    const { current } = setOf(withRegistration);
    assert.match(invalidity(current, new Date('2029-01-01')) ?? '', /the RA is not valid/);
    assert.match(invalidity(current, new Date('2037-01-01')) ?? '', /issuing CA is not valid/);
  });

  it('a single certificate where requests are encrypted to an RA', () => {
    const single = [{ name: 'apple', caCertificates: 'single' }] as const;
    assert.match(unsuitability(setOf(withRegistration).current, single) ?? '', /endpoint apple/);
    assert.equal(unsuitability(setOf(without).current, single), undefined);
  });
});
