import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EmulatorControl } from '../src/control-client.ts';
import type { ProfileInput } from '../src/control-types.ts';
import { EmulatorError } from '../src/errors.ts';
import { createDesk, createEnrolledDesk, deviceInput, profileInput, secrets } from './desk.ts';

const failsWith = (code: string) => (error: unknown) => error instanceof EmulatorError && error.code === code;

async function raw(path: string, init: RequestInit = {}, base = 'http://127.0.0.1:8081'): Promise<Response> {
  return createDesk().emulator.fetchControl(new Request(`${base}${path}`, init));
}

const postJson = (body: string): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body,
});

describe('the connection', () => {
  it('tells a SCEP server all that it needs', async () => {
    const connection = await createDesk().emulator.control.connection();
    assert.equal(connection.clientSecret, secrets.clientSecret);
    assert.equal(connection.authorityUrl, 'https://127.0.0.1:8443');
    assert.equal(connection.intuneResource, 'https://api.manage.microsoft.com/');
  });

  for (const [name, init, base] of [
    ['a page of another site', { headers: { origin: 'https://evil.example' } }, 'http://127.0.0.1:8081'],
    ['a host name that was bound to the loopback address', {}, 'http://evil.example:8081'],
    ['a host name that only begins like an address', {}, 'http://127.0.0.1.evil.example:8081'],
  ] as const) {
    it(`is not shown to ${name}`, async () => {
      const response = await raw('/control/connection', init, base);
      assert.equal(response.status, 403);
      assert.ok(!(await response.text()).includes(secrets.clientSecret));
    });
  }
});

describe('a profile', () => {
  it('has the defaults of the portal', async () => {
    const { control } = createDesk().emulator;
    await control.createProfile({ ...profileInput, subjectAlternativeNames: undefined });
    const [profile] = await control.profiles();
    assert.deepEqual(profile?.keyUsage, ['digitalSignature', 'keyEncipherment']);
    assert.deepEqual([profile?.keySize, profile?.version, profile?.renewalThresholdPercentage], [2048, 1, 20]);
    assert.deepEqual(profile?.extendedKeyUsages[0]?.objectIdentifier, '1.3.6.1.5.5.7.3.2');
  });

  it('of a fixed subject format has that format', async () => {
    const { control } = createDesk().emulator;
    await control.createProfile({ ...profileInput, subjectNameFormat: 'commonNameIncludingEmail' });
    assert.equal((await control.profiles())[0]?.subjectNameFormatString, 'CN={{UserName}},E={{EmailAddress}}');
  });

  it('counts its versions', async () => {
    const { control } = createDesk().emulator;
    const { id } = await control.createProfile(profileInput);
    await control.updateProfile(id, { ...profileInput, displayName: 'Renamed' });
    const [profile] = await control.profiles();
    assert.deepEqual([profile?.id, profile?.displayName, profile?.version], [id, 'Renamed', 2]);
  });

  const wrong: { name: string; changes: Partial<Record<keyof ProfileInput | 'typo', unknown>> }[] = [
    { name: 'a member that does not exist', changes: { typo: 1 } },
    { name: 'a variable that does not exist', changes: { subjectNameFormatString: 'CN={{Nickname}}' } },
    { name: 'a subject that is none', changes: { subjectNameFormatString: 'just a name' } },
    { name: 'a custom format without text', changes: { subjectNameFormatString: undefined } },
    { name: 'a subject with a control character', changes: { subjectNameFormatString: 'CN=a\u001b[31m' } },
    { name: 'a key size that Intune has not', changes: { keySize: 3072 } },
    { name: 'a URL of another scheme', changes: { scepServerUrls: ['ftp://a.example'] } },
    { name: 'no URL', changes: { scepServerUrls: [] } },
    {
      name: 'an object identifier that is none',
      changes: { extendedKeyUsages: [{ name: 'a', objectIdentifier: '9.9' }] },
    },
    { name: 'a root that is no certificate', changes: { rootCertificate: 'PEM' } },
  ];
  for (const { name, changes } of wrong) {
    it(`with ${name} is refused`, async () => {
      const { control } = createDesk().emulator;
      const input = { ...profileInput, ...changes } as ProfileInput;
      await assert.rejects(control.createProfile(input), failsWith('emulator.invalid'));
      assert.deepEqual(await control.profiles(), []);
    });
  }
});

