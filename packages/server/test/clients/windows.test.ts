import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import {
  authorityKeyIdentifierExtension,
  decodeCertificate,
  decodeKeyUsage,
  der,
  encodeExtensions,
  encodePem,
  extendedKeyUsageExtension,
  findExtension,
  keyIdentifier,
  oid,
  publicKeyInfoOf,
  subjectAltNameExtension,
  tag,
  thumbprint,
  toHex,
} from '@scepter/x509';
import type { Certificate, GeneralName } from '@scepter/x509';
import { ServerError } from '../../src/index.ts';
import { openLaboratory } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { enroll, startClientServer, staticChallenge, viewEndpoint } from './client-server.ts';
import type { ClientServer, EndpointView } from './client-server.ts';
import { attribute, recipientInfo, transports } from './message-builder.ts';
import type { Transport } from './message-builder.ts';
import { exchange, lines } from './raw-http.ts';
import { newKeys, request, selfSigned } from './request-builder.ts';
import type { Keys } from './request-builder.ts';
import { cms } from './wire.ts';

const keys = newKeys();
const otherKeys = newKeys();
let running: ClientServer;
let endpoint: EndpointView;

before(async () => {
  running = await startClientServer({
    endpoints: { backdated: { authorizer: staticChallenge, certificateProfile: 'nine-hours' } },
    certificateProfiles: { 'nine-hours': { backdateHours: 9 } },
    defaultEndpoint: 'modern',
  });
  endpoint = await running.endpoint('modern');
});
after(() => running.close());

/** What Windows signs with: a name of its own, SHA-1, and a critical authority key identifier (against RFC 5280 4.2.1.1). */
function windowsSigner(own: Keys = keys) {
  const identifier = keyIdentifier(publicKeyInfoOf(own.publicKey));
  return selfSigned(own, {
    subject: 'CN=SCEP Protocol Certificate',
    digest: 'sha1',
    extensions: [{ ...authorityKeyIdentifierExtension(identifier), critical: true }],
  });
}

function bmpString(text: string): Uint8Array {
  const encoded = Uint8Array.from(der.octetString(Buffer.from(text, 'utf16le').swap16()));
  encoded[0] = tag.bmpString;
  return encoded;
}

function extensionOf(certificate: Certificate, type: string): Uint8Array | undefined {
  return findExtension(certificate.extensions, type)?.value;
}

describe('Q-W1 Windows: the content key comes under RSAES-OAEP', () => {
  const rows: readonly [string, Transport][] = [
    ['SHA-1 with absent parameters', transports.oaepAbsent],
    ['SHA-1 with NULL parameters', transports.oaepNull],
    ['SHA-1 with empty parameters', transports.oaepEmpty],
    ['SHA-256 with MGF1 of SHA-256 and the label spelt out', transports.oaepSha256],
  ];
  for (const [name, transport] of rows) {
    it(`Q-W1 Windows: RSAES-OAEP with ${name} enrolls, and the reply uses OAEP too`, async () => {
      const { certificate, reply } = await enroll(endpoint, request(keys), windowsSigner(), {
        recipients: [recipientInfo(endpoint.recipient, transport)],
      });
      assert.equal(reply.envelope?.transportOid, cms.rsaesOaep);
      assert.deepEqual(certificate.publicKey.encoded, publicKeyInfoOf(keys.publicKey).encoded);
    });
  }
});

describe('Q-W2 Windows: the signer is "CN=SCEP Protocol Certificate"', () => {
  it('Q-W2 Windows: a signer of another name, signed with SHA-1, with a critical authority key identifier enrolls', async () => {
    const signer = windowsSigner();
    assert.equal(findExtension(signer.certificate.extensions, oid.authorityKeyIdentifier)?.critical, true);
    assert.equal(signer.certificate.signatureAlgorithm.oid, oid.sha1WithRSA);
    const csr = request(keys, { subject: 'CN=LAPTOP-7,O=Contoso' });
    const { certificate } = await enroll(endpoint, csr, signer);
    assert.equal(certificate.subject.rdns.at(-1)?.[0]?.value, 'LAPTOP-7');
  });

  it('Q-W2 Windows: the name means nothing: such a signer with another key than the request is refused', async () => {
    await assert.rejects(enroll(endpoint, request(otherKeys), windowsSigner()), /failInfo 2/);
    assert.equal(running.lastRefusal(), 'message.sealed_content');
  });
});

