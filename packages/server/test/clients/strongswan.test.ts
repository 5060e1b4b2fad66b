import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decodeCertificate, digest, oid, toHex } from '@scepter/x509';
import type { DigestName } from '@scepter/x509';
import {
  approveTheOnlyOne,
  certificateIn,
  enroll,
  post,
  prepare,
  replyTo,
  startClientServer,
} from './client-server.ts';
import type { ClientServer, EndpointView, Habits } from './client-server.ts';
import { issuerAndSubject } from './queries.ts';
import { exchange, lines, textOf } from './raw-http.ts';
import { newKeys, request, selfSigned } from './request-builder.ts';
import type { Keys } from './request-builder.ts';
import { ciphers, failInfo, messageType } from './wire.ts';
import type { CipherName } from './wire.ts';

const keys = newKeys();
let running: ClientServer;
let endpoint: EndpointView;

before(async () => {
  running = await startClientServer({ endpoints: { manual: { authorizer: { kind: 'manual' } } } });
  endpoint = await running.endpoint('compatible');
});
after(() => running.close());

/** SHA-1 of the SubjectPublicKeyInfo: the transaction in upper-case hex, and the serial number. */
function identity(own: Keys) {
  const keyDigest = digest('sha1', selfSigned(own).certificate.publicKey.encoded);
  // The first bit of a serial number is its sign: a digest with it set becomes 21 bytes.
  const signer = selfSigned(own, { serialNumber: keyDigest });
  return { signer, transactionId: toHex(keyDigest).toUpperCase() };
}

async function capabilities(name: string): Promise<string> {
  const path = `/scep/${name}`;
  return textOf(await exchange(running.server.url, lines(`GET ${path}?operation=GetCACaps HTTP/1.1`, 'Host: a')));
}

describe('Q-G1 strongSwan: POST without Content-Type, GET without Host', () => {
  it('Q-G1 strongSwan: a POST without a Content-Type enrolls', async () => {
    const { signer, transactionId } = identity(keys);
    const prepared = prepare(endpoint, request(keys), signer, { transactionId });
    const head = lines(
      `POST ${endpoint.path}?operation=PKIOperation HTTP/1.1`,
      'Host: vpn',
      `Content-Length: ${prepared.bytes.length}`,
    );
    certificateIn(prepared, await exchange(endpoint.url, head, prepared.bytes), endpoint);
  });

  for (const version of ['1.0', '1.1']) {
    it(`Q-G1 strongSwan: a GET in HTTP/${version} without Host, a line feed every 64 characters, enrolls`, async () => {
      const { signer, transactionId } = identity(keys);
      const prepared = prepare(endpoint, request(keys), signer, { transactionId });
      const base64 = Buffer.from(prepared.bytes).toString('base64');
      const message = encodeURIComponent(base64.replaceAll(/.{64}/g, '$&\n'));
      const head = `GET ${endpoint.path}?operation=PKIOperation&message=${message} HTTP/${version}`;
      certificateIn(prepared, await exchange(endpoint.url, lines(head)), endpoint);
    });
  }
});

describe('Q-G2 strongSwan: an empty line in GetCACaps matches every capability', () => {
  for (const name of ['modern', 'compatible', 'legacy', 'manual']) {
    it(`Q-G2 strongSwan: the list of the endpoint "${name}" has no empty line and none at its end`, async () => {
      const body = await capabilities(name);
      const each = body.split('\n');
      assert.ok(
        each.every((line) => /^[A-Za-z0-9-]+$/.test(line)),
        JSON.stringify(body),
      );
      assert.equal(new Set(each).size, each.length);
      assert.ok(each.includes('SCEPStandard') && each.includes('POSTPKIOperation'));
    });
  }
});

