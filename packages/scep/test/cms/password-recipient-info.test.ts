import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Asn1Reader, der, encodeAlgorithmIdentifier } from '@scepter/x509';
import { canEnvelopeUnder, decodeEnvelope, openEnvelope, openEnvelopeWithPassword } from '@scepter/scep';
import type { ContentCipher } from '@scepter/scep';
import { ciphers } from '../../src/algorithms.ts';
import { encryptContent } from '../../src/cms/content-encryption.ts';
import { encodeEnvelope } from '../../src/cms/enveloped-data.ts';
import { deriveKey } from '../../src/cms/key-derivation.ts';
import { wrapWithPassword } from '../../src/cms/password-key-wrap.ts';
import { selfSigned, systemRandom, to } from '../fixtures.ts';

const password = 'a challenge of some length';
const plain = Uint8Array.from(Buffer.from('an answer in an envelope'));
const oids = {
  data: '1.2.840.113549.1.7.1',
  envelopedData: '1.2.840.113549.1.7.3',
  pbkdf2: '1.2.840.113549.1.5.12',
  scrypt: '1.3.6.1.4.1.11591.4.11',
  pwriKek: '1.2.840.113549.1.9.16.3.9',
  hmacWithSha1: '1.2.840.113549.2.7',
  hmacWithSha224: '1.2.840.113549.2.8',
  hmacWithSha384: '1.2.840.113549.2.10',
  hmacWithSha512: '1.2.840.113549.2.11',
  aes128: '2.16.840.1.101.3.4.1.2',
  aes128Gcm: '2.16.840.1.101.3.4.1.6',
};

const open = (bytes: Uint8Array, key = password): Uint8Array =>
  openEnvelopeWithPassword(decodeEnvelope(bytes), key, systemRandom);
const seal = (contentCipher: ContentCipher, iterations = 1000): Uint8Array =>
  encodeEnvelope({
    content: plain,
    recipients: [{ kind: 'password', password, iterations }],
    contentCipher,
    framing: 'der',
    randomBytes: systemRandom,
  });

// `openssl cms -encrypt -binary -pwri_password …` of OpenSSL 3.0.19: PBKDF2 with HMAC-SHA-1, 2,048 rounds.
const madeByOpenSsl: Record<string, string> = {
  'aes-128-cbc':
    'MIHWBgkqhkiG9w0BBwOggcgwgcUCAQMxcqNwAgEAoBsGCSqGSIb3DQEFDDAOBAhWyAvmAQxMhQICCAAwLAYLKoZIhvcNAQkQAwkwHQYJYIZIAWUDBAECBBDURwiD7piHFwMiagPMidnVBCA3QdQGCMGIs+UKOz8c13GBUC/0kw7yDYwuhAtUKBBIDDBMBgkqhkiG9w0BBwEwHQYJYIZIAWUDBAECBBCv3u3t4UER/cTbgIjSFL5bgCCRZiCF8OP/3juEkaNJX7tkm0dh/gAkRJpv5az5TcsX1A==',
  'aes-256-cbc':
    'MIHoBgkqhkiG9w0BBwOggdowgdcCAQMxgYOjgYACAQCgGwYJKoZIhvcNAQUMMA4ECF0hDGe7YFC4AgIIADAsBgsqhkiG9w0BCRADCTAdBglghkgBZQMEASoEENXbIIyi0HksJZUn2Dr8qWMEMEH/lpnBwnF0+4QO5mGffrInkufb3z25f8Ps6OE7TOgLViIBwiqGpoLuDvbwIUFNGjBMBgkqhkiG9w0BBwEwHQYJYIZIAWUDBAEqBBBBQsl7qeSBlEua/f66vOjxgCByNnGm1n52XQ/gMcsnFsqJjAih31chwfkv1QSo2cySIw==',
  'des-ede3-cbc':
    'MIHEBgkqhkiG9w0BBwOggbYwgbMCAQMxaaNnAgEAoBsGCSqGSIb3DQEFDDAOBAgc+hx/jo5MFAICCAAwIwYLKoZIhvcNAQkQAwkwFAYIKoZIhvcNAwcECFpoQISAYZnLBCC4cPNtuXxCUpwMWOO3RqmKqlaOa/jTi13sD/KB9hO5JzBDBgkqhkiG9w0BBwEwFAYIKoZIhvcNAwcECI/BmlQez+uHgCBhsoQZkWmaPPUuGZlDCXCeci6YcfKgGxT/JFFIOxvgAg==',
};

