import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { der, oid, toHex } from '@scepter/x509';
import { certificateIn, enroll, post, prepare, refused, replyTo, startClientServer } from './client-server.ts';
import type { ClientServer, EndpointView, Habits } from './client-server.ts';
import { wrapped } from './layout.ts';
import { recipientInfo, sorted, transports } from './message-builder.ts';
import { newKeys, request, selfSigned } from './request-builder.ts';
import { ciphers, failInfo, scep } from './wire.ts';

const keys = newKeys();
const signer = selfSigned(keys);
let running: ClientServer;
let endpoint: EndpointView;

before(async () => {
  running = await startClientServer();
  endpoint = await running.endpoint('modern');
});
after(() => running.close());

/** The base64 of the key's identifier; the key is searched for that shows all of "+", "/" and "=". */
const base64Transaction = 'q+8/Zb+Jx1k4rE/n0a9S+w==';

describe('Q-X1 scepclient: base64 transactions, one recipient for every certificate', () => {
  it('Q-X1 scepclient: a transaction with +, / and = comes back as it was', async () => {
    const { reply } = await enroll(endpoint, request(keys), signer, { transactionId: base64Transaction });
    assert.equal(reply.transactionId, base64Transaction);
  });

  it('Q-X1 scepclient: a transaction that Go writes as UTF8String, since PrintableString has no such characters', async () => {
    const text = 'device_7*@contoso&café';
    const prepared = prepare(endpoint, request(keys), signer, { transactionId: der.utf8String(text) });
    const { reply } = certificateIn(prepared, await post(endpoint, prepared), endpoint);
    assert.equal(reply.transactionId, text);
    const value = reply.attributes.find(({ type }) => type === scep.transactionId);
    assert.equal(toHex(value?.value.encoded ?? assert.fail()), toHex(der.utf8String(text)));
  });

  it('Q-X1 scepclient: an envelope for every certificate of the list, ours first or last, enrolls', async () => {
    for (const certificates of [endpoint.certificates, endpoint.certificates.toReversed()]) {
      const recipients = certificates.map((certificate) => recipientInfo(certificate));
      assert.ok(recipients.length >= 2);
      await enroll(endpoint, request(keys), signer, { recipients });
    }
  });

  it('Q-X1 scepclient: an envelope for all the others but the RA is the one refusal', async () => {
    const recipients = endpoint.certificates.slice(1).map((certificate) => recipientInfo(certificate));
    assert.equal(await refused(endpoint, request(keys), signer, { recipients }), failInfo.badRequest);
    assert.equal(running.lastRefusal(), 'message.sealed_content');
  });

  const debian: Habits = { cipher: 'des', digest: 'sha1', layout: wrapped };
  it('Q-X1 scepclient: Debian 2.1.0, single DES with SHA-1 and a wrapped [0], enrolls on a legacy endpoint', async () => {
    const legacy = await running.endpoint('legacy');
    const { reply } = await enroll(legacy, request(keys), signer, debian);
    assert.deepEqual([reply.digestOid, reply.envelope?.cipherOid], [oid.sha1, ciphers.des.oid]);
  });

  for (const name of ['modern', 'compatible']) {
    it(`Q-X1 scepclient: Debian 2.1.0 is badAlg on a ${name} endpoint`, async () => {
      const stricter = await running.endpoint(name);
      assert.equal(await refused(stricter, request(keys), signer, debian), failInfo.badAlg);
    });
  }

  it('Q-X1 scepclient: the wrapped [0] alone, under AES, is no reason to refuse', async () => {
    await enroll(endpoint, request(keys), signer, { layout: wrapped });
  });
});

describe('Q-X2 Infisical: the first recipient, and signed attributes encoded anew', () => {
  it('Q-X2 Infisical: a stranger as first recipient does not matter to us', async () => {
    const stranger = selfSigned(newKeys(), { subject: 'CN=Some other CA' }).certificate;
    const recipients = [recipientInfo(stranger, transports.oaepSha256), recipientInfo(endpoint.recipient)];
    await enroll(endpoint, request(keys), signer, { recipients });
  });

  it('Q-X2 Infisical: signed attributes in another order than DER verify over the bytes received', async () => {
    const orders: ((attributes: readonly Uint8Array[]) => Uint8Array[])[] = [
      (attributes) => [...attributes],
      (attributes) => sorted(attributes).toReversed(),
      (attributes) => [...sorted(attributes).slice(2), ...sorted(attributes).slice(0, 2)],
    ];
    for (const order of orders) {
      const { certificate } = await enroll(endpoint, request(keys), signer, { order });
      assert.deepEqual(certificate.publicKey.encoded, signer.certificate.publicKey.encoded);
    }
  });

  it('Q-X2 Infisical: attributes that are sorted behind the signature are badMessageCheck', async () => {
    const transactionId = toHex(createHash('md5').update('order').digest());
    const disorder = prepare(endpoint, request(keys), signer, {
      transactionId,
      order: (attributes) => sorted(attributes).toReversed(),
    });
    const bytes = Buffer.from(disorder.bytes);
    // The first and the last attribute trade places in the message; the signature stays.
    const signedAttributes = attributesIn(bytes);
    const moved = Buffer.concat(signedAttributes.parts.toReversed());
    assert.equal(moved.length, signedAttributes.end - signedAttributes.start);
    moved.copy(bytes, signedAttributes.start);
    const tampered = { ...disorder, bytes };
    const reply = replyTo(tampered, await post(endpoint, tampered), endpoint);
    assert.equal(reply.failInfo, failInfo.badMessageCheck);
  });
});

/** Where the signed attributes of a message in DER stand: found by the object identifiers that begin them. */
function attributesIn(bytes: Buffer): { start: number; end: number; parts: Buffer[] } {
  const types = [
    '1.2.840.113549.1.9.3',
    '1.2.840.113549.1.9.4',
    scep.messageType,
    scep.senderNonce,
    scep.transactionId,
  ];
  const parts = types
    .map((type) => bytes.lastIndexOf(der.oid(type)) - 2)
    .sort((one, other) => one - other)
    .map((start) => ({ start, end: start + 2 + (bytes[start + 1] ?? 0) }));
  return {
    start: parts[0]?.start ?? 0,
    end: parts.at(-1)?.end ?? 0,
    parts: parts.map(({ start, end }) => bytes.subarray(start, end)),
  };
}
