import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decodePem, encodePem, fromHex, TextEncodingError } from '@scepter/x509';

const badPem = (error: unknown): boolean => error instanceof TextEncodingError && error.code === 'bad_pem';

describe('PEM (RFC 7468)', () => {
  it('is written as Node writes it', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    assert.equal(encodePem('PUBLIC KEY', spki), publicKey.export({ format: 'pem', type: 'spki' }));
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.deepEqual(decodePem(encodePem('CERTIFICATE', bytes)), [{ label: 'CERTIFICATE', bytes }]);
      }),
    );
  });

  it('finds all blocks between other text, with any line ends', () => {
    const text = `Subject: a\r\n${encodePem('CERTIFICATE', fromHex('0102')).replaceAll('\n', '\r\n')}\nIssuer: b\n${encodePem('X509 CRL', fromHex('03'))}`;
    assert.deepEqual(decodePem(text), [
      { label: 'CERTIFICATE', bytes: fromHex('0102') },
      { label: 'X509 CRL', bytes: fromHex('03') },
    ]);
    assert.deepEqual(decodePem('no block at all'), []);
  });

  const refused: [string, string][] = [
    ['a block without end', '-----BEGIN A-----\nAAAA\n'],
    ['an end without beginning', '-----END A-----\n'],
    ['another label at the end', '-----BEGIN A-----\nAAAA\n-----END B-----\n'],
    ['a beginning inside a block', '-----BEGIN A-----\n-----BEGIN A-----\n-----END A-----\n'],
    ['headers', '-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END A-----\n'],
    ['base64 that is none', '-----BEGIN A-----\nA*AA\n-----END A-----\n'],
    ['base64 without padding', '-----BEGIN A-----\nAAA\n-----END A-----\n'],
    ['padding with bits in it', '-----BEGIN A-----\nAAF=\n-----END A-----\n'],
  ];
  for (const [label, text] of refused) {
    it(`refuses ${label}`, () => assert.throws(() => decodePem(text), badPem));
  }

  it('takes time in proportion to the text, whatever the text', () => {
    const started = performance.now();
    assert.throws(() => decodePem(`-----BEGIN A-----\n${'-----BEGIN '.repeat(200_000)}`), badPem);
    assert.deepEqual(decodePem('-'.repeat(2_000_000)), []);
    assert.ok(performance.now() - started < 2000);
  });
});