describe('Q-W3 Windows: message=default', () => {
  const messages = ['default', '', 'MyCA', 'a%20b', '../../etc/passwd', 'x'.repeat(2000)];
  for (const operation of ['GetCACaps', 'GetCACert']) {
    it(`Q-W3 Windows: ${operation} answers any value of message alike`, async () => {
      const ask = (query: string) =>
        exchange(endpoint.url, lines(`GET ${endpoint.path}/pkiclient.exe?${query} HTTP/1.1`, 'Host: test'));
      const plain = await ask(`operation=${operation}`);
      assert.equal(plain.status, 200);
      for (const message of messages) {
        const answer = await ask(`operation=${operation}&message=${message}`);
        assert.equal(answer.status, 200, message);
        assert.deepEqual(answer.body, plain.body);
      }
    });
  }
});

describe('Q-W4 Windows: the profile pins a thumbprint', () => {
  it('Q-W4 Windows: GetCACert holds the issuing CA (Windows pins it) and the root (Android pins it), by SHA-1', async () => {
    const { issuingCertificate, rootCertificate } = running.server.authority;
    const offered = new Set(endpoint.certificates.map(({ encoded }) => thumbprint(encoded, 'sha1')));
    assert.ok(offered.has(thumbprint(issuingCertificate, 'sha1')));
    assert.ok(offered.has(thumbprint(rootCertificate, 'sha1')));
    const { certificate } = await enroll(endpoint, request(keys), windowsSigner());
    assert.deepEqual(certificate.issuer.encoded, decodeCertificate(issuingCertificate).subject.encoded);
  });
});

describe('Q-W5 Windows: a certificate to encrypt to', () => {
  it('Q-W5 Windows: exactly one certificate of GetCACert is for encryption, and it is for signatures too', () => {
    const usages = endpoint.certificates.map((each) =>
      decodeKeyUsage(extensionOf(each, oid.keyUsage) ?? assert.fail()),
    );
    const forEncryption = usages.filter((each) => each.includes('keyEncipherment'));
    assert.equal(forEncryption.length, 1);
    assert.deepEqual(usages[0], ['digitalSignature', 'keyEncipherment'], 'and it stands first');
    assert.ok(usages.slice(1).every((each) => each.includes('keyCertSign')));
  });
});

describe('Q-W5 Windows: a CA that it cannot use', () => {
  it('Q-W5 Windows: an endpoint that would hide the RA certificate keeps the server from starting, in words', async () => {
    const single = { authorizer: staticChallenge, caCertificates: 'single' };
    await assert.rejects(startClientServer({ endpoints: { single } }), (error: unknown) => {
      assert.ok(error instanceof ServerError, String(error));
      assert.match(`${error.message} ${error.hint}`, /single/);
      return true;
    });
  });
});

describe('Q-W6 Windows: TLS 1.2 in front, and no client certificate', () => {
  it('Q-W6 Windows: behind a TLS 1.2 proxy the same URL serves; plain HTTP is not redirected, and no suffix is a 404', async () => {
    const proxy = await tlsProxy(new URL(running.server.url));
    try {
      const head = `GET ${endpoint.path}/pkiclient.exe?operation=GetCACaps&message=default HTTP/1.1`;
      const overTls = await textOverTls(proxy.port, lines(head, 'Host: scep.contoso.com', 'Connection: close'));
      assert.match(overTls.answer, /^HTTP\/1\.1 200 OK\r\n/);
      assert.match(overTls.answer, /SCEPStandard/);
      assert.equal(overTls.protocol, 'TLSv1.2');
      const plain = await exchange(endpoint.url, lines(head, 'Host: scep.contoso.com'));
      assert.equal(plain.status, 200);
      assert.equal(plain.headers.get('location'), undefined);
      assert.equal(plain.headers.get('strict-transport-security'), undefined);
      for (const suffix of ['', '/', '/pkiclient.exe', '/pkiclient.exe/', '/certsrv/mscep/mscep.dll/pkiclient.exe']) {
        const asked = lines(`GET ${endpoint.path}${suffix}?operation=GetCACaps HTTP/1.1`, 'Host: scep.contoso.com');
        assert.equal((await exchange(endpoint.url, asked)).status, 200, suffix);
      }
    } finally {
      await proxy.close();
    }
  });
});

