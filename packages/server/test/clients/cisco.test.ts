import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import {
  decodeCertificationRequest,
  decodeKeyUsage,
  der,
  digest,
  encodeExtensions,
  extendedKeyUsageExtension,
  findExtension,
  keyUsageExtension,
  oid,
  subjectAltNameExtension,
  tag,
  toHex,
  verifyCertificationRequest,
} from '@scepter/x509';
import type { Extension } from '@scepter/x509';
import {
  certificateIn,
  enroll,
  prepare,
  refused,
  startClientServer,
  staticChallenge,
  viewEndpoint,
} from './client-server.ts';
import type { ClientServer, EndpointView, Habits } from './client-server.ts';
import { attribute } from './message-builder.ts';
import type { Signer } from './message-builder.ts';
import { exchange, lines, textOf } from './raw-http.ts';
import type { HttpAnswer } from './raw-http.ts';
import { newKeys, request, selfSigned } from './request-builder.ts';
import type { Keys } from './request-builder.ts';
import { failInfo } from './wire.ts';

/** The request of a Cisco 1921 with IOS 15.7, as its owner published it (smallstep/certificates, issue 916). */
const recordedRequest = new URL('../../../../../shared/vectors/cisco.csr.der', import.meta.url);
/** The challenge in it. */
const RECORDED_CHALLENGE = 'secret1234';

const keys = newKeys();
let running: ClientServer;
let endpoint: EndpointView;

before(async () => {
  running = await startClientServer({
    endpoints: {
      cisco: {
        authorizer: { kind: 'static-challenge', challenge: { environment: 'CISCO_CHALLENGE' } },
        algorithms: 'legacy',
      },
      chained: { authorizer: staticChallenge, algorithms: 'legacy', replyCertificates: 'chain' },
    },
    environment: { CISCO_CHALLENGE: RECORDED_CHALLENGE },
    defaultEndpoint: 'cisco',
  });
  endpoint = await running.endpoint('cisco');
});
after(() => running.close());

const printable = der.printableString;
const rdn = (...pairs: (readonly [string, Uint8Array])[]): Uint8Array =>
  der.set(...pairs.map(([type, value]) => der.sequence(der.oid(type), value)));

/** The name of a router: its last part has two attributes, in the order in which IOS writes them. */
const routerName = der.sequence(
  rdn([oid.domainComponent, der.ia5String('tld')]),
  rdn([oid.domainComponent, der.ia5String('mydomain')]),
  rdn([oid.organizationalUnitName, printable('routers')]),
  rdn([oid.commonName, printable('cisco-1921.mydomain.tld')]),
  rdn(
    [oid.unstructuredAddress, printable('192.168.10.1')],
    [oid.unstructuredName, der.ia5String('cisco-1921.mydomain.tld')],
  ),
);

/** An extension request whose value is a T61String that holds the DER of Extensions. */
function wrappedExtensions(...extensions: Extension[]): Uint8Array {
  const value = Uint8Array.from(der.octetString(encodeExtensions(extensions)));
  value[0] = tag.teletexString;
  return attribute(oid.extensionRequest, value);
}

const usages = { ...keyUsageExtension(['digitalSignature', 'keyEncipherment']), critical: false };

function routerRequest(own: Keys, ...extensions: Extension[]): Uint8Array {
  const wanted = extensions.length === 0 ? [usages] : extensions;
  return request(own, {
    subject: routerName,
    challenge: printable(RECORDED_CHALLENGE),
    attributes: [wrappedExtensions(...wanted)],
    digest: 'md5',
  });
}

const transactionIdOf = (own: Signer): string =>
  createHash('md5').update(own.certificate.publicKey.encoded).digest('hex').toUpperCase();

/** IOS without any `crypto pki` setting: MD5 and single DES. */
const unconfigured: Habits = { digest: 'md5', cipher: 'des' };

/** HTTP/1.0 without Host, the trustpoint as message, base64 with a line feed behind every 64 characters. */
function ciscoGet(operation: string, message: string): Promise<HttpAnswer> {
  return exchange(
    endpoint.url,
    lines(
      `GET ${endpoint.path}/pkiclient.exe?operation=${operation}&message=${message} HTTP/1.0`,
      'User-Agent: Mozilla/4.0 (compatible; MSIE 5.0; Cisco PKI)',
    ),
  );
}

const ciscoBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes).toString('base64').replaceAll(/.{64}/g, '$&%0A').replaceAll('+', '%2B').replaceAll('=', '%3D');

