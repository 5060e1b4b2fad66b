/**
 * Makes the part of `corpus/` that nobody had to send: `node --conditions=source fuzz/make-corpus.ts`. What was recorded is
 * left alone, but for the pieces that are taken out of it.
 */
import {
  createCertRep,
  createNextCaCertificates,
  createPkiRequest,
  encodeCertsOnly,
  encodeIssuerAndSerialNumber,
  encodeIssuerAndSubject,
} from '@scepter/scep';
import type { FailInfo } from '@scepter/scep';
import {
  assembleCertificateList,
  basicConstraintsExtension,
  buildName,
  createCertificationRequest,
  createSelfSignedCertificate,
  decodeCertificate,
  der,
  encodeAuthorityInfoAccess,
  encodeBasicConstraints,
  encodeCrlDistributionPoints,
  encodeExtendedKeyUsage,
  encodeExtensions,
  encodeGeneralNames,
  encodeKeyUsage,
  encodePem,
  encodeTbsCertificateList,
  extendedKeyUsageExtension,
  keyUsageExtension,
  oid,
  parseName,
  publicKeyInfoOf,
  signatureAlgorithmFor,
  signData,
  subjectAltNameExtension,
  tag,
} from '@scepter/x509';
import type { GeneralName } from '@scepter/x509';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { platforms } from '../packages/fleet/src/platforms/platforms.ts';
import { encodeEnvelope } from '../packages/scep/src/cms/enveloped-data.ts';
import { framings } from '../packages/scep/src/cms/framing.ts';
import { encodeSignedData } from '../packages/scep/src/cms/signed-data.ts';

import { CHALLENGE, readIdentities } from './identities.ts';
import type { Identity } from './identities.ts';
import { element } from './mutation/ber-tree.ts';
import { Random } from './mutation/random.ts';

const { authority, device, ecDevice, registration, recorder, renewing } = readIdentities();
const random = new Random(8894);
const randomBytes = (size: number): Uint8Array => random.bytes(size);
const now = new Date('2026-06-01T00:00:00Z');
const nonce = Uint8Array.from({ length: 16 }, (_, index) => index);

function keep(folder: string, name: string, bytes: Uint8Array | string): void {
  mkdirSync(join(import.meta.dirname, 'corpus', folder), { recursive: true });
  writeFileSync(join(import.meta.dirname, 'corpus', folder, `${name}.bin`), bytes);
}

function vectors(name: string): Partial<Record<'messages' | 'envelopes', Record<string, string>>> {
  return JSON.parse(
    readFileSync(new URL(`../packages/scep/test/vectors/${name}`, import.meta.url), 'utf8'),
  ) as ReturnType<typeof vectors>;
}

const names: readonly GeneralName[] = [
  { kind: 'dns', value: 'device.example' },
  { kind: 'email', value: 'anna@contoso.example' },
  { kind: 'upn', value: 'anna@contoso.example' },
  { kind: 'uri', value: 'tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-4' },
  { kind: 'ip', value: '192.0.2.1' },
  { kind: 'ip', value: '2001:db8::1' },
  { kind: 'directory', name: parseName('CN=a,C=NO') },
  { kind: 'registeredId', value: '1.2.3.4' },
  { kind: 'otherName', typeId: '1.2.3', encodedValue: der.null() },
];
const extensions = [
  keyUsageExtension(['digitalSignature', 'keyEncipherment']),
  extendedKeyUsageExtension([oid.clientAuth]),
  subjectAltNameExtension(names),
];

/** Those that a certificate profile takes by default. */
const usualExtensions = [...extensions.slice(0, 2), subjectAltNameExtension(names.slice(0, 6))];

function request(
  identity: Identity,
  subject = 'CN=device',
  more: Partial<Parameters<typeof createCertificationRequest>[0]> = {},
): Uint8Array {
  return createCertificationRequest({
    subject: parseName(subject),
    privateKey: identity.privateKey,
    publicKey: createPublicKey(identity.privateKey),
    extensions,
    challengePassword: CHALLENGE,
    ...more,
  });
}