describe('a check-in', () => {
  it('gives every assigned profile with a challenge of its own, and each root once', async () => {
    const { emulator, deviceId } = await createEnrolledDesk();
    const { control } = emulator;
    const { id } = await control.createProfile({
      ...profileInput,
      displayName: 'Second',
      subjectNameFormatString: 'CN={{SerialNumber}}',
    });
    await control.createProfile({ ...profileInput, displayName: 'Not assigned' });
    await control.assign({ profileId: id, deviceId });
    const { scepProfiles, trustedRootCertificates } = await control.checkIn(deviceId);
    assert.deepEqual(
      scepProfiles.map(({ subjectName }) => subjectName),
      ['CN=adele,O=Contoso', 'CN=SN-1'],
    );
    assert.notEqual(scepProfiles[0]?.challenge, scepProfiles[1]?.challenge);
    assert.equal(trustedRootCertificates.length, 1);
  });

  it('reports a profile that has no value for a variable, and delivers the others', async () => {
    const { emulator, deviceId } = await createEnrolledDesk();
    const { control } = emulator;
    const { id } = await control.createProfile({
      ...profileInput,
      displayName: 'Phone',
      subjectNameFormatString: 'CN={{IMEI}}',
    });
    await control.assign({ profileId: id, deviceId });
    const { scepProfiles, failedProfiles } = await control.checkIn(deviceId);
    assert.equal(scepProfiles.length, 1);
    assert.deepEqual(failedProfiles, [
      { profileId: id, displayName: 'Phone', reason: 'The variable {{IMEI}} has no value on LAPTOP-1.' },
    ]);
    const row = (await control.reports()).find(({ profile }) => profile.id === id);
    assert.equal(row?.certificateIssuanceState, 'challengeIssueFailed');
  });

  it('is reported once a profile, by its newest request', async () => {
    const { emulator, deviceId, checkIn } = await createEnrolledDesk();
    await checkIn();
    const newest = await checkIn();
    const rows = await emulator.control.reports();
    assert.deepEqual(
      rows.map(({ certificateRequestId, device }) => [certificateRequestId, device.id]),
      [[newest.certificateRequestId, deviceId]],
    );
  });

  it('forgets requests older than a day that were replaced', async () => {
    const desk = await createEnrolledDesk();
    await desk.checkIn();
    await desk.checkIn();
    desk.advance(25 * 3_600_000);
    await desk.checkIn();
    const kept = desk.saved.at(-1)?.certificateStates.length;
    assert.equal(kept, 1);
  });
});

describe('the control API', () => {
  it('refuses a profile for another platform than the device has', async () => {
    const { emulator, profileId } = await createEnrolledDesk();
    const { control } = emulator;
    const { id: deviceId } = await control.createDevice({ ...deviceInput, platform: 'ios' });
    await assert.rejects(control.assign({ profileId, deviceId }), failsWith('emulator.invalid'));
  });

  it('refuses a report for a profile without a challenge', async () => {
    const { emulator, deviceId, profileId } = await createEnrolledDesk();
    const report = { profileId, state: 'installed' } as const;
    await assert.rejects(emulator.control.report(deviceId, report), failsWith('emulator.not_found'));
  });

  for (const [name, call] of [
    ['device', (control: EmulatorControl) => control.checkIn('nobody')],
    ['device to delete', (control: EmulatorControl) => control.deleteDevice('nobody')],
    ['profile', (control: EmulatorControl) => control.updateProfile('nothing', profileInput)],
    ['assignment', (control: EmulatorControl) => control.unassign({ profileId: 'a', deviceId: 'b' })],
  ] as const) {
    it(`says which ${name} does not exist`, async () => {
      await assert.rejects(call(createDesk().emulator.control), failsWith('emulator.not_found'));
    });
  }

  for (const [name, init, status] of [
    ['a body that is not JSON', postJson('{'), 400],
    ['a body without a content type', { method: 'POST', body: '{}' }, 400],
    ['a body of 2 MB', postJson(`{"a":"${'x'.repeat(2_000_000)}"}`), 413],
  ] as const) {
    it(`answers ${status} to ${name}`, async () => {
      assert.equal((await raw('/control/devices', init)).status, status);
    });
  }

  it('mints as many challenges as are asked for, all different', async () => {
    const challenges = await createDesk().emulator.control.createChallenges({ subject: 'CN=a', count: 20 });
    assert.equal(new Set(challenges).size, 20);
  });

  it('refuses a challenge for a subject that is none', async () => {
    const { control } = createDesk().emulator;
    await assert.rejects(control.createChallenges({ subject: 'CN' }), failsWith('emulator.invalid'));
  });

  it('answers 500 when a change cannot be stored', async () => {
    const { createEmulator } = await import('../src/emulator.ts');
    const save = () =>
      Promise.reject(new EmulatorError('emulator.folder_unwritable', 'Cannot write.', { hint: 'Full?' }));
    const { control } = createEmulator({
      secrets,
      save,
      now: () => new Date(0),
      randomBytes: (size) => new Uint8Array(size),
    });
    await assert.rejects(control.createDevice(deviceInput), /Cannot write\. Full\?/u);
  });
});

describe('the control client', () => {
  const client = (fetch: typeof globalThis.fetch) => new EmulatorControl({ url: 'http://127.0.0.1:1', fetch });

  it('says that nothing answers, with the cause', async () => {
    const cause = new TypeError('fetch failed');
    await assert.rejects(
      client(() => Promise.reject(cause)).devices(),
      (error) => failsWith('emulator.unreachable')(error) && (error as EmulatorError).cause === cause,
    );
  });

  it('says that something else answers', async () => {
    const answer = async () => new Response('<html>', { status: 502 });
    await assert.rejects(client(answer).devices(), failsWith('emulator.unexpected_answer'));
  });
});
