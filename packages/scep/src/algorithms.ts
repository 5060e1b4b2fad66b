import { der, encodeAlgorithmIdentifier, oid } from '@scepter/x509';
import type { AlgorithmIdentifier, DigestName } from '@scepter/x509';
import { cmsOid } from './object-identifiers.ts';

/** A content-encryption algorithm of CMS EnvelopedData. */
export type ContentCipher = 'des-cbc' | 'des-ede3-cbc' | 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc';

/** How the content-encryption key is encrypted to an RSA key: RSAES-PKCS1-v1_5, or RSAES-OAEP with MGF1 over the same digest. */
export type KeyTransport = { kind: 'pkcs1' } | { kind: 'oaep'; digest: OaepDigest };
export type OaepDigest = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/**
 * The weakest algorithms an endpoint accepts.
 * `modern`: AES with SHA-256, SHA-384 or SHA-512. `compatible`: also triple DES and SHA-1.
 * `legacy`: also single DES and MD5, which RFC 8894 section 2.9 forbids, for devices that cannot do better.
 */
export type AlgorithmFloor = 'modern' | 'compatible' | 'legacy';

export interface CipherSpecification {
  readonly oid: string;
  /** Length of the content-encryption key. */
  readonly keyBytes: number;
  /** Length of a cipher block, of the IV too. */
  readonly blockBytes: number;
  /** The name under which node:crypto knows the cipher. */
  readonly nodeName: string;
  /** How often the key is repeated for node:crypto. */
  readonly keyCopies: number;
  readonly floor: AlgorithmFloor;
}

export const ciphers: Readonly<Record<ContentCipher, CipherSpecification>> = {
  // OpenSSL 3 has single DES only in its legacy provider; triple DES with one key three times is the same function.
  'des-cbc': {
    oid: cmsOid.desCbc,
    keyBytes: 8,
    blockBytes: 8,
    nodeName: 'des-ede3-cbc',
    keyCopies: 3,
    floor: 'legacy',
  },
  'des-ede3-cbc': {
    oid: cmsOid.desEde3Cbc,
    keyBytes: 24,
    blockBytes: 8,
    nodeName: 'des-ede3-cbc',
    keyCopies: 1,
    floor: 'compatible',
  },
  'aes-128-cbc': {
    oid: cmsOid.aes128Cbc,
    keyBytes: 16,
    blockBytes: 16,
    nodeName: 'aes-128-cbc',
    keyCopies: 1,
    floor: 'modern',
  },
  'aes-192-cbc': {
    oid: cmsOid.aes192Cbc,
    keyBytes: 24,
    blockBytes: 16,
    nodeName: 'aes-192-cbc',
    keyCopies: 1,
    floor: 'modern',
  },
  'aes-256-cbc': {
    oid: cmsOid.aes256Cbc,
    keyBytes: 32,
    blockBytes: 16,
    nodeName: 'aes-256-cbc',
    keyCopies: 1,
    floor: 'modern',
  },
};

interface DigestSpecification {
  readonly oid: string;
  readonly floor: AlgorithmFloor;
  /** As GetCACaps names it; MD5 has no name there. */
  readonly capability?: string;
}

const digests: Readonly<Record<DigestName, DigestSpecification>> = {
  md5: { oid: oid.md5, floor: 'legacy' },
  sha1: { oid: oid.sha1, floor: 'compatible', capability: 'SHA-1' },
  sha256: { oid: oid.sha256, floor: 'modern', capability: 'SHA-256' },
  sha384: { oid: oid.sha384, floor: 'modern', capability: 'SHA-384' },
  sha512: { oid: oid.sha512, floor: 'modern', capability: 'SHA-512' },
};

const strictness: Readonly<Record<AlgorithmFloor, number>> = { legacy: 0, compatible: 1, modern: 2 };

const allowedBy = (floor: AlgorithmFloor, needed: AlgorithmFloor): boolean => strictness[needed] >= strictness[floor];

