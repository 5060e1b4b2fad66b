import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { describe, it } from 'node:test';
import { der, fromHex } from '@scepter/x509';
import type { ContentCipher } from '@scepter/scep';
import { ciphers } from '../../src/algorithms.ts';
import { deriveKey } from '../../src/cms/key-derivation.ts';
import { unwrapWithPassword, wrapWithPassword } from '../../src/cms/password-key-wrap.ts';
import { systemRandom } from '../fixtures.ts';

/** Random bytes that end with these. */
const endingWith =
  (end: string) =>
  (size: number): Uint8Array => {
    const bytes = new Uint8Array(size);
    bytes.set(fromHex(end), size - end.length / 2);
    return bytes;
  };

// RFC 3211 section 3
const vectors = [
  {
    name: 'DES',
    cipher: 'des-cbc' as const,
    password: 'password',
    salt: '1234567878563412',
    iterations: 5,
    key: 'd1daa78615f287e6',
    iv: 'efe598ef21b33d6d',
    contentKey: '8c627c897323a2f8',
    padding: 'c436f541',
    wrapped: 'b81b2565ee373ca6dedca26a178b0c10',
  },
  {
    name: 'triple DES',
    cipher: 'des-ede3-cbc' as const,
    password: 'All n-entities must communicate with other n-entities via n-1 entiteeheehees',
    salt: '1234567878563412',
    iterations: 500,
    key: '6a8970bf68c92caea84a8df28510858607126380cc47ab2d',
    iv: 'baf1ca7931213c4e',
    contentKey: '8c637d887223a2f965b566eb014b0fa5d52300a3f7ea40fffc577203c71baf3b',
    padding: 'fa060a45',
    wrapped: 'c03c514abdb9e2c5aac038572b5e24553876b377aafb82eca5a9d73f8ab143d9ec74e6cad7db260c',
  },
];

describe('RFC 3211 section 3: the vectors of PWRI-KEK', () => {
  for (const vector of vectors) {
    const { cipher, iterations, padding, password } = vector;
    const [contentKey, iv, key, salt, wrapped] = [
      fromHex(vector.contentKey),
      fromHex(vector.iv),
      fromHex(vector.key),
      fromHex(vector.salt),
      fromHex(vector.wrapped),
    ];

    it(`${vector.name}: the key from the password`, () => {
      const derived = deriveKey(password, { salt, iterations, digest: 'sha1' }, key.length);
      // The vector's key has odd parity; the lowest bit of each byte means nothing to DES.
      const withoutParity = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte & 0xfe);
      assert.deepEqual(withoutParity(derived), withoutParity(key));
    });

    it(`${vector.name}: wrapped`, () => {
      assert.deepEqual(wrapWithPassword(contentKey, { cipher, key, iv, randomBytes: endingWith(padding) }), wrapped);
    });

    it(`${vector.name}: unwrapped`, () => {
      const encryption = { cipher, key, iv, randomBytes: systemRandom };
      assert.deepEqual(unwrapWithPassword(wrapped, contentKey.length, encryption), contentKey);
    });
  }
});

describe('PWRI-KEK', () => {
  const names = Object.keys(ciphers) as ContentCipher[];
  const encryptionWith = (cipher: ContentCipher) => ({
    cipher,
    key: systemRandom(ciphers[cipher].keyBytes),
    iv: systemRandom(ciphers[cipher].blockBytes),
    randomBytes: systemRandom,
  });

  for (const cipher of names) {
    it(`${cipher}: keys of every cipher come back, in two blocks or more`, () => {
      for (const { keyBytes } of Object.values(ciphers)) {
        const encryption = encryptionWith(cipher);
        const contentKey = systemRandom(keyBytes);
        const wrapped = wrapWithPassword(contentKey, encryption);
        assert.ok(wrapped.length >= 2 * ciphers[cipher].blockBytes);
        assert.equal(wrapped.length % ciphers[cipher].blockBytes, 0);
        assert.deepEqual(unwrapWithPassword(wrapped, keyBytes, encryption), contentKey);
      }
    });
  }

  it('reads a key that was padded with more blocks than necessary', () => {
    const encryption = encryptionWith('aes-128-cbc');
    const contentKey = systemRandom(16);
    const check = contentKey.subarray(0, 3).map((byte) => byte ^ 0xff);
    const formatted = der.concat(Uint8Array.of(16), check, contentKey, new Uint8Array(28));
    const encrypt = (iv: Uint8Array, blocks: Uint8Array): Uint8Array =>
      createCipheriv('aes-128-cbc', encryption.key, iv).setAutoPadding(false).update(blocks);
    const once = encrypt(encryption.iv, formatted);
    assert.deepEqual(unwrapWithPassword(encrypt(once.subarray(-16), once), 16, encryption), contentKey);
  });

  it('a changed byte anywhere gives another key of the same length, without an error', () => {
    const encryption = encryptionWith('aes-256-cbc');
    const contentKey = systemRandom(32);
    const wrapped = wrapWithPassword(contentKey, encryption);
    for (const index of wrapped.keys()) {
      const changed = Uint8Array.from(wrapped);
      changed[index] = (changed[index] ?? 0) ^ 1;
      const unwrapped = unwrapWithPassword(changed, 32, encryption);
      assert.equal(unwrapped.length, 32);
      assert.notDeepEqual(unwrapped, contentKey);
    }
  });

  const lengths = [0, 1, 15, 16, 31, 33, 47];
  for (const length of lengths) {
    it(`${length} bytes, which no key has when wrapped, give a random key after the same draws`, () => {
      const encryption = encryptionWith('aes-128-cbc');
      const draws = (wrapped: Uint8Array): number[] => {
        const sizes: number[] = [];
        const randomBytes = (size: number): Uint8Array => {
          sizes.push(size);
          return systemRandom(size);
        };
        assert.equal(unwrapWithPassword(wrapped, 16, { ...encryption, randomBytes }).length, 16);
        return sizes;
      };
      assert.deepEqual(draws(new Uint8Array(length)), draws(wrapWithPassword(systemRandom(16), encryption)));
    });
  }

  it('a key of another length than the cipher has is no key', () => {
    const encryption = encryptionWith('aes-128-cbc');
    const shorter = systemRandom(16);
    assert.notDeepEqual(
      unwrapWithPassword(wrapWithPassword(shorter, encryption), 24, encryption).subarray(0, 16),
      shorter,
    );
  });
});
