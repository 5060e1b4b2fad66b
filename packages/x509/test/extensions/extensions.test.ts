import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Extension, KeyUsage } from '@scepter/x509';
import * as x509 from '@scepter/x509';

const { Asn1Error, Asn1Reader, der, fromHex, oid, toHex } = x509;

describe('Extensions (RFC 5280, 4.2)', () => {
  const list: Extension[] = [
    { oid: oid.keyUsage, critical: true, value: fromHex('030205a0') },
    { oid: '1.2.3', critical: false, value: new Uint8Array(0) },
  ];

  it('reads back what it writes', () => {
    assert.deepEqual(x509.readExtensions(Asn1Reader.of(x509.encodeExtensions(list))), list);
    assert.equal(toHex(x509.encodeExtensions(list.slice(0, 1))), '3010300e0603551d0f0101ff0404030205a0');
  });

  it('finds an extension by its identifier', () => {
    assert.equal(x509.findExtension(list, oid.keyUsage), list[0]);
    assert.equal(x509.findExtension(list, oid.subjectAltName), undefined);
  });

  it('accepts an explicit FALSE and an empty list', () => {
    const written = der.sequence(
      der.sequence(der.oid('1.2.3'), der.boolean(false), der.octetString(new Uint8Array(0))),
    );
    assert.deepEqual(x509.readExtensions(Asn1Reader.of(written)), list.slice(1));
    assert.deepEqual(x509.readExtensions(Asn1Reader.of(der.sequence())), []);
  });

  it('refuses the same extension twice', () => {
    const twice = x509.encodeExtensions([...list, ...list]);
    assert.throws(
      () => x509.readExtensions(Asn1Reader.of(twice)),
      (error: unknown) => error instanceof Asn1Error && error.code === 'bad_value',
    );
  });
});

describe('key usage (4.2.1.3)', () => {
  const vectors: [KeyUsage[], string][] = [
    [['digitalSignature', 'keyEncipherment'], '030205a0'],
    [['keyCertSign', 'cRLSign'], '03020106'],
    [['decipherOnly'], '0303070080'],
    [[], '030100'],
  ];
  for (const [usages, hex] of vectors) {
    it(`writes and reads [${usages.join(', ')}]`, () => {
      assert.equal(toHex(x509.encodeKeyUsage(usages)), hex);
      assert.deepEqual(x509.decodeKeyUsage(fromHex(hex)), usages);
    });
  }

  it('reads trailing zero bits and ignores bits without a name', () => {
    assert.deepEqual(x509.decodeKeyUsage(fromHex('030200a0')), ['digitalSignature', 'keyEncipherment']);
    assert.deepEqual(x509.decodeKeyUsage(fromHex('030400800001')), ['digitalSignature']);
  });

  it('is critical', () => assert.equal(x509.keyUsageExtension(['digitalSignature']).critical, true));
});

