import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  certificateRequest,
  createEnrolledDesk,
  graphScope,
  intuneScope,
  json,
  partsFor,
  type EnrolledDesk,
} from './desk.ts';

const thumbprint = '0123456789ABCDEF0123456789ABCDEF01234567';

function success(request: string, changes: Record<string, unknown> = {}) {
  const notification = {
    transactionId: 'T-1',
    certificateRequest: request,
    certificateThumbprint: thumbprint,
    certificateSerialNumber: '4A3F',
    certificateExpirationDateUtc: '2027-03-01T12:00:00Z',
    issuingCertificateAuthority: 'CN=Issuing,O=Contoso',
    callerInfo: 'Test 1.0',
    caConfiguration: '',
    certificateAuthority: '',
  };
  return { notification: { ...notification, ...changes } };
}

function failure(request: string, changes: Record<string, unknown> = {}) {
  const notification = {
    transactionId: 'T-1',
    certificateRequest: request,
    hResult: -2_147_467_259,
    errorDescription: 'The key is too weak.',
    callerInfo: 'Test 1.0',
  };
  return { notification: { ...notification, ...changes } };
}

async function deskWithRequest(): Promise<EnrolledDesk & { request: string }> {
  const desk = await createEnrolledDesk();
  return { ...desk, request: certificateRequest(partsFor(await desk.checkIn())) };
}

async function state(desk: EnrolledDesk) {
  const [row] = await desk.emulator.control.reports();
  return row?.certificateIssuanceState;
}

describe('a ScepActions call is refused', () => {
  const rows: { name: string; status: number; headers?: Record<string, string>; body?: unknown }[] = [
    { name: 'without a token', status: 401, headers: { authorization: '' } },
    { name: 'with something that is no token', status: 401, headers: { authorization: 'Bearer abc' } },
    { name: 'with Basic authentication', status: 401, headers: { authorization: 'Basic YTpi' } },
    { name: 'without the api-version header', status: 400, headers: { 'api-version': '' } },
    { name: 'with an api-version that is no date', status: 400, headers: { 'api-version': 'beta' } },
    { name: 'as a form', status: 400, headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    { name: 'with a body that is not JSON', status: 400, body: '{"request":' },
    { name: 'with a body of another shape', status: 400, body: { transactionId: 'T-1' } },
    { name: 'with a certificate request that is no text', status: 400, body: { request: { certificateRequest: 7 } } },
    { name: 'with a body of 1 MB', status: 413, body: { request: { certificateRequest: 'A'.repeat(1_000_000) } } },
  ];
  for (const { name, status, headers, body = {} } of rows) {
    it(`with ${status} ${name}`, async () => {
      const desk = await createEnrolledDesk();
      const response = await desk.action('validateRequest', body, headers);
      const { error } = (await response.json()) as { error: { message: string } };
      assert.equal(response.status, status);
      assert.equal((JSON.parse(error.message) as { _version: number })._version, 3);
    });
  }

  const tokens: { name: string; status: number; make: (desk: EnrolledDesk) => Promise<string> }[] = [
    { name: 'a token for Graph', status: 401, make: (desk) => desk.token(graphScope) },
    {
      name: 'a token whose claims were changed',
      status: 401,
      make: async (desk) => {
        const [header, payload, signature] = (await desk.token(intuneScope)).split('.');
        const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString());
        const changed = Buffer.from(JSON.stringify({ ...claims, exp: 9_999_999_999 })).toString('base64url');
        return [header, changed, signature].join('.');
      },
    },
    {
      name: 'a token that claims to need no signature',
      status: 401,
      make: async (desk) => {
        const [, payload] = (await desk.token(intuneScope)).split('.');
        return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
      },
    },
    {
      name: 'an expired token',
      status: 401,
      make: async (desk) => {
        const token = await desk.token(intuneScope);
        desk.advance(2 * 3_600_000);
        return token;
      },
    },
    {
      name: 'a token without the role',
      status: 403,
      make: async (desk) => {
        await desk.emulator.control.setPermissions({ graph: ['Application.Read.All'], intune: [] });
        return desk.token(intuneScope);
      },
    },
  ];
  for (const { name, status, make } of tokens) {
    it(`with ${status} for ${name}`, async () => {
      const desk = await createEnrolledDesk();
      const authorization = `Bearer ${await make(desk)}`;
      assert.equal((await desk.action('validateRequest', {}, { authorization })).status, status);
    });
  }

  it('with 404 at an unknown action', async () => {
    assert.equal((await (await createEnrolledDesk()).action('revokeRequest', {})).status, 404);
  });
});

