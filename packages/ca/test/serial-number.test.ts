import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { der } from '@scepter/x509';
import { CaError, newSerialNumber } from '@scepter/ca';

describe('newSerialNumber', () => {
  const sources: [name: string, byte: number, first: number][] = [
    ['only zeros', 0x00, 0x40],
    ['only ones', 0xff, 0x7f],
  ];
  for (const [name, byte, first] of sources) {
    it(`is positive and 16 bytes long in DER when the source gives ${name}`, () => {
      const serialNumber = newSerialNumber((size) => new Uint8Array(size).fill(byte));
      assert.equal(serialNumber.length, 16);
      assert.equal(serialNumber[0], first);
      assert.equal(der.unsignedInteger(serialNumber).length, 18);
    });
  }

  it('does not repeat', () => {
    const seen = new Set(Array.from({ length: 1000 }, () => Buffer.from(newSerialNumber(randomBytes)).toString('hex')));
    assert.equal(seen.size, 1000);
  });

  it('does not write into the bytes of the source', () => {
    const source = new Uint8Array(16).fill(0xff);
    newSerialNumber(() => source);
    assert.equal(source[0], 0xff);
  });

  it('refuses a source that gives too little', () => {
    assert.throws(
      () => newSerialNumber(() => new Uint8Array(4)),
      (error) => error instanceof CaError && error.code === 'ca.invalid_argument',
    );
  });
});