/** Requests as the platforms of a fleet build them, in messages with their habits. */
function fleet(): void {
  const profile = {
    profileId: 'p',
    displayName: 'p',
    scepServerUrls: [],
    subjectName: 'CN=device',
    subjectAlternativeNames: [],
    keyUsage: ['digitalSignature'] as const,
    keySize: 2048,
    extendedKeyUsages: [],
    validityPeriod: { value: 1, scale: 'years' as const },
    challenge: CHALLENGE,
  };
  for (const [name, habits] of Object.entries(platforms)) {
    const publicKey = createPublicKey(device.privateKey);
    const attributes = habits.requestAttributes({ profile, deviceName: 'DEVICE-1', extensions: usualExtensions });
    const csr = request(device, 'CN=device,OU=Sales,O=Contoso', { attributes, extensions: usualExtensions });
    const signer = habits.signerCertificate({
      subject: parseName('CN=device'),
      publicKey,
      privateKey: device.privateKey,
      serialNumber: Uint8Array.of(7),
      now,
    });
    keep('certification-request', `fleet-${name}`, csr);
    keep('certificate', `fleet-signer-${name}`, signer);
    keep(
      'pki-message',
      `fleet-${name}`,
      message(csr, {
        framing: habits.framing,
        keyTransport: habits.keyTransport,
        signer: { ...device, certificate: decodeCertificate(signer) },
      }),
    );
  }
}

function message(content: Uint8Array, more: Partial<Parameters<typeof createPkiRequest>[0]> = {}): Uint8Array {
  return createPkiRequest({
    messageType: 'PKCSReq',
    content,
    transactionId: 'transaction-1',
    senderNonce: nonce,
    recipients: [registration.certificate],
    contentCipher: 'aes-128-cbc',
    keyTransport: { kind: 'pkcs1' },
    digest: 'sha256',
    signer: device,
    randomBytes,
    ...more,
  });
}

/** Cisco IOS wraps the extensions in a TeletexString, signs with MD5, and names itself in one set of two attributes. */
function ciscoRequest(): Uint8Array {
  const wrapped = element(tag.teletexString, encodeExtensions([keyUsageExtension(['digitalSignature'])]));
  return request(device, 'CN=router+2.5.4.5=FOC1234,O=Contoso', {
    extensions: [],
    attributes: [{ oid: oid.extensionRequest, values: [wrapped] }],
    digest: 'md5',
  });
}

const poll = encodeIssuerAndSubject({ issuer: authority.certificate.subject, subject: parseName('CN=device') });
const query = encodeIssuerAndSerialNumber(renewing.certificate);

function messages(): void {
  const csr = request(device);
  keep('certification-request', 'every-name', csr);
  keep('certification-request', 'cisco-like', ciscoRequest());
  keep('certification-request', 'ec', request(ecDevice));
  keep('certification-request', 'plain', request(device, '', { extensions: [] }));
  keep('sealed-query', 'poll', Uint8Array.of(...poll, 0));
  keep('sealed-query', 'get-cert', Uint8Array.of(...query, 1));
  keep('sealed-query', 'get-crl', Uint8Array.of(...query, 2));
  keep('issuer-and-subject', 'poll', poll);
  keep('issuer-and-serial-number', 'query', query);
  keep('pki-message', 'poll', message(poll, { messageType: 'CertPoll' }));
  keep('pki-message', 'get-cert', message(query, { messageType: 'GetCert', framing: 'ber' }));
  keep('pki-message', 'get-crl', message(query, { messageType: 'GetCRL', signer: renewing }));
  keep('pki-message', 'renewal', message(csr, { messageType: 'RenewalReq', signer: renewing }));
  keep('pki-message', 'ec', message(request(ecDevice), { signer: ecDevice }));
  keep(
    'pki-message',
    'oaep-sha512',
    message(csr, { keyTransport: { kind: 'oaep', digest: 'sha1' }, contentCipher: 'aes-256-cbc', digest: 'sha512' }),
  );
  keep('pki-message', 'des-md5-ber', message(csr, { contentCipher: 'des-cbc', digest: 'md5', framing: 'ber' }));
}

