import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { hashChallenge, matchesHash, parseChallengeHash } from '../../../src/challenge-hash.ts';
import { challengeAsHash } from '../../../src/enrollment/challenges/configured-challenge.ts';

const salt = Buffer.alloc(16, 7).toString('base64').slice(0, 22);
const hash = Buffer.alloc(32, 9).toString('base64').slice(0, 43);

describe('a challenge hash', () => {
  it('is in the PHC string format, salted, and matches its challenge alone', async () => {
    const text = await hashChallenge('a challenge', randomBytes);
    assert.match(text, /^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.notEqual(await hashChallenge('a challenge', randomBytes), text);
    const parsed = parseChallengeHash(text);
    assert.ok(parsed !== undefined);
    assert.equal(await matchesHash('a challenge', parsed), true);
    assert.equal(await matchesHash('a challenge ', parsed), false);
  });

  it('is scrypt as others compute it (RFC 7914 section 12, third vector)', async () => {
    const parsed = parseChallengeHash(`$scrypt$ln=14,r=8,p=1$${salt}$${hash}`);
    assert.ok(parsed !== undefined);
    const vector = Buffer.from('7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2', 'hex');
    const salted = { ...parsed, salt: Buffer.from('SodiumChloride'), hash: vector };
    assert.equal(await matchesHash('pleaseletmein', salted), true);
  });

  const malformed: Record<string, string> = {
    'another algorithm': `$argon2id$ln=15,r=8,p=1$${salt}$${hash}`,
    'costs that are too low': `$scrypt$ln=13,r=8,p=1$${salt}$${hash}`,
    'costs that would take all memory': `$scrypt$ln=19,r=8,p=1$${salt}$${hash}`,
    'costs that are no number': `$scrypt$ln=xx,r=8,p=1$${salt}$${hash}`,
    'a short salt': `$scrypt$ln=15,r=8,p=1$AAAA$${hash}`,
    'a short hash': `$scrypt$ln=15,r=8,p=1$${salt}$AAAA`,
    padding: `$scrypt$ln=15,r=8,p=1$${salt}==$${hash}=`,
    'a line end': `$scrypt$ln=15,r=8,p=1$${salt}$${hash}\n`,
    'the challenge itself': 'a challenge',
  };
  for (const [name, text] of Object.entries(malformed)) {
    it(`with ${name} is none`, () => assert.equal(parseChallengeHash(text), undefined));
  }
});

describe('parseChallengeHash', () => {
  it('throws at no text, and takes what hashing prints', () => {
    fc.assert(fc.property(fc.string({ maxLength: 300, unit: 'binary' }), (text) => void parseChallengeHash(text)));
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const base64 = (value: Uint8Array) => Buffer.from(value).toString('base64').replace(/=+$/, '');
    fc.assert(
      fc.property(fc.integer({ min: 14, max: 18 }), bytes(16), bytes(32), (exponent, someSalt, someHash) => {
        const parsed = parseChallengeHash(`$scrypt$ln=${exponent},r=8,p=1$${base64(someSalt)}$${base64(someHash)}`);
        assert.equal(parsed?.costExponent, exponent);
        assert.deepEqual(new Uint8Array(parsed?.salt ?? []), someSalt);
        assert.deepEqual(new Uint8Array(parsed?.hash ?? []), someHash);
      }),
    );
  });
});

describe('a challenge that is known by its hash', () => {
  const open = async (challenge: string) => {
    const parsed = parseChallengeHash(await hashChallenge(challenge, randomBytes));
    assert.ok(parsed !== undefined);
    return challengeAsHash(parsed, {}, randomBytes);
  };

  it('costs no hash any more once it was right', async () => {
    const configured = await open('the right one');
    assert.equal(await configured.accepts('a wrong one'), false);
    assert.equal(await configured.accepts('the right one'), true);
    const startedAt = performance.now();
    for (let index = 0; index < 200; index += 1) {
      assert.equal(await configured.accepts(index % 2 === 0 ? 'the right one' : 'a wrong one'), index % 2 === 0);
    }
    assert.ok(performance.now() - startedAt < 1000, '200 hashes would take some ten seconds');
  });

  it('lets few guesses wait for a hash, and turns the others away', async () => {
    const configured = await open('the right one');
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => configured.accepts(`guess ${index}`)));
    assert.equal(answers.filter((answer) => answer === 'busy').length, 24);
    assert.equal(answers.filter((answer) => answer === false).length, 16);
    assert.equal(await configured.accepts('the right one'), true);
  });
});
