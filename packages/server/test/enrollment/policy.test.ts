import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { createCertificateProfile, createHierarchy } from '@scepter/ca';
import type { CertificateProfile } from '@scepter/ca';
import {
  decodeCertificate,
  decodeCertificationRequest,
  extendedKeyUsageExtension,
  keyUsageExtension,
  oid,
} from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import type { AuthorizedRequest } from '../../src/enrollment/authorize.ts';
import {
  checkPolicy,
  extendedKeyUsagesArePermitted,
  keyUsagesArePermitted,
  publicKeyIsSound,
  subjectAltNamesArePermitted,
  subjectIsNamed,
  validityFits,
} from '../../src/enrollment/policy.ts';
import type { PolicyContext } from '../../src/enrollment/policy.ts';
import { RefusalError } from '../../src/enrollment/refusals.ts';
import { certificationRequest, newKeys } from '../device.ts';
import type { DeviceKeys, RequestOptions } from '../device.ts';

const now = new Date('2026-06-01T12:00:00Z');
const keys = newKeys();
let issuer: Certificate;

before(async () => {
  const hierarchy = await createHierarchy({
    organization: 'Policy',
    now: new Date('2026-01-01T00:00:00Z'),
    randomBytes,
  });
  issuer = decodeCertificate(hierarchy.issuing.certificate);
});

/** Only `authorize.ts` can make one in the product; a pure check can be asked about any. */
function request(options: RequestOptions = {}, predecessor?: Certificate, own: DeviceKeys = keys): AuthorizedRequest {
  return {
    certificationRequest: decodeCertificationRequest(certificationRequest(own, options)),
    authorization: { kind: 'static-challenge', challengeUse: undefined },
    predecessor,
  } as unknown as AuthorizedRequest;
}

function context(profile: Partial<CertificateProfile> = {}, rest: Partial<PolicyContext> = {}): PolicyContext {
  return { profile: createCertificateProfile(profile), issuer, now, forbiddenKeys: [], ...rest };
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof RefusalError);
    return error.reason === undefined ? error.code : `${error.code}: ${error.reason}`;
  }
  return 'permitted';
}

describe('publicKeyIsSound', () => {
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rows: readonly [string, () => AuthorizedRequest, () => PolicyContext, string][] = [
    ['RSA 2048', () => request(), () => context(), 'permitted'],
    [
      'RSA 2048 where 3072 is the least',
      () => request(),
      () => context({ rsaBits: { minimum: 3072, maximum: 4096 } }),
      'policy.public_key: rsa_modulus_size',
    ],
    ['P-256', () => request({}, undefined, elliptic), () => context(), 'permitted'],
    [
      'P-256 where RSA alone is allowed',
      () => request({}, undefined, elliptic),
      () => context({ ecCurves: [] }),
      'policy.public_key: ec_curve',
    ],
    [
      "the CA's own key",
      () => request(),
      () => context({}, { forbiddenKeys: [request().certificationRequest.publicKey] }),
      'policy.public_key: forbidden_key',
    ],
  ];
  for (const [name, asked, under, expected] of rows) {
    it(`${name}: ${expected}`, () =>
      assert.equal(
        refusal(() => publicKeyIsSound(asked(), under())),
        expected,
      ));
  }
});

describe('subjectIsNamed', () => {
  const dns = [{ kind: 'dns', value: 'a.example' }] as const;
  const rows: readonly [string, RequestOptions, Partial<CertificateProfile>, string][] = [
    ['a subject', { subject: 'CN=a' }, {}, 'permitted'],
    ['only an alternative name', { subject: '', subjectAltNames: dns }, {}, 'permitted'],
    [
      'only an alternative name where a subject is required',
      { subject: '', subjectAltNames: dns },
      { requireSubject: true },
      'policy.subject_missing',
    ],
    ['no name', { subject: '' }, {}, 'policy.subject_missing'],
  ];
  for (const [name, asked, profile, expected] of rows) {
    it(`${name}: ${expected}`, () =>
      assert.equal(
        refusal(() => subjectIsNamed(request(asked), context(profile))),
        expected,
      ));
  }
});

describe('subjectAltNamesArePermitted', () => {
  it('keeps the names of permitted kinds as they came', () => {
    const subjectAltNames = [
      { kind: 'upn', value: 'ada@contoso.example' },
      { kind: 'uri', value: 'tag:microsoft.com,2022-09-14:sid:S-1-5-21-1' },
    ] as const;
    assert.deepEqual(
      subjectAltNamesArePermitted(request({ subjectAltNames }), context()).subjectAltNames,
      subjectAltNames,
    );
  });
  it('refuses the request for a name of another kind, rather than leaving the name out', () => {
    const asked = request({
      subjectAltNames: [
        { kind: 'dns', value: 'a.example' },
        { kind: 'registeredId', value: '1.2.3' },
      ],
    });
    assert.equal(
      refusal(() => subjectAltNamesArePermitted(asked, context())),
      'policy.subject_alternative_name: registeredId',
    );
  });
});

