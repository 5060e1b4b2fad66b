import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Asn1ErrorCode } from '@scepter/x509';
import { Asn1Error, Asn1Reader, der, fromHex, tag, toHex } from '@scepter/x509';

const bytes = (hex: string): Uint8Array => fromHex(hex.replaceAll(' ', ''));
const derOf = (hex: string): Asn1Reader => Asn1Reader.of(bytes(hex));
const berOf = (hex: string): Asn1Reader => Asn1Reader.of(bytes(hex), { rules: 'ber' });
const failsWith = (code: Asn1ErrorCode) => (error: unknown) => {
  assert.ok(error instanceof Asn1Error, String(error));
  assert.equal(error.code, code);
  return true;
};

/** Elements around elements: `depth` times SEQUENCE, definite lengths. */
function nested(depth: number): Uint8Array {
  let inner: Uint8Array = new Uint8Array(0);
  const layers: Uint8Array[] = [];
  let length = 0;
  for (let level = 0; level < depth; level++) {
    const header = der.octetString(new Uint8Array(length)).subarray(0, length < 0x80 ? 2 : length < 0x100 ? 3 : 4);
    layers.push(Uint8Array.of(0x30, ...header.subarray(1)));
    length += header.length;
  }
  inner = new Uint8Array(Buffer.concat(layers.toReversed()));
  return inner;
}

describe('Asn1Reader, DER (X.690, clauses 10 and 11)', () => {
  const refused: [string, Asn1ErrorCode, string, (reader: Asn1Reader) => unknown][] = [
    ['nothing at all', 'truncated', '', (r) => r.next()],
    ['a tag without a length', 'truncated', '30', (r) => r.next()],
    ['content cut off', 'truncated', '04 03 01 02', (r) => r.octetString()],
    ['a long length cut off', 'truncated', '04 82 01', (r) => r.octetString()],
    ['an element longer than the one around it', 'truncated', '30 03 04 05 00', (r) => r.sequence().octetString()],
    ['a missing element', 'truncated', '30 00', (r) => r.sequence().oid()],
    ['something behind', 'trailing_data', '05 00 05 00', (r) => (r.null(), r.end())],
    ['another type', 'unexpected_tag', '02 01 00', (r) => r.octetString()],
    ['a constructed octet string', 'unexpected_tag', '24 03 04 01 00', (r) => r.octetString()],
    ['a high tag number', 'unexpected_tag', '3f 81 01 00', (r) => r.next()],
    ['end-of-contents octets', 'unexpected_tag', '00 00', (r) => r.next()],
    ['elements inside a primitive one', 'unexpected_tag', '04 02 05 00', (r) => r.next().children()],
    ['something else than a string', 'unexpected_tag', '02 01 00', (r) => r.string()],
    ['an indefinite length', 'non_canonical', '30 80 00 00', (r) => r.sequence()],
    ['a long length below 128', 'non_canonical', '04 81 01 00', (r) => r.octetString()],
    ['a length with a leading zero', 'non_canonical', `04 82 00 80 ${'00'.repeat(128)}`, (r) => r.octetString()],
    ['a padded positive integer', 'non_canonical', '02 02 00 7f', (r) => r.integer()],
    ['a padded negative integer', 'non_canonical', '02 02 ff 80', (r) => r.integer()],
    ['a boolean 0x01', 'non_canonical', '01 01 01', (r) => r.boolean()],
    ['unused bits that are set', 'non_canonical', '03 02 05 bf', (r) => r.bitString()],
    ['an arc with a leading 0x80', 'non_canonical', '06 03 2a 80 01', (r) => r.oid()],
    ['a length of the reserved form', 'bad_length', '04 ff 00', (r) => r.octetString()],
    ['a length of five octets', 'bad_length', '04 85 01 00 00 00 00', (r) => r.octetString()],
    ['an integer without content', 'bad_value', '02 00', (r) => r.integer()],
    ['an integer too large for a number', 'bad_value', '02 07 01 00 00 00 00 00 00', (r) => r.smallInteger()],
    ['a boolean of two bytes', 'bad_value', '01 02 ff ff', (r) => r.boolean()],
    ['a NULL with content', 'bad_value', '05 01 00', (r) => r.null()],
    ['a bit string without content', 'bad_value', '03 00', (r) => r.bitString()],
    ['eight unused bits', 'bad_value', '03 02 08 00', (r) => r.bitString()],
    ['bits where bytes should be', 'bad_value', '03 02 01 80', (r) => r.wholeBytes()],
    ['unused bits of no byte', 'bad_value', '03 01 01', (r) => r.bitString()],
    ['an object identifier without content', 'bad_value', '06 00', (r) => r.oid()],
    ['an object identifier cut off', 'bad_value', '06 02 2a 86', (r) => r.oid()],
  ];
  for (const [name, code, hex, read] of refused) {
    it(`refuses ${name} as ${code}`, () => {
      assert.throws(() => read(derOf(hex)), failsWith(code));
    });
  }

  it('reads one value of each type', () => {
    assert.equal(derOf('02 01 80').integer(), -128n);
    assert.equal(derOf('02 02 00 80').integer(), 128n);
    assert.equal(derOf('02 06 7f ff ff ff ff ff').smallInteger(), 0x7fff_ffff_ffff);
    assert.equal(toHex(derOf('02 02 00 80').integerBytes()), '0080');
    assert.equal(derOf('01 01 ff').boolean(), true);
    assert.equal(derOf('01 01 00').boolean(), false);
    assert.equal(derOf('06 09 2a 86 48 86 f7 0d 01 01 0b').oid(), '1.2.840.113549.1.1.11');
    assert.deepEqual(derOf('03 02 05 a0').bitString(), { bytes: bytes('a0'), unusedBits: 5 });
    assert.deepEqual(derOf('03 01 00').bitString(), { bytes: new Uint8Array(0), unusedBits: 0 });
    assert.equal(toHex(derOf('80 02 01 02').implicitOctetString(0)), '0102');
  });

  it('walks through optional elements in order', () => {
    const sequence = derOf('30 08 02 01 05 a0 03 0c 01 61').sequence();
    assert.equal(sequence.peekTag(), tag.integer);
    assert.equal(sequence.optional(tag.boolean), undefined);
    assert.equal(sequence.smallInteger(), 5);
    assert.equal(sequence.optionalConstructed(tag.contextConstructed(1)), undefined);
    assert.equal(sequence.optionalConstructed(tag.contextConstructed(0))?.string(), 'a');
    assert.equal(sequence.peekTag(), undefined);
    assert.ok(sequence.atEnd());
  });

  it('gives views of the input, as plain arrays even of a Buffer', () => {
    const input = Buffer.from('30030401ff', 'hex');
    const element = Asn1Reader.of(input).next();
    assert.equal(element.encoded.buffer, input.buffer);
    assert.equal(Object.getPrototypeOf(element.encoded), Uint8Array.prototype);
    assert.equal(toHex(element.children().read(tag.octetString).content), 'ff');
  });
});