describe('an envelope under a password, RFC 8894 section 3.1 and RFC 5652 section 6.2.4', () => {
  for (const [cipher, text] of Object.entries(madeByOpenSsl)) {
    it(`made by OpenSSL with ${cipher} opens`, () => {
      assert.deepEqual(open(Uint8Array.from(Buffer.from(text, 'base64'))), plain);
    });
  }

  for (const cipher of Object.keys(ciphers) as ContentCipher[]) {
    it(`${cipher}: opens with the password, and with no other`, () => {
      const bytes = seal(cipher);
      assert.deepEqual(open(bytes), plain);
      assert.notDeepEqual(open(bytes, `${password}!`), plain);
    });
  }

  it('takes passwords as UTF-8', () => {
    const recipients = [{ kind: 'password' as const, password: 'Schlüssel für Gerät Nr. 7', iterations: 1 }];
    const options = { content: plain, recipients, contentCipher: 'aes-128-cbc' as const, framing: 'der' as const };
    const bytes = encodeEnvelope({ ...options, randomBytes: systemRandom });
    assert.deepEqual(open(bytes, 'Schlüssel für Gerät Nr. 7'), plain);
  });

  it('has version 3, one recipient with 16 bytes of salt, HMAC-SHA-256 and 50,000 rounds', () => {
    const recipients = [{ kind: 'password' as const, password }];
    const options = { content: plain, recipients, contentCipher: 'aes-256-cbc' as const, framing: 'der' as const };
    const bytes = encodeEnvelope({ ...options, randomBytes: systemRandom });
    const fields = Asn1Reader.of(bytes).sequence();
    fields.oid();
    assert.equal(fields.constructed(0xa0).sequence().smallInteger(), 3);
    const [only, ...more] = decodeEnvelope(bytes).passwordRecipients;
    assert.equal(more.length, 0);
    assert.equal(only?.keyEncryption?.cipher, 'aes-256-cbc');
    assert.equal(only?.keyEncryption?.derivation.salt.length, 16);
    assert.equal(only?.keyEncryption?.derivation.digest, 'sha256');
    assert.equal(only?.keyEncryption?.derivation.iterations, 50_000);
  });

  it('salt, IVs and content keys are fresh each time', () => {
    const [first, second] = [seal('aes-128-cbc', 1), seal('aes-128-cbc', 1)].map((bytes) => decodeEnvelope(bytes));
    assert.notDeepEqual(first?.iv, second?.iv);
    assert.notDeepEqual(first?.passwordRecipients[0]?.encryptedKey, second?.passwordRecipients[0]?.encryptedKey);
    assert.notDeepEqual(
      first?.passwordRecipients[0]?.keyEncryption?.derivation.salt,
      second?.passwordRecipients[0]?.keyEncryption?.derivation.salt,
    );
  });

  it('may be for a certificate as well, in either order', () => {
    const device = selfSigned('device');
    const underPassword = { kind: 'password' as const, password, iterations: 1 };
    for (const recipients of [
      [underPassword, to(device)],
      [to(device), underPassword],
    ]) {
      const options = { content: plain, recipients, contentCipher: 'aes-128-cbc' as const, framing: 'ber' as const };
      const bytes = encodeEnvelope({ ...options, randomBytes: systemRandom });
      assert.deepEqual(open(bytes), plain);
      assert.deepEqual(openEnvelope(decodeEnvelope(bytes), device, systemRandom).content, plain);
    }
  });

  it('everything a wrong password can do is to give content that makes no sense, never an error', () => {
    const envelope = decodeEnvelope(seal('aes-128-cbc', 1));
    for (let attempt = 0; attempt < 300; attempt += 1) {
      const content = openEnvelopeWithPassword(envelope, `${password}${attempt}`, systemRandom);
      assert.ok(content.length <= envelope.encryptedContent.length);
      assert.notDeepEqual(content, plain);
    }
  });

  const badArguments: Record<string, { password: string; iterations?: number }> = {
    'a password of 15 characters': { password: 'x'.repeat(15) },
    'no password': { password: '' },
    'no rounds': { password, iterations: 0 },
    'half a round': { password, iterations: 1.5 },
    'more than a million rounds': { password, iterations: 1_000_001 },
  };
  for (const [name, recipient] of Object.entries(badArguments)) {
    it(`is not made with ${name}`, () => {
      const recipients = [{ kind: 'password' as const, ...recipient }];
      const options = { content: plain, recipients, contentCipher: 'aes-128-cbc' as const, framing: 'der' as const };
      assert.throws(() => encodeEnvelope({ ...options, randomBytes: systemRandom }), {
        name: 'ScepError',
        code: 'scep.bad_argument',
      });
    });
  }

  it('can be made under 16 characters and more', () => {
    assert.equal(canEnvelopeUnder(undefined), false);
    assert.equal(canEnvelopeUnder('x'.repeat(15)), false);
    assert.equal(canEnvelopeUnder('x'.repeat(16)), true);
    assert.equal(canEnvelopeUnder('x'.repeat(8192)), true);
  });
});

