/** The whole story of a certificate: a device checks in, Intune says yes, is told, and one day wants it revoked. */
import type { DeployedScepProfile } from '@scepter/intune-emulator';
import {
  createCertificationRequest,
  createSelfSignedCertificate,
  encodePem,
  extendedKeyUsageExtension,
  keyUsageExtension,
  parseName,
  subjectAltNameExtension,
} from '@scepter/x509';
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  hResults,
  IntuneCoolDownError,
  IntuneRejectedError,
  matchRevocationRequests,
  type IntuneClient,
} from '../../src/index.ts';
import { Desk, issued, ways } from './desk.ts';

const deviceKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rootKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rootCertificate = encodePem(
  'CERTIFICATE',
  createSelfSignedCertificate({
    subject: parseName('CN=Contoso Root'),
    ...rootKeys,
    serialNumber: Uint8Array.of(1),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2046-01-01T00:00:00Z'),
  }),
);

/** What an honest device makes of its profile, in base64. */
function requestFor(profile: DeployedScepProfile, subject = profile.subjectName): string {
  const names = profile.subjectAlternativeNames.map(({ value }) => ({ kind: 'upn', value }) as const);
  const request = createCertificationRequest({
    subject: parseName(subject),
    ...deviceKeys,
    challengePassword: profile.challenge,
    extensions: [
      subjectAltNameExtension(names),
      keyUsageExtension([...profile.keyUsage]),
      extendedKeyUsageExtension(profile.extendedKeyUsages.map(({ objectIdentifier }) => objectIdentifier)),
    ],
  });
  return Buffer.from(request).toString('base64');
}