describe('Q-G3 strongSwan: transaction and serial number are the digest of the key', () => {
  it('Q-G3 strongSwan: serial numbers of 20 and of 21 bytes, the same number as transaction, enroll', async () => {
    const seen = new Set<number>();
    // Each key gives one or the other; 40 of them miss one of the two once in 2^39 runs.
    for (let round = 0; seen.size < 2 && round < 40; round += 1) {
      const own = newKeys(1024);
      const { signer } = identity(own);
      if (seen.has(signer.certificate.serialNumber.length)) continue;
      seen.add(signer.certificate.serialNumber.length);
      // The policy refuses the short key, behind everything that the serial number could break.
      await assert.rejects(enroll(endpoint, request(own), signer), /failInfo 0/);
      assert.equal(running.lastRefusal(), 'policy.public_key');
    }
    assert.deepEqual(seen, new Set([20, 21]));
  });

  it('Q-G3 strongSwan: renewal by PKCSReq, for which "Renewal" must be listed, gets a certificate for the new key', async () => {
    assert.ok((await capabilities('compatible')).split('\n').includes('Renewal'));
    const { signer, transactionId } = identity(keys);
    const { certificate: old } = await enroll(endpoint, request(keys), signer, { transactionId });
    const next = newKeys();
    const renewal = { transactionId: identity(next).transactionId };
    for (const type of [messageType.pkcsReq, messageType.renewalReq]) {
      const { certificate } = await enroll(
        endpoint,
        request(next, { challenge: null }),
        { certificate: old, privateKey: keys.privateKey },
        { ...renewal, messageType: type },
      );
      assert.notEqual(certificate.serialHex, old.serialHex);
    }
  });

  it('Q-G3 strongSwan: polls while a person decides, is PENDING each time, and gets the certificate behind the approval', async () => {
    const manual = await running.endpoint('manual');
    const { signer, transactionId } = identity(keys);
    const asked = prepare(manual, request(keys, { challenge: null }), signer, { transactionId });
    assert.equal(replyTo(asked, await post(manual, asked), manual).pkiStatus, '3');
    const issuer = decodeCertificate(running.server.authority.issuingCertificate).subject;
    const query = issuerAndSubject(issuer, signer.certificate.subject);
    const poll = async (habits: Habits) => {
      const prepared = prepare(manual, query, signer, { messageType: messageType.certPoll, ...habits });
      return { prepared, answer: await post(manual, prepared) };
    };
    for (let round = 0; round < 3; round += 1) {
      const { prepared, answer } = await poll({ transactionId });
      assert.equal(replyTo(prepared, answer, manual).pkiStatus, '3');
    }
    const foreign = await poll({ transactionId: 'FFFF' });
    assert.equal(replyTo(foreign.prepared, foreign.answer, manual).failInfo, failInfo.badCertId);
    await approveTheOnlyOne(running, 'manual');
    const serials = new Set<string>();
    for (let round = 0; round < 2; round += 1) {
      const { prepared, answer } = await poll({ transactionId });
      serials.add(certificateIn(prepared, answer, manual).certificate.serialHex);
    }
    assert.equal(serials.size, 1, 'the answer to the first poll may have been lost (RFC 8894 section 5.2)');
  });
});

describe('Q-G4 strongSwan: Debian 12 takes AES with SHA-256 for granted only beside SHA-384', () => {
  it('Q-G4 strongSwan: every digest that is accepted is listed, SHA-384 too, and none that is not', async () => {
    const named: readonly [DigestName, string][] = [
      ['sha1', 'SHA-1'],
      ['sha256', 'SHA-256'],
      ['sha384', 'SHA-384'],
      ['sha512', 'SHA-512'],
    ];
    for (const name of ['modern', 'compatible']) {
      const view = await running.endpoint(name);
      const listed = (await capabilities(name)).split('\n');
      for (const [digestName, keyword] of named) {
        const prepared = prepare(view, request(keys), selfSigned(keys), { digest: digestName });
        const { pkiStatus } = replyTo(prepared, await post(view, prepared), view);
        assert.equal(listed.includes(keyword), pkiStatus === '0', `${keyword} on ${name}`);
      }
    }
  });
});

describe('Q-G5 strongSwan: a reply verifies only under "rsaEncryption"', () => {
  const rows: readonly [CipherName, DigestName][] = [
    ['aes128', 'sha256'],
    ['aes128', 'sha512'],
    ['aes256', 'sha384'],
    ['aes128', 'sha1'],
    ['des3', 'sha256'],
    ['des3', 'sha1'],
  ];
  for (const [cipher, digestName] of rows) {
    it(`Q-G5 strongSwan: ${cipher} with ${digestName} is answered alike, signed under rsaEncryption`, async () => {
      const { signer, transactionId } = identity(keys);
      const { reply } = await enroll(endpoint, request(keys), signer, { transactionId, cipher, digest: digestName });
      assert.deepEqual(
        [reply.signatureOid, reply.digestOid, reply.envelope?.cipherOid],
        [oid.rsaEncryption, oid[digestName], ciphers[cipher].oid],
      );
    });
  }
});
