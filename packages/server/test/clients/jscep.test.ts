import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decodeKeyUsage, findExtension, oid, toHex } from '@scepter/x509';
import type { Certificate, KeyUsage } from '@scepter/x509';
import { certificateIn, enroll, post, prepare, replyTo, startClientServer } from './client-server.ts';
import type { ClientServer, EndpointView } from './client-server.ts';
import { indefinite } from './layout.ts';
import { certificateInQuestion } from './queries.ts';
import { exchange, lines } from './raw-http.ts';
import { newKeys, request, selfSigned } from './request-builder.ts';
import { cms, failInfo, messageType } from './wire.ts';

const keys = newKeys();
const otherKeys = newKeys();
const signer = selfSigned(keys);
let running: ClientServer;
let endpoint: EndpointView;

before(async () => {
  running = await startClientServer();
  endpoint = await running.endpoint('modern');
});
after(() => running.close());

const mayBeFor = (usage: KeyUsage) => (certificate: Certificate) =>
  decodeKeyUsage(findExtension(certificate.extensions, oid.keyUsage)?.value ?? assert.fail()).includes(usage);

describe('Q-J1 jscep: raw base64 in the query, and a choice by key usage', () => {
  it('Q-J1 jscep: a GET whose base64 is not escaped at all enrolls', async () => {
    const prepared = prepare(endpoint, request(keys), signer, { layout: indefinite() });
    const base64 = Buffer.from(prepared.bytes).toString('base64');
    assert.ok(base64.includes('+'));
    const head = `GET ${endpoint.path}?operation=PKIOperation&message=${base64} HTTP/1.1`;
    certificateIn(prepared, await exchange(endpoint.url, lines(head, 'Host: scep', 'User-Agent: Java/17')), endpoint);
  });

  it('Q-J1 jscep: of those that are no CA, one is for digitalSignature and keyEncipherment, and it signs the reply', async () => {
    const notCa = endpoint.certificates.filter((each) => !mayBeFor('keyCertSign')(each));
    const verifier = notCa.find(mayBeFor('digitalSignature')) ?? assert.fail();
    const recipient = notCa.find(mayBeFor('keyEncipherment')) ?? assert.fail();
    assert.equal(toHex(recipient.encoded), toHex(endpoint.recipient.encoded));
    const { reply } = await enroll(endpoint, request(keys), signer);
    assert.equal(toHex(reply.signer.encoded), toHex(verifier.encoded));
  });

  it('Q-J1 jscep: the same bytes again get the same certificate under a fresh senderNonce, with contentType and HTTP 200', async () => {
    const prepared = prepare(endpoint, request(keys), signer);
    const nonces = new Set<string>();
    const serials = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      const { certificate, reply } = certificateIn(prepared, await post(endpoint, prepared), endpoint);
      nonces.add(toHex(reply.senderNonce));
      serials.add(certificate.serialHex);
      assert.ok(reply.attributes.some(({ type }) => type === cms.contentType));
    }
    assert.deepEqual([nonces.size, serials.size], [3, 1]);
  });

  it('Q-J1 jscep: a refusal is HTTP 200 as well, with the same attributes and the nonce of the request', async () => {
    const prepared = prepare(endpoint, request(keys, { challenge: 'not the challenge of anybody' }), signer);
    const reply = replyTo(prepared, await post(endpoint, prepared), endpoint);
    assert.deepEqual([reply.pkiStatus, reply.failInfo, reply.envelope], ['2', failInfo.badRequest, undefined]);
    assert.ok(reply.attributes.some(({ type }) => type === cms.contentType));
  });
});

describe('Q-J2 jscep: transactions of queries are counted from 0 in every process', () => {
  it('Q-J2 jscep: "0" and "1" of two clients are four queries, each with its own answer', async () => {
    const [one, other] = [signer, selfSigned(otherKeys, { subject: 'CN=other' })];
    const certificates = [
      (await enroll(endpoint, request(keys), one)).certificate,
      (await enroll(endpoint, request(otherKeys, { subject: 'CN=other' }), other)).certificate,
    ];
    for (const transactionId of ['0', '1']) {
      for (const [index, owner] of [one, other].entries()) {
        const certificate = certificates[index] ?? assert.fail();
        const prepared = prepare(endpoint, certificateInQuestion(certificate), owner, {
          transactionId,
          messageType: messageType.getCert,
        });
        const answer = certificateIn(prepared, await post(endpoint, prepared), endpoint);
        assert.equal(answer.certificate.serialHex, certificate.serialHex);
      }
    }
  });

  it('Q-J2 jscep: a request under "0" does not get what another client got under "0"', async () => {
    const serials = new Set<string>();
    for (const own of [keys, otherKeys]) {
      serials.add(
        (await enroll(endpoint, request(own), selfSigned(own), { transactionId: '0' })).certificate.serialHex,
      );
    }
    assert.equal(serials.size, 2);
  });
});
