import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { oid } from '@scepter/x509';
import { certificateIn, enroll, prepare, refused, startClientServer } from './client-server.ts';
import type { ClientServer, Habits } from './client-server.ts';
import { exchange, lines } from './raw-http.ts';
import { newKeys, request, selfSigned } from './request-builder.ts';
import { ciphers, failInfo } from './wire.ts';

const keys = newKeys();
const signer = selfSigned(keys);
let running: ClientServer;

before(async () => {
  running = await startClientServer();
});
after(() => running.close());

/** Junos offers md5 and sha-1, des and des3; this is the best of it. */
const bestOfJunos: Habits = { digest: 'sha1', cipher: 'des3' };

describe('Q-F1 Juniper: scep-digest sha-1 and scep-encryption des3', () => {
  for (const name of ['compatible', 'legacy']) {
    it(`Q-F1 Juniper: SHA-1 with triple DES enrolls on a ${name} endpoint and is answered alike`, async () => {
      const { certificate, reply } = await enroll(await running.endpoint(name), request(keys), signer, bestOfJunos);
      assert.deepEqual([reply.digestOid, reply.envelope?.cipherOid], [oid.sha1, ciphers.des3.oid]);
      assert.equal(reply.envelope?.certificates.length, 1, 'Junos refuses a reply with any other certificate in it');
      assert.equal(certificate.signatureAlgorithm.oid, oid.sha256WithRSA, 'the certificate itself stays modern');
    });
  }

  const weak: readonly [string, string, Habits][] = [
    ['SHA-1', 'modern', { digest: 'sha1' }],
    ['triple DES', 'modern', { cipher: 'des3' }],
    ['MD5', 'compatible', { ...bestOfJunos, digest: 'md5' }],
    ['single DES', 'compatible', { ...bestOfJunos, cipher: 'des' }],
  ];
  for (const [what, name, habits] of weak) {
    it(`Q-F1 Juniper: ${what} on a ${name} endpoint is badAlg, and the operator reads why`, async () => {
      assert.equal(await refused(await running.endpoint(name), request(keys), signer, habits), failInfo.badAlg);
      assert.equal(running.lastRefusal(), 'message.weak_algorithm');
    });
  }

  it('Q-F1 Juniper: the defaults, MD5 with single DES, enroll on a legacy endpoint alone', async () => {
    const { reply } = await enroll(await running.endpoint('legacy'), request(keys), signer, {
      digest: 'md5',
      cipher: 'des',
    });
    assert.deepEqual([reply.digestOid, reply.envelope?.cipherOid], [oid.md5, ciphers.des.oid]);
  });
});

describe('Q-F2 FortiOS: a path of its own, an MD5 transaction', () => {
  const suffixes = ['/', '/certsrv/mscep/mscep.dll/', '//pkiclient.exe', '/a/path/that/nobody/knows/'];
  it('Q-F2 FortiOS: any path behind the endpoint, with a slash at its end, enrolls by GET', async () => {
    const endpoint = await running.endpoint('compatible');
    const transactionId = createHash('md5').update(signer.certificate.publicKey.encoded).digest('hex');
    for (const suffix of suffixes) {
      const prepared = prepare(endpoint, request(keys), signer, { ...bestOfJunos, transactionId });
      const message = encodeURIComponent(Buffer.from(prepared.bytes).toString('base64'));
      const head = `GET ${endpoint.path}${suffix}?operation=PKIOperation&message=${message} HTTP/1.1`;
      const answer = await exchange(endpoint.url, lines(head, 'Host: fortigate'));
      assert.deepEqual(
        certificateIn(prepared, answer, endpoint).certificate.publicKey.encoded,
        signer.certificate.publicKey.encoded,
      );
    }
  });

  it('Q-F2 FortiOS: a name that only begins like an endpoint is none', async () => {
    const head = 'GET /scep/compatible-not/?operation=GetCACaps HTTP/1.1';
    assert.equal((await exchange(running.server.url, lines(head, 'Host: fortigate'))).status, 404);
  });
});
