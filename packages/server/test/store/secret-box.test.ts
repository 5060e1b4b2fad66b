import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { createSecretBox } from '../../src/store/secret-box.ts';

const box = createSecretBox('master secret of a test', randomBytes);
const plaintext = new TextEncoder().encode('a challenge');

describe('createSecretBox', () => {
  it('opens what it sealed, also nothing', () => {
    assert.deepEqual(box.open(box.seal(plaintext)), plaintext);
    assert.deepEqual(box.open(box.seal(new Uint8Array())), new Uint8Array());
  });

  it('opens what another box of the same master secret sealed', () => {
    const again = createSecretBox('master secret of a test', randomBytes);
    assert.deepEqual(again.open(box.seal(plaintext)), plaintext);
  });

  it('opens what an earlier release sealed', () => {
    const sealed = '01000102030405060708090a0b9d9cd80fe690252f099abe73b7576d60b8bf5a20eb6f747aeeda96';
    assert.deepEqual(createSecretBox('s', randomBytes).open(Buffer.from(sealed, 'hex')), plaintext);
  });

  it('seals the same text differently each time', () => {
    assert.notDeepEqual(box.seal(plaintext), box.seal(plaintext));
  });

  it('refuses any changed byte', () => {
    const sealed = box.seal(plaintext);
    for (const index of sealed.keys()) {
      const changed = Uint8Array.from(sealed, (byte, at) => (at === index ? byte ^ 1 : byte));
      assert.throws(() => box.open(changed), { code: 'store.unsealing_failed' }, `byte ${index}`);
    }
  });

  it('refuses every shortened value', () => {
    const sealed = box.seal(plaintext);
    for (let length = 0; length < sealed.length; length += 1) {
      assert.throws(() => box.open(sealed.subarray(0, length)), { code: 'store.unsealing_failed' }, `${length} bytes`);
    }
  });

  it('refuses what another master secret sealed, without naming either', () => {
    const other = createSecretBox('another master secret', randomBytes);
    assert.throws(
      () => other.open(box.seal(plaintext)),
      (error: Error & { code?: string }) =>
        error.code === 'store.unsealing_failed' && !/another master|of a test/.test(error.message),
    );
  });

  it('takes no empty master secret', () => {
    assert.throws(() => createSecretBox('', randomBytes), TypeError);
  });
});
