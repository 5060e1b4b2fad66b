import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Asn1Error, Asn1Reader } from '@scepter/x509';

const element = (tag: number, text: string): Uint8Array => Uint8Array.of(tag, text.length, ...Buffer.from(text));
const read = (tag: number, text: string): string => Asn1Reader.of(element(tag, text)).time().toISOString();
const utcTime = 0x17;
const generalizedTime = 0x18;

describe('UTCTime and GeneralizedTime (RFC 5280, 4.1.2.5)', () => {
  const readable: [string, number, string, string][] = [
    ['two digits below 50', utcTime, '491231235959Z', '2049-12-31T23:59:59.000Z'],
    ['two digits from 50 on', utcTime, '500101000000Z', '1950-01-01T00:00:00.000Z'],
    ['a leap day', utcTime, '240229120000Z', '2024-02-29T12:00:00.000Z'],
    ['four digits', generalizedTime, '20500101000000Z', '2050-01-01T00:00:00.000Z'],
    ['no well-defined end (RFC 5280, 4.1.2.5)', generalizedTime, '99991231235959Z', '9999-12-31T23:59:59.000Z'],
    ['a year below 100', generalizedTime, '00990101000000Z', '0099-01-01T00:00:00.000Z'],
  ];
  for (const [name, tag, text, iso] of readable) {
    it(`reads ${name}`, () => assert.equal(read(tag, text), iso));
  }

  const refused: [string, number, string][] = [
    ['no seconds', utcTime, '2401011200Z'],
    ['an offset', utcTime, '240101120000+0100'],
    ['no Z', utcTime, '2401011200000'],
    ['a fraction', generalizedTime, '20240101120000.5Z'],
    ['letters', utcTime, '24010112000aZ'],
    ['month 13', utcTime, '241301000000Z'],
    ['month 0', utcTime, '240001000000Z'],
    ['February 29 of another year', utcTime, '230229000000Z'],
    ['day 0', utcTime, '240100000000Z'],
    ['hour 24', utcTime, '240101240000Z'],
    ['minute 60', utcTime, '240101006000Z'],
    ['second 60', utcTime, '240101000060Z'],
    ['nothing', utcTime, ''],
  ];
  for (const [name, tag, text] of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => read(tag, text),
        (error: unknown) => error instanceof Asn1Error && error.code === 'bad_value',
      );
    });
  }
});