interface Parts {
  derivation?: Uint8Array | undefined;
  keyEncryption?: Uint8Array;
  encryptedKey?: Uint8Array;
  contentAlgorithm?: Uint8Array;
  after?: Uint8Array[];
}

const salt = Uint8Array.from({ length: 16 }, (_, index) => index);
const iv = Uint8Array.from({ length: 16 }, (_, index) => 0x40 + index);
const contentKey = Uint8Array.from({ length: 16 }, (_, index) => 0x80 + index);
const wrappedUnder = (derivation: { salt: Uint8Array; iterations: number; digest: 'sha1' | 'sha384' | 'sha512' }) =>
  wrapWithPassword(contentKey, {
    cipher: 'aes-128-cbc',
    key: deriveKey(password, derivation, 16),
    iv,
    randomBytes: systemRandom,
  });
const encryptedKey = wrappedUnder({ salt, iterations: 10, digest: 'sha1' });

/** Fields of PBKDF2-params; the pseudorandom function left out means HMAC-SHA-1. */
const pbkdf2 = (...fields: Uint8Array[]): Uint8Array =>
  der.implicitConstructed(0, der.oid(oids.pbkdf2), der.sequence(...fields));
const usual = [der.octetString(salt), der.integer(10)];
const pwriKek = (...parameters: Uint8Array[]): Uint8Array => der.sequence(der.oid(oids.pwriKek), ...parameters);
const aes = encodeAlgorithmIdentifier(oids.aes128, der.octetString(iv)).encoded;

/** An EnvelopedData with one PasswordRecipientInfo, written piece by piece. */
const envelope = (parts: Parts): Uint8Array =>
  der.sequence(
    der.oid(oids.envelopedData),
    der.explicit(
      0,
      der.sequence(
        der.integer(3),
        der.set(
          der.implicitConstructed(
            3,
            der.integer(0),
            ...('derivation' in parts ? [parts.derivation ?? new Uint8Array()] : [pbkdf2(...usual)]),
            parts.keyEncryption ?? pwriKek(aes),
            der.octetString(parts.encryptedKey ?? encryptedKey),
            ...(parts.after ?? []),
          ),
        ),
        der.sequence(
          der.oid(oids.data),
          parts.contentAlgorithm ?? aes,
          der.implicitPrimitive(0, encryptContent('aes-128-cbc', contentKey, iv, plain)),
        ),
      ),
    ),
  );