describe('a success notification', () => {
  const variations: { name: string; changes: Record<string, unknown> }[] = [
    { name: 'as the reference client sends it', changes: {} },
    { name: 'with a lower-case hex serial number', changes: { certificateSerialNumber: '4a3f00' } },
    { name: 'with a decimal serial number', changes: { certificateSerialNumber: '19007' } },
    { name: 'with the common name as issuer', changes: { issuingCertificateAuthority: 'Issuing CA' } },
    { name: 'with a lower-case thumbprint', changes: { certificateThumbprint: thumbprint.toLowerCase() } },
    { name: 'without CA fields', changes: { caConfiguration: undefined, certificateAuthority: undefined } },
    { name: 'with null CA fields', changes: { caConfiguration: null, certificateAuthority: null } },
    { name: 'with a GUID as transaction id', changes: { transactionId: 'b1f0d9e0-0000-4000-8000-000000000001' } },
    {
      name: 'with a date that has fractions and an offset',
      changes: { certificateExpirationDateUtc: '2027-03-01T13:00:00.000+01:00' },
    },
  ];
  for (const { name, changes } of variations) {
    it(`is accepted ${name}`, async () => {
      const desk = await deskWithRequest();
      const response = await desk.action('successNotification', success(desk.request, changes));
      assert.deepEqual([response.status, (await json(response))['code']], [200, 'Success']);
      const [row] = await desk.emulator.control.reports();
      assert.equal(row?.certificateIssuanceState, 'issued');
      assert.equal(row.thumbprint, thumbprint);
      assert.equal(row.expires, '2027-03-01T12:00:00.000Z');
    });
  }

  const wrong: { name: string; changes: Record<string, unknown> }[] = [
    { name: 'a thumbprint that is no SHA-1', changes: { certificateThumbprint: 'AB' } },
    { name: 'a serial number that is no number', changes: { certificateSerialNumber: 'zz' } },
    { name: 'a date that is none', changes: { certificateExpirationDateUtc: 'soon' } },
    { name: 'no issuer', changes: { issuingCertificateAuthority: undefined } },
    { name: 'no transaction id', changes: { transactionId: '' } },
  ];
  for (const { name, changes } of wrong) {
    it(`is refused with 400 for ${name}`, async () => {
      const desk = await deskWithRequest();
      assert.equal((await desk.action('successNotification', success(desk.request, changes))).status, 400);
      assert.deepEqual(await desk.emulator.control.notifications(), []);
    });
  }

  it('is recorded once however often it comes', async () => {
    const desk = await deskWithRequest();
    for (let time = 0; time < 3; time += 1) await desk.action('successNotification', success(desk.request));
    const [received, ...others] = await desk.emulator.control.notifications();
    assert.equal(received?.timesReceived, 3);
    assert.deepEqual(others, []);
  });

  it('is accepted after the challenge has expired, since the certificate exists', async () => {
    const desk = await deskWithRequest();
    desk.advance(2 * 3_600_000);
    const response = await desk.action('successNotification', success(desk.request));
    assert.equal((await json(response))['code'], 'Success');
  });

  it('without a challenge of this tenant is refused by code', async () => {
    const desk = await createEnrolledDesk();
    const response = await desk.action('successNotification', success(certificateRequest({ subject: 'CN=a' })));
    assert.equal((await json(response))['code'], 'ChallengePasswordMissing');
  });

  it('keeps no challenge, even if it comes as the transaction id', async () => {
    const desk = await createEnrolledDesk();
    const parts = partsFor(await desk.checkIn());
    const changes = { transactionId: parts.challenge };
    await desk.action('successNotification', success(certificateRequest(parts), changes));
    const [received] = await desk.emulator.control.notifications();
    assert.match(received?.transactionId ?? '', /^sha256:[0-9a-f]{64}$/u);
    assert.ok(!JSON.stringify(desk.saved.at(-1)).includes((parts.challenge ?? '').slice(0, 40)));
  });
});

