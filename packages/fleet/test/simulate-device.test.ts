import assert from 'node:assert/strict';
import { createPublicKey, randomBytes } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import {
  equalBytes,
  extendedKeyUsageExtension,
  keyUsageExtension,
  oid,
  parseName,
  subjectAltNameExtension,
  thumbprint,
} from '@scepter/x509';
import type { Certificate, CertificationRequest, Extension } from '@scepter/x509';
import { simulateDevice } from '../src/index.ts';
import type { DeviceManagement, DeviceOutcome, Platform, Step } from '../src/index.ts';
import { createAuthority, createRoot, fixedNow, issue } from './authority.ts';
import type { Authority, Holder } from './authority.ts';
import { baseProfile, managementFor } from './management.ts';
import type { RecordingManagement } from './management.ts';
import { startResponder } from './scep-responder.ts';
import type { Decision, Responder } from './scep-responder.ts';

let authority: Authority;
let stranger: Holder;

before(() => {
  authority = createAuthority();
  stranger = createRoot('CN=Test Root');
});

function simulate(platform: Platform, management: DeviceManagement, onStep: (step: Step) => void = () => {}) {
  return simulateDevice({
    platform,
    deviceId: 'device-1',
    management,
    fetch,
    randomBytes,
    now: () => fixedNow,
    onStep,
    timeoutMs: 2_000,
  });
}

async function against(
  test: TestContext,
  decide: () => Decision,
  platform: Platform = 'android',
): Promise<{ outcome: DeviceOutcome; management: RecordingManagement; steps: Step[]; responder: Responder }> {
  const responder = await startResponder({ authority, decide });
  test.after(() => responder.close());
  const management = managementFor(platform, authority.rootPem, [{ ...baseProfile, scepServerUrls: [responder.url] }]);
  const steps: Step[] = [];
  const outcome = await simulate(platform, management, (step) => steps.push(step));
  return { outcome, management, steps, responder };
}

describe('a device whose enrollment goes well', () => {
  it('goes through its steps in order and reports the certificate as installed', async (test) => {
    const { outcome, management, steps } = await against(test, () => ({ status: 'issue' }));
    assert.equal(outcome.status, 'installed');
    const [installed] = outcome.certificates;
    assert.ok(installed);
    assert.deepEqual(
      steps.map(({ name, outcome: how }) => `${name} ${how}`),
      ['check-in ok', 'key ok', 'capabilities ok', 'ca-certificate ok', 'enroll ok', 'install ok', 'report ok'],
    );
    assert.deepEqual(management.reports, [
      {
        profileId: 'profile-1',
        state: 'installed',
        certificateThumbprint: thumbprint(installed.certificate.encoded, 'sha1'),
      },
    ]);
  });

  it('keeps the path to the pushed root and the key that fits', async (test) => {
    const { outcome } = await against(test, () => ({ status: 'issue' }));
    assert.equal(outcome.status, 'installed');
    const [installed] = outcome.certificates;
    assert.ok(installed);
    assert.deepEqual(
      installed.chain.map((certificate) => certificate.serialHex),
      [installed.certificate, authority.issuing.certificate, authority.root.certificate].map((c) => c.serialHex),
    );
    const spki = createPublicKey(installed.privateKey).export({ type: 'spki', format: 'der' });
    assert.ok(equalBytes(spki, installed.certificate.publicKey.encoded));
  });

  it('makes a new key every time it checks in', async (test) => {
    const responder = await startResponder({ authority });
    test.after(() => responder.close());
    const profile = { ...baseProfile, scepServerUrls: [responder.url] };
    for (let round = 0; round < 2; round += 1) {
      const outcome = await simulate('ios', managementFor('ios', authority.rootPem, [profile]));
      assert.equal(outcome.status, 'installed');
    }
    const [first, second] = responder.enrollments;
    assert.ok(first && second);
    assert.equal(equalBytes(first.csr.publicKey.encoded, second.csr.publicKey.encoded), false);
    assert.notEqual(first.message.transactionId, second.message.transactionId);
  });
});

interface CertificateChange {
  subject?: string;
  extensions?: (csr: CertificationRequest) => Extension[];
  issuer?: () => Holder;
  publicKey?: () => Uint8Array;
  notBefore?: Date;
  notAfter?: Date;
}

function changed(change: CertificateChange): (csr: CertificationRequest) => Certificate {
  return (csr) =>
    issue({
      issuer: change.issuer?.() ?? authority.issuing,
      subject: change.subject === undefined ? csr.subject : parseName(change.subject),
      publicKey: change.publicKey?.() ?? csr.publicKey.encoded,
      extensions: change.extensions?.(csr) ?? usualExtensions(csr),
      ...(change.notBefore === undefined ? {} : { notBefore: change.notBefore }),
      ...(change.notAfter === undefined ? {} : { notAfter: change.notAfter }),
    });
}