/** As jscep writes on Bouncy Castle: the envelope in indefinite lengths, the message around it in definite ones. */
function mixedFramings(): void {
  const envelope = envelopeOf(request(device), 'ber');
  keep('envelope', 'ber', envelope);
  keep('envelope', 'der', envelopeOf(request(device), 'der'));
  keep('pki-message', 'jscep-like', signed(envelope, 'der'));
  // sscep: OpenSSL's streaming writer puts the content into one piece of an indefinite octet string.
  const inPieces = framings.ber.octetString(envelopeOf(request(device), 'der'));
  keep('asn1-reader', 'octets-in-pieces', inPieces);
  keep('pki-message', 'sscep-like', signed(envelopeOf(request(device), 'der'), 'ber'));
}

function envelopeOf(content: Uint8Array, framing: 'der' | 'ber'): Uint8Array {
  return encodeEnvelope({
    content,
    recipients: [{ kind: 'certificate', certificate: registration.certificate, keyTransport: { kind: 'pkcs1' } }],
    contentCipher: 'aes-256-cbc',
    framing,
    randomBytes,
  });
}

function signed(content: Uint8Array, framing: 'der' | 'ber'): Uint8Array {
  const attribute = (type: string, value: Uint8Array) =>
    der.sequence(der.oid(`2.16.840.1.113733.1.9.${type}`), der.set(value));
  return encodeSignedData({
    content,
    attributes: [
      attribute('2', der.printableString('19')),
      attribute('5', der.octetString(nonce)),
      attribute('7', der.utf8String('transaktion-ä')),
    ],
    digest: 'sha256',
    signer: device,
    framing,
  });
}

function replies(): void {
  const certificates = [renewing.certificate.encoded];
  const common = {
    transactionId: 'transaction-1',
    recipientNonce: nonce,
    digest: 'sha256',
    signer: registration,
    randomBytes,
  } as const;
  const success = { status: 'success', certificates, contentCipher: 'aes-128-cbc' } as const;
  const recipient = { kind: 'certificate', certificate: device.certificate, keyTransport: { kind: 'pkcs1' } } as const;
  keep('cert-rep', 'success', createCertRep({ ...common, outcome: { ...success, recipient } }));
  keep(
    'cert-rep',
    'crl',
    createCertRep({ ...common, outcome: { ...success, certificates: [], crls: [crl()], recipient } }),
  );
  keep('cert-rep', 'pending', createCertRep({ ...common, outcome: { status: 'pending' } }));
  for (const failInfo of ['badAlg', 'badTime'] satisfies FailInfo[]) {
    keep(
      'cert-rep',
      `failure-${failInfo}`,
      createCertRep({ ...common, outcome: { status: 'failure', failInfo, failInfoText: 'a text' } }),
    );
  }
  keep(
    'cert-rep-password',
    'success',
    createCertRep({
      ...common,
      outcome: { ...success, recipient: { kind: 'password', password: CHALLENGE, iterations: 3 } },
    }),
  );
  keep('certs-only', 'authorities', encodeCertsOnly([recorder.certificate.encoded, authority.certificate.encoded]));
  keep('certs-only', 'with-crl', encodeCertsOnly(certificates, [crl()]));
  keep('certs-only', 'single', authority.certificate.encoded);
  keep(
    'next-ca',
    'next',
    createNextCaCertificates({
      certificates: [authority.certificate.encoded, registration.certificate.encoded],
      digest: 'sha256',
      signer: authority,
    }),
  );
}

