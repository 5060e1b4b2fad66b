import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { Asn1Reader, der } from '@scepter/x509';
import { ChallengeAuthority } from '../src/challenge.ts';
import { ScepRejection } from '../src/result-codes.ts';
import { createSecrets } from '../src/secrets.ts';
import { challengeAuthority, mintChallenge } from './desk.ts';

const foreignSecrets = createSecrets(randomBytes);
const foreignAuthority = new ChallengeAuthority({
  signingKey: foreignSecrets.challengeSigningKey,
  encryptionKey: foreignSecrets.challengeEncryptionKey,
  randomBytes,
});

function unpack(challenge: string): { blob: Uint8Array; signature: Uint8Array } {
  const parts = Asn1Reader.of(Buffer.from(challenge, 'base64')).sequence();
  parts.integer();
  return { blob: parts.octetString(), signature: parts.octetString() };
}

function pack(blob: Uint8Array, signature: Uint8Array, version = 1): string {
  const packed = der.sequence(der.integer(version), der.octetString(blob), der.octetString(signature));
  return Buffer.from(packed).toString('base64');
}

function flip(bytes: Uint8Array, index: number): Uint8Array {
  return Uint8Array.from(bytes, (value, position) => (position === index ? value ^ 1 : value));
}

const minted = mintChallenge({});
const { blob, signature } = unpack(minted);
const other = unpack(mintChallenge({ subject: 'CN=administrator' }));
const resigned = (content: Uint8Array) => challengeAuthority.packageSigned(content);
const encrypted = (text: string) => resigned(challengeAuthority.encrypt(Buffer.from(text)));

const rows: { name: string; code: string; challenge: string }[] = [
  { name: 'text that is not base64', code: 'ChallengeDeserializationError', challenge: 'pass word' },
  { name: 'base64 of nothing known', code: 'ChallengeDeserializationError', challenge: 'c2VjcmV0' },
  { name: 'a challenge cut short', code: 'ChallengeDeserializationError', challenge: minted.slice(0, 400) },
  { name: 'bytes after the package', code: 'ChallengeDeserializationError', challenge: trailing(minted) },
  { name: 'another version', code: 'ChallengeDeserializationError', challenge: pack(blob, signature, 2) },
  { name: 'a package of 100 KB', code: 'ChallengeDeserializationError', challenge: 'A'.repeat(100_000) },
  {
    name: 'a bit of the ciphertext turned',
    code: 'SignatureValidationFailed',
    challenge: pack(flip(blob, 400), signature),
  },
  {
    name: 'a bit of the signature turned',
    code: 'SignatureValidationFailed',
    challenge: pack(blob, flip(signature, 9)),
  },
  { name: 'no signature', code: 'SignatureValidationFailed', challenge: pack(blob, new Uint8Array()) },
  {
    name: "another challenge's signature",
    code: 'SignatureValidationFailed',
    challenge: pack(blob, other.signature),
  },
  {
    name: 'a challenge of another tenant',
    code: 'SignatureValidationFailed',
    challenge: foreignAuthority.packageSigned(foreignAuthority.encrypt(Buffer.from('{}'))),
  },
  {
    name: 'a signed blob encrypted for another key',
    code: 'ChallengeDecryptionError',
    challenge: resigned(foreignAuthority.encrypt(Buffer.from('{}'))),
  },
  {
    name: 'a signed blob with a turned tag',
    code: 'ChallengeDecryptionError',
    challenge: resigned(flip(blob, blob.length - 1)),
  },
  {
    name: 'a signed blob that is no structure',
    code: 'ChallengeDecryptionError',
    challenge: resigned(Uint8Array.of(1, 2, 3)),
  },
  { name: 'content that is not JSON', code: 'ChallengeDecodingError', challenge: encrypted('CN=adele') },
  { name: 'content that is other JSON', code: 'ChallengeDecodingError', challenge: encrypted('{"subject":"CN=a"}') },
  {
    name: 'content that is not UTF-8',
    code: 'ChallengeDecodingError',
    challenge: resigned(challengeAuthority.encrypt(Uint8Array.of(0xff, 0xfe))),
  },
];

function trailing(challenge: string): string {
  return Buffer.concat([Buffer.from(challenge, 'base64'), Uint8Array.of(5, 0)]).toString('base64');
}

describe('opening a challenge', () => {
  for (const { name, code, challenge } of rows) {
    it(`refuses ${name} with ${code}`, () => {
      assert.throws(
        () => challengeAuthority.open(challenge),
        (error) => error instanceof ScepRejection && error.code === code,
      );
    });
  }

  it('gives back what was put in', () => {
    const opened = challengeAuthority.open(mintChallenge({ subject: String.raw`CN=Chan\, Mei-Ling`, keySize: 2048 }));
    assert.equal(opened.subject, String.raw`CN=Chan\, Mei-Ling`);
    assert.equal(opened.keySize, 2048);
  });

  it('gives the same however often it is asked', () => {
    const first = challengeAuthority.open(minted);
    assert.deepEqual(challengeAuthority.open(minted), first);
    const others = Array.from({ length: 3 }, (_, number) => mintChallenge({ subject: `CN=${number}` }));
    assert.deepEqual(
      others.map((challenge) => challengeAuthority.open(challenge).subject),
      ['CN=0', 'CN=1', 'CN=2'],
    );
    assert.deepEqual(challengeAuthority.open(minted), first);
  });

  it('finds nothing readable in the challenge itself', () => {
    assert.ok(!Buffer.from(minted, 'base64').toString('latin1').includes('adele'));
  });

  it('never mints the same challenge twice', () => {
    assert.notEqual(mintChallenge({}), mintChallenge({}));
  });
});