function usualExtensions(csr: CertificationRequest): Extension[] {
  return [
    keyUsageExtension(['digitalSignature', 'keyEncipherment']),
    extendedKeyUsageExtension([oid.clientAuth]),
    subjectAltNameExtension(csr.subjectAltNames),
  ];
}

describe('a device does not install', () => {
  const rows: { name: string; change: CertificateChange; reason: RegExp }[] = [
    {
      name: 'another subject',
      change: { subject: 'CN=mallory,O=Contoso' },
      reason: /CN=mallory,O=Contoso, the profile says CN=anna,O=Contoso/,
    },
    {
      name: 'a missing alternative name',
      change: {
        extensions: (csr) => [
          ...usualExtensions(csr).slice(0, 2),
          subjectAltNameExtension(csr.subjectAltNames.slice(0, 1)),
        ],
      },
      reason: /URI:tag:microsoft\.com,2022-09-14:sid:S-1-5-21-1-2-3-1104 is missing/,
    },
    {
      name: 'a missing extended key usage',
      change: { extensions: (csr) => [usualExtensions(csr)[0]!, usualExtensions(csr)[2]!] },
      reason: /1\.3\.6\.1\.5\.5\.7\.3\.2 is missing/,
    },
    {
      name: 'a missing key usage',
      change: {
        extensions: (csr) => [keyUsageExtension(['digitalSignature']), ...usualExtensions(csr).slice(1)],
      },
      reason: /keyEncipherment is missing/,
    },
    {
      name: 'a certificate that has expired',
      change: { notAfter: new Date(fixedNow.getTime() - 1_000) },
      reason: /valid from .* to 2026-11-22T11:59:59/,
    },
    {
      name: 'a certificate of the future',
      change: { notBefore: new Date(fixedNow.getTime() + 1_000) },
      reason: /valid from 2026-11-22T12:00:01/,
    },
    {
      name: 'a certificate under another root of the same name',
      change: { issuer: () => stranger },
      reason: /trusted root/,
    },
    {
      name: 'a certificate issued by something that is no CA',
      change: { issuer: () => authority.registration },
      reason: /trusted root/,
    },
  ];
  for (const { name, change, reason } of rows) {
    it(name, async (test) => {
      const { outcome, management } = await against(test, () => ({ status: 'issue', certificate: changed(change) }));
      assert.equal(outcome.status, 'failed');
      assert.equal(outcome.failures[0].step, 'install', outcome.failures[0].reason);
      assert.match(outcome.failures[0].reason, reason);
      assert.deepEqual(outcome.certificates, []);
      assert.deepEqual(management.reports, [{ profileId: 'profile-1', state: 'installFailed' }]);
    });
  }

  it('a certificate for another key', async (test) => {
    const certificate = changed({ publicKey: () => authority.root.certificate.publicKey.encoded });
    const { outcome, management } = await against(test, () => ({ status: 'issue', certificate }));
    assert.equal(outcome.status, 'failed');
    assert.match(outcome.failures[0].reason, /no certificate for the requested key/);
    assert.deepEqual(management.reports, [{ profileId: 'profile-1', state: 'responseProcessingFailed' }]);
  });

  it('on Apple: anything beside the issued certificate in the reply', async (test) => {
    const decision: Decision = { status: 'issue', extra: [authority.issuing.certificate] };
    const apple = await against(test, () => decision, 'macos');
    assert.equal(apple.outcome.status, 'failed');
    assert.match(apple.outcome.failures[0].reason, /carries 2 certificates/);
    assert.equal(apple.management.reports[0]?.errorCode, 22_008);
    const windows = await against(test, () => decision, 'windows');
    assert.equal(windows.outcome.status, 'installed');
  });
});

