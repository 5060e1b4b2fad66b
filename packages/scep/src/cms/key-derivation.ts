import { Asn1Reader, der, encodeAlgorithmIdentifier, readAlgorithmIdentifier, tag } from '@scepter/x509';
import type { AlgorithmIdentifier } from '@scepter/x509';
import { pbkdf2Sync } from 'node:crypto';
import { cmsOid } from '../object-identifiers.ts';

// RFC 8018 appendix A.2
// PBKDF2-params ::= SEQUENCE {
//   salt CHOICE { specified OCTET STRING, otherSource AlgorithmIdentifier },
//   iterationCount INTEGER (1..MAX),
//   keyLength INTEGER (1..MAX) OPTIONAL,
//   prf AlgorithmIdentifier DEFAULT algid-hmacWithSHA1 }

/** How a key-encryption key is made from a password: PBKDF2 with HMAC. */
export interface KeyDerivation {
  salt: Uint8Array;
  iterations: number;
  digest: 'sha1' | 'sha256' | 'sha384' | 'sha512';
}

/** A sender chooses how long the reader computes. A million rounds take half a second; OpenSSL's `cms` writes 2,048. */
export const iterationBounds = { minimum: 1, maximum: 1_000_000 };
const saltBytes = { minimum: 8, maximum: 128 };

const functions: Readonly<Record<KeyDerivation['digest'], string>> = {
  sha1: cmsOid.hmacWithSha1,
  sha256: cmsOid.hmacWithSha256,
  sha384: cmsOid.hmacWithSha384,
  sha512: cmsOid.hmacWithSha512,
};
const digestNames = Object.keys(functions) as KeyDerivation['digest'][];

const readPseudorandomFunction = (fields: Asn1Reader): KeyDerivation['digest'] | undefined => {
  if (fields.atEnd()) return 'sha1';
  const { oid } = readAlgorithmIdentifier(fields);
  return digestNames.find((name) => functions[name] === oid);
};

/**
 * `undefined` for anything but PBKDF2 with HMAC over SHA-1 or SHA-2, and for parameters beyond the bounds: the sender
 * would decide how long we compute. Throws Asn1Error on damaged parameters.
 *
 * @param keyBytes - of the cipher that the key is for; a keyLength that differs is not spoken
 */
export const resolveKeyDerivation = (algorithm: AlgorithmIdentifier, keyBytes: number): KeyDerivation | undefined => {
  if (algorithm.oid !== cmsOid.pbkdf2 || algorithm.parameters === undefined) return undefined;
  const fields = Asn1Reader.of(algorithm.parameters, { rules: 'ber' }).sequence();
  if (fields.peekTag() === tag.sequence) return undefined;
  const salt = fields.octetString();
  const iterations = fields.integer();
  const keyLength = fields.peekTag() === tag.integer ? fields.smallInteger() : keyBytes;
  const digest = readPseudorandomFunction(fields);
  fields.end();
  const isBounded =
    salt.length >= saltBytes.minimum &&
    salt.length <= saltBytes.maximum &&
    iterations >= iterationBounds.minimum &&
    iterations <= iterationBounds.maximum;
  if (!isBounded || keyLength !== keyBytes || digest === undefined) return undefined;
  return { salt, iterations: Number(iterations), digest };
};

/** Without the keyLength, which the cipher says. The function is written even where it is the default. */
export const encodeKeyDerivation = ({ salt, iterations, digest }: KeyDerivation): AlgorithmIdentifier =>
  encodeAlgorithmIdentifier(
    cmsOid.pbkdf2,
    der.sequence(
      der.octetString(salt),
      der.integer(iterations),
      encodeAlgorithmIdentifier(functions[digest], der.null()).encoded,
    ),
  );

/** The password counts as its UTF-8 bytes (RFC 8018 section 3). */
export const deriveKey = (password: string, derivation: KeyDerivation, keyBytes: number): Uint8Array =>
  new Uint8Array(pbkdf2Sync(password, derivation.salt, derivation.iterations, keyBytes, derivation.digest));
