import {
  der,
  digest as digestOfBytes,
  encodeAlgorithmIdentifier,
  equalBytes,
  oid,
  readAlgorithmIdentifier,
  resolveSignatureAlgorithm,
  signData,
  signatureAlgorithmFor,
  tag,
  verifyWithScheme,
} from '@scepter/x509';
import type { AlgorithmIdentifier, Asn1Reader, Certificate, DigestName, SignatureScheme } from '@scepter/x509';
import type { KeyObject } from 'node:crypto';
import { digestAlgorithm, digestOf } from '../algorithms.ts';
import { ScepError } from '../errors.ts';
import { cmsOid } from '../object-identifiers.ts';
import { attributeValue, encodeAttribute, readAttributes } from './attribute.ts';
import type { Attribute } from './attribute.ts';
import { encodeCertificateIdentifier, readCertificateIdentifier } from './identifier.ts';
import type { CertificateIdentifier } from './identifier.ts';

// RFC 5652 section 5.3
// SignerInfo ::= SEQUENCE {
//   version CMSVersion,
//   sid SignerIdentifier,
//   digestAlgorithm DigestAlgorithmIdentifier,
//   signedAttrs [0] IMPLICIT SignedAttributes OPTIONAL,
//   signatureAlgorithm SignatureAlgorithmIdentifier,
//   signature SignatureValue,
//   unsignedAttrs [1] IMPLICIT UnsignedAttributes OPTIONAL }

export interface SignerInfo {
  identifier: CertificateIdentifier;
  /** `undefined` for a digest this package does not know. */
  digest: DigestName | undefined;
  attributes: Attribute[];
  /** What the signature covers: the attributes as received, under the tag of a SET. `undefined` without attributes. */
  signedBytes: Uint8Array | undefined;
  signatureAlgorithm: AlgorithmIdentifier;
  signature: Uint8Array;
}

/** Who signs: the certificate goes into the message, the key belongs to it. */
export interface Signer {
  certificate: Certificate;
  privateKey: KeyObject;
}

const signedAttributesTag = tag.contextConstructed(0);
const indefiniteLength = 0x80;

/**
 * RFC 5652 section 5.4: the signature covers the attributes with the tag of a SET in place of [0]. They are not encoded
 * anew: clients exist that send, and sign, attributes in an order that DER does not allow.
 */
const asSet = (encoded: Uint8Array, content: Uint8Array): Uint8Array => {
  if (encoded[1] === indefiniteLength) return der.set(content);
  const bytes = Uint8Array.from(encoded);
  bytes[0] = tag.set;
  return bytes;
};

export const readSignerInfo = (reader: Asn1Reader): SignerInfo => {
  const signerInfo = reader.sequence();
  signerInfo.smallInteger();
  const identifier = readCertificateIdentifier(signerInfo);
  const digest = digestOf(readAlgorithmIdentifier(signerInfo).oid);
  const attributes = signerInfo.optional(signedAttributesTag);
  const signatureAlgorithm = readAlgorithmIdentifier(signerInfo);
  const signature = signerInfo.octetString();
  signerInfo.optional(tag.contextConstructed(1));
  signerInfo.end();
  return {
    identifier,
    digest,
    attributes: attributes === undefined ? [] : readAttributes(attributes.children()),
    signedBytes: attributes === undefined ? undefined : asSet(attributes.encoded, attributes.content),
    signatureAlgorithm,
    signature,
  };
};

/** NULL or nothing; for an EC key also the name of its curve, as it stands in the key. */
const hasPlainParameters = ({ parameters, ...algorithm }: AlgorithmIdentifier): boolean =>
  parameters === undefined ||
  equalBytes(parameters, der.null()) ||
  (algorithm.oid === oid.ecPublicKey && parameters[0] === tag.oid);

/**
 * How to verify. Senders name either the whole scheme or only the key's family, in which case the digest is the
 * SignerInfo's own: "rsaEncryption", as RFC 3370 section 3.2 allows, and "ecPublicKey", which Windows writes although
 * RFC 5753 section 2.1.1 wants the scheme (dotnet/runtime#91168, heimdal/heimdal#1423).
 */
const schemeOf = (algorithm: AlgorithmIdentifier, digest: DigestName): SignatureScheme | undefined => {
  if (algorithm.oid === oid.rsaEncryption) return hasPlainParameters(algorithm) ? { family: 'rsa', digest } : undefined;
  if (algorithm.oid === oid.ecPublicKey) {
    // No algorithm is called ECDSA with MD5.
    return hasPlainParameters(algorithm) && digest !== 'md5' ? { family: 'ecdsa', digest } : undefined;
  }
  const scheme = resolveSignatureAlgorithm(algorithm);
  return scheme?.digest === digest ? scheme : undefined;
};

/** Verifies attributes, content digest and signature (RFC 5652 sections 5.4 and 5.6). False on anything wrong. */
export const verifySignerInfo = (
  signerInfo: SignerInfo,
  signed: { contentType: string; content: Uint8Array; certificate: Certificate },
): boolean => {
  const { digest, signedBytes } = signerInfo;
  if (digest === undefined || signedBytes === undefined) return false;
  try {
    const contentType = attributeValue(signerInfo.attributes, cmsOid.contentType).oid();
    if (contentType !== cmsOid.data || contentType !== signed.contentType) return false;
    const messageDigest = attributeValue(signerInfo.attributes, cmsOid.messageDigest).octetString();
    if (!equalBytes(messageDigest, digestOfBytes(digest, signed.content))) return false;
    const scheme = schemeOf(signerInfo.signatureAlgorithm, digest);
    return (
      scheme !== undefined && verifyWithScheme(scheme, signed.certificate.publicKey, signedBytes, signerInfo.signature)
    );
  } catch {
    return false;
  }
};

/** strongSwan 5.9.8 verifies a reply only under "rsaEncryption", not under the name of the whole scheme. */
const signerAlgorithm = (certificate: Certificate, digest: DigestName): AlgorithmIdentifier => {
  const { publicKey } = certificate;
  if (publicKey.key.kind === 'rsa') return encodeAlgorithmIdentifier(oid.rsaEncryption, der.null());
  if (publicKey.key.kind !== 'ec' || digest === 'md5') {
    throw new ScepError('scep.bad_argument', 'this key cannot sign with this digest');
  }
  return signatureAlgorithmFor(publicKey, digest);
};

export const encodeSignerInfo = (
  signer: Signer,
  digest: DigestName,
  content: Uint8Array,
  attributes: readonly Uint8Array[],
): Uint8Array => {
  const signedAttributes = der.setOf([
    encodeAttribute(cmsOid.contentType, der.oid(cmsOid.data)),
    encodeAttribute(cmsOid.messageDigest, der.octetString(digestOfBytes(digest, content))),
    ...attributes,
  ]);
  const signature = signData(signer.privateKey, digest, signedAttributes);
  const implicitAttributes = Uint8Array.from(signedAttributes);
  implicitAttributes[0] = signedAttributesTag;
  return der.sequence(
    der.integer(1),
    encodeCertificateIdentifier(signer.certificate),
    digestAlgorithm(digest).encoded,
    implicitAttributes,
    signerAlgorithm(signer.certificate, digest).encoded,
    der.octetString(signature),
  );
};
