import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { describe, it } from 'node:test';
import { ciphers } from '../../src/algorithms.ts';
import type { ContentCipher } from '../../src/algorithms.ts';
import { decryptContent, encryptContent } from '../../src/cms/content-encryption.ts';
import { systemRandom } from '../fixtures.ts';

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 7 + 1) % 256);

describe('content encryption', () => {
  for (const name of Object.keys(ciphers) as ContentCipher[]) {
    const { keyBytes, blockBytes } = ciphers[name];
    it(`${name}: every length around a block comes back`, () => {
      for (let length = 0; length <= 2 * blockBytes + 1; length += 1) {
        const encrypted = encryptContent(name, bytes(keyBytes), bytes(blockBytes), bytes(length));
        assert.equal(encrypted.length % blockBytes, 0);
        assert.ok(encrypted.length > length, 'padding is always there');
        const decrypted = decryptContent(name, bytes(keyBytes), bytes(blockBytes), encrypted, systemRandom);
        assert.deepEqual(decrypted, bytes(length));
      }
    });
  }

  it('single DES: FIPS 81, table C1, CBC', () => {
    const key = Uint8Array.from(Buffer.from('0123456789abcdef', 'hex'));
    const iv = Uint8Array.from(Buffer.from('1234567890abcdef', 'hex'));
    const encrypted = encryptContent('des-cbc', key, iv, Uint8Array.from(Buffer.from('Now is the time for all ')));
    assert.equal(
      Buffer.from(encrypted.subarray(0, 24)).toString('hex'),
      'e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6',
    );
  });

  /** Encrypts a last block as it is, without padding. */
  const unpadded = (...blocks: Uint8Array[]): Uint8Array => {
    const cipher = createCipheriv('aes-128-cbc', bytes(16), bytes(16)).setAutoPadding(false);
    return Buffer.concat([...blocks.map((block) => cipher.update(block)), cipher.final()]);
  };
  const block = (...tail: number[]): Uint8Array => Uint8Array.from([...bytes(16 - tail.length), ...tail]);
  const bad: [string, Uint8Array][] = [
    ['zero', block(0)],
    ['longer than a block', block(17)],
    ['255', block(255)],
    ['sixteen times 17', new Uint8Array(16).fill(17)],
    ['sixteen times zero', new Uint8Array(16)],
    ['2 after 1', block(1, 2)],
    ['3 with a wrong first byte', block(4, 3, 3)],
    ['a whole block but for one byte', block(0, ...Array.from({ length: 15 }, () => 16))],
  ];
  for (const [name, last] of bad) {
    it(`padding of ${name} gives random bytes of the padded length`, () => {
      const encrypted = unpadded(bytes(16), last);
      const substitute = new Uint8Array(32).fill(0xee);
      const decrypted = decryptContent('aes-128-cbc', bytes(16), bytes(16), encrypted, () => substitute);
      assert.deepEqual(decrypted, substitute);
    });
  }

  it('padding of a whole block is right', () => {
    const encrypted = unpadded(bytes(16), new Uint8Array(16).fill(16));
    assert.deepEqual(decryptContent('aes-128-cbc', bytes(16), bytes(16), encrypted, systemRandom), bytes(16));
  });
});