describe('Q-W6 Windows: the URL of an NDES', () => {
  it('Q-W6 Windows: the path of NDES, in any case of letters, is the default endpoint', async () => {
    for (const path of ['/certsrv/mscep/mscep.dll', '/CertSrv/mscep/MSCEP.dll/pkiclient.exe']) {
      const view = await viewEndpoint(`${running.server.url}${path}`);
      const { certificate } = await enroll(view, request(keys), windowsSigner());
      assert.deepEqual(certificate.publicKey.encoded, publicKeyInfoOf(keys.publicKey).encoded);
    }
  });
});

describe('Q-W7 Windows: Intune renews by a new request with a new challenge', () => {
  let laboratory: Laboratory;
  before(async () => {
    laboratory = await openLaboratory();
  });
  after(() => laboratory.close());

  async function viaIntune(own: Keys, challenge: string, subjectAltNames: readonly GeneralName[] = []) {
    const intune = await viewEndpoint(`${laboratory.server.url}/scep/intune`);
    const csr = request(own, {
      subject: 'CN=laptop-7',
      challenge,
      ...(subjectAltNames.length === 0 ? {} : { subjectAltNames }),
    });
    const transport = recipientInfo(intune.recipient, transports.oaepAbsent);
    return (await enroll(intune, csr, windowsSigner(own), { recipients: [transport] })).certificate;
  }

  it('Q-W7 Windows: a second PKCSReq for the same subject with a new key succeeds, and the old certificate stays valid', async () => {
    const [first = '', second = ''] = await laboratory.control.createChallenges({ subject: 'CN=laptop-7', count: 2 });
    const old = await viaIntune(keys, first);
    const renewed = await viaIntune(otherKeys, second);
    assert.notEqual(renewed.serialHex, old.serialHex);
    assert.deepEqual(renewed.subject.encoded, old.subject.encoded);
    const stored = await laboratory.server.store.findBySerialNumber(old.serialHex.toUpperCase());
    assert.equal(stored?.state, 'released');
    await assert.rejects(viaIntune(keys, second), /failInfo 2/, 'the challenge of the second is spent');
  });

  it('Q-W11 Windows: a challenge of Intune with more than 8,000 characters is taken', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `host-${index}.${'long-label.'.repeat(6)}contoso.com`);
    const [challenge = ''] = await laboratory.control.createChallenges({
      subject: 'CN=laptop-7',
      subjectAlternativeNames: names.map((value) => ({ sanType: 'domainNameService', value })),
    });
    assert.ok(challenge.length > 8_000 && challenge.length < 16_384, `${challenge.length} characters`);
    const certificate = await viaIntune(
      keys,
      challenge,
      names.map((value) => ({ kind: 'dns', value })),
    );
    assert.match(Buffer.from(extensionOf(certificate, oid.subjectAltName) ?? []).toString('latin1'), /host-59\./);
  });
});

describe('Q-W8 Windows: clocks that are hours behind', () => {
  const rows: readonly [string, number][] = [
    ['modern', 24],
    ['backdated', 9],
  ];
  for (const [name, hours] of rows) {
    it(`Q-W8 Windows: certificates of the endpoint "${name}" start ${hours} hours before now`, async () => {
      const view = await running.endpoint(name);
      const { certificate } = await enroll(view, request(keys), windowsSigner());
      const backdatedMs = Date.now() - certificate.notBefore.getTime();
      // The issuing CA is minutes old and would be the bound, if it were not backdated itself.
      assert.ok(Math.abs(backdatedMs - hours * 3_600_000) < 60_000, `${backdatedMs / 3_600_000} hours`);
    });
  }
});

describe('Q-W8 Windows: the clock in the message', () => {
  for (const at of ['1970-01-01T00:00:00Z', '2049-12-31T23:59:59Z']) {
    it(`Q-W8 Windows: a message that says it was signed at ${at} enrolls: new devices do not know the time`, async () => {
      const extraAttributes = [attribute(cms.signingTime, der.time(new Date(at)))];
      const { certificate } = await enroll(endpoint, request(keys), windowsSigner(), { extraAttributes });
      assert.ok(certificate.notAfter.getTime() > Date.now());
    });
  }
});

