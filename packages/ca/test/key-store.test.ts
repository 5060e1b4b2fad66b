import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CaError, readEncryptedKey, writeEncryptedKey } from '@scepter/ca';
import type { CaErrorCode } from '@scepter/ca';
import { temporaryFolder } from './temporary-folder.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const SECRET = 'correct horse battery staple';
const options = { randomBytes, keyDerivationIterations: 1000 };
const folder = temporaryFolder();

function hasCode(code: CaErrorCode): (error: unknown) => boolean {
  return (error) =>
    error instanceof CaError && error.code === code && error.path !== undefined && error.hint !== undefined;
}

describe('writeEncryptedKey', () => {
  it('writes what readEncryptedKey opens, for the owner only', async () => {
    const path = join(folder, 'round-trip.pem');
    await writeEncryptedKey(path, privateKey, SECRET, options);
    assert.match(readFileSync(path, 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.ok((await readEncryptedKey(path, SECRET)).equals(privateKey));
  });

  it('opens what OpenSSL encrypts, and the other way round', async () => {
    const path = join(folder, 'openssl.pem');
    const cipher = { cipher: 'aes-256-cbc', passphrase: 'changed by the operator' };
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }));
    assert.ok((await readEncryptedKey(path, cipher.passphrase)).equals(privateKey));
  });

  it('never overwrites', async () => {
    const path = join(folder, 'existing.pem');
    writeFileSync(path, 'precious');
    await assert.rejects(writeEncryptedKey(path, privateKey, SECRET, options), hasCode('ca.store_unwritable'));
    assert.equal(readFileSync(path, 'utf8'), 'precious');
  });

  it('says that a place cannot be written, and leaves nothing behind', async () => {
    const before = readdirSync(folder);
    const missing = join(folder, 'missing', 'key.pem');
    await assert.rejects(writeEncryptedKey(missing, privateKey, SECRET, options), hasCode('ca.store_unwritable'));
    assert.deepEqual(readdirSync(folder), before);
  });

  for (const [name, secret] of [
    ['empty', ''],
    ['short', '1234567'],
    ['longer than OpenSSL takes', 'x'.repeat(1025)],
  ] as const) {
    it(`refuses a secret that is ${name}`, async () => {
      await assert.rejects(
        writeEncryptedKey(join(folder, 'refused.pem'), privateKey, secret, options),
        (error) => error instanceof CaError && error.code === 'ca.invalid_argument',
      );
    });
  }
});

describe('readEncryptedKey', () => {
  it('tells a wrong secret, without telling the secret', async () => {
    const path = join(folder, 'wrong-secret.pem');
    await writeEncryptedKey(path, privateKey, SECRET, options);
    await assert.rejects(readEncryptedKey(path, 'not the right one'), (error) => {
      assert.ok(hasCode('ca.wrong_secret')(error));
      assert.doesNotMatch(JSON.stringify(error, Object.getOwnPropertyNames(error)), /not the right one/);
      return true;
    });
  });

  it('tells a missing file', async () => {
    await assert.rejects(readEncryptedKey(join(folder, 'nowhere.pem'), SECRET), hasCode('ca.store_missing'));
  });

  it('tells a file that cannot be read', async () => {
    mkdirSync(join(folder, 'folder.pem'));
    await assert.rejects(readEncryptedKey(join(folder, 'folder.pem'), SECRET), hasCode('ca.store_unreadable'));
  });

  const damage: [name: string, change: (pem: string) => string][] = [
    ['empty', () => ''],
    ['text', () => 'hello'],
    ['cut in half', (pem) => pem.slice(0, pem.length / 2)],
    ['twice in one file', (pem) => pem + pem],
    ['a key without encryption', () => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['zeros', () => '\0'.repeat(1800)],
  ];
  for (const [name, change] of damage) {
    it(`tells a damaged file: ${name}`, async () => {
      const path = join(folder, `damaged-${name.replaceAll(' ', '-')}.pem`);
      await writeEncryptedKey(`${path}.whole`, privateKey, SECRET, options);
      writeFileSync(path, change(readFileSync(`${path}.whole`, 'utf8')));
      await assert.rejects(readEncryptedKey(path, SECRET), hasCode('ca.store_damaged'));
    });
  }
});
