import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  basicConstraintsExtension,
  extendedKeyUsageExtension,
  findExtension,
  keyUsageExtension,
  oid,
} from '@scepter/x509';
import { decodeBasicConstraints, decodeExtendedKeyUsage, decodeKeyUsage } from '@scepter/x509';
import { describeRefusal } from '../../src/enrollment/refusals.ts';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../device.ts';
import type { Message } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const keys = newKeys();
const otherKeys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
let laboratory: Laboratory;
let client: Client;
let count = 0;

before(async () => {
  laboratory = await openLaboratory();
  client = await Client.connect(`${laboratory.server.url}/scep/static`);
});
after(() => laboratory.close());

function request(changes: Partial<Message> = {}): Message {
  const csr = certificationRequest(keys, { challenge: STATIC_CHALLENGE });
  return { csr, transactionId: `refused-${(count += 1)}`, signer, ...changes };
}

async function refusal(
  message: Message,
): Promise<{ failInfo: string; code: string | undefined; reason: string | undefined }> {
  laboratory.steps.length = 0;
  const { status, contentType, reply } = await client.send(message);
  assert.equal(status, 200);
  assert.equal(contentType, 'application/x-pki-message');
  assert.ok(reply?.status === 'failure');
  const refused = laboratory.steps.find(({ outcome }) => outcome === 'refused');
  assert.ok(refused?.refusal !== undefined);
  assert.equal(reply.failInfoText, describeRefusal(refused.refusal).failInfoText);
  return { failInfo: reply.failInfo, code: refused.refusal, reason: refused.reason };
}

describe('a parsable request that is refused gets a signed CertRep with HTTP 200', () => {
  const rows: readonly [string, () => Message, string, string][] = [
    ['a CertPoll for nothing', () => request({ messageType: 'CertPoll' }), 'badCertId', 'query.unknown_transaction'],
    ['a GetCert for nothing', () => request({ messageType: 'GetCert' }), 'badCertId', 'query.unknown_certificate'],
    ['MD5', () => request({ digest: 'md5' }), 'badAlg', 'message.weak_algorithm'],
    ['single DES', () => request({ contentCipher: 'des-cbc' }), 'badAlg', 'message.weak_algorithm'],
    [
      'a signer with another key',
      () => request({ signer: { certificate: selfSigned(otherKeys), privateKey: otherKeys.privateKey } }),
      'badRequest',
      'message.sealed_content',
    ],
    [
      'no certification request inside',
      () => request({ csr: Buffer.from('hello') }),
      'badRequest',
      'message.sealed_content',
    ],
    [
      'no challenge',
      () => request({ csr: certificationRequest(keys) }),
      'badRequest',
      'authorization.challenge_missing',
    ],
    [
      'an empty challenge',
      () => request({ csr: certificationRequest(keys, { challenge: '' }) }),
      'badRequest',
      'authorization.challenge_missing',
    ],
    [
      'a wrong challenge',
      () => request({ csr: certificationRequest(keys, { challenge: 'wrong' }) }),
      'badRequest',
      'authorization.challenge_wrong',
    ],
    [
      'no name at all',
      () => request({ csr: certificationRequest(keys, { subject: '', challenge: STATIC_CHALLENGE }) }),
      'badRequest',
      'policy.subject_missing',
    ],
    [
      'only usages that the profile does not allow',
      () =>
        request({
          csr: certificationRequest(keys, {
            challenge: STATIC_CHALLENGE,
            extensions: [extendedKeyUsageExtension([oid.codeSigning])],
          }),
        }),
      'badRequest',
      'policy.extended_key_usage',
    ],
  ];
  for (const [name, message, failInfo, code] of rows) {
    it(`${name}: ${failInfo}`, async () => {
      const seen = await refusal(message());
      assert.equal(seen.failInfo, failInfo);
      assert.equal(seen.code, code);
    });
  }

  it('a small key: badAlg', async () => {
    const small = newKeys(1024);
    const message = request({
      csr: certificationRequest(small, { challenge: STATIC_CHALLENGE }),
      signer: { certificate: selfSigned(small), privateKey: small.privateKey },
    });
    assert.deepEqual(await refusal(message), {
      failInfo: 'badAlg',
      code: 'policy.public_key',
      reason: 'rsa_modulus_size',
    });
  });

  it('issues nothing for any of them', async () => {
    const { enrollments } = await laboratory.server.store.summary();
    assert.equal(enrollments.released + enrollments.withheld + enrollments.intended, 0);
  });
});

describe('what a request asks for beyond its profile', () => {
  it('CA:TRUE, keyCertSign and further usages are not copied', async () => {
    const csr = certificationRequest(keys, {
      challenge: STATIC_CHALLENGE,
      extensions: [
        basicConstraintsExtension({ ca: true }),
        keyUsageExtension(['digitalSignature', 'keyCertSign', 'cRLSign']),
        extendedKeyUsageExtension([oid.clientAuth, oid.ocspSigning, oid.anyExtendedKeyUsage]),
        { oid: oid.sidExtension, critical: false, value: new Uint8Array([0x05, 0x00]) },
      ],
    });
    const { extensions } = issued(await client.send(request({ csr })));
    const value = (extensionOid: string): Uint8Array =>
      findExtension(extensions, extensionOid)?.value ?? new Uint8Array();
    assert.equal(decodeBasicConstraints(value(oid.basicConstraints)).ca, false);
    assert.deepEqual(decodeKeyUsage(value(oid.keyUsage)), ['digitalSignature']);
    assert.deepEqual(decodeExtendedKeyUsage(value(oid.extendedKeyUsage)), [oid.clientAuth]);
    assert.equal(findExtension(extensions, oid.sidExtension), undefined);
  });
});

describe('floors', () => {
  const floors: readonly [string, Partial<Message>, Readonly<Record<string, boolean>>][] = [
    [
      'AES-256, SHA-512',
      { contentCipher: 'aes-256-cbc', digest: 'sha512' },
      { other: true, static: true, legacy: true },
    ],
    ['3DES, SHA-256', { contentCipher: 'des-ede3-cbc' }, { other: false, static: true, legacy: true }],
    ['AES-128, SHA-1', { digest: 'sha1' }, { other: false, static: true, legacy: true }],
    ['DES, SHA-1', { contentCipher: 'des-cbc', digest: 'sha1' }, { other: false, static: false, legacy: true }],
    ['AES-128, MD5', { digest: 'md5' }, { other: false, static: false, legacy: true }],
  ];
  for (const [name, algorithms, endpoints] of floors) {
    for (const [endpoint, accepted] of Object.entries(endpoints)) {
      it(`${name} at /scep/${endpoint}: ${accepted ? 'a certificate' : 'badAlg'}`, async () => {
        const at = await Client.connect(`${laboratory.server.url}/scep/${endpoint}`);
        const { reply } = await at.send(request(algorithms));
        assert.equal(reply?.status, accepted ? 'success' : 'failure');
        if (reply?.status === 'failure') assert.equal(reply.failInfo, 'badAlg');
      });
    }
  }
});
