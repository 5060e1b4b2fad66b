import type { KeyObject } from 'node:crypto';
import { createPublicKey, hash } from 'node:crypto';
import type { AlgorithmIdentifier } from './algorithm-identifier.ts';
import { readAlgorithmIdentifier } from './algorithm-identifier.ts';
import { Asn1Error } from './asn1/errors.ts';
import { magnitudeOf } from './asn1/integer.ts';
import { Asn1Reader } from './asn1/reader.ts';
import { tag } from './asn1/tags.ts';
import { bufferOf, plainBytes } from './bytes.ts';
import { oid } from './object-identifiers.ts';

// SubjectPublicKeyInfo, RFC 5280 4.1: SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }
// RSAPublicKey, RFC 8017 A.1.1: SEQUENCE { modulus INTEGER, publicExponent INTEGER }
// ECPoint, RFC 5480 2.2: 0x04 and both coordinates, or 0x02 or 0x03 and one.

export type EcCurve = 'P-256' | 'P-384' | 'P-521';

export type PublicKeyDetails =
  | { readonly kind: 'rsa'; readonly modulusBits: number; readonly modulus: Uint8Array; readonly exponent: bigint }
  | { readonly kind: 'ec'; readonly curve: EcCurve }
  | { readonly kind: 'unknown' };

export interface PublicKeyInfo {
  /** The whole SubjectPublicKeyInfo, exactly as received. */
  readonly encoded: Uint8Array;
  /** Of the algorithm, in dotted decimal. */
  readonly algorithm: string;
  /** `modulus` is the big-endian magnitude without leading zero. */
  readonly key: PublicKeyDetails;
  /** The key as Node's crypto takes it. @throws Asn1Error `bad_value` when it does not take it */
  keyObject(): KeyObject;
}

const curves: Readonly<Record<string, { curve: EcCurve; coordinateLength: number }>> = {
  [oid.prime256v1]: { curve: 'P-256', coordinateLength: 32 },
  [oid.secp384r1]: { curve: 'P-384', coordinateLength: 48 },
  [oid.secp521r1]: { curve: 'P-521', coordinateLength: 66 },
};

/** Reads a SubjectPublicKeyInfo. Keys of other kinds than RSA and the NIST curves come as `unknown`. @throws Asn1Error */
export function readPublicKeyInfo(reader: Asn1Reader): PublicKeyInfo {
  const element = reader.read(tag.sequence);
  const fields = element.children();
  const algorithm = readAlgorithmIdentifier(fields);
  const subjectPublicKey = fields.wholeBytes();
  fields.end();
  const key = keyDetails(algorithm, subjectPublicKey);
  let keyObject: KeyObject | undefined;
  return {
    encoded: element.encoded,
    algorithm: algorithm.oid,
    key,
    keyObject: () => (keyObject ??= importKey(element.encoded)),
  };
}

/** Decodes one SubjectPublicKeyInfo with nothing behind it. @throws Asn1Error */
export function decodePublicKeyInfo(encoded: Uint8Array): PublicKeyInfo {
  const reader = Asn1Reader.of(encoded);
  const info = readPublicKeyInfo(reader);
  reader.end();
  return info;
}

/** Identifier of a key, RFC 5280 4.2.1.2 method (1): SHA-1 of the key's bits, 20 bytes. */
export function keyIdentifier(info: PublicKeyInfo): Uint8Array {
  const fields = Asn1Reader.of(info.encoded, { rules: 'ber' }).sequence();
  fields.next();
  return plainBytes(hash('sha1', fields.wholeBytes(), 'buffer'));
}

function keyDetails(algorithm: AlgorithmIdentifier, bytes: Uint8Array): PublicKeyDetails {
  if (algorithm.oid === oid.rsaEncryption) return rsaDetails(bytes);
  if (algorithm.oid === oid.ecPublicKey) return ecDetails(algorithm, bytes);
  return { kind: 'unknown' };
}

function rsaDetails(bytes: Uint8Array): PublicKeyDetails {
  const reader = Asn1Reader.of(bytes);
  const fields = reader.sequence();
  reader.end();
  const modulus = magnitudeOf(fields.integerBytes());
  const exponent = fields.integer();
  fields.end();
  const [first = 0] = modulus;
  if (first === 0 || exponent <= 0n) throw new Asn1Error('bad_value', 'an RSA key with a number that is not positive');
  return { kind: 'rsa', modulusBits: modulus.length * 8 - (Math.clz32(first) - 24), modulus, exponent };
}

function ecDetails({ parameters }: AlgorithmIdentifier, bytes: Uint8Array): PublicKeyDetails {
  // Curves written out in full instead of named are forbidden by RFC 5480 and have been used to forge.
  if (parameters?.[0] !== tag.oid) return { kind: 'unknown' };
  const named = curves[Asn1Reader.of(parameters).oid()];
  if (named === undefined) return { kind: 'unknown' };
  const uncompressed = bytes[0] === 4 && bytes.length === 2 * named.coordinateLength + 1;
  const compressed = (bytes[0] === 2 || bytes[0] === 3) && bytes.length === named.coordinateLength + 1;
  if (!uncompressed && !compressed) throw new Asn1Error('bad_value', 'a point that does not fit its curve');
  return { kind: 'ec', curve: named.curve };
}

function importKey(encoded: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: bufferOf(encoded), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new Asn1Error('bad_value', 'not a usable public key', { cause });
  }
}
