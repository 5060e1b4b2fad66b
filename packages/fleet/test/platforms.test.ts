import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { findExtension, formatGeneralName, formatName, keyIdentifier, oid, toHex } from '@scepter/x509';
import { simulateDevice } from '../src/index.ts';
import type { Platform } from '../src/index.ts';
import { createAuthority, fixedNow } from './authority.ts';
import type { Authority } from './authority.ts';
import { baseProfile, managementFor } from './management.ts';
import { startResponder } from './scep-responder.ts';
import type { ReceivedEnrollment, ReceivedRequest, Responder } from './scep-responder.ts';

const rsaesOaep = '06092a864886f70d010107';
const rsaesPkcs1 = '06092a864886f70d010101';
const nameValuePair = '1.3.6.1.4.1.311.13.2.1';
let authority: Authority;

before(() => {
  authority = createAuthority();
});

interface Enrolled {
  requests: ReceivedRequest[];
  enrollment: ReceivedEnrollment;
}

async function enrollOne(platform: Platform, responder: Responder): Promise<Enrolled> {
  const management = managementFor(platform, authority.rootPem, [{ ...baseProfile, scepServerUrls: [responder.url] }]);
  const outcome = await simulateDevice({
    platform,
    deviceId: 'device-1',
    management,
    fetch,
    randomBytes,
    now: () => fixedNow,
  });
  assert.equal(outcome.status, 'installed', outcome.status === 'failed' ? outcome.failures[0].reason : '');
  const enrollment = responder.enrollments[0];
  assert.ok(enrollment);
  return { requests: responder.requests, enrollment };
}

interface WireRow {
  name: Platform;
  getQuery: string;
  path: string;
  userAgent: RegExp;
  contentType: string;
  firstBytes: string;
  keyTransport: string;
}