describe('Q-C1 Cisco: HTTP/1.0 as IOS speaks it', () => {
  it('Q-C1 Cisco: GetCACaps and GetCACert answer HTTP/1.0 without Host, and the connection ends', async () => {
    const caps = await ciscoGet('GetCACaps', 'TRUSTPOINT-1');
    assert.equal(caps.status, 200);
    assert.equal(caps.headers.get('connection'), 'close');
    assert.equal(caps.headers.get('transfer-encoding'), undefined, 'HTTP/1.0 knows no chunks');
    assert.ok(textOf(caps).split('\n').includes('SHA-1'));
    const authorities = await ciscoGet('GetCACert', 'TRUSTPOINT-1');
    assert.equal(authorities.status, 200);
    assert.equal(Number(authorities.headers.get('content-length')), authorities.body.length);
  });

  it('Q-C1 Cisco: a PKIOperation in such a GET, a line feed every 64 characters, enrolls', async () => {
    const signer = selfSigned(keys, { digest: 'md5' });
    const prepared = prepare(endpoint, routerRequest(keys), signer, {
      ...unconfigured,
      transactionId: transactionIdOf(signer),
    });
    const answer = await ciscoGet('PKIOperation', ciscoBase64(prepared.bytes));
    const { certificate, reply } = certificateIn(prepared, answer, endpoint);
    assert.equal(reply.digestOid, oid.md5, 'in the algorithms of the request');
    assert.deepEqual(certificate.publicKey.encoded, signer.certificate.publicKey.encoded);
  });
});

describe('Q-C1 Cisco: "enrollment url http://host", without a path', () => {
  it('Q-C1 Cisco: /cgi-bin/pkiclient.exe is the default endpoint: certificates, capabilities, enrollment', async () => {
    const url = `${running.server.url}/cgi-bin/pkiclient.exe`;
    const byDefault = await viewEndpoint(url);
    assert.equal(toHex(byDefault.recipient.encoded), toHex(endpoint.recipient.encoded));
    await enroll(byDefault, routerRequest(keys), selfSigned(keys), unconfigured);
    const [enrollment] = await running.server.store.listEnrollments(1);
    assert.equal(enrollment?.identity.endpoint, 'cisco');
  });

  it('Q-C1 Cisco: only the built-in paths are, and only where an endpoint is named for them', async () => {
    const ask = async (server: ClientServer, path: string): Promise<number> =>
      (await exchange(server.server.url, lines(`GET ${path}?operation=GetCACaps HTTP/1.0`))).status;
    assert.equal(await ask(running, '/cgi-bin/pkiclient.exe/pkiclient.exe'), 200);
    for (const path of ['/', '/cgi-bin/', '/cgi-bin/pkiclient.exes', '/x/cgi-bin/pkiclient.exe', '/certsrv/mscep/']) {
      assert.equal(await ask(running, path), 404, path);
    }
    const without = await startClientServer();
    try {
      assert.equal(await ask(without, '/cgi-bin/pkiclient.exe'), 404);
    } finally {
      await without.close();
    }
  });
});

describe('Q-C2 Cisco: the request of IOS 15.7', () => {
  it('Q-C2 Cisco: MD5 with RSA, extensions in a T61String and a multi-valued RDN enroll on a legacy endpoint', async () => {
    const own = newKeys();
    const csr = routerRequest(own, keyUsageExtension(['digitalSignature']));
    const { certificate } = await enroll(endpoint, csr, selfSigned(own, { digest: 'md5' }), unconfigured);
    assert.equal(toHex(certificate.subject.encoded), toHex(routerName));
    const usage = findExtension(certificate.extensions, oid.keyUsage) ?? assert.fail();
    assert.deepEqual(decodeKeyUsage(usage.value), ['digitalSignature'], 'the wrapped extensions were read');
  });

  it('Q-C2 Cisco: what is wrapped is judged like what is not: no other usages come through', async () => {
    const own = newKeys();
    const evil = [
      keyUsageExtension(['digitalSignature', 'keyCertSign']),
      extendedKeyUsageExtension([oid.clientAuth, oid.anyExtendedKeyUsage]),
    ];
    const { certificate } = await enroll(endpoint, routerRequest(own, ...evil), selfSigned(own), unconfigured);
    const usage = findExtension(certificate.extensions, oid.keyUsage) ?? assert.fail();
    assert.deepEqual(decodeKeyUsage(usage.value), ['digitalSignature']);
    const purposes = findExtension(certificate.extensions, oid.extendedKeyUsage) ?? assert.fail();
    assert.equal(toHex(purposes.value), toHex(extendedKeyUsageExtension([oid.clientAuth]).value));
    const names = subjectAltNameExtension([{ kind: 'directory', name: certificate.subject }]);
    assert.equal(
      await refused(endpoint, routerRequest(own, names), selfSigned(own), unconfigured),
      failInfo.badRequest,
    );
    assert.equal(running.lastRefusal(), 'policy.subject_alternative_name');
  });

  // The recorded request stands beside the project and not in it; its private key is the router's.
  if (existsSync(recordedRequest)) {
    const csr = new Uint8Array(readFileSync(recordedRequest));

    it('Q-C2 Cisco: the recorded request decodes, is signed by its own key, and is what the test builds', () => {
      const decoded = decodeCertificationRequest(csr);
      assert.ok(verifyCertificationRequest(decoded));
      assert.ok(decoded.extensionsWrapped);
      assert.equal(toHex(decoded.subject.encoded), toHex(routerName));
      const built = decodeCertificationRequest(routerRequest(keys));
      assert.deepEqual(
        { attributes: built.attributes, algorithm: built.signatureAlgorithm },
        { attributes: decoded.attributes, algorithm: decoded.signatureAlgorithm },
      );
    });

    it('Q-C2 Cisco: the recorded request enrolls, in a message that a certificate of this CA signs', async () => {
      // Only the router could make its self-signed certificate. Who holds a certificate of ours may sign for another key:
      // the challenge in the request decides, and the answer is encrypted to the signer.
      const own = newKeys();
      const { certificate: helper } = await enroll(endpoint, routerRequest(own), selfSigned(own), unconfigured);
      const signer = { certificate: helper, privateKey: own.privateKey };
      const prepared = prepare(endpoint, csr, signer, { ...unconfigured, transactionId: 'A0F5' });
      const answer = await ciscoGet('PKIOperation', ciscoBase64(prepared.bytes));
      const { certificate } = certificateIn(prepared, answer, endpoint);
      const { publicKey, subject } = decodeCertificationRequest(csr);
      assert.equal(toHex(certificate.subject.encoded), toHex(subject.encoded));
      assert.equal(toHex(certificate.publicKey.encoded), toHex(publicKey.encoded));
      const usage = findExtension(certificate.extensions, oid.keyUsage) ?? assert.fail();
      assert.deepEqual(decodeKeyUsage(usage.value), ['digitalSignature', 'keyEncipherment']);
    });

    it('Q-C2 Cisco: the recorded request is refused in a message that a stranger signs', async () => {
      assert.equal(await refused(endpoint, csr, selfSigned(newKeys()), unconfigured), failInfo.badRequest);
      assert.equal(running.lastRefusal(), 'message.sealed_content');
    });
  }
});

