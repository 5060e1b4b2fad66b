import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Name } from '@scepter/x509';
import {
  Asn1Error,
  buildName,
  decodeName,
  der,
  formatName,
  fromHex,
  NameError,
  namesEqual,
  oid,
  parseName,
  toHex,
} from '@scepter/x509';

/** A name of one attribute whose value is the given element. */
function nameWith(type: string, encodedValue: Uint8Array): Name {
  return decodeName(der.sequence(der.set(der.sequence(der.oid(type), encodedValue))));
}

describe('decodeName (RFC 5280, 4.1.2.4)', () => {
  it('keeps the received bytes and the order of the encoding', () => {
    // Country as UTF8String and the set out of DER order: neither would be written this way by us.
    const encoded = der.sequence(
      der.set(der.sequence(der.oid(oid.countryName), der.utf8String('NO'))),
      der.set(
        der.sequence(der.oid(oid.organizationalUnitName), der.utf8String('Sales')),
        der.sequence(der.oid(oid.commonName), der.printableString('a')),
      ),
    );
    const name = decodeName(encoded);
    assert.deepEqual(name.encoded, encoded);
    assert.deepEqual(
      name.rdns.map((rdn) => rdn.map(({ type, value }) => [type, value])),
      [
        [[oid.countryName, 'NO']],
        [
          [oid.organizationalUnitName, 'Sales'],
          [oid.commonName, 'a'],
        ],
      ],
    );
    assert.deepEqual(name.rdns[0]?.[0]?.encodedValue, der.utf8String('NO'));
  });

  it('reads the empty name', () => assert.deepEqual(decodeName(fromHex('3000')).rdns, []));

  it('shows a value that is no string as hex', () => {
    const [[attribute] = []] = nameWith(oid.commonName, der.integer(5)).rdns;
    assert.equal(attribute?.value, '#020105');
  });

  const refused: [string, Uint8Array][] = [
    ['a set without attributes', der.sequence(der.set())],
    ['an attribute without value', der.sequence(der.set(der.sequence(der.oid(oid.commonName))))],
    [
      'an attribute with two values',
      der.sequence(der.set(der.sequence(der.oid(oid.commonName), der.null(), der.null()))),
    ],
    ['something behind the name', der.concat(der.sequence(), der.null())],
    ['malformed UTF-8', der.sequence(der.set(der.sequence(der.oid(oid.commonName), fromHex('0c01ff'))))],
  ];
  for (const [label, encoded] of refused) {
    it(`refuses ${label}`, () => assert.throws(() => decodeName(encoded), Asn1Error));
  }
});

describe('buildName', () => {
  it('uses the string types of RFC 5280, appendix A', () => {
    const name = buildName([
      [{ type: 'C', value: 'NO' }],
      [{ type: 'DC', value: 'example' }],
      [{ type: oid.organizationName, value: 'Ørsted' }],
      [
        { type: 'E', value: 'a@b.example' },
        { type: 'serialNumber', value: 'X1' },
      ],
    ]);
    const tags = name.rdns.flat().map(({ type, encodedValue }) => [type, encodedValue[0]]);
    assert.deepEqual(tags, [
      [oid.countryName, 0x13],
      [oid.domainComponent, 0x16],
      [oid.organizationName, 0x0c],
      [oid.serialNumber, 0x13],
      [oid.emailAddress, 0x16],
    ]);
  });

  const refused: [string, string, NameError['code']][] = [
    ['XX', 'a', 'name.unknown_type'],
    ['C', 'Ø', 'name.bad_value'],
    ['serialNumber', 'a_b', 'name.bad_value'],
    ['E', 'ø@b', 'name.bad_value'],
    ['CN', '\udc00', 'name.bad_value'],
  ];
  for (const [type, value, code] of refused) {
    it(`refuses ${type}=${JSON.stringify(value)} as ${code}`, () => {
      assert.throws(
        () => buildName([[{ type, value }]]),
        (error: unknown) => error instanceof NameError && error.code === code,
      );
    });
  }

  it('refuses a relative distinguished name without attributes', () => {
    assert.throws(() => buildName([[]]), NameError);
  });
});

describe('namesEqual (RFC 5280, 7.1)', () => {
  it('does not fold values longer than any real one: a long run of combining marks would take seconds', () => {
    const long = (marks: string): Name => buildName([[{ type: oid.commonName, value: marks.repeat(40_000) }]]);
    const startedAt = performance.now();
    assert.ok(!namesEqual(long('\u0345\u0334'), long('\u0334\u0345')));
    assert.ok(namesEqual(long('\u0345\u0334'), long('\u0345\u0334')));
    assert.ok(performance.now() - startedAt < 2_000, 'normalising would take some seconds');
  });

  const equal: [string, Name, Name][] = [
    ['the same bytes', parseName('CN=a,O=b'), parseName('CN=a,O=b')],
    ['another string type', nameWith(oid.commonName, der.printableString('a')), parseName('CN=a')],
    ['another case', parseName('CN=Device,O=CONTOSO'), parseName('CN=device,O=Contoso')],
    ['spaces around and inside', parseName(String.raw`CN=\ a   b\ `), parseName('CN=a b')],
    ['composed and decomposed letters', parseName('CN=\u00e5'), parseName('CN=a\u030a')],
    ['another order inside one relative distinguished name', parseName('CN=a+OU=b'), parseName('OU=b+CN=a')],
    ['two empty names', parseName(''), parseName('')],
  ];
  for (const [label, a, b] of equal) {
    it(`ignores ${label}`, () => {
      assert.ok(namesEqual(a, b));
      assert.ok(namesEqual(b, a));
    });
  }

  const different: [string, Name, Name][] = [
    ['another value', parseName('CN=a'), parseName('CN=b')],
    ['another type', parseName('CN=a'), parseName('OU=a')],
    ['another order', parseName('CN=a,O=b'), parseName('O=b,CN=a')],
    ['one more', parseName('CN=a,O=b'), parseName('CN=a')],
    ['one relative distinguished name instead of two', parseName('CN=a+O=b'), parseName('CN=a,O=b')],
    ['the same attribute twice', parseName('CN=a+CN=b'), parseName('CN=a+CN=a')],
    [
      'a text that looks like a value that is no string',
      nameWith(oid.commonName, der.null()),
      parseName(String.raw`CN=\#0500`),
    ],
  ];
  for (const [label, a, b] of different) {
    it(`sees ${label}`, () => {
      assert.ok(!namesEqual(a, b), `${formatName(a)} ${formatName(b)}`);
      assert.ok(!namesEqual(b, a), toHex(a.encoded));
    });
  }
});
