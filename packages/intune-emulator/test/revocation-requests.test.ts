/** Where revocation requests come from, and what the certificate report says of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EmulatorError } from '../src/errors.ts';
import { pkiConnectorService } from '../src/resources.ts';
import { certificateRequest, createEnrolledDesk, intuneScope, json, origin, partsFor, profileInput } from './desk.ts';
import type { EnrolledDesk } from './desk.ts';

const certificate = {
  certificateThumbprint: 'AB'.repeat(20),
  certificateSerialNumber: '0x0A1b',
  certificateExpirationDateUtc: '2027-03-01T12:00:00Z',
  issuingCertificateAuthority: 'CN=Issuing CA, O=Größe',
  caConfiguration: 'ca-7',
  certificateAuthority: 'Issuing CA',
};

/** A device whose certificate was reported; `changes` are to what the CA says of it. */
async function issuedDesk(changes: Record<string, unknown> = {}): Promise<EnrolledDesk> {
  const desk = await createEnrolledDesk();
  await report(desk, certificateRequest(partsFor(await desk.checkIn())), changes);
  return desk;
}

async function report(desk: EnrolledDesk, request: string, changes: Record<string, unknown> = {}): Promise<void> {
  const notification = {
    transactionId: 'T',
    certificateRequest: request,
    callerInfo: 'Test',
    ...certificate,
    ...changes,
  };
  const answer = await desk.action('successNotification', { notification });
  assert.equal((await json(answer))['code'], 'Success');
}

