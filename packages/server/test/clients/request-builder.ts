/** PKCS #10 requests (RFC 2986) with a hand on every byte, and the certificates that clients sign their messages with. */
import {
  assembleCertificate,
  createSelfSignedCertificate,
  decodeCertificate,
  der,
  encodeExtensions,
  encodeTbsCertificate,
  oid,
  parseName,
  publicKeyInfoOf,
  signatureAlgorithmFor,
  subjectAltNameExtension,
} from '@scepter/x509';
import type { Certificate, DigestName, Extension, GeneralName } from '@scepter/x509';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { CHALLENGE } from './client-server.ts';
import { attribute } from './message-builder.ts';
import type { Signer } from './message-builder.ts';

export interface Keys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export const newKeys = (modulusLength = 2048): Keys => generateKeyPairSync('rsa', { modulusLength });

export interface RequestParts {
  /** RFC 4514 text, or a whole encoded Name. */
  readonly subject?: string | Uint8Array;
  /** Null: no challenge. Bytes are the whole element. */
  readonly challenge?: string | Uint8Array | null;
  readonly subjectAltNames?: readonly GeneralName[];
  readonly extensions?: readonly Extension[];
  /** Whole attributes, behind the others. */
  readonly attributes?: readonly Uint8Array[];
  readonly digest?: DigestName;
}

/** In the order in which it is written here; clients do not sort attributes either. */
export function request(keys: Keys, parts: RequestParts = {}): Uint8Array {
  const { subject = 'CN=device', challenge = CHALLENGE, attributes = [], digest = 'sha256' } = parts;
  const extensions = [
    ...(parts.subjectAltNames === undefined ? [] : [subjectAltNameExtension([...parts.subjectAltNames])]),
    ...(parts.extensions ?? []),
  ];
  const all = [
    ...(challenge === null ? [] : [challengeAttribute(challenge)]),
    ...(extensions.length === 0 ? [] : [attribute(oid.extensionRequest, encodeExtensions(extensions))]),
    ...attributes,
  ];
  const info = der.sequence(
    der.integer(0),
    typeof subject === 'string' ? parseName(subject).encoded : subject,
    publicKeyInfoOf(keys.publicKey).encoded,
    der.implicitConstructed(0, ...all),
  );
  return der.sequence(
    info,
    signatureAlgorithmFor(keys.privateKey, digest).encoded,
    der.bitString(sign(digest, info, keys.privateKey)),
  );
}

const challengeAttribute = (challenge: string | Uint8Array): Uint8Array =>
  attribute(oid.challengePassword, typeof challenge === 'string' ? der.utf8String(challenge) : challenge);

export interface SignerParts {
  readonly subject?: string;
  readonly digest?: DigestName;
  readonly extensions?: readonly Extension[];
  /** Big-endian; default 8 random bytes. */
  readonly serialNumber?: Uint8Array;
  readonly validityDays?: number;
}

/** A self-signed certificate to sign with (RFC 8894 section 2.3), valid from an hour ago. */
export function selfSigned(keys: Keys, parts: SignerParts = {}): Signer {
  const now = Date.now();
  const certificate = createSelfSignedCertificate({
    subject: parseName(parts.subject ?? 'CN=device'),
    ...keys,
    serialNumber: parts.serialNumber ?? randomBytes(8),
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + (parts.validityDays ?? 6) * 86_400_000),
    extensions: parts.extensions ?? [],
    digest: parts.digest ?? 'sha256',
  });
  return { certificate: decodeCertificate(certificate), privateKey: keys.privateKey };
}

/** A certificate by another CA than ours, as valid as the CA's own. */
export function issuedBy(authority: Signer, keys: Keys, subject: string, extensions: Extension[]): Certificate {
  const signatureAlgorithm = signatureAlgorithmFor(authority.privateKey, 'sha256');
  const { notAfter, notBefore } = authority.certificate;
  const tbs = encodeTbsCertificate({
    serialNumber: randomBytes(8),
    signatureAlgorithm,
    issuer: authority.certificate.subject,
    notBefore,
    notAfter,
    subject: parseName(subject),
    publicKey: publicKeyInfoOf(keys.publicKey).encoded,
    extensions,
  });
  return decodeCertificate(assembleCertificate(tbs, signatureAlgorithm, sign('sha256', tbs, authority.privateKey)));
}