describe('a failure notification', () => {
  for (const [name, hResult] of [
    ['a signed number', -2_147_467_259],
    ['an unsigned number', 0x8000_4005],
    ['hex text', '0x80004005'],
    ['decimal text', '-2147467259'],
  ] as const) {
    it(`takes the HRESULT as ${name}`, async () => {
      const desk = await deskWithRequest();
      await desk.action('failureNotification', failure(desk.request, { hResult }));
      const [row] = await desk.emulator.control.reports();
      assert.equal(row?.certificateIssuanceState, 'issueFailed');
      assert.equal(row.errorCode, -2_147_467_259);
      assert.equal(row.errorDescription, 'The key is too weak.');
    });
  }

  for (const [name, changes] of [
    ['a description over 255 characters', { errorDescription: 'x'.repeat(256) }],
    ['an HRESULT over 32 bits', { hResult: 2 ** 33 }],
    ['an HRESULT that is no number', { hResult: 'E_FAIL' }],
  ] as const) {
    it(`is refused with 400 for ${name}`, async () => {
      const desk = await deskWithRequest();
      assert.equal((await desk.action('failureNotification', failure(desk.request, changes))).status, 400);
    });
  }

  it('does not take back a certificate that was issued', async () => {
    const desk = await deskWithRequest();
    await desk.action('successNotification', success(desk.request));
    await desk.action('failureNotification', failure(desk.request));
    assert.equal(await state(desk), 'issued');
  });
});

describe('the state of a request', () => {
  it('follows challenge, validation, notification and device', async () => {
    const desk = await deskWithRequest();
    const { control } = desk.emulator;
    const seen = [await state(desk)];
    await desk.validate(desk.request);
    seen.push(await state(desk));
    await desk.action('successNotification', success(desk.request));
    seen.push(await state(desk));
    await control.report(desk.deviceId, { profileId: desk.profileId, state: 'installed' });
    seen.push(await state(desk));
    assert.deepEqual(seen, ['challengeIssued', 'challengeValidationSucceeded', 'issued', 'installed']);
  });

  it('tells why validation failed, and is mended by a validation that succeeds', async () => {
    const desk = await createEnrolledDesk();
    const parts = partsFor(await desk.checkIn());
    await desk.validate(certificateRequest({ ...parts, subject: 'CN=eve' }));
    const [failed] = await desk.emulator.control.reports();
    assert.equal(failed?.certificateIssuanceState, 'challengeValidationFailed');
    assert.match(failed.errorDescription ?? '', /^SubjectNameMismatch: /u);
    await desk.validate(certificateRequest(parts));
    assert.equal(await state(desk), 'challengeValidationSucceeded');
  });

  it('is not changed by an abuse of its challenge after the certificate was issued', async () => {
    const desk = await createEnrolledDesk();
    const parts = partsFor(await desk.checkIn());
    await desk.action('successNotification', success(certificateRequest(parts)));
    await desk.validate(certificateRequest({ ...parts, subject: 'CN=eve' }));
    assert.equal(await state(desk), 'issued');
  });

  it('keeps what the device said when the notification comes late', async () => {
    const desk = await deskWithRequest();
    await desk.emulator.control.report(desk.deviceId, {
      profileId: desk.profileId,
      state: 'installFailed',
      errorCode: 5,
    });
    await desk.action('successNotification', success(desk.request));
    const [row] = await desk.emulator.control.reports();
    assert.deepEqual([row?.certificateIssuanceState, row?.thumbprint], ['installFailed', thumbprint]);
  });

  it('is saved before it is answered', async () => {
    const desk = await deskWithRequest();
    const before = desk.saved.length;
    await desk.validate(desk.request);
    assert.equal(desk.saved.length, before + 1);
    assert.equal(desk.saved.at(-1)?.certificateStates[0]?.certificateIssuanceState, 'challengeValidationSucceeded');
  });
});