describe('Asn1Reader, BER (X.690, clause 8)', () => {
  it('finds the end of indefinite lengths inside each other', () => {
    const reader = berOf('30 80 30 80 04 02 00 00 00 00 05 00 00 00 02 01 07');
    const outer = reader.next();
    assert.equal(toHex(outer.encoded), '3080308004020000000005000000');
    const fields = outer.children();
    assert.equal(toHex(fields.sequence().octetString()), '0000');
    fields.null();
    fields.end();
    assert.equal(reader.smallInteger(), 7);
    reader.end();
  });

  it('joins octet strings in pieces, also in pieces of pieces, also of indefinite length', () => {
    assert.equal(toHex(berOf('24 08 04 02 01 02 04 02 03 04').octetString()), '01020304');
    assert.equal(toHex(berOf('24 80 24 04 04 02 01 02 04 01 03 00 00').octetString()), '010203');
    assert.equal(toHex(berOf('a0 80 04 01 01 04 01 02 00 00').implicitOctetString(0)), '0102');
    assert.equal(toHex(berOf('24 00').octetString()), '');
    assert.equal(toHex(berOf('80 01 09').implicitOctetString(0)), '09');
  });

  it('accepts padded lengths and any true boolean', () => {
    assert.equal(toHex(berOf('04 84 00 00 00 01 09').octetString()), '09');
    assert.equal(berOf('01 01 01').boolean(), true);
  });

  const refused: [string, Asn1ErrorCode, string][] = [
    ['an indefinite length that is never closed', 'truncated', '30 80 05 00'],
    ['an indefinite length closed beyond its surroundings', 'truncated', '30 02 30 80 00 00'],
    ['an indefinite length of a primitive element', 'bad_length', '04 80 00 00'],
    ['a length of seven octets', 'bad_length', '04 87 00 00 00 00 00 00 01 00'],
    ['a length beyond the input', 'truncated', '04 86 ff ff ff ff ff ff 00'],
  ];
  for (const [name, code, hex] of refused) {
    it(`refuses ${name} as ${code}`, () => {
      const reader = berOf(hex);
      assert.throws(() => {
        const element = reader.next();
        element.children().next();
      }, failsWith(code));
    });
  }

  it('refuses something else than octet strings in the pieces of one', () => {
    assert.throws(() => berOf('24 03 0c 01 61').octetString(), failsWith('unexpected_tag'));
  });
});

describe('Asn1Reader, bounds', () => {
  it('refuses to go deeper than allowed', () => {
    const atTheLimit = (): Asn1Reader => {
      let reader = Asn1Reader.of(nested(10), { maxDepth: 5 });
      for (let level = 0; level < 5; level++) reader = reader.sequence();
      return reader;
    };
    assert.throws(() => atTheLimit().sequence(), failsWith('too_deep'));
    const element = atTheLimit().next();
    assert.throws(() => element.children(), failsWith('too_deep'));
  });

  it('walks into 10,000 nested elements only as deep as allowed', () => {
    let reader = Asn1Reader.of(nested(10_000));
    assert.throws(() => {
      for (;;) reader = reader.sequence();
    }, failsWith('too_deep'));
  });

  it('scans 10,000 nested indefinite lengths without recursion', () => {
    const hostile = new Uint8Array(Buffer.concat([Buffer.from('3080'.repeat(10_000), 'hex'), Buffer.alloc(20_000)]));
    assert.throws(() => Asn1Reader.of(hostile, { rules: 'ber' }).next(), failsWith('too_deep'));
    const pieces = Buffer.from('2480'.repeat(10_000), 'hex');
    assert.throws(() => Asn1Reader.of(pieces, { rules: 'ber' }).octetString(), failsWith('too_deep'));
  });

  it('counts the elements of all readers of one input together', () => {
    const three = der.sequence(der.sequence(der.null()), der.sequence(der.null()), der.sequence(der.null()));
    const reader = Asn1Reader.of(three, { maxElements: 4 }).sequence();
    reader.sequence().null();
    const second = reader.next().children();
    assert.throws(() => second.null(), failsWith('too_many_elements'));
  });

  it('counts the elements that it scans for the end of an indefinite length', () => {
    const many = Buffer.concat([Buffer.from('3080', 'hex'), Buffer.from('0500'.repeat(101), 'hex'), Buffer.alloc(2)]);
    const options = { rules: 'ber', maxElements: 100 } as const;
    assert.throws(() => Asn1Reader.of(many, options).next(), failsWith('too_many_elements'));
  });
});