describe('keyUsagesArePermitted', () => {
  it('gives the default to a request that asks for none', () => {
    assert.deepEqual(keyUsagesArePermitted(request(), context()).keyUsages, ['digitalSignature', 'keyEncipherment']);
  });
  it('gives of what is asked for what the profile allows', () => {
    const asked = request({ extensions: [keyUsageExtension(['keyEncipherment', 'keyCertSign'])] });
    assert.deepEqual(keyUsagesArePermitted(asked, context()).keyUsages, ['keyEncipherment']);
  });
  it('refuses when nothing remains: empty would mean anything', () => {
    const asked = request({ extensions: [keyUsageExtension(['keyCertSign'])] });
    assert.equal(
      refusal(() => keyUsagesArePermitted(asked, context())),
      'policy.key_usage',
    );
  });
  it('refuses an extension that it cannot read', () => {
    const asked = request({ extensions: [{ oid: oid.keyUsage, critical: true, value: new Uint8Array([0x05, 0x00]) }] });
    assert.equal(
      refusal(() => keyUsagesArePermitted(asked, context())),
      'policy.key_usage: malformed',
    );
  });
});

describe('extendedKeyUsagesArePermitted', () => {
  const profile = {
    extendedKeyUsages: [oid.clientAuth, oid.emailProtection],
    defaultExtendedKeyUsages: [oid.clientAuth],
  };
  it('gives the default to a request that asks for none', () => {
    assert.deepEqual(extendedKeyUsagesArePermitted(request(), context(profile)).extendedKeyUsages, [oid.clientAuth]);
  });
  it('gives of what is asked for what the profile allows', () => {
    const asked = request({ extensions: [extendedKeyUsageExtension([oid.anyExtendedKeyUsage, oid.emailProtection])] });
    assert.deepEqual(extendedKeyUsagesArePermitted(asked, context(profile)).extendedKeyUsages, [oid.emailProtection]);
  });
  it('refuses when nothing remains', () => {
    const asked = request({ extensions: [extendedKeyUsageExtension([oid.smartCardLogon])] });
    assert.equal(
      refusal(() => extendedKeyUsagesArePermitted(asked, context(profile))),
      'policy.extended_key_usage',
    );
  });
  it('gives a renewal nothing that its predecessor did not have', () => {
    const predecessor = { extensions: [extendedKeyUsageExtension([oid.clientAuth])] } as unknown as Certificate;
    const both = extendedKeyUsageExtension([oid.clientAuth, oid.emailProtection]);
    const asked = request({ extensions: [both] }, predecessor);
    assert.deepEqual(extendedKeyUsagesArePermitted(asked, context(profile)).extendedKeyUsages, [oid.clientAuth]);
    const only = request({ extensions: [extendedKeyUsageExtension([oid.emailProtection])] }, predecessor);
    assert.equal(
      refusal(() => extendedKeyUsagesArePermitted(only, context(profile))),
      'policy.extended_key_usage',
    );
  });
});

describe('validityFits', () => {
  it('starts in the past for slow clocks and ends within the issuer', () => {
    const { notBefore, notAfter } = validityFits(request(), context({ validityDays: 365, backdateHours: 24 }));
    assert.equal(notBefore.toISOString(), '2026-05-31T12:00:00.000Z');
    assert.equal(notAfter.toISOString(), '2027-06-01T12:00:00.000Z');
    const late = new Date(issuer.notAfter.getTime() - 86_400_000);
    assert.deepEqual(validityFits(request(), context({}, { now: late })).notAfter, issuer.notAfter);
  });
  it('refuses when the issuer has ended', () => {
    const after = new Date(issuer.notAfter.getTime() + 1_000);
    assert.equal(
      refusal(() => validityFits(request(), context({}, { now: after }))),
      'policy.validity',
    );
  });
});

describe('checkPolicy', () => {
  it('is the sum of the checks, and asks about the key first', () => {
    const contents = checkPolicy(request(), context());
    assert.deepEqual(Object.keys(contents).toSorted(), [
      'extendedKeyUsages',
      'keyUsages',
      'notAfter',
      'notBefore',
      'publicKey',
      'subject',
      'subjectAltNames',
    ]);
    const nothingRight = request({ subject: '', extensions: [keyUsageExtension(['cRLSign'])] });
    assert.match(
      refusal(() => checkPolicy(nothingRight, context({ rsaBits: { minimum: 3072, maximum: 4096 } }))),
      /^policy\.public_key/,
    );
  });
});
