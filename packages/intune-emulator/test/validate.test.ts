import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { GeneralName } from '@scepter/x509';
import {
  certificateRequest,
  challengeAuthority,
  createEnrolledDesk,
  mintChallenge,
  partsFor,
  type EnrolledDesk,
  type RequestParts,
} from './desk.ts';

const clientAuth = '1.3.6.1.5.5.7.3.2';
const serverAuth = '1.3.6.1.5.5.7.3.1';
const minute = 60_000;
const shortKeys = generateKeyPairSync('rsa', { modulusLength: 1024 });
const curveKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = '99999999-9999-4999-8999-999999999999';

function inUpperCase(name: GeneralName): GeneralName {
  return name.kind === 'email' || name.kind === 'upn' ? { kind: name.kind, value: name.value.toUpperCase() } : name;
}

interface Row {
  name: string;
  code: string;
  /** Changes the honest device's request. */
  change?: (parts: RequestParts) => Partial<RequestParts>;
  /** Happens between check-in and validation. */
  before?: (desk: EnrolledDesk, parts: RequestParts) => Promise<unknown> | void;
  /** Changes the base64 text of the request. */
  spoil?: (request: string) => string;
}

const rows: Row[] = [
  { name: 'an honest request', code: 'Success' },
  {
    name: 'a subject with its RDNs in the other order',
    code: 'Success',
    change: () => ({ subject: 'O=Contoso,CN=adele' }),
  },
  {
    name: 'alternative names in another order and case',
    code: 'Success',
    change: ({ names = [] }) => ({
      names: names.toReversed().map(inUpperCase),
    }),
  },
  {
    name: 'a challenge one second before its end',
    code: 'Success',
    before: (desk) => desk.advance(60 * minute - 1000),
  },
  { name: 'text that is not base64', code: 'CertificateRequestDecodingFailed', spoil: () => 'not base64!' },
  { name: 'bytes that are not DER', code: 'CertificateRequestDecodingFailed', spoil: () => 'AAAA' },
  {
    name: 'a request cut short',
    code: 'CertificateRequestDecodingFailed',
    spoil: (request) => Buffer.from(request, 'base64').subarray(0, 200).toString('base64'),
  },
  {
    name: 'a request whose own signature is wrong',
    code: 'CertificateRequestDecodingFailed',
    spoil: (request) => {
      const bytes = Buffer.from(request, 'base64');
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      return bytes.toString('base64');
    },
  },
  { name: 'no challenge', code: 'ChallengePasswordMissing', change: () => ({ challenge: undefined }) },
  { name: 'a static password', code: 'ChallengeDeserializationError', change: () => ({ challenge: 'secret' }) },
  {
    name: 'a challenge created in the future',
    code: 'ChallengeInvalidTimestamp',
    before: (desk) => desk.advance(-6 * minute),
  },
  {
    name: 'a challenge that ends before it starts',
    code: 'ChallengeInvalidTimestamp',
    change: () => ({ challenge: mintChallenge({ expires: '2020-01-01T00:00:00Z' }) }),
  },
  {
    name: 'a challenge without a time',
    code: 'ChallengeInvalidTimestamp',
    change: () => ({ challenge: mintChallenge({ created: 'soon' }) }),
  },
  { name: 'a challenge after 60 minutes', code: 'ChallengeExpired', before: (desk) => desk.advance(60 * minute) },
  {
    name: 'a certificate request id that was never issued',
    code: 'BadCertificateRequestIdInChallenge',
    change: (parts) => withContent(parts, { certificateRequestId: stranger }),
  },
  {
    name: 'a certificate request id of another profile',
    code: 'BadCertificateRequestIdInChallenge',
    change: (parts) => withTarget(parts, { profileId: stranger }),
  },
  {
    name: 'a device that was removed',
    code: 'BadDeviceIdInChallenge',
    before: (desk) => desk.emulator.control.deleteDevice(desk.deviceId),
  },
  {
    name: 'another user than that of the device',
    code: 'BadUserIdInChallenge',
    change: (parts) => withTarget(parts, { userId: stranger }),
  },
  {
    name: 'a profile that is no longer assigned',
    code: 'ScepProfileNoLongerTargetedToTheClient',
    before: ({ emulator, profileId, deviceId }) => emulator.control.unassign({ profileId, deviceId }),
  },
  {
    name: 'a profile that was deleted',
    code: 'ScepProfileNoLongerTargetedToTheClient',
    before: ({ emulator, profileId }) => emulator.control.deleteProfile(profileId),
  },
  { name: 'no subject', code: 'SubjectNameMissing', change: () => ({ subject: '' }) },
  { name: 'the subject of someone else', code: 'SubjectNameMismatch', change: () => ({ subject: 'CN=eve,O=Contoso' }) },
  {
    name: 'a second common name beside the expected one',
    code: 'SubjectNameMismatch',
    change: () => ({ subject: 'CN=adele,CN=eve,O=Contoso' }),
  },
  { name: 'no alternative names', code: 'SubjectAltNameMissing', change: () => ({ names: [] }) },
  {
    name: 'one alternative name of two',
    code: 'SubjectAltNameMismatch',
    change: ({ names = [] }) => ({ names: names.slice(0, 1) }),
  },
  {
    name: 'an alternative name too many',
    code: 'SubjectAltNameMismatch',
    change: ({ names = [] }) => ({ names: [...names, { kind: 'upn', value: 'administrator@contoso.com' }] }),
  },
  {
    name: 'an alternative name of another kind with the same text',
    code: 'SubjectAltNameMismatch',
    change: () => ({
      names: [
        { kind: 'dns', value: 'adele.contoso.com' },
        { kind: 'email', value: 'adele@contoso.com' },
      ],
    }),
  },
  { name: 'no key usage', code: 'KeyUsageMismatch', change: () => ({ keyUsage: [] }) },
  {
    name: 'a key usage too many',
    code: 'KeyUsageMismatch',
    change: () => ({ keyUsage: ['digitalSignature', 'keyEncipherment', 'keyCertSign'] }),
  },
  { name: 'a key usage too few', code: 'KeyUsageMismatch', change: () => ({ keyUsage: ['digitalSignature'] }) },
  { name: 'a shorter key', code: 'KeyLengthMismatch', change: () => ({ keys: shortKeys }) },
  { name: 'an elliptic curve key', code: 'KeyLengthMismatch', change: () => ({ keys: curveKeys }) },
  { name: 'no extended key usage', code: 'EnhancedKeyUsageMissing', change: () => ({ extendedKeyUsages: [] }) },
  {
    name: 'another extended key usage',
    code: 'EnhancedKeyUsageMismatch',
    change: () => ({ extendedKeyUsages: [serverAuth] }),
  },
  {
    name: 'an extended key usage too many',
    code: 'EnhancedKeyUsageMismatch',
    change: () => ({ extendedKeyUsages: [clientAuth, serverAuth] }),
  },
];

