import type { VerifyKeyObjectInput } from 'node:crypto';
import { constants, createPublicKey, hash, KeyObject, sign, verify } from 'node:crypto';
import type { AlgorithmIdentifier } from './algorithm-identifier.ts';
import { encodeAlgorithmIdentifier } from './algorithm-identifier.ts';
import { der } from './asn1/der.ts';
import { plainBytes } from './bytes.ts';
import { oid } from './object-identifiers.ts';
import type { PublicKeyInfo } from './public-key-info.ts';
import { decodePublicKeyInfo } from './public-key-info.ts';
import type { DigestName, SignatureScheme } from './signature-algorithms.ts';
import { resolveSignatureAlgorithm } from './signature-algorithms.ts';

// Signing and verifying, RFC 8017 (PKCS #1 v1.5, PSS) and RFC 3279 2.2.3 (ECDSA).

/** Below, a key is no secret; above, one verification takes long enough to block a server. */
const rsaModulusBits = { minimum: 512, maximum: 8192 };
/** Larger exponents make verifying as slow as signing; nobody uses one. */
const maxRsaExponent = 1n << 32n;

const algorithms: Readonly<Record<'rsa' | 'ecdsa', Readonly<Partial<Record<DigestName, string>>>>> = {
  rsa: {
    md5: oid.md5WithRSA,
    sha1: oid.sha1WithRSA,
    sha256: oid.sha256WithRSA,
    sha384: oid.sha384WithRSA,
    sha512: oid.sha512WithRSA,
  },
  ecdsa: {
    sha1: oid.ecdsaWithSHA1,
    sha256: oid.ecdsaWithSHA256,
    sha384: oid.ecdsaWithSHA384,
    sha512: oid.ecdsaWithSHA512,
  },
};

/** The digest of `data`. */
export function digest(name: DigestName, data: Uint8Array): Uint8Array {
  return plainBytes(hash(name, data, 'buffer'));
}

/**
 * The algorithm identifier of {@link signData} with this key: PKCS #1 v1.5 with NULL parameters, or ECDSA without.
 *
 * @param publicKey the public or the private key
 * @throws RangeError for other keys, and for ECDSA with MD5, which has no identifier
 */
export function signatureAlgorithmFor(
  publicKey: PublicKeyInfo | KeyObject,
  digestName: DigestName,
): AlgorithmIdentifier {
  const kind = keyKind(publicKey);
  const rsaOid = kind === 'rsa' ? algorithms.rsa[digestName] : undefined;
  if (rsaOid !== undefined) return encodeAlgorithmIdentifier(rsaOid, der.null());
  const ecdsaOid = kind === 'ec' ? algorithms.ecdsa[digestName] : undefined;
  if (ecdsaOid !== undefined) return encodeAlgorithmIdentifier(ecdsaOid);
  throw new RangeError(`no signature algorithm for a key of kind ${kind} with ${digestName}`);
}

function keyKind(key: PublicKeyInfo | KeyObject): string {
  return key instanceof KeyObject ? (key.asymmetricKeyType ?? 'unknown') : key.key.kind;
}

/**
 * Signs with RSA PKCS #1 v1.5 or ECDSA (the DER of `r` and `s`).
 *
 * @throws RangeError for keys of other kinds
 */
export function signData(privateKey: KeyObject, digestName: DigestName, data: Uint8Array): Uint8Array {
  switch (privateKey.asymmetricKeyType) {
    case 'rsa':
    case 'ec':
      // Node's defaults for a bare key are PKCS #1 v1.5 and DER; a key inside an options object takes a slow way.
      return plainBytes(sign(digestName, data, privateKey));
    default:
      throw new RangeError('only RSA and EC keys sign here');
  }
}

/**
 * Whether `signature` over `data` is right. Never throws: unknown algorithms, keys that do not fit, or are so large that
 * checking would take long, and malformed signatures are simply not right.
 *
 * @param data the signed bytes as received, never encoded again
 * @example
 * verifySignature(crl.signatureAlgorithm, issuer.publicKey, crl.tbs, crl.signature);
 */
export function verifySignature(
  algorithm: AlgorithmIdentifier,
  publicKey: PublicKeyInfo,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    const scheme = resolveSignatureAlgorithm(algorithm);
    return scheme !== undefined && verifyWithScheme(scheme, publicKey, data, signature);
  } catch {
    return false;
  }
}

/** As {@link verifySignature}, for protocols that name digest and key algorithm apart, such as CMS. */
export function verifyWithScheme(
  scheme: SignatureScheme,
  publicKey: PublicKeyInfo,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!fits(scheme, publicKey, signature)) return false;
  try {
    return verify(scheme.digest, data, nodeKey(scheme, publicKey.keyObject()), signature);
  } catch {
    return false;
  }
}

/** Everything that can be known to be wrong before any arithmetic. */
function fits(scheme: SignatureScheme, { key }: PublicKeyInfo, signature: Uint8Array): boolean {
  if (scheme.family === 'ecdsa') return key.kind === 'ec' && signature.length <= 160;
  return (
    key.kind === 'rsa' &&
    key.modulusBits >= rsaModulusBits.minimum &&
    key.modulusBits <= rsaModulusBits.maximum &&
    key.exponent >= 3n &&
    key.exponent <= maxRsaExponent &&
    key.exponent % 2n === 1n &&
    signature.length === key.modulus.length
  );
}

/** Node's defaults for a bare key are PKCS #1 v1.5 and DER. */
function nodeKey(scheme: SignatureScheme, key: KeyObject): KeyObject | VerifyKeyObjectInput {
  if (scheme.family !== 'rsa-pss') return key;
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: scheme.saltLength };
}

/** The public half of a key, as it goes into a request or certificate. @throws Asn1Error */
export function publicKeyInfoOf(key: KeyObject): PublicKeyInfo {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return decodePublicKeyInfo(publicKey.export({ format: 'der', type: 'spki' }));
}
