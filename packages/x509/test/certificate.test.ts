import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Asn1ErrorCode, Certificate, Extension } from '@scepter/x509';
import * as x509 from '@scepter/x509';

const { Asn1Error, decodeCertificate, der, fromHex, oid, parseName, toHex } = x509;

const rootKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const leafKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const notBefore = new Date('2026-01-01T00:00:00Z');
const notAfter = new Date('2046-01-01T00:00:00Z');
const rootName = parseName('CN=Contoso Root,O=Contoso,C=NO');
const rootExtensions: Extension[] = [
  x509.basicConstraintsExtension({ ca: true, pathLength: 1 }),
  x509.keyUsageExtension(['keyCertSign', 'cRLSign']),
  x509.subjectKeyIdentifierExtension(x509.publicKeyInfoOf(rootKeys.publicKey)),
];
const root = decodeCertificate(
  x509.createSelfSignedCertificate({
    subject: rootName,
    ...rootKeys,
    serialNumber: fromHex('0a0b'),
    notBefore,
    notAfter,
    extensions: rootExtensions,
  }),
);

/** A certificate by the root with whatever is given. */
function issue(fields: Partial<x509.TbsCertificateFields> = {}): Uint8Array {
  const signatureAlgorithm = x509.signatureAlgorithmFor(rootKeys.privateKey, 'sha256');
  const tbs = x509.encodeTbsCertificate({
    serialNumber: fromHex('f1'.repeat(16)),
    signatureAlgorithm,
    issuer: root.subject,
    notBefore,
    notAfter: new Date('2060-06-01T12:30:00Z'),
    subject: parseName(String.raw`CN=Doe\, Jane+SERIALNUMBER=7,OU=Ærlig,DC=contoso,DC=example`),
    publicKey: x509.publicKeyInfoOf(leafKeys.publicKey).encoded,
    extensions: [],
    ...fields,
  });
  return x509.assembleCertificate(tbs, signatureAlgorithm, x509.signData(rootKeys.privateKey, 'sha256', tbs));
}

/** The to-be-signed parts put together by hand, unsigned: for what our encoder would not write. */
function handmade(parts: {
  version?: Uint8Array;
  serialNumber?: Uint8Array;
  algorithm?: Uint8Array;
  validity?: Uint8Array;
  tail?: Uint8Array[];
}): Uint8Array {
  const algorithm = x509.encodeAlgorithmIdentifier(oid.sha256WithRSA, der.null()).encoded;
  const tbs = der.sequence(
    parts.version ?? der.explicit(0, der.integer(2)),
    parts.serialNumber ?? der.integer(1),
    parts.algorithm ?? algorithm,
    rootName.encoded,
    parts.validity ?? der.sequence(der.time(notBefore), der.time(notAfter)),
    rootName.encoded,
    root.publicKey.encoded,
    ...(parts.tail ?? []),
  );
  return der.sequence(tbs, algorithm, der.bitString(new Uint8Array(256)));
}