describe('Q-C3 Cisco: "can not find router cert in certrep"', () => {
  it('Q-C3 Cisco: subject and key are the bytes of the request, and the reply holds this certificate alone', async () => {
    const own = newKeys();
    const { certificate, reply } = await enroll(endpoint, routerRequest(own), selfSigned(own), unconfigured);
    assert.equal(toHex(certificate.subject.encoded), toHex(routerName));
    assert.equal(toHex(certificate.publicKey.encoded), toHex(selfSigned(own).certificate.publicKey.encoded));
    assert.deepEqual(reply.envelope?.certificates.length, 1);
  });

  it('Q-C3 Cisco: the old VPN client looks for the CA in the reply: it can be sent along, behind the own certificate', async () => {
    const { certificate, reply } = await enroll(await running.endpoint('chained'), request(keys), selfSigned(keys));
    assert.equal(toHex(certificate.publicKey.encoded), toHex(selfSigned(keys).certificate.publicKey.encoded));
    const [, issuer, ...more] = reply.envelope?.certificates ?? [];
    assert.equal(toHex(issuer?.encoded ?? assert.fail()), toHex(running.server.authority.issuingCertificate));
    assert.equal(more.length, 0);
  });

  it('Q-C3 Cisco: a SHA-1 request gets a SHA-1 reply', async () => {
    const { reply } = await enroll(endpoint, routerRequest(keys), selfSigned(keys), { digest: 'sha1', cipher: 'des3' });
    assert.equal(reply.digestOid, oid.sha1);
  });

  it('Q-C3 Cisco: MD5 is badAlg outside legacy endpoints, whose list lets IOS choose SHA', async () => {
    for (const name of ['modern', 'compatible']) {
      const stricter = await running.endpoint(name);
      assert.equal(await refused(stricter, request(keys), selfSigned(keys), { digest: 'md5' }), failInfo.badAlg);
      assert.equal(running.lastRefusal(), 'message.weak_algorithm');
    }
    const caps = textOf(await ciscoGet('GetCACaps', 'TRUSTPOINT-1')).split('\n');
    assert.ok(caps.includes('SHA-1') && caps.includes('SHA-256'));
    assert.ok(!caps.some((each) => /md5|^des$/i.test(each)), 'nobody is invited to use them');
  });

  it('Q-C3 Cisco: the transaction may be any: the MD5 of the key, or the same again for a new key', async () => {
    const transactionId = toHex(digest('md5', randomBytes(8))).toUpperCase();
    const [one, other] = [newKeys(), newKeys()];
    const first = await enroll(endpoint, routerRequest(one), selfSigned(one), { ...unconfigured, transactionId });
    const second = await enroll(endpoint, routerRequest(other), selfSigned(other), { ...unconfigured, transactionId });
    assert.notEqual(first.certificate.serialHex, second.certificate.serialHex);
  });
});
