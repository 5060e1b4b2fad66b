import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Asn1Error, Asn1Reader, der, fromHex, tag, toHex } from '@scepter/x509';

const badValue = (error: unknown): boolean => error instanceof Asn1Error && error.code === 'bad_value';

describe('der', () => {
  const vectors: [string, Uint8Array, string][] = [
    ['INTEGER 0', der.integer(0), '020100'],
    ['INTEGER 127', der.integer(127), '02017f'],
    ['INTEGER 128', der.integer(128), '02020080'],
    ['INTEGER 256', der.integer(256n), '02020100'],
    ['INTEGER -1', der.integer(-1), '0201ff'],
    ['INTEGER -128', der.integer(-128n), '020180'],
    ['INTEGER -129', der.integer(-129), '0202ff7f'],
    ['a magnitude with the highest bit set', der.unsignedInteger(fromHex('80')), '02020080'],
    ['a magnitude with leading zeros', der.unsignedInteger(fromHex('00007f')), '02017f'],
    ['an empty magnitude', der.unsignedInteger(new Uint8Array(0)), '020100'],
    ['a magnitude of zero', der.unsignedInteger(fromHex('0000')), '020100'],
    ['BOOLEAN TRUE', der.boolean(true), '0101ff'],
    ['BOOLEAN FALSE', der.boolean(false), '010100'],
    ['NULL', der.null(), '0500'],
    ['ENUMERATED', der.enumerated(10), '0a010a'],
    ['the OID of SHA-256 with RSA', der.oid('1.2.840.113549.1.1.11'), '06092a864886f70d01010b'],
    ['an OID below 2 with a large second arc', der.oid('2.999.3'), '0603883703'],
    ['named bits without trailing zeros', der.namedBits([0, 2]), '030205a0'],
    ['named bits of two bytes', der.namedBits([8]), '0303070080'],
    ['no named bits', der.namedBits([]), '030100'],
    ['UTF8String', der.utf8String('ø'), '0c02c3b8'],
    ['UTCTime', der.time(new Date('2049-12-31T23:59:59.900Z')), '170d3439313233313233353935395a'],
    ['GeneralizedTime', der.time(new Date('2050-01-01T00:00:00Z')), '180f32303530303130313030303030305a'],
    ['explicit and implicit tags', der.explicit(0, der.implicitPrimitive(1, fromHex('61'))), 'a003810161'],
    ['SET OF in order', der.setOf([der.integer(2), der.null(), der.integer(1)]), '31080201010201020500'],
    ['bytes alone', der.concat(der.null(), der.null()), '05000500'],
  ];
  for (const [name, encoded, hex] of vectors) {
    it(`encodes ${name}`, () => assert.equal(toHex(encoded), hex));
  }

  for (const length of [0, 127, 128, 255, 256, 65_535, 65_536, 0x100_0000]) {
    it(`writes and reads a length of ${length}`, () => {
      const reader = Asn1Reader.of(der.octetString(new Uint8Array(length)));
      assert.equal(reader.octetString().length, length);
      reader.end();
    });
  }

  const refused: [string, () => unknown][] = [
    ['letters in an OID', () => der.oid('1.2.x')],
    ['an OID of one arc', () => der.oid('1')],
    ['an arc with a leading zero', () => der.oid('1.2.03')],
    ['a first arc above 2', () => der.oid('3.1')],
    ['a second arc above 39', () => der.oid('1.40')],
    ['an underscore in a PrintableString', () => der.printableString('a_b')],
    ['a letter beyond ASCII in an IA5String', () => der.ia5String('ø')],
    ['half a surrogate pair', () => der.utf8String('\ud800')],
    ['a fraction', () => der.integer(0.5)],
    ['a number that is no longer exact', () => der.integer(2 ** 60)],
    ['a date that is none', () => der.time(new Date(Number.NaN))],
    ['the year 10000', () => der.time(new Date('+010000-01-01T00:00:00Z'))],
  ];
  for (const [name, encode] of refused) {
    it(`refuses ${name}`, () => assert.throws(encode, badValue));
  }
});

describe('der and Asn1Reader are inverse', () => {
  it('for integers of any size', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 600n), max: 2n ** 600n }), (value) => {
        assert.equal(Asn1Reader.of(der.integer(value)).integer(), value);
      }),
    );
  });

  it('for object identifiers, also with arcs of 128 bits', () => {
    const arc = fc.bigInt({ min: 0n, max: 2n ** 122n });
    fc.assert(
      fc.property(fc.array(arc, { minLength: 1, maxLength: 6 }), (arcs) => {
        const text = `2.${arcs.join('.')}`;
        assert.equal(Asn1Reader.of(der.oid(text)).oid(), text);
      }),
    );
  });

  it('for the longest object identifiers, of one wide arc and of many narrow ones', () => {
    for (const content of [`2a${'ff'.repeat(126)}7f`, `2a${'01'.repeat(127)}`, `${'ff'.repeat(127)}7f`]) {
      const encoded = fromHex(`068180${content}`);
      assert.deepEqual(der.oid(Asn1Reader.of(encoded).oid()), encoded);
      const longer = fromHex(`068181${content.slice(0, -2)}8101`);
      assert.throws(() => Asn1Reader.of(longer).oid(), badValue);
    }
    assert.throws(() => der.oid(`1.2${'.1'.repeat(128)}`), badValue);
    assert.throws(() => der.oid(`1.2.${'9'.repeat(10_000)}`), badValue);
  });

  it('for text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.equal(Asn1Reader.of(der.utf8String(text)).string(), text);
      }),
    );
  });

  it('for times, whole seconds', () => {
    const range = { min: new Date('1900-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true };
    fc.assert(
      fc.property(fc.date(range), (date) => {
        const seconds = Math.floor(date.getTime() / 1000) * 1000;
        assert.equal(Asn1Reader.of(der.time(date)).time().getTime(), seconds);
      }),
    );
  });

  it('for bytes: what DER accepts, it writes back the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 12 }), (random) => {
        // An integer that reads must be its own encoding: nothing can be written in two ways.
        const input = Uint8Array.of(tag.integer, random.length, ...random);
        try {
          assert.deepEqual(der.integer(Asn1Reader.of(input).integer()), input);
        } catch (error) {
          assert.ok(error instanceof Asn1Error && error.code === 'non_canonical', String(error));
        }
      }),
    );
  });
});