const cipherNames = Object.keys(ciphers) as ContentCipher[];
const digestNames = Object.keys(digests) as DigestName[];

export const cipherOf = (objectIdentifier: string): ContentCipher | undefined =>
  cipherNames.find((name) => ciphers[name].oid === objectIdentifier);

export const digestOf = (objectIdentifier: string): DigestName | undefined =>
  digestNames.find((name) => digests[name].oid === objectIdentifier);

export const isOaepDigest = (name: DigestName | undefined): name is OaepDigest => name !== undefined && name !== 'md5';

/** With the NULL that RFC 5754 lets us omit: old clients compare the whole value. */
export const digestAlgorithm = (name: DigestName): AlgorithmIdentifier =>
  encodeAlgorithmIdentifier(digests[name].oid, der.null());

/**
 * Tells whether an endpoint with this floor accepts a message's algorithms.
 *
 * @param used - one algorithm or both. A property that is present but `undefined` means an algorithm this package does
 *   not know, which no floor allows
 * @example
 * floorAllows('modern', { digest: 'sha1', contentCipher: 'aes-128-cbc' }) // false
 */
export const floorAllows = (
  floor: AlgorithmFloor,
  used: { digest?: DigestName | undefined; contentCipher?: ContentCipher | undefined },
): boolean => {
  const { digest, contentCipher } = used;
  const digestIsAllowed = digest === undefined ? !('digest' in used) : allowedBy(floor, digests[digest].floor);
  const cipherIsAllowed =
    contentCipher === undefined ? !('contentCipher' in used) : allowedBy(floor, ciphers[contentCipher].floor);
  return digestIsAllowed && cipherIsAllowed;
};

/**
 * The floor for a renewal that nothing but the device's old certificate authorizes: whatever the endpoint accepts
 * otherwise, SHA-1 and triple DES are too weak to carry that alone (RFC 8894 section 7.9).
 *
 * @example
 * const used = { digest: message.digest, contentCipher: envelope.contentCipher };
 * if (!floorAllows(floorForSignatureAlone, used)) return refuse(message, 'badAlg');
 */
export const floorForSignatureAlone: AlgorithmFloor = 'modern';

/** The GetCACaps keywords that a client looks for (RFC 8894 section 3.5.2; SHA-384 is in use beside them). */
export const knownCapabilities: ReadonlySet<string> = new Set([
  'AES',
  'DES3',
  'GetNextCACert',
  'POSTPKIOperation',
  'Renewal',
  'SCEPStandard',
  'SHA-1',
  'SHA-256',
  'SHA-384',
  'SHA-512',
]);

/**
 * The body of a GetCACaps reply (RFC 8894 section 3.5.2): one keyword a line, LF between them, none after the last,
 * because strongSwan takes an empty line for every capability at once. Every accepted digest is named: strongSwan 5.9.8
 * takes SHA-256 for granted only when it sees SHA-384.
 *
 * @param options - `renewal`: whether the endpoint renews by the device's own certificate; `nextCaCertificates`: whether a
 *   next CA is staged, so that GetNextCACert has an answer (RFC 8894 section 4.7)
 * @example
 * capabilitiesFor('modern', { renewal: true }).split('\n') // ['AES', 'POSTPKIOperation', 'Renewal', 'SCEPStandard', …]
 */
export const capabilitiesFor = (
  floor: AlgorithmFloor,
  options: { renewal: boolean; nextCaCertificates?: boolean },
): string => {
  const lines = ['AES'];
  if (allowedBy(floor, ciphers['des-ede3-cbc'].floor)) lines.push('DES3');
  if (options.nextCaCertificates === true) lines.push('GetNextCACert');
  lines.push('POSTPKIOperation');
  if (options.renewal) lines.push('Renewal');
  lines.push('SCEPStandard');
  for (const name of digestNames) {
    const { capability, floor: needed } = digests[name];
    if (capability !== undefined && allowedBy(floor, needed)) lines.push(capability);
  }
  return lines.join('\n');
};