describe('encodeTbsCertificate and decodeCertificate (RFC 5280, 4.1)', () => {
  const extensions: Extension[] = [
    x509.keyUsageExtension(['digitalSignature']),
    x509.extendedKeyUsageExtension([oid.clientAuth, oid.emailProtection]),
    x509.subjectAltNameExtension([
      { kind: 'dns', value: 'device.example' },
      { kind: 'email', value: 'jane@contoso.example' },
      { kind: 'uri', value: 'https://contoso.example/id' },
      { kind: 'ip', value: '192.0.2.7' },
      { kind: 'ip', value: '2001:db8::7' },
    ]),
    x509.authorityKeyIdentifierExtension(x509.keyIdentifier(root.publicKey)),
    x509.authorityInfoAccessExtension({ caIssuers: ['http://ca.example/ca.cer'], ocsp: ['http://ocsp.example'] }),
    x509.crlDistributionPointsExtension(['http://crl.example/1.crl']),
  ];
  const encoded = issue({ extensions });
  const certificate = decodeCertificate(encoded);

  it('are inverse', () => {
    assert.deepEqual(certificate.encoded, encoded);
    assert.deepEqual(certificate.extensions, extensions);
    assert.deepEqual(certificate.issuer, rootName);
    assert.equal(certificate.notBefore.toISOString(), '2026-01-01T00:00:00.000Z');
    assert.equal(certificate.notAfter.toISOString(), '2060-06-01T12:30:00.000Z');
    assert.equal(certificate.serialHex, 'F1'.repeat(16));
    assert.equal(toHex(certificate.serialNumber), `00${'f1'.repeat(16)}`);
    const again = x509.encodeTbsCertificate({ ...certificate, publicKey: certificate.publicKey.encoded });
    assert.deepEqual(again, certificate.tbs);
  });

  it('write what Node reads the same way', () => {
    const judge = new X509Certificate(encoded);
    assert.equal(judge.serialNumber, certificate.serialHex);
    assert.equal(judge.validFromDate.getTime(), certificate.notBefore.getTime());
    assert.equal(judge.validToDate.getTime(), certificate.notAfter.getTime());
    assert.ok(judge.publicKey.equals(certificate.publicKey.keyObject()));
    assert.equal(judge.subject, 'DC=example\nDC=contoso\nOU=Ærlig\nserialNumber=7 + CN=Doe\\, Jane');
    assert.equal(judge.issuer, 'C=NO\nO=Contoso\nCN=Contoso Root');
    assert.equal(
      judge.subjectAltName,
      'DNS:device.example, email:jane@contoso.example, URI:https://contoso.example/id, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7',
    );
    assert.deepEqual(judge.keyUsage, [oid.clientAuth, oid.emailProtection]);
    assert.equal(
      judge.infoAccess?.trimEnd(),
      'OCSP - URI:http://ocsp.example\nCA Issuers - URI:http://ca.example/ca.cer',
    );
    assert.equal(judge.ca, false);
    assert.ok(judge.verify(rootKeys.publicKey));
    assert.ok(judge.checkIssued(new X509Certificate(root.encoded)));
    assert.equal(new X509Certificate(root.encoded).ca, true);
  });

  it('give the thumbprints that Windows shows', () => {
    const judge = new X509Certificate(encoded);
    assert.equal(x509.thumbprint(encoded, 'sha1'), judge.fingerprint.replaceAll(':', ''));
    assert.equal(x509.thumbprint(encoded, 'sha256'), judge.fingerprint256.replaceAll(':', ''));
  });

  it('leave the element of extensions out when there are none', () => {
    assert.deepEqual(decodeCertificate(issue()).extensions, []);
    assert.equal(new X509Certificate(issue()).subjectAltName, undefined);
  });
});

describe('verifyCertificateSignature and isSelfSigned', () => {
  const leaf = decodeCertificate(issue());

  it('look at the key of the issuer', () => {
    assert.ok(x509.verifyCertificateSignature(leaf, root.publicKey));
    assert.equal(x509.verifyCertificateSignature(leaf, leaf.publicKey), false);
    assert.ok(x509.isSelfSigned(root));
    assert.equal(x509.isSelfSigned(leaf), false);
  });

  it('are not fooled by names alone or by keys alone', () => {
    const namesake = decodeCertificate(issue({ subject: root.subject }));
    assert.equal(x509.isSelfSigned(namesake), false);
    const renamed = decodeCertificate(issue({ publicKey: root.publicKey.encoded, issuer: parseName('CN=other') }));
    assert.equal(x509.isSelfSigned(renamed), false);
  });

  it('work for ECDSA', () => {
    for (const namedCurve of ['P-256', 'P-384', 'P-521']) {
      const keys = generateKeyPairSync('ec', { namedCurve });
      const options = {
        subject: rootName,
        ...keys,
        serialNumber: Uint8Array.of(1),
        notBefore,
        notAfter,
        digest: 'sha384',
      } as const;
      const encoded = x509.createSelfSignedCertificate(options);
      assert.ok(x509.isSelfSigned(decodeCertificate(encoded)));
      assert.ok(new X509Certificate(encoded).verify(keys.publicKey));
    }
  });
});

