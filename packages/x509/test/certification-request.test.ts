import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { Asn1ErrorCode, CertificationRequest, Extension, GeneralName } from '@scepter/x509';
import * as x509 from '@scepter/x509';

const { Asn1Error, decodeCertificationRequest, der, oid, parseName, verifyCertificationRequest } = x509;

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const subject = parseName('CN=device-1,O=Contoso');
const keyUsage = x509.keyUsageExtension(['digitalSignature', 'keyEncipherment']);
const names: GeneralName[] = [
  { kind: 'dns', value: 'device-1.contoso.example' },
  { kind: 'upn', value: 'jane@contoso.example' },
];

const attribute = (type: string, ...values: Uint8Array[]): Uint8Array =>
  der.sequence(der.oid(type), der.set(...values));

/** A signed request whose parts after the key are given as they are. */
function requestWith(parts: Uint8Array[], version = 0, name = subject.encoded): Uint8Array {
  const info = der.sequence(der.integer(version), name, x509.publicKeyInfoOf(rsa.publicKey).encoded, ...parts);
  const signature = x509.signData(rsa.privateKey, 'sha256', info);
  return der.sequence(info, x509.signatureAlgorithmFor(rsa.privateKey, 'sha256').encoded, der.bitString(signature));
}
const requestWithAttributes = (...attributes: Uint8Array[]): Uint8Array =>
  requestWith([der.implicitConstructed(0, ...attributes)]);

function decodeVerified(encoded: Uint8Array): CertificationRequest {
  const request = decodeCertificationRequest(encoded);
  assert.ok(verifyCertificationRequest(request), 'signature');
  return request;
}

describe('createCertificationRequest and decodeCertificationRequest (RFC 2986)', () => {
  for (const [label, keys] of [['RSA', rsa] as const, ['P-384', p384] as const]) {
    it(`are inverse, with a key of ${label}`, () => {
      const extensions: Extension[] = [keyUsage, x509.subjectAltNameExtension(names)];
      const attributes = [{ oid: '1.2.3', values: [der.integer(2), der.integer(1)] }];
      const encoded = x509.createCertificationRequest({
        subject,
        ...keys,
        extensions,
        challengePassword: 'p@ss',
        attributes,
      });
      const request = decodeVerified(encoded);
      assert.deepEqual(request.encoded, encoded);
      assert.deepEqual(request.subject, subject);
      assert.deepEqual(request.extensions, extensions);
      assert.deepEqual(request.subjectAltNames, names);
      assert.equal(request.challengePassword, 'p@ss');
      assert.ok(request.publicKey.keyObject().equals(keys.publicKey));
      const other = request.attributes.find((candidate) => candidate.oid === '1.2.3');
      assert.deepEqual(other?.values, [der.integer(1), der.integer(2)], 'SET OF in DER order');
    });
  }

  it('work with the digests of old and of careful clients', () => {
    for (const digest of ['md5', 'sha1', 'sha384', 'sha512'] as const) {
      decodeVerified(x509.createCertificationRequest({ subject, ...rsa, digest }));
    }
  });

  it('write nothing that was not asked for', () => {
    const request = decodeVerified(x509.createCertificationRequest({ subject: parseName(''), ...rsa }));
    assert.deepEqual(request.attributes, []);
    assert.deepEqual(request.subject.rdns, []);
    assert.equal(request.challengePassword, undefined);
  });

  it('write the challenge as PrintableString where that is possible (RFC 2985, 5.4.1)', () => {
    for (const [challengePassword, tag] of [['abc+/=', 0x13] as const, ['a_b', 0x0c] as const]) {
      const request = decodeVerified(x509.createCertificationRequest({ subject, ...rsa, challengePassword }));
      assert.equal(request.attributes[0]?.values[0]?.[0], tag);
      assert.equal(request.challengePassword, challengePassword);
    }
  });
});