for (const way of ways) {
  describe(`the story of a certificate, ${way}`, () => {
    let desk: Desk;
    let client: IntuneClient;
    let deviceId: string;
    let profileId: string;
    before(async () => {
      desk = await Desk.start();
      client = desk.connect({}, way);
      const device = await desk.control.createDevice({
        platform: 'windows',
        deviceName: 'LAPTOP-7QK2M4',
        user: { userName: 'adele', userPrincipalName: 'adele@contoso.com', emailAddress: 'adele@contoso.com' },
      });
      const profile = await desk.control.createProfile({
        displayName: 'User certificate',
        platform: 'windows',
        scepServerUrls: ['https://scep.contoso.com/scep/intune'],
        subjectNameFormatString: 'CN={{UserName}},O=Contoso',
        subjectAlternativeNames: [{ sanType: 'userPrincipalName', name: '{{UserPrincipalName}}' }],
        rootCertificate,
      });
      deviceId = device.id;
      profileId = profile.id;
      await desk.control.assign({ profileId, deviceId });
    });
    after(() => desk.stop());
    beforeEach(() => desk.control.setRevocationCoolDown({ minutes: 0 }));

    const checkIn = async (): Promise<DeployedScepProfile> => {
      const [deployed] = (await desk.control.checkIn(deviceId)).scepProfiles;
      assert.ok(deployed !== undefined);
      return deployed;
    };
    const reported = async () => (await desk.control.reports()).find(({ device }) => device.id === deviceId);

    it('is issued: Intune validates, is told, and its report says so', async () => {
      const request = { transactionId: 'STORY-1', certificateRequest: requestFor(await checkIn()) };
      await client.validateRequest(request);
      assert.equal((await reported())?.certificateIssuanceState, 'challengeValidationSucceeded');
      const { activityId } = await client.notifySuccess({ ...request, ...issued });
      const report = await reported();
      assert.equal(report?.certificateIssuanceState, 'issued');
      assert.equal(report?.thumbprint, issued.certificateThumbprint.toUpperCase());
      assert.equal(report?.serialNumber, issued.certificateSerialNumber);
      assert.equal(report?.issuer, issued.issuingCertificateAuthority);
      assert.equal(report?.expires, issued.certificateExpirationDateUtc.toISOString());
      const notification = (await desk.control.notifications()).at(-1);
      assert.equal(notification?.activityId, activityId);
      assert.equal(notification?.callerInfo, 'Contoso CA 3.1');
    });

    it('is refused by Intune when the request does not fit the profile', async () => {
      const certificateRequest = requestFor(await checkIn(), 'CN=ceo,O=Contoso');
      const error = await desk.failure(client.validateRequest({ transactionId: 'STORY-2', certificateRequest }));
      assert.ok(error instanceof IntuneRejectedError);
      assert.equal(error.resultCode, 'SubjectNameMismatch');
      assert.equal(error.transactionId, 'STORY-2');
      assert.notEqual(error.advice, '');
      assert.equal((await reported())?.certificateIssuanceState, 'challengeValidationFailed');
    });

    it('is refused by the CA, and the report says why', async () => {
      const request = { transactionId: 'STORY-3', certificateRequest: requestFor(await checkIn()) };
      await client.validateRequest(request);
      const errorDescription = 'RSA key shorter than 3072 bits';
      await client.notifyFailure({ ...request, hResult: hResults.CERTSRV_E_KEY_LENGTH, errorDescription });
      const report = await reported();
      assert.equal(report?.certificateIssuanceState, 'issueFailed');
      assert.equal(report?.errorCode, hResults.CERTSRV_E_KEY_LENGTH | 0);
      assert.equal(report?.errorDescription, errorDescription);
    });

    it('is revoked: the request is found by its serial number, and its result closes it', async () => {
      const request = { transactionId: 'STORY-4', certificateRequest: requestFor(await checkIn()) };
      await client.validateRequest(request);
      await client.notifySuccess({ ...request, ...issued, certificateSerialNumber: '0A1B2C3D4E' });
      await desk.control.requestRevocation({ deviceId, profileId });
      assert.equal((await reported())?.revokeStatus, 'pending');

      const { requests, transactionId } = await client.downloadRevocationRequests({ ignoreCoolDown: true });
      assert.equal((await reported())?.revokeStatus, 'issued');
      const [match] = matchRevocationRequests(requests, [{ serialNumber: 'a:1b:2c:3d:4e', name: 'the certificate' }]);
      assert.ok(match !== undefined && 'certificate' in match);
      assert.equal(match.certificate.name, 'the certificate');
      await client.uploadRevocationResults({
        transactionId,
        results: [{ requestContext: match.request.requestContext, succeeded: true }],
      });
      assert.equal((await reported())?.revokeStatus, 'revoked');
      assert.equal((await reported())?.certificateIssuanceState, 'revoked');
    });

    it('is revoked later when the CA has asked for time', async () => {
      await desk.control.requestRevocation({ serialNumber: 'BEEF', issuerName: 'CN=Contoso', caConfiguration: '' });
      const answer = async (outcome: object): Promise<void> => {
        const download = await client.downloadRevocationRequests({ ignoreCoolDown: true });
        const wanted = download.requests.find(({ serialNumber }) => serialNumber === 'BEEF');
        assert.ok(wanted !== undefined);
        const results = [{ requestContext: wanted.requestContext, ...(outcome as { succeeded: true }) }];
        await client.uploadRevocationResults({ transactionId: download.transactionId, results });
      };
      const state = async () =>
        (await desk.control.revocations()).find(({ serialNumber }) => serialNumber === 'BEEF')?.state;
      await answer({ succeeded: false, errorCode: 'ServiceUnavailableException', errorMessage: 'The HSM is away.' });
      assert.equal(await state(), 'failed');
      await answer({ succeeded: true });
      assert.equal(await state(), 'revoked');
    });

    it('is asked for once an hour: the client knows, and a new one that does not is told by Intune', async () => {
      const fresh = desk.connect({}, way);
      await desk.control.setRevocationCoolDown({ minutes: 60 });
      await desk.control.setRevocationCoolDown({ minutes: 0 });
      const { nextDownloadAt, downloadedAt } = await fresh.downloadRevocationRequests();
      assert.equal(nextDownloadAt.getTime() - downloadedAt.getTime(), 3_600_000);
      desk.traffic.clear();
      const early = await desk.failure(fresh.downloadRevocationRequests());
      assert.ok(early instanceof IntuneCoolDownError);
      assert.deepEqual(early.until, nextDownloadAt);
      assert.deepEqual(desk.traffic.counts(), {});

      await desk.control.setRevocationCoolDown({ minutes: 60 });
      const other = desk.connect({}, way);
      const refused = await desk.failure(other.downloadRevocationRequests());
      assert.equal((refused as { status?: number }).status, 429);
      const later = await desk.failure(other.downloadRevocationRequests());
      assert.ok(later instanceof IntuneCoolDownError);

      const restarted = desk.connect({ lastRevocationDownload: downloadedAt }, way);
      assert.ok((await desk.failure(restarted.downloadRevocationRequests())) instanceof IntuneCoolDownError);
    });
  });
}
