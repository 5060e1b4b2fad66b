import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GeneralName } from '@scepter/x509';
import {
  Asn1Error,
  decodeGeneralNames,
  der,
  encodeGeneralNames,
  formatGeneralName,
  fromHex,
  oid,
  parseName,
} from '@scepter/x509';

const names: [GeneralName, string][] = [
  [{ kind: 'dns', value: 'device.example' }, 'DNS:device.example'],
  [{ kind: 'email', value: 'jane@contoso.example' }, 'email:jane@contoso.example'],
  [{ kind: 'uri', value: 'IntuneDeviceId://5f3c' }, 'URI:IntuneDeviceId://5f3c'],
  [{ kind: 'upn', value: 'jørgen@contoso.example' }, 'UPN:jørgen@contoso.example'],
  [{ kind: 'ip', value: '192.0.2.1' }, 'IP:192.0.2.1'],
  [{ kind: 'ip', value: '2001:db8::1' }, 'IP:2001:db8::1'],
  [{ kind: 'directory', name: parseName('CN=a,O=b') }, 'directory:CN=a,O=b'],
  [{ kind: 'registeredId', value: '1.2.3' }, 'RID:1.2.3'],
  [{ kind: 'otherName', typeId: '1.2.3', encodedValue: der.integer(1) }, 'otherName:1.2.3=#020101'],
  [{ kind: 'unknown', encoded: fromHex('a300') }, 'unknown:#A300'],
];

describe('general names (RFC 5280, 4.2.1.6)', () => {
  for (const [name, text] of names) {
    it(`writes and reads ${text}`, () => {
      assert.deepEqual(decodeGeneralNames(encodeGeneralNames([name])), [name]);
      assert.equal(formatGeneralName(name), text);
    });
  }

  it('keeps the order', () => {
    const all = names.map(([name]) => name);
    assert.deepEqual(decodeGeneralNames(encodeGeneralNames(all)), all);
  });

  it('reads a UPN as Windows writes it', () => {
    // otherName of certreq: 1.3.6.1.4.1.311.20.2.3, UTF8String "a@b".
    const encoded = fromHex('3015a013060a2b060104018237140203a0050c03614062');
    assert.deepEqual(decodeGeneralNames(encoded), [{ kind: 'upn', value: 'a@b' }]);
  });

  it('keeps a UPN of another string type as other name', () => {
    const value = der.ia5String('a@b');
    const encoded = der.sequence(der.implicitConstructed(0, der.oid(oid.upn), der.explicit(0, value)));
    assert.deepEqual(decodeGeneralNames(encoded), [{ kind: 'otherName', typeId: oid.upn, encodedValue: value }]);
  });

  it('makes control characters visible', () => {
    assert.equal(formatGeneralName({ kind: 'dns', value: 'a\0.b\n' }), String.raw`DNS:a\00.b\0A`);
  });

  const odd: [string, string][] = [
    ['bytes beyond ASCII in an e-mail address', '8103f84062'],
    ['an address of five bytes', '87050102030405'],
    ['an address with a mask', '87080102030400000000'],
    ['an X.400 address', 'a300'],
    ['an EDI party name', 'a500'],
  ];
  for (const [label, hex] of odd) {
    it(`gives ${label} as unknown`, () => {
      assert.deepEqual(decodeGeneralNames(der.sequence(fromHex(hex))), [{ kind: 'unknown', encoded: fromHex(hex) }]);
    });
  }

  const refused: [string, Uint8Array][] = [
    ['another tag', der.sequence(der.null())],
    ['an other name without value', der.sequence(fromHex('a0040602 2a03'.replace(' ', '')))],
    ['an other name with two values', der.sequence(fromHex('a00a06022a03a00405000500'))],
    ['something behind', der.concat(der.sequence(), der.null())],
    ['no sequence', der.null()],
  ];
  for (const [label, encoded] of refused) {
    it(`refuses ${label}`, () => assert.throws(() => decodeGeneralNames(encoded), Asn1Error));
  }

  it('refuses to write what the form does not allow', () => {
    assert.throws(() => encodeGeneralNames([{ kind: 'dns', value: 'ø.example' }]), Asn1Error);
    for (const value of ['1.2.3', '1.2.3.256', 'fe80::1%eth0', '::g', '']) {
      assert.throws(() => encodeGeneralNames([{ kind: 'ip', value }]), Asn1Error, value);
    }
  });

  const addresses: [string, string][] = [
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ];
  for (const [given, shown] of addresses) {
    it(`writes ${given} as RFC 5952 does`, () => {
      const encoded = encodeGeneralNames([{ kind: 'ip', value: given }]);
      assert.deepEqual(decodeGeneralNames(encoded), [{ kind: 'ip', value: shown }]);
    });
  }
});
