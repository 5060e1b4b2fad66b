import { Asn1Reader, der, encodeAlgorithmIdentifier, oid, readAlgorithmIdentifier, tag } from '@scepter/x509';
import type { AlgorithmIdentifier } from '@scepter/x509';
import { constants, privateDecrypt, publicEncrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { digestAlgorithm, digestOf, isOaepDigest } from '../algorithms.ts';
import type { KeyTransport, OaepDigest } from '../algorithms.ts';
import { ScepError } from '../errors.ts';
import { cmsOid } from '../object-identifiers.ts';

// RFC 4055 section 4.1, every field of which has a default
// RSAES-OAEP-params ::= SEQUENCE {
//   hashFunc [0] AlgorithmIdentifier DEFAULT sha1Identifier,
//   maskGenFunc [1] AlgorithmIdentifier DEFAULT mgf1SHA1Identifier,
//   pSourceFunc [2] AlgorithmIdentifier DEFAULT pSpecifiedEmptyIdentifier }

const readExplicitAlgorithm = (reader: Asn1Reader, contextNumber: number): AlgorithmIdentifier | undefined => {
  const explicit = reader.optionalConstructed(tag.contextConstructed(contextNumber));
  const algorithm = explicit === undefined ? undefined : readAlgorithmIdentifier(explicit);
  explicit?.end();
  return algorithm;
};

const maskDigestOid = (mask: AlgorithmIdentifier | undefined): string | undefined => {
  if (mask === undefined) return oid.sha1;
  if (mask.oid !== oid.mgf1 || mask.parameters === undefined) return undefined;
  return readAlgorithmIdentifier(Asn1Reader.of(mask.parameters, { rules: 'ber' })).oid;
};

const isEmptyLabel = (source: AlgorithmIdentifier | undefined): boolean => {
  if (source === undefined) return true;
  if (source.oid !== cmsOid.pSpecified || source.parameters === undefined) return false;
  return Asn1Reader.of(source.parameters, { rules: 'ber' }).octetString().length === 0;
};

/** node:crypto knows one digest for label and mask: other combinations are not spoken. */
const resolveOaep = (parameters: Uint8Array | undefined): KeyTransport | undefined => {
  if (parameters === undefined || parameters[0] === tag.null) return { kind: 'oaep', digest: 'sha1' };
  const reader = Asn1Reader.of(parameters, { rules: 'ber' }).sequence();
  const hashOid = readExplicitAlgorithm(reader, 0)?.oid ?? oid.sha1;
  const mask = maskDigestOid(readExplicitAlgorithm(reader, 1));
  const emptyLabel = isEmptyLabel(readExplicitAlgorithm(reader, 2));
  reader.end();
  const digest = digestOf(hashOid);
  return emptyLabel && mask === hashOid && isOaepDigest(digest) ? { kind: 'oaep', digest } : undefined;
};

/** `undefined` when the algorithm is none that this package speaks. Throws Asn1Error on damaged parameters. */
export const resolveKeyTransport = (algorithm: AlgorithmIdentifier): KeyTransport | undefined => {
  if (algorithm.oid === oid.rsaEncryption) return { kind: 'pkcs1' };
  return algorithm.oid === cmsOid.rsaesOaep ? resolveOaep(algorithm.parameters) : undefined;
};

const oaepParameters = (digest: OaepDigest): Uint8Array => {
  if (digest === 'sha1') return der.sequence();
  const hash = digestAlgorithm(digest).encoded;
  return der.sequence(der.explicit(0, hash), der.explicit(1, encodeAlgorithmIdentifier(oid.mgf1, hash).encoded));
};

export const encodeKeyTransport = (keyTransport: KeyTransport): Uint8Array =>
  keyTransport.kind === 'pkcs1'
    ? encodeAlgorithmIdentifier(oid.rsaEncryption, der.null()).encoded
    : encodeAlgorithmIdentifier(cmsOid.rsaesOaep, oaepParameters(keyTransport.digest)).encoded;

const paddingOf = (keyTransport: KeyTransport): { padding: number; oaepHash?: string } =>
  keyTransport.kind === 'pkcs1'
    ? { padding: constants.RSA_PKCS1_PADDING }
    : { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: keyTransport.digest };

export const wrapContentKey = (keyTransport: KeyTransport, key: KeyObject, contentKey: Uint8Array): Uint8Array => {
  try {
    return publicEncrypt({ key, ...paddingOf(keyTransport) }, contentKey);
  } catch (cause) {
    throw new ScepError('scep.bad_argument', 'nothing can be encrypted to this RSA key', { cause });
  }
};

const decryptOrNothing = (
  key: KeyObject,
  keyTransport: KeyTransport,
  encryptedKey: Uint8Array,
): Uint8Array | undefined => {
  try {
    return privateDecrypt({ key, ...paddingOf(keyTransport) }, encryptedKey);
  } catch (cause) {
    // Without implicit rejection (OpenSSL before 3.2) Node refuses PKCS#1 v1.5 outright. That says nothing about the
    // message, and hiding it would make every enrollment fail without a reason.
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_INVALID_ARG_VALUE') {
      throw new ScepError('scep.unsupported_algorithm', 'this Node.js does not decrypt RSA PKCS#1 v1.5', { cause });
    }
    return undefined;
  }
};

/**
 * Decrypts a content-encryption key. Whatever is wrong with the encrypted key, the result is a key: a random one, so that
 * the sender cannot learn from us where decryption failed (Bleichenbacher's and Manger's attacks; RFC 3218 section 2.3).
 * Under PKCS#1 v1.5, OpenSSL itself answers bad padding with pseudo-random bytes of random length.
 */
export const unwrapContentKey = (options: {
  privateKey: KeyObject;
  /** `undefined`: no recipient is ours, or its algorithm is not spoken. */
  wrapped: { keyTransport: KeyTransport; encryptedKey: Uint8Array } | undefined;
  keyBytes: number;
  randomBytes: (size: number) => Uint8Array;
}): Uint8Array => {
  const { privateKey, wrapped, keyBytes, randomBytes } = options;
  const modulusBytes = Math.ceil((privateKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  if (privateKey.asymmetricKeyType !== 'rsa' || modulusBytes === 0) {
    throw new ScepError('scep.bad_argument', 'an envelope is opened with an RSA private key');
  }
  const substitute = randomBytes(keyBytes);
  // The first byte is zero so that the number stays below the modulus and the decryption takes its usual way.
  const decoy = randomBytes(modulusBytes);
  decoy[0] = 0;
  const { keyTransport, encryptedKey } = wrapped ?? { keyTransport: { kind: 'pkcs1' }, encryptedKey: decoy };
  const decrypted = decryptOrNothing(privateKey, keyTransport, encryptedKey);
  return wrapped !== undefined && decrypted?.length === keyBytes ? decrypted : substitute;
};