function withContent(parts: RequestParts, content: Parameters<typeof mintChallenge>[0]): Partial<RequestParts> {
  return { challenge: challengeAuthority.issue({ ...challengeAuthority.open(parts.challenge ?? ''), ...content }) };
}

function withTarget(parts: RequestParts, changes: Record<string, string>): Partial<RequestParts> {
  const { target } = challengeAuthority.open(parts.challenge ?? '');
  return withContent(parts, { target: { ...target, ...changes } });
}

describe('validateRequest answers', () => {
  for (const { name, code, change, before, spoil = (request: string) => request } of rows) {
    it(`${code} to ${name}`, async () => {
      const desk = await createEnrolledDesk();
      const honest = partsFor(await desk.checkIn());
      const parts = { ...honest, ...change?.(honest) };
      await before?.(desk, parts);
      const answer = await desk.validate(spoil(certificateRequest(parts)));
      assert.equal(answer.code, code);
      assert.equal(answer.errorDescription === '', code === 'Success');
    });
  }

  it("ChallengeExpired in Microsoft's words", async () => {
    const desk = await createEnrolledDesk();
    const request = certificateRequest(partsFor(await desk.checkIn()));
    desk.advance(61 * minute);
    assert.deepEqual(await desk.validate(request), {
      code: 'ChallengeExpired',
      errorDescription:
        'SCEP challenge has expired.SCEP Challenge has expired. challengeExpInterval=60, ' +
        'challengeExpiration=03/01/2026 13:00:00, challengeCreation=03/01/2026 12:00:00',
    });
  });

  it('never with the challenge in its description', async () => {
    const desk = await createEnrolledDesk();
    const honest = partsFor(await desk.checkIn());
    const { errorDescription } = await desk.validate(certificateRequest({ ...honest, subject: 'CN=eve' }));
    assert.match(errorDescription, /Expected: CN=adele,O=Contoso\. Found: CN=eve\./u);
    assert.ok(!errorDescription.includes((honest.challenge ?? '').slice(0, 40)));
  });
});

describe('an unbound challenge', () => {
  it('leaves open what it does not name', async () => {
    const desk = await createEnrolledDesk();
    const [challenge] = await desk.emulator.control.createChallenges({ subject: 'CN=printer-7' });
    assert.equal((await desk.validate(certificateRequest({ subject: 'CN=printer-7', challenge }))).code, 'Success');
  });

  it('refuses names that it does not name', async () => {
    const desk = await createEnrolledDesk();
    const [challenge] = await desk.emulator.control.createChallenges({ subject: 'CN=printer-7' });
    const request = certificateRequest({ subject: 'CN=printer-7', names: [{ kind: 'dns', value: 'a.b' }], challenge });
    assert.equal((await desk.validate(request)).code, 'SubjectAltNameMismatch');
  });

  it('checks what it names', async () => {
    const desk = await createEnrolledDesk();
    const input = { subject: 'CN=printer-7', keySize: 4096, extendedKeyUsages: [serverAuth] };
    const [challenge] = await desk.emulator.control.createChallenges(input);
    assert.equal(
      (await desk.validate(certificateRequest({ subject: 'CN=printer-7', challenge }))).code,
      'KeyLengthMismatch',
    );
  });

  it('can be minted as one that has expired', async () => {
    const desk = await createEnrolledDesk();
    const [challenge] = await desk.emulator.control.createChallenges({ subject: 'CN=a', expiresInMinutes: -1 });
    assert.equal((await desk.validate(certificateRequest({ subject: 'CN=a', challenge }))).code, 'ChallengeExpired');
  });
});
