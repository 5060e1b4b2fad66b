import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Asn1Error, Asn1Reader, fromHex } from '@scepter/x509';

describe('character strings', () => {
  const readable: [string, string, string][] = [
    ['UTF8String', '0c05c3b8e282ac', 'ø€'],
    ['UTF8String that starts with a byte order mark', '0c04efbbbf61', '\ufeffa'],
    ['PrintableString with an asterisk', '13032a2e61', '*.a'],
    ['IA5String', '1603614062', 'a@b'],
    ['VisibleString', '1a0161', 'a'],
    ['NumericString', '12023132', '12'],
    ['TeletexString as Latin-1', '1402f861', 'øa'],
    ['BMPString', '1e0400f820ac', 'ø€'],
    ['BMPString with a surrogate pair', '1e04d83dde00', '😀'],
    ['UniversalString', '1c080001f60000000061', '😀a'],
    ['an empty string', '0c00', ''],
    ['a string with a zero byte, kept for the reader to judge', '0c03610062', 'a\0b'],
  ];
  for (const [name, hex, text] of readable) {
    it(`reads ${name}`, () => assert.equal(Asn1Reader.of(fromHex(hex)).string(), text));
  }

  const refused: [string, string][] = [
    ['malformed UTF-8', '0c02c328'],
    ['UTF-8 longer than needed', '0c02c0af'],
    ['a surrogate in UTF-8', '0c03eda080'],
    ['Latin-1 in a PrintableString', '1301f8'],
    ['UTF-8 in an IA5String', '1602c3b8'],
    ['a BMPString of odd length', '1e03006100'],
    ['half a surrogate pair', '1e02d83d'],
    ['a UniversalString of odd length', '1c03000061'],
    ['a code point above Unicode', '1c0400110000'],
    ['a surrogate in a UniversalString', '1c040000d800'],
  ];
  for (const [name, hex] of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => Asn1Reader.of(fromHex(hex)).string(),
        (error: unknown) => error instanceof Asn1Error && error.code === 'bad_value',
      );
    });
  }
});
