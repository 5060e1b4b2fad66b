import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { encodeCertsOnly, ScepClient } from '@scepter/scep';
import {
  basicConstraintsExtension,
  decodeBasicConstraints,
  decodeKeyUsage,
  der,
  findExtension,
  keyUsageExtension,
  oid,
  thumbprint,
  toHex,
} from '@scepter/x509';
import type { Certificate, KeyUsage } from '@scepter/x509';
import {
  approveTheOnlyOne,
  certificateIn,
  enroll,
  post,
  prepare,
  refused,
  replyTo,
  startClientServer,
  staticChallenge,
} from './client-server.ts';
import type { ClientServer, EndpointView } from './client-server.ts';
import { indefinite } from './layout.ts';
import { sorted } from './message-builder.ts';
import { exchange, lines, textOf } from './raw-http.ts';
import { issuedBy, newKeys, request, selfSigned } from './request-builder.ts';
import { cms, failInfo, messageType, scep } from './wire.ts';

const keys = newKeys();
const otherKeys = newKeys();
const signer = selfSigned(keys);
let running: ClientServer;
let endpoint: EndpointView;

before(async () => {
  running = await startClientServer({
    endpoints: {
      manual: { authorizer: { kind: 'manual' } },
    },
  });
  endpoint = await running.endpoint('compatible');
});
after(() => running.close());

const usageOf = ({ extensions }: Certificate): KeyUsage[] =>
  decodeKeyUsage(findExtension(extensions, oid.keyUsage)?.value ?? assert.fail('no key usage'));
const isAuthority = ({ extensions }: Certificate): boolean => {
  const constraints = findExtension(extensions, oid.basicConstraints);
  return constraints !== undefined && decodeBasicConstraints(constraints.value).ca;
};

async function capabilities(view: EndpointView): Promise<string[]> {
  const answer = await exchange(view.url, lines(`GET ${view.path}?operation=GetCACaps&message= HTTP/1.1`, 'Host: a'));
  return textOf(answer).split('\n');
}

describe('Q-A1 Apple: what the content type of GetCACert promises', () => {
  let choosing: ClientServer;
  before(async () => {
    choosing = await startClientServer({
      endpoints: { issuer: { authorizer: staticChallenge, caCertificates: 'issuer' } },
    });
  });
  after(() => choosing.close());

  it('Q-A1 Apple: application/x-x509-ca-ra-cert always comes with an RA certificate, and it stands first', async () => {
    for (const name of ['compatible', 'issuer']) {
      const view = await choosing.endpoint(name);
      assert.equal(view.contentType, 'application/x-x509-ca-ra-cert');
      assert.deepEqual(view.certificates.map(isAuthority), name === 'issuer' ? [false, true] : [false, true, true]);
    }
  });

  it('Q-A1 Apple: the chain can be left out, so that only the RA and the issuing CA remain', async () => {
    const { certificates } = await choosing.endpoint('issuer');
    const { issuingCertificate, registrationCertificate } = choosing.server.authority;
    assert.deepEqual(
      certificates.map(({ encoded }) => thumbprint(encoded, 'sha256')),
      [registrationCertificate, issuingCertificate].map((encoded) => thumbprint(encoded, 'sha256')),
    );
  });
});

describe('Q-A1 Apple: a CA without an RA', () => {
  let alone: ClientServer;
  before(async () => {
    alone = await startClientServer({ authority: { registration: 'none' } });
  });
  after(() => alone.close());

  it('Q-A1 Apple: GetCACert is one certificate in DER under application/x-x509-ca-cert, although it is an intermediate', async () => {
    const view = await alone.endpoint('modern');
    assert.equal(view.contentType, 'application/x-x509-ca-cert');
    const { issuingCertificate } = alone.server.authority;
    assert.equal(thumbprint(view.recipient.encoded, 'sha256'), thumbprint(issuingCertificate, 'sha256'));
    assert.notDeepEqual(view.recipient.issuer.encoded, view.recipient.subject.encoded);
    assert.deepEqual(usageOf(view.recipient), ['digitalSignature', 'keyEncipherment', 'keyCertSign', 'cRLSign']);
    const { certificate, reply } = await enroll(view, request(keys), signer, { layout: indefinite() });
    assert.deepEqual(certificate.issuer.encoded, view.recipient.subject.encoded);
    assert.equal(thumbprint(reply.signer.encoded, 'sha256'), thumbprint(issuingCertificate, 'sha256'));
  });
});

