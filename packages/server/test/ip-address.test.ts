import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatIpAddress, isInRange, parseAddressRange, parseIpAddress } from '../src/ip-address.ts';

describe('parseIpAddress and formatIpAddress', () => {
  const rows: readonly [text: string, formatted: string | undefined][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['64:ff9b::192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['', undefined],
    ['192.0.2', undefined],
    ['192.0.2.256', undefined],
    ['192.0.2.1 ', undefined],
    ['localhost', undefined],
    ['2001:db8::1::2', undefined],
    ['1'.repeat(100), undefined],
    ['192.0.2.1\r\nx', undefined],
  ];
  for (const [text, formatted] of rows) {
    it(`${JSON.stringify(text).slice(0, 30)}: ${formatted}`, () => {
      const bytes = parseIpAddress(text);
      assert.equal(bytes && formatIpAddress(bytes), formatted);
    });
  }
});

describe('address ranges', () => {
  const rows: readonly [range: string, address: string, inside: boolean][] = [
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['192.0.2.128/25', '192.0.2.127', false],
    ['192.0.2.128/25', '192.0.2.200', true],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
  ];
  for (const [text, address, inside] of rows) {
    it(`${address} is ${inside ? '' : 'not '}in ${text}`, () => {
      const range = parseAddressRange(text);
      const bytes = parseIpAddress(address);
      assert.ok(range !== undefined && bytes !== undefined);
      assert.equal(isInRange(bytes, range), inside);
    });
  }

  for (const text of [
    '10.0.0.0/33',
    '10.0.0.1/8',
    '10.0.0.0/',
    '10.0.0.0/08',
    '/8',
    'x/8',
    '10.0.0.0/8/8',
    '::ffff:10.0.0.0/104',
    'fe80::%1',
  ]) {
    it(`refuses ${text}`, () => assert.equal(parseAddressRange(text), undefined));
  }
});
