import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalSerialNumber, serialNumberCandidates } from '../../src/revocation/serial-number.ts';
import { notations, serialNumbers } from './serial-notations.ts';

describe('serialNumberCandidates', () => {
  const rows: [text: string, candidates: string[]][] = [
    ['4F00A1', ['4F00A1']],
    ['4f00a1', ['4F00A1']],
    ['0x4F00A1', ['4F00A1']],
    ['0X004f00a1', ['4F00A1']],
    ['4F:00:A1', ['4F00A1']],
    ['4f 00 a1', ['4F00A1']],
    ['4F-00-A1', ['4F00A1']],
    ['  4F00A1\n', ['4F00A1']],
    ['00004F00A1', ['4F00A1']],
    ['1234', ['1234', '4D2']],
    ['001234', ['1234', '4D2']],
    ['0x1234', ['1234']],
    ['12:34', ['1234']],
    ['7', ['7']],
    ['0', ['0']],
    ['00:00', ['0']],
    [`${2n ** 256n - 1n}`.slice(0, 3), ['115', '73']],
    [`${2n ** 160n - 1n}`, [`${2n ** 160n - 1n}`, 'F'.repeat(40)]],
    [`${2n ** 256n - 1n}`, ['F'.repeat(64)]],
    ['F'.repeat(64), ['F'.repeat(64)]],
    ['F'.repeat(65), []],
    ['', []],
    [' ', []],
    ['-', []],
    ['0x', []],
    ['x12', []],
    ['12:', []],
    [':12', []],
    ['1::2', []],
    ['12.5', []],
    ['1e5g', []],
    ['１２', []],
    ['--12', []],
    ['0'.repeat(161), []],
  ];
  for (const [text, candidates] of rows) {
    it(`reads ${JSON.stringify(text)} as ${JSON.stringify(candidates)}`, () => {
      assert.deepEqual(serialNumberCandidates(text), candidates);
    });
  }

  it('reads decimal digits as it is told to', () => {
    assert.deepEqual(serialNumberCandidates('1234', 'hex'), ['1234']);
    assert.deepEqual(serialNumberCandidates('1234', 'decimal'), ['4D2']);
    assert.deepEqual(serialNumberCandidates('12AB', 'decimal'), ['12AB']);
  });

  it('takes a negative number for the two’s complement of an unsigned one of any length', () => {
    // X.690 8.3: the octet 85 is -123, in hex -7B; FF85 is the same with an octet that says nothing.
    const candidates = serialNumberCandidates('-123', 'decimal');
    assert.deepEqual(candidates.slice(0, 2), ['85', 'FF85']);
    assert.equal(candidates.length, 32);
    assert.deepEqual(serialNumberCandidates('-7B'), candidates);
    assert.equal(serialNumberCandidates('-128', 'decimal')[0], '80');
    assert.equal(serialNumberCandidates('-129', 'decimal')[0], 'FF7F');
    assert.deepEqual(serialNumberCandidates('-0'), ['0']);
  });

  it('finds a number in every notation of it', () => {
    fc.assert(
      fc.property(serialNumbers, notations, (number, { write }) => {
        assert.ok(serialNumberCandidates(write(number)).includes(number.toString(16).toUpperCase()));
      }),
    );
  });

  it('reads nothing but a number and its other notation into digits', () => {
    fc.assert(
      fc.property(serialNumbers, (number) => {
        const text = number.toString();
        const meant = new Set([BigInt(`0x${text}`), number].map((each) => each.toString(16).toUpperCase()));
        assert.ok(serialNumberCandidates(text).every((candidate) => meant.has(candidate)));
      }),
    );
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        assert.ok(serialNumberCandidates(text).every((candidate) => /^(?:0|[1-9A-F][0-9A-F]{0,63})$/.test(candidate)));
      }),
    );
  });
});

describe('canonicalSerialNumber', () => {
  const rows: [name: string, given: string | bigint, canonical: string | undefined][] = [
    ['hex', '00:4f:00:a1', '4F00A1'],
    ['digits, which are hex', '1234', '1234'],
    ['a bigint', 0x4f00a1n, '4F00A1'],
    ['zero', 0n, '0'],
    ['a negative number, as its octets', -123n, '85'],
    ['hex as OpenSSL writes a negative number', '-7B', '85'],
    ['no number', 'serial', undefined],
    ['too large a number', 1n << 256n, undefined],
  ];
  for (const [name, given, canonical] of rows) {
    it(`takes ${name}`, () => {
      assert.equal(canonicalSerialNumber(given), canonical);
    });
  }
});