describe('Q-W9 Windows: attributes of MS-WCCE beside the request', () => {
  it('Q-W9 Windows: all five are read past, and none is a source of names, usages or extensions', async () => {
    const evil = [
      subjectAltNameExtension([{ kind: 'dns', value: 'domain-controller.contoso.com' }]),
      extendedKeyUsageExtension([oid.smartCardLogon]),
    ];
    const attributes = [
      attribute('1.3.6.1.4.1.311.13.2.3', der.ia5String('10.0.26100.2')),
      attribute(
        '1.3.6.1.4.1.311.13.2.2',
        der.sequence(der.integer(1), bmpString('Software KSP'), der.bitString(Uint8Array.of())),
      ),
      attribute(
        '1.3.6.1.4.1.311.21.20',
        der.sequence(
          der.integer(9),
          der.utf8String('LAPTOP-7'),
          der.utf8String('SYSTEM'),
          der.utf8String('omadmclient.exe'),
        ),
      ),
      attribute(oid.microsoftCertExtensions, encodeExtensions(evil)),
      attribute(
        '1.3.6.1.4.1.311.13.2.1',
        der.sequence(bmpString('san'), bmpString('dns=domain-controller.contoso.com')),
      ),
    ];
    const { certificate } = await enroll(endpoint, request(keys, { attributes }), windowsSigner());
    assert.equal(extensionOf(certificate, oid.subjectAltName), undefined);
    assert.doesNotMatch(Buffer.from(certificate.encoded).toString('latin1'), /domain-controller|LAPTOP-7|omadmclient/);
    const usages = toHex(extensionOf(certificate, oid.extendedKeyUsage) ?? assert.fail());
    assert.equal(usages, toHex(extendedKeyUsageExtension([oid.clientAuth]).value));
  });
});

describe('Q-W10 Windows: names for strong mapping', () => {
  const sid = 'S-1-5-21-2127521184-1604012920-1887927527-72713';
  it('Q-W10 Windows: UPN and tag:microsoft.com URI are kept byte for byte; the SID extension is dropped', async () => {
    // GeneralNames, RFC 5280 4.2.1.6: otherName [0], then uniformResourceIdentifier [6].
    const names = der.sequence(
      der.implicitConstructed(0, der.oid(oid.upn), der.explicit(0, der.utf8String('Ada.Lovelace@Contoso.com'))),
      der.implicitPrimitive(6, Buffer.from(`tag:microsoft.com,2022-09-14:sid:${sid}`)),
    );
    const extensions = [
      { oid: oid.subjectAltName, critical: false, value: names },
      { oid: oid.sidExtension, critical: false, value: der.sequence(der.utf8String(sid)) },
    ];
    const { certificate } = await enroll(endpoint, request(keys, { extensions }), windowsSigner());
    assert.equal(toHex(extensionOf(certificate, oid.subjectAltName) ?? assert.fail()), toHex(names));
    assert.equal(extensionOf(certificate, oid.sidExtension), undefined);
  });
});

/** TLS 1.2 and no client certificate, as a reverse proxy for Windows is set up; the bytes inside go on as they are. */
async function tlsProxy(target: URL): Promise<{ port: number; close: () => Promise<void> }> {
  const { certificate, privateKey } = selfSigned(newKeys(), { subject: 'CN=scep.contoso.com' });
  const proxy = createTlsServer(
    {
      key: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })).export({
        type: 'pkcs8',
        format: 'pem',
      }),
      cert: encodePem('CERTIFICATE', certificate.encoded),
      maxVersion: 'TLSv1.2',
      requestCert: false,
    },
    (client) => {
      const upstream = connectTcp(Number(target.port), target.hostname);
      client.pipe(upstream).pipe(client);
      client.on('error', () => upstream.destroy());
      upstream.on('error', () => client.destroy());
    },
  );
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    port: (proxy.address() as AddressInfo).port,
    close: () => new Promise((resolve) => proxy.close(() => resolve())),
  };
}

function textOverTls(port: number, head: string): Promise<{ answer: string; protocol: string | null }> {
  return new Promise((resolve, reject) => {
    // What is under test is the way through; whom to trust is the client's matter.
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => socket.write(head));
    const { promise, resolve: secured } = Promise.withResolvers<string | null>();
    socket.on('secureConnect', () => secured(socket.getProtocol()));
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (answer += chunk));
    socket.on('end', () => void promise.then((protocol) => resolve({ answer, protocol })));
    socket.on('error', reject);
  });
}
