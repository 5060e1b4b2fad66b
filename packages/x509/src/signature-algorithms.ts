import type { AlgorithmIdentifier } from './algorithm-identifier.ts';
import { readAlgorithmIdentifier } from './algorithm-identifier.ts';
import { Asn1Reader } from './asn1/reader.ts';
import { tag } from './asn1/tags.ts';
import { oid } from './object-identifiers.ts';

// What an AlgorithmIdentifier of a signature means: RFC 3279, RFC 4055, RFC 5758.

export type DigestName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';

export type SignatureScheme =
  | { readonly family: 'rsa' | 'ecdsa'; readonly digest: DigestName }
  /** `saltLength` in bytes; the mask generation uses the same digest. */
  | { readonly family: 'rsa-pss'; readonly digest: DigestName; readonly saltLength: number };

const schemes: ReadonlyMap<string, SignatureScheme> = new Map<string, SignatureScheme>([
  [oid.md5WithRSA, { family: 'rsa', digest: 'md5' }],
  [oid.sha1WithRSA, { family: 'rsa', digest: 'sha1' }],
  [oid.oiwSha1WithRSA, { family: 'rsa', digest: 'sha1' }],
  [oid.sha256WithRSA, { family: 'rsa', digest: 'sha256' }],
  [oid.sha384WithRSA, { family: 'rsa', digest: 'sha384' }],
  [oid.sha512WithRSA, { family: 'rsa', digest: 'sha512' }],
  [oid.ecdsaWithSHA1, { family: 'ecdsa', digest: 'sha1' }],
  [oid.ecdsaWithSHA256, { family: 'ecdsa', digest: 'sha256' }],
  [oid.ecdsaWithSHA384, { family: 'ecdsa', digest: 'sha384' }],
  [oid.ecdsaWithSHA512, { family: 'ecdsa', digest: 'sha512' }],
]);

const digests: ReadonlyMap<string, DigestName> = new Map<string, DigestName>([
  [oid.md5, 'md5'],
  [oid.sha1, 'sha1'],
  [oid.sha256, 'sha256'],
  [oid.sha384, 'sha384'],
  [oid.sha512, 'sha512'],
]);

/** Digest and kind of signature; undefined for what we do not know, or parameters that do not belong there. */
export function resolveSignatureAlgorithm(algorithm: AlgorithmIdentifier): SignatureScheme | undefined {
  if (algorithm.oid === oid.rsassaPss) return resolvePss(algorithm);
  const scheme = schemes.get(algorithm.oid);
  // RFC 4055, 2.1 and RFC 5758, 3.2: NULL for RSA, where its absence must be accepted, too; nothing for ECDSA.
  const isPlain = algorithm.parameters === undefined || (scheme?.family === 'rsa' && isNull(algorithm.parameters));
  return isPlain ? scheme : undefined;
}

/** The digest an AlgorithmIdentifier names, with NULL or absent parameters. */
export function resolveDigestAlgorithm({ oid: digestOid, parameters }: AlgorithmIdentifier): DigestName | undefined {
  return parameters === undefined || isNull(parameters) ? digests.get(digestOid) : undefined;
}

function isNull(parameters: Uint8Array): boolean {
  return parameters.length === 2 && parameters[0] === tag.null && parameters[1] === 0;
}

// RSASSA-PSS-params, RFC 4055 3.1: SEQUENCE { [0] hashAlgorithm DEFAULT sha1, [1] maskGenAlgorithm DEFAULT mgf1SHA1,
//   [2] saltLength DEFAULT 20, [3] trailerField DEFAULT 1 }
function resolvePss({ parameters }: AlgorithmIdentifier): SignatureScheme | undefined {
  if (parameters === undefined) return undefined;
  try {
    return readPssParameters(parameters);
  } catch {
    return undefined;
  }
}

function readPssParameters(parameters: Uint8Array): SignatureScheme | undefined {
  const fields = Asn1Reader.of(parameters).sequence();
  const hash = readExplicit(fields, 0, readAlgorithmIdentifier);
  const mask = readExplicit(fields, 1, readAlgorithmIdentifier);
  const saltLength = readExplicit(fields, 2, (field) => field.smallInteger()) ?? 20;
  const trailer = readExplicit(fields, 3, (field) => field.smallInteger()) ?? 1;
  fields.end();
  const digest = hash === undefined ? 'sha1' : resolveDigestAlgorithm(hash);
  const maskDigest = mask === undefined ? 'sha1' : resolveMaskDigest(mask);
  if (digest === undefined || digest !== maskDigest || trailer !== 1) return undefined;
  return saltLength >= 0 && saltLength <= 512 ? { family: 'rsa-pss', digest, saltLength } : undefined;
}

/** What `[number] EXPLICIT OPTIONAL` holds, and nothing behind it. */
function readExplicit<T>(fields: Asn1Reader, number: number, read: (field: Asn1Reader) => T): T | undefined {
  const field = fields.optionalConstructed(tag.contextConstructed(number));
  if (field === undefined) return undefined;
  const value = read(field);
  field.end();
  return value;
}

function resolveMaskDigest({ oid: maskOid, parameters }: AlgorithmIdentifier): DigestName | undefined {
  if (maskOid !== oid.mgf1 || parameters === undefined) return undefined;
  return resolveDigestAlgorithm(readAlgorithmIdentifier(Asn1Reader.of(parameters)));
}