describe('what clients send', () => {
  it('no attributes element at all', () => assert.deepEqual(decodeVerified(requestWith([])).attributes, []));

  it('an empty attributes element', () => assert.deepEqual(decodeVerified(requestWithAttributes()).attributes, []));

  it('attributes in any order', () => {
    const request = decodeVerified(
      requestWithAttributes(
        attribute(oid.extensionRequest, x509.encodeExtensions([keyUsage])),
        attribute(oid.challengePassword, der.utf8String('secret')),
      ),
    );
    assert.equal(request.challengePassword, 'secret');
    assert.deepEqual(request.extensions, [keyUsage]);
  });

  const challenges: [string, Uint8Array, string][] = [
    ['UTF8String', der.utf8String('påss'), 'påss'],
    ['PrintableString', der.printableString('pass'), 'pass'],
    ['IA5String', der.ia5String('p@ss'), 'p@ss'],
    ['TeletexString', Uint8Array.of(0x14, 2, 0xe5, 0x61), 'åa'],
    ['BMPString', Uint8Array.of(0x1e, 4, 0, 0xe5, 0, 0x61), 'åa'],
    ['an empty string', der.utf8String(''), ''],
    ['16,384 characters', der.printableString('a'.repeat(16_384)), 'a'.repeat(16_384)],
  ];
  for (const [label, value, text] of challenges) {
    it(`a challenge as ${label}`, () => {
      const request = decodeVerified(requestWithAttributes(attribute(oid.challengePassword, value)));
      assert.equal(request.challengePassword, text);
    });
  }

  it('the attribute of older Windows clients, and takes no extensions from it', () => {
    const value = x509.encodeExtensions([keyUsage]);
    const alone = requestWithAttributes(attribute(oid.microsoftCertExtensions, value));
    assert.deepEqual(decodeVerified(alone).extensions, []);
    const both = requestWithAttributes(
      attribute(oid.microsoftCertExtensions, x509.encodeExtensions([x509.subjectAltNameExtension(names)])),
      attribute(oid.extensionRequest, value),
    );
    assert.deepEqual(decodeVerified(both).extensions, [keyUsage]);
    assert.deepEqual(decodeVerified(both).subjectAltNames, []);
  });

  it('an empty list of extensions', () => {
    const request = decodeVerified(requestWithAttributes(attribute(oid.extensionRequest, der.sequence())));
    assert.deepEqual(request.extensions, []);
  });

  it('RSA without parameters in the signature algorithm', () => {
    const info = decodeVerified(requestWith([])).info;
    const algorithm = x509.encodeAlgorithmIdentifier(oid.sha256WithRSA);
    const signature = x509.signData(rsa.privateKey, 'sha256', info);
    decodeVerified(der.sequence(info, algorithm.encoded, der.bitString(signature)));
  });
});

describe('Cisco IOS 15.7: extensions inside a TeletexString, two attributes in one relative distinguished name', () => {
  const ciscoSubject = der.sequence(
    der.set(der.sequence(der.oid(oid.commonName), der.printableString('router.example'))),
    der.set(
      der.sequence(der.oid(oid.unstructuredAddress), der.printableString('192.0.2.1')),
      der.sequence(der.oid(oid.unstructuredName), der.ia5String('router.example')),
    ),
  );
  // TeletexString of 15 bytes: SEQUENCE { SEQUENCE { keyUsage, OCTET STRING { digitalSignature, keyEncipherment } } }.
  const teletex = x509.fromHex('140f300d300b0603551d0f0404030205a0');

  it('is read, and its subject kept byte for byte', () => {
    const encoded = requestWith(
      [
        der.implicitConstructed(
          0,
          attribute(oid.challengePassword, der.printableString('secret1234')),
          attribute(oid.extensionRequest, teletex),
        ),
      ],
      0,
      ciscoSubject,
    );
    const request = decodeVerified(encoded);
    assert.deepEqual(request.extensions, [{ ...keyUsage, critical: false }]);
    assert.deepEqual(request.subject.encoded, ciscoSubject);
    assert.equal(request.challengePassword, 'secret1234');
    assert.equal(
      x509.formatName(request.subject),
      'UNSTRUCTUREDADDRESS=192.0.2.1+UNSTRUCTUREDNAME=router.example,CN=router.example',
    );
  });

  it('is refused when the TeletexString holds something else behind the extensions', () => {
    const more = x509.fromHex('1411300d300b0603551d0f0404030205a00500');
    assert.throws(
      () => decodeCertificationRequest(requestWithAttributes(attribute(oid.extensionRequest, more))),
      Asn1Error,
    );
  });

  it('is read from a request that a router really sent (smallstep/certificates, issue 916)', (t) => {
    const root = path.resolve(import.meta.dirname, '../../..');
    const file = path.join(root, '../shared/vectors/cisco.csr.der');
    if (!existsSync(file)) {
      t.diagnostic('cisco.csr.der is not on this machine; the request built above stands for it');
      return;
    }
    const request = decodeVerified(readFileSync(file));
    assert.equal(request.challengePassword, 'secret1234');
    assert.equal(request.signatureAlgorithm.oid, oid.md5WithRSA);
    assert.deepEqual(request.extensions, [{ ...keyUsage, critical: false }]);
    assert.equal(request.subject.rdns.at(-1)?.length, 2);
  });
});