describe('the other extensions', () => {
  it('extended key usage (4.2.1.12)', () => {
    const extension = x509.extendedKeyUsageExtension([oid.clientAuth, oid.certificateRequestAgent]);
    assert.equal(extension.critical, false);
    assert.deepEqual(x509.decodeExtendedKeyUsage(extension.value), [oid.clientAuth, oid.certificateRequestAgent]);
  });

  it('basic constraints (4.2.1.9)', () => {
    const vectors: [{ ca: boolean; pathLength?: number }, string][] = [
      [{ ca: true, pathLength: 0 }, '30060101ff020100'],
      [{ ca: true }, '30030101ff'],
      [{ ca: false }, '3000'],
    ];
    for (const [constraints, hex] of vectors) {
      const extension = x509.basicConstraintsExtension(constraints);
      assert.equal(toHex(extension.value), hex);
      assert.deepEqual(x509.decodeBasicConstraints(extension.value), constraints);
      assert.equal(extension.critical, true);
    }
    assert.deepEqual(x509.decodeBasicConstraints(fromHex('3003010100')), { ca: false });
    assert.throws(() => x509.decodeBasicConstraints(fromHex('30060101ff0201ff')), Asn1Error);
  });

  it('subject alternative name (4.2.1.6), critical when asked', () => {
    const names = [{ kind: 'dns', value: 'a.example' }] as const;
    const extension = x509.subjectAltNameExtension(names, true);
    assert.deepEqual([extension.oid, extension.critical], [oid.subjectAltName, true]);
    assert.deepEqual(x509.decodeGeneralNames(extension.value), names);
    assert.equal(x509.subjectAltNameExtension(names).critical, false);
  });

  it('authority key identifier (4.2.1.1), also with issuer and serial number', () => {
    const extension = x509.authorityKeyIdentifierExtension(fromHex('0102'));
    assert.equal(toHex(extension.value), '300480020102');
    assert.deepEqual(x509.decodeAuthorityKeyIdentifier(extension.value), fromHex('0102'));
    const complete = fromHex('300980020102a100820105');
    assert.deepEqual(x509.decodeAuthorityKeyIdentifier(complete), fromHex('0102'));
    assert.throws(() => x509.decodeAuthorityKeyIdentifier(fromHex('3006800201020500')), Asn1Error);
    assert.equal(x509.decodeAuthorityKeyIdentifier(fromHex('3000')), undefined);
  });

  it('CRL distribution points (4.2.1.13)', () => {
    const urls = ['http://crl.example/1.crl', 'http://crl.example/2.crl'];
    const extension = x509.crlDistributionPointsExtension(urls);
    assert.deepEqual(x509.decodeCrlDistributionPoints(extension.value), urls);
    // A point with reasons only, and one named relative to its issuer.
    assert.deepEqual(x509.decodeCrlDistributionPoints(fromHex('300c3004810200803004a002a100')), []);
  });

  it('authority information access (4.2.2.1)', () => {
    const access = { caIssuers: ['http://ca.example/ca.cer'], ocsp: ['http://ocsp.example'] };
    const extension = x509.authorityInfoAccessExtension(access);
    assert.deepEqual(x509.decodeAuthorityInfoAccess(extension.value), access);
    assert.deepEqual(x509.decodeAuthorityInfoAccess(x509.encodeAuthorityInfoAccess({})), { caIssuers: [], ocsp: [] });
  });

  it('authority information access has one location for each method (4.2.2.1)', () => {
    const location = (value: string): Uint8Array => der.implicitPrimitive(6, Buffer.from(value));
    const access = (...locations: Uint8Array[]): Uint8Array =>
      der.sequence(der.sequence(der.oid(oid.accessOcsp), ...locations));
    assert.deepEqual(x509.decodeAuthorityInfoAccess(access(location('http://a'))).ocsp, ['http://a']);
    assert.throws(() => x509.decodeAuthorityInfoAccess(access()), x509.Asn1Error);
    assert.throws(() => x509.decodeAuthorityInfoAccess(access(location('a'), location('b'))), x509.Asn1Error);
  });

  it('CRL distribution points have nothing behind their three fields (4.2.1.13)', () => {
    const url = der.implicitPrimitive(6, Buffer.from('http://a'));
    const fullName = der.implicitConstructed(0, url);
    const reasons = der.implicitPrimitive(1, Uint8Array.of(1, 6));
    const issuer = der.implicitConstructed(2, url);
    const points = (...fields: Uint8Array[]): Uint8Array => der.sequence(der.sequence(...fields));
    assert.deepEqual(x509.decodeCrlDistributionPoints(points(der.explicit(0, fullName), reasons, issuer)), [
      'http://a',
    ]);
    assert.deepEqual(x509.decodeCrlDistributionPoints(points(reasons)), []);
    assert.deepEqual(x509.decodeCrlDistributionPoints(points(der.explicit(0, der.implicitConstructed(1)))), []);
    for (const refused of [
      points(der.explicit(0, fullName, fullName)),
      points(der.explicit(0, fullName), issuer, url),
    ]) {
      assert.throws(() => x509.decodeCrlDistributionPoints(refused), x509.Asn1Error);
    }
  });
});