const wire: WireRow[] = [
  {
    name: 'windows',
    getQuery: 'operation=GetCACaps&message=default',
    path: '/scep/test/pkiclient.exe',
    userAgent: /^Mozilla\/4\.0 \(compatible; Win32; NDES client 10\.0\.26100\.1\/.+\)$/,
    contentType: 'application/x-pki-message',
    firstBytes: '3082',
    keyTransport: rsaesOaep,
  },
  ...(['ios', 'macos'] as const).map((name) => ({
    name,
    getQuery: 'operation=GetCACaps&message=',
    path: '/scep/test',
    userAgent: /CFNetwork\/[\d.]+ Darwin\//,
    contentType: 'application/x-pki-message',
    firstBytes: '3080',
    keyTransport: rsaesPkcs1,
  })),
  ...(['android', 'androidEnterprise'] as const).map((name) => ({
    name,
    getQuery: 'operation=GetCACaps&message=',
    path: '/scep/test',
    userAgent: /^Dalvik\/2\.1\.0 \(Linux; U; Android/,
    contentType: 'application/octet-stream',
    firstBytes: '3080',
    keyTransport: rsaesPkcs1,
  })),
];

describe('on the wire', () => {
  for (const row of wire) {
    it(`${row.name} has its path, query, headers, framing and key transport`, async (test) => {
      const responder = await startResponder({ authority });
      test.after(() => responder.close());
      const { requests, enrollment } = await enrollOne(row.name, responder);

      assert.deepEqual(
        requests.map(({ method, url }) => `${method} ${url}`),
        [
          `GET ${row.path}?${row.getQuery}`,
          `GET ${row.path}?${row.getQuery.replace('GetCACaps', 'GetCACert')}`,
          `POST ${row.path}?operation=PKIOperation`,
        ],
      );
      for (const request of requests) assert.match(request.headers['user-agent'] ?? '', row.userAgent);
      assert.equal(requests[2]?.headers['content-type'], row.contentType);
      assert.equal(toHex(enrollment.bytes.subarray(0, 2)), row.firstBytes);
      const envelope = toHex(enrollment.message.content ?? new Uint8Array());
      assert.equal(envelope.startsWith(row.firstBytes), true, 'the envelope is framed as the message is');
      assert.equal(envelope.includes(row.keyTransport), true);
      assert.equal(envelope.includes(row.keyTransport === rsaesOaep ? rsaesPkcs1 : rsaesOaep), false);
    });
  }
});

describe('the request', () => {
  it('says what the profile says, on every platform', async (test) => {
    for (const { name } of wire) {
      await test.test(name, async (inner) => {
        const responder = await startResponder({ authority });
        inner.after(() => responder.close());
        const { csr, message } = (await enrollOne(name, responder)).enrollment;
        assert.equal(message.messageType, 'PKCSReq');
        assert.equal(formatName(csr.subject), 'CN=anna,O=Contoso');
        assert.deepEqual(csr.subjectAltNames.map(formatGeneralName), [
          'UPN:anna@contoso.example',
          'URI:tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-1104',
        ]);
        assert.equal(csr.challengePassword, baseProfile.challenge);
        assert.ok(findExtension(csr.extensions, oid.keyUsage));
        assert.ok(findExtension(csr.extensions, oid.extendedKeyUsage));
        assert.deepEqual(csr.publicKey.key.kind, 'rsa');
      });
    }
  });

  it('of Windows is signed by CN=SCEP Protocol Certificate with a critical authority key identifier', async (test) => {
    const responder = await startResponder({ authority });
    test.after(() => responder.close());
    const { message, csr } = (await enrollOne('windows', responder)).enrollment;
    assert.equal(formatName(message.signer.subject), 'CN=SCEP Protocol Certificate');
    const extension = findExtension(message.signer.extensions, oid.authorityKeyIdentifier);
    assert.equal(extension?.critical, true);
    assert.equal(toHex(extension.value).endsWith(toHex(keyIdentifier(csr.publicKey))), true);
    assert.equal(message.signer.signatureAlgorithm.oid, oid.sha1WithRSA);
  });

  it('of the others is signed by a certificate with its own subject', async (test) => {
    for (const name of ['ios', 'macos', 'android', 'androidEnterprise'] as const) {
      const responder = await startResponder({ authority });
      test.after(() => responder.close());
      const { message } = (await enrollOne(name, responder)).enrollment;
      assert.equal(formatName(message.signer.subject), 'CN=anna,O=Contoso', name);
    }
  });

  const attributes: { name: Platform; extra: string[]; validity: string[] | undefined }[] = [
    {
      name: 'windows',
      extra: [
        '1.3.6.1.4.1.311.13.2.1',
        '1.3.6.1.4.1.311.13.2.2',
        '1.3.6.1.4.1.311.13.2.3',
        '1.3.6.1.4.1.311.2.1.14',
        '1.3.6.1.4.1.311.21.20',
      ],
      validity: ['ValidityPeriod Years', 'ValidityPeriodUnits 1'],
    },
    { name: 'ios', extra: [], validity: undefined },
    { name: 'macos', extra: [], validity: undefined },
    { name: 'android', extra: [nameValuePair], validity: ['ValidityPeriod 1', 'ValidityPeriodUnits Years'] },
    { name: 'androidEnterprise', extra: [nameValuePair], validity: ['ValidityPeriod 1', 'ValidityPeriodUnits Years'] },
  ];
  for (const row of attributes) {
    it(`of ${row.name} carries that platform's further attributes`, async (test) => {
      const responder = await startResponder({ authority });
      test.after(() => responder.close());
      const { csr } = (await enrollOne(row.name, responder)).enrollment;
      const usual = new Set<string>([oid.challengePassword, oid.extensionRequest]);
      const extra = csr.attributes.filter((attribute) => !usual.has(attribute.oid));
      assert.deepEqual(extra.map((attribute) => attribute.oid).sort(), row.extra);
      const pairs = extra.find((attribute) => attribute.oid === nameValuePair)?.values;
      assert.deepEqual(pairs?.map(readNameValuePair).sort(), row.validity);
    });
  }
});

describe('a server without POST', () => {
  it('gets the message by GET, from Apple with + and / as they are', async (test) => {
    const responder = await startResponder({ authority, capabilities: 'AES\nSHA-256\n' });
    test.after(() => responder.close());
    const { requests } = await enrollOne('ios', responder);
    const url = requests[2]?.url ?? '';
    assert.equal(requests[2]?.method, 'GET');
    assert.match(url, /\?operation=PKIOperation&message=[A-Za-z0-9+/]+(?:%3D){0,2}$/);
    assert.match(url, /message=.*[+/]/);
  });

  it('gets it fully escaped from Windows', async (test) => {
    const responder = await startResponder({ authority, capabilities: 'AES\nSHA-256\n' });
    test.after(() => responder.close());
    const management = managementFor('windows', authority.rootPem, [
      { ...baseProfile, scepServerUrls: [responder.url] },
    ]);
    await simulateDevice({ platform: 'windows', deviceId: '1', management, fetch, randomBytes, now: () => fixedNow });
    assert.match(responder.requests[2]?.url ?? '', /&message=(?:[A-Za-z0-9]|%2[BbFf]|%3[Dd])+$/);
  });
});

/** Both strings of an EnrollmentNameValuePair, by the bytes: SEQUENCE, BMPString, BMPString, short lengths. */
function readNameValuePair(encoded: Uint8Array): string {
  const bytes = Buffer.from(encoded);
  const strings: string[] = [];
  for (let at = 2; at < bytes.length;) {
    assert.equal(bytes[at], 0x1e);
    const end = at + 2 + (bytes[at + 1] ?? 0);
    strings.push(
      Buffer.from(bytes.subarray(at + 2, end))
        .swap16()
        .toString('utf16le'),
    );
    at = end;
  }
  return strings.join(' ');
}