describe('Q-A2 Apple: whom a client encrypts to', () => {
  // How clients really choose; each must come to the certificate whose key opens requests.
  const rules: readonly [string, (offered: readonly Certificate[]) => Certificate | undefined][] = [
    ['the first with keyEncipherment', (offered) => offered.find((each) => usageOf(each).includes('keyEncipherment'))],
    ['the first that is no CA', (offered) => offered.find((each) => !isAuthority(each))],
    ['the first of all', (offered) => offered[0]],
    [
      'the last that is no CA and may encrypt (NDES gives two RA certificates)',
      (offered) => offered.findLast((each) => !isAuthority(each) && usageOf(each).includes('keyEncipherment')),
    ],
  ];
  for (const [name, rule] of rules) {
    it(`Q-A2 Apple: ${name} is the RA certificate, which may encrypt and sign`, async () => {
      const chosen = rule(endpoint.certificates) ?? assert.fail();
      assert.equal(toHex(chosen.encoded), toHex(running.server.authority.registrationCertificate));
      assert.deepEqual(usageOf(chosen), ['digitalSignature', 'keyEncipherment']);
    });
  }
});

describe('Q-A2 Apple: two RA certificates, as NDES has them', () => {
  it('Q-A2 Apple: our own client encrypts to the one with keyEncipherment, wherever it stands', async () => {
    const authority = selfSigned(keys, {
      subject: 'CN=NDES CA',
      extensions: [basicConstraintsExtension({ ca: true }), keyUsageExtension(['keyCertSign', 'digitalSignature'])],
    });
    const registration = (usage: KeyUsage) =>
      issuedBy(authority, otherKeys, `CN=NDES ${usage}`, [keyUsageExtension([usage])]);
    const encryption = registration('keyEncipherment');
    const offered = [registration('digitalSignature'), encryption, authority.certificate];
    for (const list of [offered, offered.toReversed()]) {
      const body = Buffer.from(encodeCertsOnly(list.map(({ encoded }) => encoded)));
      const client = new ScepClient({ url: 'http://ndes.test/', fetch: async () => new Response(body) });
      const { recipient } = await client.getCaCertificates();
      assert.equal(thumbprint(recipient.encoded, 'sha256'), thumbprint(encryption.encoded, 'sha256'));
    }
  });
});