describe('what a PasswordRecipientInfo may look like', () => {
  const hmac = (oid: string): Uint8Array => encodeAlgorithmIdentifier(oid, der.null()).encoded;
  const read: Record<string, Parts> = {
    'defaults everywhere': {},
    'the length of the key': { derivation: pbkdf2(...usual, der.integer(16)) },
    'HMAC-SHA-1 written out': { derivation: pbkdf2(...usual, hmac(oids.hmacWithSha1)) },
    'HMAC-SHA-384': {
      derivation: pbkdf2(...usual, hmac(oids.hmacWithSha384)),
      encryptedKey: wrappedUnder({ salt, iterations: 10, digest: 'sha384' }),
    },
    'HMAC-SHA-512 without NULL': {
      derivation: pbkdf2(...usual, encodeAlgorithmIdentifier(oids.hmacWithSha512).encoded),
      encryptedKey: wrappedUnder({ salt, iterations: 10, digest: 'sha512' }),
    },
  };
  for (const [name, parts] of Object.entries(read)) {
    it(`opens with ${name}`, () => assert.deepEqual(open(envelope(parts)), plain));
  }

  // Everything here stands in the clear, so saying it gives nothing away.
  const unspoken: Record<string, Parts> = {
    'a billion rounds': { derivation: pbkdf2(der.octetString(salt), der.integer(1_000_000_000)) },
    'a million and one rounds': { derivation: pbkdf2(der.octetString(salt), der.integer(1_000_001)) },
    'rounds of 300 bytes': { derivation: pbkdf2(der.octetString(salt), der.integer(1n << 2400n)) },
    'no rounds': { derivation: pbkdf2(der.octetString(salt), der.integer(0)) },
    'a negative number of rounds': { derivation: pbkdf2(der.octetString(salt), der.integer(-1)) },
    'no salt': { derivation: pbkdf2(der.octetString(new Uint8Array()), der.integer(10)) },
    '7 bytes of salt': { derivation: pbkdf2(der.octetString(new Uint8Array(7)), der.integer(10)) },
    '129 bytes of salt': { derivation: pbkdf2(der.octetString(new Uint8Array(129)), der.integer(10)) },
    'a salt from elsewhere': { derivation: pbkdf2(hmac('1.2.3'), der.integer(10)) },
    'a key of another length': { derivation: pbkdf2(...usual, der.integer(32)) },
    'HMAC-SHA-224': { derivation: pbkdf2(...usual, hmac(oids.hmacWithSha224)) },
    scrypt: { derivation: der.implicitConstructed(0, der.oid(oids.scrypt), der.sequence(der.octetString(salt))) },
    'PBKDF2 without parameters': { derivation: der.implicitConstructed(0, der.oid(oids.pbkdf2)) },
    'no derivation': { derivation: undefined },
    'another key wrap': { keyEncryption: encodeAlgorithmIdentifier('2.16.840.1.101.3.4.1.5').encoded },
    'PWRI-KEK without a cipher': { keyEncryption: pwriKek() },
    'PWRI-KEK with GCM': { keyEncryption: pwriKek(encodeAlgorithmIdentifier(oids.aes128Gcm, der.sequence()).encoded) },
    'PWRI-KEK with a cipher without IV': { keyEncryption: pwriKek(encodeAlgorithmIdentifier(oids.aes128).encoded) },
    'PWRI-KEK with a short IV': {
      keyEncryption: pwriKek(encodeAlgorithmIdentifier(oids.aes128, der.octetString(iv.subarray(1))).encoded),
    },
    'an unknown content cipher': { contentAlgorithm: encodeAlgorithmIdentifier(oids.aes128Gcm, der.null()).encoded },
  };
  for (const [name, parts] of Object.entries(unspoken)) {
    it(`decodes, but is not opened with ${name}, and at once`, () => {
      const decoded = decodeEnvelope(envelope(parts));
      assert.equal(decoded.passwordRecipients.length, 1);
      const started = performance.now();
      assert.throws(() => openEnvelopeWithPassword(decoded, password, systemRandom), {
        name: 'ScepError',
        code: 'scep.unsupported_algorithm',
      });
      assert.ok(performance.now() - started < 100);
    });
  }

  const damaged: Record<string, Parts> = {
    'parameters of PBKDF2 that are cut off': { derivation: pbkdf2(der.octetString(salt)) },
    'something behind the parameters of PBKDF2': { derivation: pbkdf2(...usual, hmac(oids.hmacWithSha1), der.null()) },
    'parameters of PBKDF2 that are no sequence': {
      derivation: der.implicitConstructed(0, der.oid(oids.pbkdf2), der.null()),
    },
    'two parameters of a derivation': {
      derivation: der.implicitConstructed(0, der.oid(oids.pbkdf2), der.sequence(...usual), der.null()),
    },
    'an encrypted key of 257 bytes': { encryptedKey: new Uint8Array(257) },
    'something behind the encrypted key': { after: [der.null()] },
  };
  for (const [name, parts] of Object.entries(damaged)) {
    it(`is refused with ${name}`, () => {
      assert.throws(() => decodeEnvelope(envelope(parts)), {
        name: 'ScepError',
        code: 'scep.undecodable_envelope',
      });
    });
  }

  it('an envelope for a certificate alone is not opened with a password', () => {
    const bytes = encodeEnvelope({
      content: plain,
      recipients: [to(selfSigned('device'))],
      contentCipher: 'aes-128-cbc',
      framing: 'der',
      randomBytes: systemRandom,
    });
    assert.throws(() => open(bytes), { name: 'ScepError', code: 'scep.unsupported_algorithm' });
  });

  it('the first recipient that is spoken is taken', () => {
    const spoken = decodeEnvelope(envelope({}));
    const unspokenOne = decodeEnvelope(envelope({ keyEncryption: pwriKek() }));
    const passwordRecipients = [...unspokenOne.passwordRecipients, ...spoken.passwordRecipients];
    assert.deepEqual(openEnvelopeWithPassword({ ...spoken, passwordRecipients }, password, systemRandom), plain);
  });
});