describe('decodeCertificationRequest refuses', () => {
  const challenge = der.utf8String('secret');
  const extensions = x509.encodeExtensions([keyUsage]);
  const rows: [string, Asn1ErrorCode, () => Uint8Array][] = [
    [
      'two challenge attributes',
      'bad_value',
      () =>
        requestWithAttributes(attribute(oid.challengePassword, challenge), attribute(oid.challengePassword, challenge)),
    ],
    [
      'a challenge of two values',
      'bad_value',
      () => requestWithAttributes(attribute(oid.challengePassword, challenge, challenge)),
    ],
    ['a challenge without value', 'bad_value', () => requestWithAttributes(attribute(oid.challengePassword))],
    [
      'a challenge that is no string',
      'unexpected_tag',
      () => requestWithAttributes(attribute(oid.challengePassword, der.octetString(new Uint8Array(1)))),
    ],
    [
      'a challenge of more than 16,384 characters',
      'bad_value',
      () => requestWithAttributes(attribute(oid.challengePassword, der.utf8String('a'.repeat(16_385)))),
    ],
    [
      'two requests for extensions',
      'bad_value',
      () =>
        requestWithAttributes(attribute(oid.extensionRequest, extensions), attribute(oid.extensionRequest, extensions)),
    ],
    [
      'two subject alternative names',
      'bad_value',
      () =>
        requestWithAttributes(
          attribute(
            oid.extensionRequest,
            x509.encodeExtensions([x509.subjectAltNameExtension(names), x509.subjectAltNameExtension([])]),
          ),
        ),
    ],
    ['another version', 'bad_value', () => requestWith([], 1)],
    ['an unknown part of the request', 'trailing_data', () => requestWith([der.implicitConstructed(0), der.null()])],
    ['something behind the request', 'trailing_data', () => der.concat(requestWith([]), der.null())],
    [
      'a certificate',
      'unexpected_tag',
      () =>
        x509.createSelfSignedCertificate({
          subject,
          ...rsa,
          serialNumber: Uint8Array.of(1),
          notBefore: new Date(0),
          notAfter: new Date(1e12),
        }),
    ],
  ];
  for (const [label, code, encoded] of rows) {
    it(`${label} as ${code}`, () => {
      assert.throws(
        () => decodeCertificationRequest(encoded()),
        (error: unknown) => {
          assert.ok(error instanceof Asn1Error, String(error));
          assert.equal(error.code, code);
          assert.ok(!error.message.includes('secret'));
          return true;
        },
      );
    });
  }
});

describe('verifyCertificationRequest', () => {
  it('sees a change of any signed byte that still decodes', () => {
    const encoded = x509.createCertificationRequest({
      subject,
      ...p384,
      extensions: [keyUsage],
      challengePassword: 'secret',
    });
    let decoded = 0;
    for (let at = 0; at < encoded.length; at++) {
      const changed = Uint8Array.from(encoded);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      try {
        const request = decodeCertificationRequest(changed);
        decoded += 1;
        assert.equal(verifyCertificationRequest(request), false, `byte ${at}`);
      } catch (error) {
        assert.ok(error instanceof Asn1Error, String(error));
      }
    }
    assert.ok(decoded > 100, `only ${decoded} changes decoded`);
  });
});