function crl(): Uint8Array {
  const signatureAlgorithm = signatureAlgorithmFor(authority.privateKey, 'sha256');
  const tbs = encodeTbsCertificateList({
    signatureAlgorithm,
    issuer: authority.certificate.subject,
    thisUpdate: now,
    nextUpdate: new Date('2026-07-01T00:00:00Z'),
    crlNumber: 300n,
    authorityKeyIdentifier: new Uint8Array(20),
    revoked: (['keyCompromise', 'superseded', 'unspecified'] as const).map((reason, index) => ({
      serialNumber: Uint8Array.of(0x90, index),
      revokedAt: now,
      reason,
    })),
  });
  return assembleCertificateList(tbs, signatureAlgorithm, signData(authority.privateKey, 'sha256', tbs));
}

function certificates(): void {
  for (const [name, { certificate }] of Object.entries({ authority, device, ecDevice, registration, renewing }))
    keep('certificate', name, certificate.encoded);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const everything = createSelfSignedCertificate({
    subject: parseName('CN=every\\, thing+2.5.4.5=1,OU=\\C3\\A6,DC=example,C=NO'),
    privateKey,
    publicKey,
    serialNumber: Uint8Array.of(0xff, 1),
    notBefore: new Date('1949-01-01T00:00:00Z'),
    notAfter: new Date('9999-12-31T23:59:59Z'),
    extensions: [
      ...extensions,
      basicConstraintsExtension({ ca: true, pathLength: 0 }),
      { oid: oid.crlDistributionPoints, critical: false, value: encodeCrlDistributionPoints(['http://a/b.crl']) },
      { oid: '1.3.6.1.4.1.311.25.2', critical: false, value: Uint8Array.of(0x30, 0) },
    ],
  });
  keep('certificate', 'everything', everything);
  const { content } = vectorsOfElement(everything);
  keep('certificate-ber', 'indefinite', der.concat(Uint8Array.of(0x30, 0x80), content, Uint8Array.of(0, 0)));
  keep('certificate-list', 'three', crl());
  keep('certificate-list', 'openssl-shape', withoutRevoked());
  keep('public-key', 'rsa', publicKeyInfoOf(createPublicKey(device.privateKey)).encoded);
  for (const namedCurve of ['P-256', 'P-521', 'secp256k1'])
    keep(
      'public-key',
      namedCurve,
      new Uint8Array(generateKeyPairSync('ec', { namedCurve }).publicKey.export({ type: 'spki', format: 'der' })),
    );
  keep(
    'public-key',
    'ed25519',
    new Uint8Array(generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' })),
  );
}

function vectorsOfElement(encoded: Uint8Array): { content: Uint8Array } {
  const lengthOctets = (encoded[1] ?? 0) > 0x80 ? (encoded[1] ?? 0) & 0x7f : 0;
  return { content: encoded.subarray(2 + lengthOctets) };
}

/** Without entries, next update and extensions, as version 1 allows. */
function withoutRevoked(): Uint8Array {
  const algorithm = signatureAlgorithmFor(authority.privateKey, 'sha1');
  const tbs = der.sequence(algorithm.encoded, authority.certificate.subject.encoded, der.time(now));
  return der.sequence(tbs, algorithm.encoded, der.bitString(signData(authority.privateKey, 'sha1', tbs)));
}

function parts(): void {
  const texts = [
    'CN=device-1,OU=Sales,O=Contoso,C=NO',
    String.raw`CN=Doe\, Jane+UID=42,DC=example,DC=com`,
    String.raw`CN=\C3\A6\0A\ ,1.2.3.4=#0500`,
    'CN="quoted, too"',
    'emailAddress=a@b.example,serialNumber=12',
    '',
  ];
  for (const [index, text] of texts.entries()) {
    keep('name-text', `${index}`, text);
    keep('name', `${index}`, parseName(text).encoded);
  }
  const types = [
    tag.teletexString,
    tag.bmpString,
    tag.universalString,
    tag.visibleString,
    tag.numericString,
    tag.bitString,
  ];
  const content = (type: number): Uint8Array =>
    type === tag.bmpString
      ? Uint8Array.of(0, 97)
      : type === tag.universalString
        ? Uint8Array.of(0, 0, 0, 97)
        : Uint8Array.of(0x31, 0x32);
  const string = (type: number): Uint8Array => element(type, content(type));
  keep(
    'name',
    'string-types',
    der.sequence(...types.map((type) => der.set(der.sequence(der.oid('2.5.4.3'), string(type))))),
  );
  keep(
    'name',
    'several-in-one',
    buildName([
      [
        { type: 'CN', value: 'a' },
        { type: 'OU', value: 'b' },
      ],
    ]).encoded,
  );
  const values = {
    names: encodeGeneralNames(names),
    usage: encodeKeyUsage(['digitalSignature', 'decipherOnly']),
    purposes: encodeExtendedKeyUsage([oid.clientAuth, '1.2.3']),
    ca: encodeBasicConstraints({ ca: true, pathLength: 3 }),
    leaf: encodeBasicConstraints({ ca: false }),
    points: encodeCrlDistributionPoints(['http://a/', 'ldap://b']),
    access: encodeAuthorityInfoAccess({ ocsp: ['http://o'], caIssuers: ['http://c'] }),
    identifier: der.octetString(new Uint8Array(20)),
    authority: der.sequence(der.implicitPrimitive(0, new Uint8Array(20))),
    number: der.integer(300),
    reason: der.enumerated(1),
    list: encodeExtensions(extensions),
  };
  for (const [name, value] of Object.entries(values)) keep('extension', name, value);
  keep('asn1-reader', 'nested-indefinite', Buffer.from('3080308030800500000000000000', 'hex'));
  keep(
    'pem',
    'two',
    `text\n${encodePem('CERTIFICATE', authority.certificate.encoded.subarray(0, 100))}${encodePem('X', Uint8Array.of(1))}`,
  );
  keep('pem', 'crlf', encodePem('CERTIFICATE REQUEST', new Uint8Array(49)).replaceAll('\n', '\r\n'));
}

function texts(): void {
  const base64 = Buffer.from(message(request(device))).toString('base64');
  keep('scep-query', 'certmonger', `operation=PKIOperation&message=${encodeURIComponent(base64)}`);
  keep('scep-query', 'macos', `operation=PKIOperation&message=${base64.replaceAll('=', '%3D')}`);
  keep(
    'scep-query',
    'cisco',
    `operation=PKIOperation&message=${encodeURIComponent(base64.slice(0, 400).replace(/.{64}/g, '$&\n'))}`,
  );
  keep('scep-query', 'spaces', `operation=pkioperation&message=${base64.slice(0, 100).replaceAll('+', '%20')}`);
  keep('scep-query', 'windows', 'operation=GetCACert&message=default');
  keep(
    'settings',
    'small',
    JSON.stringify({
      authority: { organization: 'Fuzz' },
      dataFolder: 'data',
      endpoints: { a: { authorizer: { kind: 'static-challenge', challenge: { environment: 'SECRET' } } } },
    }),
  );
  keep(
    'settings',
    'large',
    JSON.stringify({
      listen: { host: '127.0.0.1', port: 8080 },
      publicUrl: 'http://scep.example',
      dataFolder: 'data',
      masterSecret: { file: 'secret' },
      authority: { organization: 'Fuzz', commonNamePrefix: 'Fuzz' },
      connections: {
        one: {
          tenantId: '00000000-0000-4000-8000-000000000000',
          clientId: '00000000-0000-4000-8000-000000000001',
          clientSecret: { environment: 'SECRET' },
        },
      },
      certificateProfiles: {
        p: {
          validityDays: 30,
          keyUsages: ['digitalSignature'],
          extendedKeyUsages: ['clientAuth', '1.2.3'],
          rsaBits: { minimum: 3072 },
          crlUrls: ['http://crl.example/'],
        },
      },
      endpoints: {
        intune: { authorizer: { kind: 'intune', connection: 'one' }, certificateProfile: 'p' },
        legacy: {
          authorizer: { kind: 'static-challenge', challenge: { file: 'challenge' } },
          algorithms: 'legacy',
          renewal: false,
        },
      },
      limits: { bodyBytes: 65536, workers: 2 },
    }),
  );
  const orders = {
    'create-one-time': {
      method: 'POST',
      path: '/api/challenges',
      body: {
        endpoint: 'fuzz',
        kind: 'one-time',
        validForSeconds: 3600,
        subject: 'CN=a,O=b',
        subjectAltNames: ['DNS:a.example', 'email:a@b.example', 'IP:192.0.2.1'],
        label: 'a label',
      },
    },
    'create-static': {
      method: 'POST',
      path: '/api/challenges',
      body: { endpoint: 'fuzz', kind: 'static', validForSeconds: 3600, maximumUses: 5 },
    },
    'list-challenges': { method: 'GET', path: '/api/challenges?endpoint=fuzz&limit=10', body: '' },
    revoke: { method: 'DELETE', path: '/api/challenges/0123456789abcdef', body: '' },
    'list-requests': { method: 'GET', path: '/api/requests?state=pending&endpoint=fuzz', body: '' },
    approve: { method: 'POST', path: '/api/requests/1/approve', body: {} },
    deny: { method: 'POST', path: '/api/requests/1/deny', body: { reason: 'no' } },
    authorities: { method: 'GET', path: '/api/authorities', body: '' },
    health: { method: 'GET', path: '/api/health', body: '' },
  };
  for (const [name, order] of Object.entries(orders)) keep('admin-request', name, JSON.stringify(order));
  const head = 'Host: scep.example\r\nUser-Agent: fuzz\r\n';
  keep(
    'http-request',
    'cisco-caps',
    'GET /scep/fuzz/pkiclient.exe?operation=GetCACaps&message=trustpoint HTTP/1.0\r\n\r\n',
  );
  keep(
    'http-request',
    'windows-cert',
    `GET /scep/fuzz/pkiclient.exe?operation=GetCACert&message=default HTTP/1.1\r\n${head}\r\n`,
  );
  keep('http-request', 'next-ca', `GET /scep/fuzz?operation=GetNextCACert HTTP/1.1\r\n${head}\r\n`);
  keep(
    'http-request',
    'chunked',
    `POST /scep/fuzz?operation=PKIOperation HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  );
  keep(
    'http-request',
    'expect',
    `POST /scep/fuzz?operation=PKIOperation HTTP/1.1\r\n${head}Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello`,
  );
  keep('http-request', 'absolute', `GET http://scep.example/scep/fuzz?operation=GetCACaps HTTP/1.1\r\n${head}\r\n`);
  keep('http-request', 'crl', `GET /crl/issuing.crl HTTP/1.1\r\n${head}\r\n`);
  keep('http-request', 'pipelined', `GET /health HTTP/1.1\r\n${head}\r\nHEAD /ca/root.cer HTTP/1.1\r\n${head}\r\n`);
}

function taken(): void {
  const recorded = vectors('recorded-requests.json');
  for (const [name, base64] of Object.entries(recorded.messages ?? {}))
    keep('pki-message', `earlier-${name}`, Buffer.from(base64, 'base64'));
  const openssl = vectors('openssl-envelopes.json');
  for (const [name, base64] of Object.entries(openssl.envelopes ?? {}))
    keep('envelope', `openssl-${name}`, Buffer.from(base64, 'base64'));
}

fleet();
messages();
mixedFramings();
replies();
certificates();
parts();
texts();
taken();
