import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { decodeCertificateList, oid, toHex } from '@scepter/x509';
import { certificateIn, enroll, post, prepare, replyTo, startClientServer } from './client-server.ts';
import type { ClientServer, EndpointView, Prepared } from './client-server.ts';
import { certificateInQuestion, unknownCertificate } from './queries.ts';
import { exchange, lines } from './raw-http.ts';
import type { Reply } from './reply-reader.ts';
import { newKeys, request, selfSigned } from './request-builder.ts';
import type { Keys } from './request-builder.ts';
import { cms, failInfo, messageType } from './wire.ts';

const keys = newKeys();
const otherKeys = newKeys();
let running: ClientServer;
let endpoint: EndpointView;

before(async () => {
  running = await startClientServer();
  endpoint = await running.endpoint('compatible');
});
after(() => running.close());

/** What sscep makes: no extensions, a serial number of 32 bytes, about six days. */
const sscepSigner = (own: Keys) =>
  selfSigned(own, { serialNumber: createHash('sha256').update('sscep').digest(), validityDays: 6 });

/** The one transaction of all its queries. */
const QUERY_TRANSACTION = 'SSCEP transactionId';

async function ask(own: Keys, content: Uint8Array, type: string): Promise<Reply> {
  const prepared = prepare(endpoint, content, sscepSigner(own), {
    transactionId: QUERY_TRANSACTION,
    messageType: type,
  });
  return replyTo(prepared, await post(endpoint, prepared), endpoint);
}

describe('Q-S1 sscep: http, bare content types, message=CAIdentifier', () => {
  it('Q-S1 sscep: GetCACaps and GetCACert with message=CAIdentifier answer under bare content types', async () => {
    const expected: readonly [string, string][] = [
      ['GetCACaps', 'text/plain'],
      ['GetCACert', 'application/x-x509-ca-ra-cert'],
    ];
    for (const [operation, contentType] of expected) {
      const head = `GET ${endpoint.path}?operation=${operation}&message=CAIdentifier HTTP/1.0`;
      const answer = await exchange(endpoint.url, lines(head, 'Connection: close'));
      assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, contentType]);
    }
  });

  it('Q-S1 sscep: a POST in HTTP/1.0 without Content-Type enrolls; the reply has no parameters on its own', async () => {
    const prepared: Prepared = prepare(endpoint, request(keys), sscepSigner(keys), { cipher: 'des3', digest: 'sha1' });
    const head = lines(
      `POST ${endpoint.path}?operation=PKIOperation HTTP/1.0`,
      `Content-Length: ${prepared.bytes.length}`,
    );
    const answer = await exchange(endpoint.url, head, prepared.bytes);
    assert.equal(answer.headers.get('content-type'), 'application/x-pki-message');
    const { reply } = certificateIn(prepared, answer, endpoint);
    assert.equal(reply.envelope?.transportOid, oid.rsaEncryption, 'PKCS7_decrypt cannot read OAEP');
    assert.notEqual(reply.envelope.transportOid, cms.rsaesOaep);
  });

  it('Q-S1 sscep: the reply verifies with the certificate that -c names: the one that requests are encrypted to', async () => {
    const { reply } = await enroll(endpoint, request(keys), sscepSigner(keys));
    assert.equal(toHex(reply.signer.encoded), toHex(endpoint.recipient.encoded));
  });
});

describe('Q-S2 sscep: one transaction for every query, a long serial number', () => {
  it('Q-S2 sscep: a signer with a serial number of 32 bytes and no extensions enrolls', async () => {
    const signer = sscepSigner(keys);
    assert.ok(signer.certificate.serialNumber.length >= 32 && signer.certificate.extensions.length === 0);
    const { reply } = await enroll(endpoint, request(keys), signer);
    const [recipient] = reply.envelope?.recipients ?? [];
    assert.equal(
      toHex(recipient?.serialNumber ?? assert.fail()),
      toHex(signer.certificate.serialNumber),
      'and it is answered to that number',
    );
  });

  it('Q-S2 sscep: two clients with the same transaction enroll, each its own key', async () => {
    for (const own of [keys, otherKeys]) {
      const { certificate } = await enroll(endpoint, request(own), sscepSigner(own), {
        transactionId: QUERY_TRANSACTION,
      });
      assert.equal(toHex(certificate.publicKey.encoded), toHex(sscepSigner(own).certificate.publicKey.encoded));
    }
  });

  it('Q-S2 sscep: GetCert under the one transaction gives each client the certificate it asks for', async () => {
    const one = (await enroll(endpoint, request(keys, { subject: 'CN=one' }), sscepSigner(keys))).certificate;
    const other = (await enroll(endpoint, request(otherKeys, { subject: 'CN=other' }), sscepSigner(otherKeys)))
      .certificate;
    for (const [own, certificate] of [
      [keys, one],
      [otherKeys, other],
      [keys, other],
    ] as const) {
      const reply = await ask(own, certificateInQuestion(certificate), messageType.getCert);
      assert.equal(reply.pkiStatus, '0');
      assert.deepEqual(
        reply.envelope?.certificates.map(({ serialHex }) => serialHex),
        [certificate.serialHex],
      );
    }
    const unknown = await ask(keys, unknownCertificate(one.issuer), messageType.getCert);
    assert.deepEqual([unknown.pkiStatus, unknown.failInfo], ['2', failInfo.badCertId]);
  });

  it('Q-S2 sscep: GetCRL under the same transaction gives the CRL and no certificate', async () => {
    const { certificate } = await enroll(endpoint, request(keys), sscepSigner(keys));
    for (const own of [keys, otherKeys]) {
      const reply = await ask(own, certificateInQuestion(certificate), messageType.getCrl);
      assert.equal(reply.pkiStatus, '0');
      assert.equal(reply.envelope?.certificates.length, 0);
      const [crl = new Uint8Array(), ...more] = reply.envelope.crls;
      assert.equal(more.length, 0);
      assert.equal(toHex(decodeCertificateList(crl).issuer.encoded), toHex(certificate.issuer.encoded));
    }
  });
});
