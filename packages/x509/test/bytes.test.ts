import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { equalBytes, fromHex, TextEncodingError, toHex } from '@scepter/x509';

describe('bytes', () => {
  it('to hex and back', () => {
    assert.equal(toHex(Uint8Array.of(0, 0xab, 0xff)), '00abff');
    assert.deepEqual(fromHex('00ABff'), Uint8Array.of(0, 0xab, 0xff));
    assert.deepEqual(fromHex(''), new Uint8Array(0));
    // Only the view counts, not the memory behind it.
    assert.equal(toHex(Uint8Array.of(1, 2, 3).subarray(1, 2)), '02');
  });

  for (const text of ['0', '0g', ' 00', '0x00']) {
    it(`refuses ${JSON.stringify(text)} as hex`, () => {
      assert.throws(
        () => fromHex(text),
        (error: unknown) => error instanceof TextEncodingError && error.code === 'bad_hex',
      );
    });
  }

  it('are compared by content', () => {
    assert.ok(equalBytes(Uint8Array.of(1, 2), Buffer.from([1, 2])));
    assert.ok(equalBytes(new Uint8Array(0), new Uint8Array(0)));
    assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
    assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1)));
  });
});