async function call(desk: EnrolledDesk, operation: string, body: object): Promise<Record<string, unknown>> {
  const url = `${origin}${pkiConnectorService.path}/CertificateAuthorityRequests/${operation}`;
  const headers = {
    authorization: `Bearer ${await desk.token(intuneScope)}`,
    'content-type': 'application/json',
    'api-version': '5019-05-05',
  };
  const request = new Request(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return json(await desk.emulator.fetchMicrosoft(request));
}

async function revokeStatus({ emulator }: EnrolledDesk): Promise<unknown[]> {
  const [row] = await emulator.control.reports();
  return [row?.revokeStatus, row?.certificateIssuanceState];
}

describe('a revocation that was requested', () => {
  for (const [name, inputFor] of [
    ['by the serial number as reported', () => ({ serialNumber: '0x0A1b' })],
    ['by device and profile', ({ deviceId, profileId }: EnrolledDesk) => ({ deviceId, profileId })],
  ] as const) {
    it(`${name} echoes the success notification`, async () => {
      const desk = await issuedDesk();
      const { requestContext, ...revocation } = await desk.emulator.control.requestRevocation(inputFor(desk));
      assert.equal(revocation.state, 'pending');
      const { value } = await call(desk, 'downloadRevocationRequests', { downloadParameters: { maxRequests: 1 } });
      assert.deepEqual(value, [
        {
          requestContext,
          serialNumber: certificate.certificateSerialNumber,
          issuerName: certificate.issuingCertificateAuthority,
          caConfiguration: certificate.caConfiguration,
        },
      ]);
    });
  }

  it('has an empty CA configuration when none was reported', async () => {
    const desk = await issuedDesk({ caConfiguration: null });
    const revocation = await desk.emulator.control.requestRevocation({ serialNumber: '0x0A1b' });
    assert.equal(revocation.caConfiguration, '');
  });

  it('for a challenge without a device is found by its notification', async () => {
    const desk = await createEnrolledDesk();
    const [challenge] = await desk.emulator.control.createChallenges({ subject: 'CN=printer' });
    await report(desk, certificateRequest({ subject: 'CN=printer', challenge }));
    const revocation = await desk.emulator.control.requestRevocation({ serialNumber: '0x0A1b' });
    assert.deepEqual([revocation.issuerName, revocation.certificateRequestId], ['CN=Issuing CA, O=Größe', undefined]);
  });

  it('is the same request as long as it is open', async () => {
    const desk = await issuedDesk();
    const { control } = desk.emulator;
    const [first, second] = [
      await control.requestRevocation({ serialNumber: '0x0A1b' }),
      await control.requestRevocation({ deviceId: desk.deviceId, profileId: desk.profileId }),
    ];
    assert.deepEqual(first, second);
    assert.equal((await control.revocations()).length, 1);
  });

  it('needs a certificate that was reported', async () => {
    const { emulator, deviceId, profileId } = await createEnrolledDesk();
    for (const input of [{ serialNumber: '1' }, { deviceId, profileId }, { certificateRequestId: 'none' }]) {
      await assert.rejects(
        emulator.control.requestRevocation(input),
        (error) => error instanceof EmulatorError && error.code === 'emulator.not_found',
      );
    }
  });

  it('moves the certificate report from none over pending and issued to revoked', async () => {
    const desk = await issuedDesk();
    const { control } = desk.emulator;
    assert.deepEqual(await revokeStatus(desk), ['none', 'issued']);
    const { requestContext } = await control.requestRevocation({ serialNumber: '0x0A1b' });
    assert.deepEqual(await revokeStatus(desk), ['pending', 'issued']);
    await call(desk, 'downloadRevocationRequests', { downloadParameters: { maxRequests: 1 } });
    assert.deepEqual(await revokeStatus(desk), ['issued', 'issued']);
    await call(desk, 'uploadRevocationResults', {
      results: [{ requestContext, succeeded: false, errorCode: 'ServiceTooBusyException' }],
    });
    assert.deepEqual(await revokeStatus(desk), ['failed', 'issued']);
    await call(desk, 'uploadRevocationResults', { results: [{ requestContext, succeeded: true }] });
    assert.deepEqual(await revokeStatus(desk), ['revoked', 'revoked']);
  });

  it('is durable before it is answered', async () => {
    const desk = await issuedDesk();
    const { requestContext } = await desk.emulator.control.requestRevocation({ serialNumber: '0x0A1b' });
    assert.equal(desk.saved.at(-1)?.revocations?.[0]?.requestContext, requestContext);
    await call(desk, 'downloadRevocationRequests', { downloadParameters: { maxRequests: 1 } });
    assert.equal(desk.saved.at(-1)?.revocations?.[0]?.state, 'downloaded');
    assert.ok(desk.saved.at(-1)?.revocationSettings?.lastDownloadDateTime !== undefined);
  });
});

describe('what goes or changes', () => {
  const removals: { name: string; reason: string; remove: (desk: EnrolledDesk) => Promise<void> }[] = [
    {
      name: 'a device that is deleted',
      reason: 'deviceDeleted',
      remove: ({ emulator, deviceId }) => emulator.control.deleteDevice(deviceId),
    },
    {
      name: 'an assignment that is removed',
      reason: 'unassigned',
      remove: ({ emulator, deviceId, profileId }) => emulator.control.unassign({ deviceId, profileId }),
    },
    {
      name: 'a profile that is deleted',
      reason: 'profileDeleted',
      remove: ({ emulator, profileId }) => emulator.control.deleteProfile(profileId),
    },
    {
      name: 'a profile with another subject',
      reason: 'profileChanged',
      remove: ({ emulator, profileId }) =>
        emulator.control.updateProfile(profileId, { ...profileInput, subjectNameFormatString: 'CN={{DeviceId}}' }),
    },
    {
      name: 'a profile with another validity',
      reason: 'profileChanged',
      remove: ({ emulator, profileId }) =>
        emulator.control.updateProfile(profileId, { ...profileInput, certificateValidityPeriodValue: 2 }),
    },
  ];
  for (const { name, reason, remove } of removals) {
    it(`has its certificates revoked when the switch is on: ${name}`, async () => {
      const desk = await issuedDesk();
      await desk.emulator.control.setRevokeOnRemoval(true);
      await remove(desk);
      const revocations = await desk.emulator.control.revocations();
      assert.deepEqual(
        revocations.map((revocation) => [revocation.serialNumber, revocation.reason, revocation.state]),
        [['0x0A1b', reason, 'pending']],
      );
    });

    it(`has them kept when it is off: ${name}`, async () => {
      const desk = await issuedDesk();
      await remove(desk);
      assert.deepEqual(await desk.emulator.control.revocations(), []);
    });
  }

  it('but not a profile with another name, URL or threshold', async () => {
    const { emulator, profileId } = await issuedDesk();
    await emulator.control.setRevokeOnRemoval(true);
    const changes = { displayName: 'New', scepServerUrls: ['http://b.example/scep'], renewalThresholdPercentage: 50 };
    await emulator.control.updateProfile(profileId, { ...profileInput, ...changes });
    assert.deepEqual(await emulator.control.revocations(), []);
  });

  it('concerns every certificate of the device, not only the newest, and no request without one', async () => {
    const desk = await issuedDesk();
    const serials = { certificateSerialNumber: '0C', certificateThumbprint: 'CD'.repeat(20) };
    await report(desk, certificateRequest(partsFor(await desk.checkIn())), serials);
    await desk.checkIn();
    await desk.emulator.control.setRevokeOnRemoval(true);
    await desk.emulator.control.deleteDevice(desk.deviceId);
    const revocations = await desk.emulator.control.revocations();
    assert.deepEqual(
      revocations.map(({ serialNumber }) => serialNumber),
      ['0x0A1b', '0C'],
    );
  });
});
