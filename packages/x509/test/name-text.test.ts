import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { buildName, decodeName, der, formatName, NameError, oid, parseName } from '@scepter/x509';

const raw = String.raw;
const values = (text: string): string[] =>
  parseName(text)
    .rdns.flat()
    .map(({ value }) => value);

describe('formatName (RFC 4514)', () => {
  it('puts the last relative distinguished name first', () => {
    const name = buildName([
      [{ type: 'C', value: 'NO' }],
      [{ type: 'O', value: 'Contoso' }],
      [{ type: 'CN', value: 'a' }],
    ]);
    assert.equal(formatName(name), 'CN=a,O=Contoso,C=NO');
  });

  const escaped: [string, string, string][] = [
    ['separators', 'a,b+c"d\\e<f>g;h=i', raw`CN=a\,b\+c\"d\\e\<f\>g\;h\=i`],
    ['a number sign in front', '#a#', raw`CN=\#a#`],
    ['spaces at both ends', ' a b ', raw`CN=\ a b\ `],
    ['one space', ' ', raw`CN=\ `],
    ['two spaces', '  ', raw`CN=\ \ `],
    ['white space that is no space, at both ends', '\u2003a\u2003 ', 'CN=\u2003a\u2003\\ '],
    ['a zero byte', 'a\0', raw`CN=a\00`],
    ['line ends', 'a\r\nCN=b', raw`CN=a\0D\0ACN\=b`],
    ['an escape sequence of terminals', '\u001b[2J', raw`CN=\1B[2J`],
    ['a character that turns the direction of text', 'a\u202eb', raw`CN=a\E2\80\AEb`],
    ['letters beyond ASCII, as they are', 'Łódź 東京', 'CN=Łódź 東京'],
    ['nothing', '', 'CN='],
  ];
  for (const [label, value, text] of escaped) {
    it(`writes ${label}`, () => assert.equal(formatName(buildName([[{ type: 'CN', value }]])), text));
  }

  it('writes types without a short name, and values that are no strings, as hex', () => {
    assert.equal(formatName(buildName([[{ type: '1.2.3', value: 'a' }]])), '1.2.3=#0C0161');
    const name = decodeName(der.sequence(der.set(der.sequence(der.oid(oid.commonName), der.integer(5)))));
    assert.equal(formatName(name), 'CN=#020105');
  });
});

describe('parseName (RFC 4514)', () => {
  it('puts the first one of the text last in the encoding', () => {
    const types = parseName('CN=a,O=b,C=NO').rdns.map(([attribute]) => attribute?.type);
    assert.deepEqual(types, [oid.countryName, oid.organizationName, oid.commonName]);
  });

  const read: [string, string, string[]][] = [
    ['an escaped comma', raw`CN=Doe\, Jane`, ['Doe, Jane']],
    ['a comma as hex pair', raw`CN=Doe\2C Jane`, ['Doe, Jane']],
    ['hex pairs of one letter', raw`CN=Lu\C4\8Di\C4\87`, ['Lučić']],
    ['an escaped plus sign', raw`CN=a\+b`, ['a+b']],
    ['an escaped backslash in front of a comma', raw`CN=a\\,O=b`, ['b', 'a\\']],
    ['escaped spaces at the ends', raw`CN=\ a\ `, [' a ']],
    ['an escaped backslash in front of a space', raw`CN=a\\ ,O=b`, ['b', 'a\\']],
    ['spaces around separators', 'CN = a , O = b', ['b', 'a']],
    ['quotation marks, as Windows writes them', 'CN="Doe, Jane + Co",O=b', ['b', 'Doe, Jane + Co']],
    ['an equals sign inside the value', 'CN=a=b', ['a=b']],
    ['an encoded value', 'CN=#0c0161', ['a']],
    ['an empty value', 'CN=', ['']],
    ['nothing', ' ', []],
  ];
  for (const [label, text, expected] of read) {
    it(`reads ${label}`, () => assert.deepEqual(values(text), expected));
  }

  it('keeps attributes joined by a plus sign in one relative distinguished name', () => {
    const name = parseName('CN=a+SERIALNUMBER=1,O=b');
    assert.deepEqual(
      name.rdns.map((rdn) => rdn.map(({ type }) => type)),
      [[oid.organizationName], [oid.commonName, oid.serialNumber]],
    );
  });

  const types: [string, string][] = [
    ['CN', oid.commonName],
    ['cn', oid.commonName],
    ['O', oid.organizationName],
    ['OU', oid.organizationalUnitName],
    ['C', oid.countryName],
    ['L', oid.localityName],
    ['ST', oid.stateOrProvinceName],
    ['S', oid.stateOrProvinceName],
    ['STREET', oid.street],
    ['SERIALNUMBER', oid.serialNumber],
    ['serialNumber', oid.serialNumber],
    ['DC', oid.domainComponent],
    ['E', oid.emailAddress],
    ['emailAddress', oid.emailAddress],
    ['UID', oid.userId],
    ['T', oid.title],
    ['GN', oid.givenName],
    ['G', oid.givenName],
    ['SN', oid.surname],
    ['2.5.4.3', oid.commonName],
    ['OID.2.5.4.3', oid.commonName],
    ['1.2.840.113549.1.9.2', oid.unstructuredName],
  ];
  for (const [short, type] of types) {
    it(`knows ${short}`, () => assert.equal(parseName(`${short}=a`).rdns[0]?.[0]?.type, type));
  }

  const refused: [string, string, NameError['code']][] = [
    ['no type', '=a', 'name.syntax'],
    ['no value', 'CN', 'name.syntax'],
    ['a comma at the end', 'CN=a,', 'name.syntax'],
    ['a plus sign at the end', 'CN=a+', 'name.syntax'],
    ['a backslash at the end', 'CN=a\\', 'name.syntax'],
    ['an open quotation mark', 'CN="a', 'name.syntax'],
    ['a quotation mark inside', 'CN=a"b"c', 'name.syntax'],
    ['hex of a string that is not UTF-8', 'CN=#0C01FF', 'name.bad_value'],
    ['hex of half a character', 'CN=#1E0100', 'name.bad_value'],
    ['a type with a second arc above 39', '1.40=a', 'name.bad_value'],
    ['a type with more arcs than an object identifier has', `1.2${'.1'.repeat(200)}=a`, 'name.bad_value'],
    ['hex of half an element', 'CN=#0c02', 'name.syntax'],
    ['hex that is none', 'CN=#zz', 'name.syntax'],
    ['a type nobody knows', 'XYZ=a', 'name.unknown_type'],
    ['hex pairs that are not UTF-8', raw`CN=\FF`, 'name.bad_value'],
    ['more text than any name has', `CN=${'a'.repeat(20_000)}`, 'name.syntax'],
  ];
  for (const [label, text, code] of refused) {
    it(`refuses ${label} as ${code}`, () => {
      assert.throws(
        () => parseName(text),
        (error: unknown) => error instanceof NameError && error.code === code,
      );
    });
  }

  it('is the inverse of formatName for every text', () => {
    const attribute = fc.record({
      type: fc.constantFrom('CN', 'O', 'OU', '1.2.3.4'),
      value: fc.string({ unit: 'binary', maxLength: 20 }),
    });
    const special = fc.record({
      type: fc.constant('CN'),
      value: fc.string({ unit: fc.constantFrom(...Array.from(' #\\,+"=;<>\0a')) }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.oneof(attribute, special), { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
        (rdns) => {
          const name = buildName(rdns);
          assert.deepEqual(parseName(formatName(name)), name);
        },
      ),
      { numRuns: 300 },
    );
  });
});