describe('decodeCertificate accepts of foreign certificates', () => {
  const serials: [string, string, string][] = [
    ['a negative serial number', '020185', '85'],
    ['a serial number of zero', '020100', '00'],
    ['a padded serial number', '02020001', '01'],
    ['a serial number of 32 bytes', `0220${'7a'.repeat(32)}`, '7A'.repeat(32)],
    ['a serial number with two zero bytes in front', '0203000080', '0080'],
  ];
  for (const [label, hex, serialHex] of serials) {
    it(label, () => {
      const certificate = decodeCertificate(handmade({ serialNumber: fromHex(hex) }));
      assert.equal(certificate.serialHex, serialHex);
      assert.equal(toHex(certificate.serialNumber), hex.slice(4));
    });
  }

  const others: [string, () => Uint8Array][] = [
    ['version 1', () => handmade({ version: new Uint8Array(0) })],
    ['version 1 written out', () => handmade({ version: der.explicit(0, der.integer(0)) })],
    [
      'GeneralizedTime before 2050',
      () => handmade({ validity: der.sequence(der.generalizedTime(notBefore), der.generalizedTime(notAfter)) }),
    ],
    ['unique identifiers', () => handmade({ tail: [fromHex('81020001'), fromHex('82020001')] })],
    ['no extensions in the element of extensions', () => handmade({ tail: [der.explicit(3, der.sequence())] })],
  ];
  for (const [label, encoded] of others) {
    it(label, () => assert.deepEqual(decodeCertificate(encoded()).extensions, []));
  }

  it('BER, when asked', () => {
    const tbs = decodeCertificate(issue()).tbs;
    const rest = issue().subarray(4 + tbs.length);
    const indefinite = der.concat(fromHex('3080'), tbs, rest, fromHex('0000'));
    assert.throws(() => decodeCertificate(indefinite), Asn1Error);
    const certificate: Certificate = decodeCertificate(indefinite, { rules: 'ber' });
    assert.deepEqual(certificate.encoded, indefinite);
    assert.ok(x509.verifyCertificateSignature(certificate, root.publicKey));
  });
});

describe('decodeCertificate refuses', () => {
  const rows: [string, Asn1ErrorCode, () => Uint8Array][] = [
    ['nothing', 'truncated', () => new Uint8Array(0)],
    ['something behind it', 'trailing_data', () => der.concat(issue(), fromHex('00'))],
    [
      'two different algorithms',
      'bad_value',
      () => handmade({ algorithm: x509.encodeAlgorithmIdentifier(oid.sha256WithRSA).encoded }),
    ],
    ['two versions', 'trailing_data', () => handmade({ version: der.explicit(0, der.integer(2), der.integer(0)) })],
    ['version 4', 'bad_value', () => handmade({ version: der.explicit(0, der.integer(3)) })],
    ['a serial number without content', 'bad_value', () => handmade({ serialNumber: fromHex('0200') })],
    [
      'a serial number of 129 bytes',
      'bad_value',
      () => handmade({ serialNumber: der.unsignedInteger(new Uint8Array(129).fill(1)) }),
    ],
    ['no serial number', 'unexpected_tag', () => handmade({ serialNumber: new Uint8Array(0) })],
    ['an extension twice', 'bad_value', () => issue({ extensions: [...rootExtensions, ...rootExtensions] })],
    [
      'a time that is none',
      'bad_value',
      () => handmade({ validity: der.sequence(fromHex('170130'), der.time(notAfter)) }),
    ],
    ['a validity without end', 'truncated', () => handmade({ validity: der.sequence(der.time(notBefore)) })],
    ['an unknown part', 'trailing_data', () => handmade({ tail: [der.null()] })],
    [
      'a signature that is not whole bytes',
      'bad_value',
      () => der.sequence(root.tbs, root.signatureAlgorithm.encoded, fromHex('03020180')),
    ],
  ];
  for (const [label, code, encoded] of rows) {
    it(`${label} as ${code}`, () => {
      assert.throws(
        () => decodeCertificate(encoded()),
        (error: unknown) => {
          assert.ok(error instanceof Asn1Error, String(error));
          assert.equal(error.code, code);
          return true;
        },
      );
    });
  }
});