describe('Q-A3 Apple: a message in the URL', () => {
  const ways: readonly [string, (base64: string) => string][] = [
    ['everything escaped', encodeURIComponent],
    ['plus and slash as they are, only the padding escaped', (text) => text.replaceAll('=', '%3D')],
    ['plus escaped, slash as it is', (text) => text.replaceAll('+', '%2B').replaceAll('=', '%3D')],
    ['a space, escaped, for each plus', (text) => text.replaceAll('+', '%20')],
    ['nothing escaped', (text) => text],
    ['no padding', (text) => encodeURIComponent(text.replaceAll('=', ''))],
    ['a line feed every 64 characters', (text) => encodeURIComponent(text.replaceAll(/.{64}/g, '$&\n'))],
    ['carriage return and line feed every 76', (text) => encodeURIComponent(text.replaceAll(/.{76}/g, '$&\r\n'))],
    ['a line feed at the end', (text) => `${encodeURIComponent(text)}%0A`],
  ];
  it('Q-A3 Apple: the same message in nine spellings is the same bytes: one certificate', async () => {
    const prepared = prepare(endpoint, request(keys), signer);
    const base64 = Buffer.from(prepared.bytes).toString('base64');
    assert.match(base64, /\+.*\//, 'the message shows both characters');
    const serials = new Set<string>();
    for (const [name, spell] of ways) {
      const head = `GET ${endpoint.path}?operation=PKIOperation&message=${spell(base64)} HTTP/1.1`;
      const answer = await exchange(endpoint.url, lines(head, 'Host: scep', 'User-Agent: profiled/1.0 CFNetwork'));
      assert.equal(answer.status, 200, name);
      serials.add(certificateIn(prepared, answer, endpoint).certificate.serialHex);
    }
    assert.equal(serials.size, 1);
  });

  it('Q-A3 Apple: what is not base64 is refused and not guessed at', async () => {
    for (const message of ['%', '%zz', 'a', 'MII*', 'MII-_', '%00', '']) {
      const head = `GET ${endpoint.path}?operation=PKIOperation&message=${message} HTTP/1.1`;
      assert.equal((await exchange(endpoint.url, lines(head, 'Host: scep'))).status, 400, message);
    }
  });
});

describe('Q-A4 Apple: indefinite lengths and octet strings in pieces', () => {
  for (const pieceBytes of [1000, 512, 17]) {
    it(`Q-A4 Apple: BER in both layers, in pieces of ${pieceBytes} bytes, enrolls; the reply is DER`, async () => {
      const { certificate, reply } = await enroll(endpoint, request(keys), signer, { layout: indefinite(pieceBytes) });
      assert.deepEqual(certificate.publicKey.encoded, signer.certificate.publicKey.encoded);
      assert.equal(reply.envelope?.recipients.length, 1, 'readReply takes nothing but DER');
    });
  }

  it('Q-A4 Apple: the signature covers the joined pieces: one changed byte in one of them is badMessageCheck', async () => {
    const prepared = prepare(endpoint, request(keys), signer, { layout: indefinite(100) });
    const bytes = Uint8Array.from(prepared.bytes);
    const inPiece = Buffer.from(bytes).indexOf(der.octetString(new Uint8Array(100)).subarray(0, 2)) + 50;
    bytes[inPiece] = (bytes[inPiece] ?? 0) ^ 0x10;
    const reply = replyTo(prepared, await post(endpoint, { ...prepared, bytes }), endpoint);
    assert.equal(reply.failInfo, failInfo.badMessageCheck);
  });
});

describe('Q-A5 Apple: signatures and signed attributes of the reply', () => {
  it('Q-A5 Apple: GetCACaps names SHA-1, SHA-256, SHA-512, AES and DES3', async () => {
    const offered = new Set(await capabilities(endpoint));
    for (const each of ['SHA-1', 'SHA-256', 'SHA-512', 'AES', 'DES3']) assert.ok(offered.has(each), each);
    assert.ok(!(await capabilities(await running.endpoint('modern'))).includes('DES3'), 'only where it is taken');
  });

  it('Q-A5 Apple: a reply is signed with PKCS #1 v1.5, its attributes stand in DER order, each once', async () => {
    const { reply } = await enroll(endpoint, request(keys), signer);
    assert.ok([oid.rsaEncryption, oid.sha256WithRSA].some((each) => each === reply.signatureOid));
    const attributes = reply.attributes.map(({ encoded }) => toHex(encoded));
    assert.deepEqual(attributes, sorted(reply.attributes.map(({ encoded }) => encoded)).map(toHex));
    assert.deepEqual(
      reply.attributes.map(({ type }) => type).sort(),
      [
        cms.contentType,
        cms.messageDigest,
        scep.messageType,
        scep.pkiStatus,
        scep.recipientNonce,
        scep.senderNonce,
        scep.transactionId,
      ].sort(),
    );
  });
});

describe('Q-A5 Apple: signatures of the request', () => {
  for (const name of ['rsaEncryption', 'sha256WithRSA'] as const) {
    it(`Q-A5 Apple: a request may name its signature ${name}`, async () => {
      const { reply } = await enroll(endpoint, request(keys), signer, { signatureOid: oid[name] });
      assert.equal(reply.digestOid, oid.sha256);
    });
  }

  it('Q-A5 Apple: a signature under the name of another digest is badMessageCheck', async () => {
    const habits = { signatureOid: oid.sha1WithRSA };
    assert.equal(await refused(endpoint, request(keys), signer, habits), failInfo.badMessageCheck);
  });
});

describe('Q-A6 Apple: macOS renews by PKCSReq', () => {
  it('Q-A6 Apple: "Renewal" is offered, and a PKCSReq with a challenge under the old certificate renews', async () => {
    assert.ok((await capabilities(endpoint)).includes('Renewal'));
    const { certificate: old } = await enroll(endpoint, request(keys), signer);
    const { certificate } = await enroll(endpoint, request(otherKeys), {
      certificate: old,
      privateKey: keys.privateKey,
    });
    assert.notEqual(certificate.serialHex, old.serialHex);
    assert.deepEqual(certificate.publicKey.encoded, selfSigned(otherKeys).certificate.publicKey.encoded);
  });

  it('Q-A6 Apple: nor is the challenge asked for again', async () => {
    const { certificate: old } = await enroll(endpoint, request(keys), signer);
    const owner = { certificate: old, privateKey: keys.privateKey };
    // RFC 8894 section 2.3: the signer may come along with its chain, in whatever order.
    const certificates = [...endpoint.certificates.map(({ encoded }) => encoded), old.encoded];
    const { certificate } = await enroll(endpoint, request(otherKeys, { challenge: null }), owner, { certificates });
    assert.notEqual(certificate.serialHex, old.serialHex);
    assert.equal(
      await refused(endpoint, request(otherKeys, { challenge: null }), selfSigned(otherKeys)),
      failInfo.badRequest,
    );
  });
});

describe('Q-A7 Apple: nonces that are not 16 bytes', () => {
  for (const size of [8, 16, 32]) {
    it(`Q-A7 Apple: a senderNonce of ${size} bytes comes back as it was`, async () => {
      const senderNonce = randomBytes(size);
      const { reply } = await enroll(endpoint, request(keys), signer, { senderNonce });
      assert.equal(toHex(reply.recipientNonce ?? assert.fail()), toHex(senderNonce));
      assert.equal(reply.senderNonce.length, 16);
    });
  }

  it('Q-A7 Apple: without a senderNonce the reply has no recipientNonce', async () => {
    const { reply } = await enroll(endpoint, request(keys), signer, { senderNonce: undefined });
    assert.equal(reply.recipientNonce, undefined);
    assert.equal(reply.senderNonce.length, 16);
  });
});

describe('Q-A8 Apple: Retries and RetryDelay', () => {
  it('Q-A8 Apple: message may be empty or the name of the CA', async () => {
    for (const message of ['', 'Contoso%20Issuing%20CA']) {
      const head = `GET ${endpoint.path}?operation=GetCACert&message=${message} HTTP/1.1`;
      assert.equal((await exchange(endpoint.url, lines(head, 'Host: scep'))).status, 200);
    }
  });

  it('Q-A8 Apple: a request that waits for a person is PENDING each time it comes, and behind the approval gets its certificate', async () => {
    const manual = await running.endpoint('manual');
    const csr = request(keys, { challenge: null });
    const transactionId = toHex(randomBytes(8));
    const nonces = new Set<string>();
    for (let retry = 0; retry < 3; retry += 1) {
      const prepared = prepare(manual, csr, signer, { transactionId, messageType: messageType.pkcsReq });
      const reply = replyTo(prepared, await post(manual, prepared), manual);
      assert.equal(reply.pkiStatus, '3');
      assert.equal(reply.envelope, undefined);
      nonces.add(toHex(reply.senderNonce));
    }
    assert.equal(nonces.size, 3);
    await approveTheOnlyOne(running, 'manual');
    const approved = prepare(manual, csr, signer, { transactionId });
    certificateIn(approved, await post(manual, approved), manual);
  });
});