describe('a refusal or a broken answer is an outcome, and reported', () => {
  const rows: { name: string; decision: Decision; reason: RegExp; state: string; failInfo?: string }[] = [
    {
      name: 'CertRep FAILURE',
      decision: { status: 'fail', failInfo: 'badRequest' },
      reason: /^refused with badRequest$/,
      state: 'requestSubmitFailed',
      failInfo: 'badRequest',
    },
    { name: 'CertRep PENDING', decision: { status: 'pending' }, reason: /pending/, state: 'responsePending' },
    { name: 'HTTP 500', decision: { status: 'http', code: 500 }, reason: /500/, state: 'requestSubmitFailed' },
    {
      name: 'HTML with HTTP 200',
      decision: { status: 'http', code: 200, body: '<html>sign in</html>' },
      reason: /./,
      state: 'responseProcessingFailed',
    },
  ];
  for (const { name, decision, reason, state, failInfo } of rows) {
    it(name, async (test) => {
      const { outcome, management, steps } = await against(test, () => decision);
      assert.equal(outcome.status, 'failed');
      const [failure] = outcome.failures;
      assert.deepEqual([failure.step, failure.state, failure.failInfo], ['enroll', state, failInfo]);
      assert.match(failure.reason, reason);
      assert.deepEqual(management.reports, [{ profileId: 'profile-1', state }]);
      assert.deepEqual(
        steps.slice(-2).map((step) => `${step.name} ${step.outcome}`),
        ['enroll failed', 'report ok'],
      );
    });
  }

  it('a server that is not there', async () => {
    const profile = { ...baseProfile, scepServerUrls: ['http://127.0.0.1:1/scep'] };
    const management = managementFor('ios', authority.rootPem, [profile]);
    const outcome = await simulate('ios', management);
    assert.equal(outcome.status, 'failed');
    assert.equal(outcome.failures[0].step, 'capabilities');
    assert.equal(management.reports[0]?.state, 'requestSubmitFailed');
  });

  it('a profile whose subject is no name', async () => {
    const profile = { ...baseProfile, subjectName: 'no name', scepServerUrls: ['http://127.0.0.1:1/scep'] };
    const management = managementFor('ios', authority.rootPem, [profile]);
    const outcome = await simulate('ios', management);
    assert.equal(outcome.status, 'failed');
    assert.equal(outcome.failures[0].state, 'requestCreationFailed');
  });

  it('a management that does not answer', async () => {
    const unreachable = async (): Promise<never> => {
      throw new Error('no answer');
    };
    const outcome = await simulate('ios', { checkIn: unreachable, report: unreachable });
    assert.equal(outcome.status, 'failed');
    assert.deepEqual([outcome.failures[0].step, outcome.failures[0].reason], ['check-in', 'no answer']);
  });

  it('a report that is not accepted', async (test) => {
    const responder = await startResponder({ authority });
    test.after(() => responder.close());
    const profile = { ...baseProfile, scepServerUrls: [responder.url] };
    const outcome = await simulate('ios', {
      ...managementFor('ios', authority.rootPem, [profile]),
      report: async () => {
        throw new Error('not now');
      },
    });
    assert.equal(outcome.status, 'failed');
    assert.deepEqual([outcome.failures[0].step, outcome.failures[0].reason], ['report', 'not now']);
  });
});

describe('a device with several things to do', () => {
  it('goes on with the next profile when one fails', async (test) => {
    let round = 0;
    const responder = await startResponder({
      authority,
      decide: () => (round++ === 0 ? { status: 'fail', failInfo: 'badAlg' } : { status: 'issue' }),
    });
    test.after(() => responder.close());
    const profile = { ...baseProfile, scepServerUrls: [responder.url] };
    const management = managementFor('ios', authority.rootPem, [profile, { ...profile, profileId: 'profile-2' }]);
    const outcome = await simulate('ios', management);
    assert.equal(outcome.status, 'failed');
    assert.equal(outcome.certificates[0]?.profileId, 'profile-2');
    assert.deepEqual(
      management.reports.map(({ profileId, state }) => `${profileId} ${state}`),
      ['profile-1 requestSubmitFailed', 'profile-2 installed'],
    );
  });

  it('says so when nothing is assigned', async () => {
    assert.deepEqual(await simulate('windows', managementFor('windows', authority.rootPem, [])), {
      status: 'nothing-assigned',
    });
  });

  it('counts a profile that could not be delivered as failed', async () => {
    const failedProfiles = [{ profileId: 'profile-9', displayName: 'VPN', reason: 'no value for {{IMEI}}' }];
    const outcome = await simulate('windows', managementFor('windows', authority.rootPem, [], { failedProfiles }));
    assert.equal(outcome.status, 'failed');
    assert.equal(outcome.failures[0].reason, 'no value for {{IMEI}}');
  });

  for (const [platform, status] of [
    ['windows', 'installed'],
    ['ios', 'failed'],
  ] as const) {
    it(`${platform}: ${status} when only the second URL of the profile answers`, async (test) => {
      const responder = await startResponder({ authority });
      test.after(() => responder.close());
      const profile = { ...baseProfile, scepServerUrls: ['http://127.0.0.1:1/scep', responder.url] };
      const outcome = await simulate(platform, managementFor(platform, authority.rootPem, [profile]));
      assert.equal(outcome.status, status);
    });
  }
});

describe('the path suffix of Windows', () => {
  it('is not appended twice', async (test) => {
    const responder = await startResponder({ authority });
    test.after(() => responder.close());
    const profile = { ...baseProfile, scepServerUrls: [`${responder.url}/pkiclient.exe`] };
    const outcome = await simulate('windows', managementFor('windows', authority.rootPem, [profile]));
    assert.equal(outcome.status, 'installed');
    assert.ok(responder.requests.every(({ url }) => url.split('/pkiclient.exe').length === 2));
  });
});
