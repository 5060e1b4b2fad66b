import {
  Asn1Reader,
  decodeCertificate,
  digest as digestOf,
  equalBytes,
  oid,
  readAlgorithmIdentifier,
  readName,
  resolveSignatureAlgorithm,
  tag,
  toHex,
  verifyWithScheme,
} from '@scepter/x509';
import type { AlgorithmIdentifier, Asn1Element, Certificate, DigestName, Name } from '@scepter/x509';
import { failInfos, messageTypes, pkiStatuses, wireOid } from './object-identifiers.ts';
import { WireError } from './wire-error.ts';

// RFC 5652 section 5 and RFC 8894 section 3.2: a reply as it is, without a judgement on it.

export interface ReplyAttribute {
  readonly type: string;
  readonly values: readonly Asn1Element[];
}

export type SignerIdentifier =
  | { readonly kind: 'issuerAndSerial'; readonly issuer: Name; readonly serialNumber: Uint8Array }
  | { readonly kind: 'subjectKeyIdentifier' };

export interface ReplySigner {
  readonly identifier: SignerIdentifier;
  /** `undefined`: none that is known. */
  readonly digest: DigestName | undefined;
  readonly attributes: readonly ReplyAttribute[];
  readonly attributesInDerOrder: boolean;
  /** The attributes under the tag of a SET; `undefined` without attributes. */
  readonly signedBytes: Uint8Array | undefined;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
}

/** A decoded CertRep, or what a server sends as one. Nothing is verified. */
export interface Reply {
  readonly encoded: Uint8Array;
  readonly eContentType: string;
  /** The pkcsPKIEnvelope. */
  readonly content: Uint8Array | undefined;
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
  readonly signers: readonly ReplySigner[];
  readonly messageType: string | undefined;
  readonly status: 'SUCCESS' | 'FAILURE' | 'PENDING' | undefined;
  /** By name; the bare number when it has none. */
  readonly failInfo: string | undefined;
  readonly failInfoText: string | undefined;
  readonly transactionId: string | undefined;
  readonly senderNonce: Uint8Array | undefined;
  readonly recipientNonce: Uint8Array | undefined;
}

const maximumCertificates = 32;
const longestText = 200;

const digests: ReadonlyMap<string, DigestName> = new Map<string, DigestName>([
  [oid.md5, 'md5'],
  [oid.sha1, 'sha1'],
  [oid.sha256, 'sha256'],
  [oid.sha384, 'sha384'],
  [oid.sha512, 'sha512'],
]);

/** The values of an attribute, in whatever it is encoded. */
export const valuesOf = (reply: Reply, type: string): readonly Asn1Element[] =>
  reply.signers[0]?.attributes.filter((attribute) => attribute.type === type).flatMap(({ values }) => values) ?? [];

const reading = <T>(element: Asn1Element | undefined, read: (reader: Asn1Reader) => T): T | undefined => {
  try {
    return element === undefined ? undefined : read(Asn1Reader.of(element.encoded, { rules: 'ber' }));
  } catch {
    return undefined;
  }
};

const readAttributes = (set: Asn1Reader): ReplyAttribute[] => {
  const attributes: ReplyAttribute[] = [];
  while (!set.atEnd()) {
    const sequence = set.sequence();
    const type = sequence.oid();
    const valueSet = sequence.set();
    const values: Asn1Element[] = [];
    while (!valueSet.atEnd()) values.push(valueSet.next());
    attributes.push({ type, values });
  }
  return attributes;
};

const inDerOrder = (element: Asn1Element): boolean => {
  const reader = element.children();
  let previous: Uint8Array = new Uint8Array();
  while (!reader.atEnd()) {
    const { encoded } = reader.next();
    if (Buffer.compare(previous, encoded) > 0) return false;
    previous = encoded;
  }
  return true;
};

const readIdentifier = (reader: Asn1Reader): SignerIdentifier => {
  if (reader.peekTag() !== tag.sequence) {
    reader.next();
    return { kind: 'subjectKeyIdentifier' };
  }
  const sequence = reader.sequence();
  return { kind: 'issuerAndSerial', issuer: readName(sequence), serialNumber: sequence.integerBytes() };
};

const readSigner = (reader: Asn1Reader): ReplySigner => {
  reader.smallInteger();
  const identifier = readIdentifier(reader);
  const digest = digests.get(readAlgorithmIdentifier(reader).oid);
  const attributes = reader.optional(tag.contextConstructed(0));
  const signatureAlgorithm = readAlgorithmIdentifier(reader);
  const signature = reader.octetString();
  const signedBytes = attributes === undefined ? undefined : Uint8Array.from(attributes.encoded);
  signedBytes?.fill(tag.set, 0, 1);
  return {
    identifier,
    digest,
    attributes: attributes === undefined ? [] : readAttributes(attributes.children()),
    attributesInDerOrder: attributes === undefined || inDerOrder(attributes),
    signedBytes,
    signatureAlgorithm,
    signature,
  };
};

const readAll = (reader: Asn1Reader | undefined): Uint8Array[] => {
  const found: Uint8Array[] = [];
  if (reader === undefined) return found;
  while (!reader.atEnd() && found.length < maximumCertificates) found.push(reader.next().encoded);
  return found;
};

type SignedDataParts = Pick<Reply, 'eContentType' | 'content' | 'certificates' | 'crls' | 'signers'>;

/** Reads a ContentInfo with SignedData, BER. @throws Asn1Error or WireError */
export const readSignedData = (bytes: Uint8Array): SignedDataParts => {
  const outer = Asn1Reader.of(bytes, { rules: 'ber' });
  const contentInfo = outer.sequence();
  outer.end();
  if (contentInfo.oid() !== wireOid.signedData) throw new WireError('the content is not SignedData');
  const signedData = contentInfo.constructed(tag.contextConstructed(0)).sequence();
  signedData.smallInteger();
  signedData.set();
  const encapsulated = signedData.sequence();
  const eContentType = encapsulated.oid();
  const content = encapsulated.optionalConstructed(tag.contextConstructed(0))?.octetString();
  const certificates = readAll(signedData.optionalConstructed(tag.contextConstructed(0)));
  const crls = readAll(signedData.optionalConstructed(tag.contextConstructed(1)));
  const signers: ReplySigner[] = [];
  const signerInfos = signedData.set();
  while (!signerInfos.atEnd() && signers.length < maximumCertificates) signers.push(readSigner(signerInfos.sequence()));
  return { eContentType, content, certificates, crls, signers };
};

/** Decodes what a PKIOperation answered. @throws Asn1Error or WireError when it is no SignedData with a signer */
export const readReply = (bytes: Uint8Array): Reply => {
  const parts = readSignedData(bytes);
  if (parts.signers.length === 0) throw new WireError('the message has no signer');
  const value = (type: string): Asn1Element | undefined =>
    parts.signers[0]?.attributes.find((attribute) => attribute.type === type)?.values[0];
  const text = (type: string): string | undefined =>
    reading(value(type), (reader) => reader.string().slice(0, longestText));
  const nonce = (type: string): Uint8Array | undefined => reading(value(type), (reader) => reader.octetString());
  const failInfo = text(wireOid.failInfo);
  return {
    encoded: bytes,
    ...parts,
    messageType: text(wireOid.messageType),
    status: pkiStatuses[text(wireOid.pkiStatus) ?? ''],
    failInfo: failInfo === undefined ? undefined : (failInfos[failInfo] ?? failInfo),
    failInfoText: text(wireOid.failInfoText),
    transactionId: text(wireOid.transactionId),
    senderNonce: nonce(wireOid.senderNonce),
    recipientNonce: nonce(wireOid.recipientNonce),
  };
};

/** Whether a SignerIdentifier means this certificate. */
export const names = (identifier: SignerIdentifier, certificate: Certificate): boolean =>
  identifier.kind === 'issuerAndSerial' &&
  equalBytes(identifier.issuer.encoded, certificate.issuer.encoded) &&
  toHex(identifier.serialNumber) === toHex(certificate.serialNumber);

/** The signer's certificate: embedded, or one of those the server gave before. */
export const signerCertificate = (reply: Reply, known: readonly Certificate[]): Certificate | undefined => {
  const [signer] = reply.signers;
  if (signer === undefined) return undefined;
  const embedded = reply.certificates.flatMap((encoded) => {
    try {
      return [decodeCertificate(encoded, { rules: 'ber' })];
    } catch {
      return [];
    }
  });
  const candidates = [...embedded, ...known];
  return (
    candidates.find((certificate) => names(signer.identifier, certificate)) ??
    (signer.identifier.kind === 'subjectKeyIdentifier' ? candidates[0] : undefined)
  );
};

/** Whether contentType and messageDigest are there and right. Tells what is wrong; nothing when all is well. */
export const attributeProblems = (reply: Reply): string[] => {
  const [contentType] = valuesOf(reply, wireOid.contentType);
  const [messageDigest] = valuesOf(reply, wireOid.messageDigest);
  const digest = reply.signers[0]?.digest;
  const problems: string[] = [];
  if (contentType === undefined) problems.push('contentType is missing');
  else if (reading(contentType, (reader) => reader.oid()) !== reply.eContentType) {
    problems.push('contentType differs from the content');
  }
  const sent = reading(messageDigest, (reader) => reader.octetString());
  if (sent === undefined) problems.push('messageDigest is missing');
  else if (digest === undefined) problems.push('the digest algorithm is unknown');
  else if (!equalBytes(sent, digestOf(digest, reply.content ?? new Uint8Array()))) {
    problems.push('messageDigest does not fit the content');
  }
  return problems;
};

/** Whether the signature over the attributes verifies with this certificate. */
export const signatureVerifies = (reply: Reply, certificate: Certificate): boolean => {
  const [signer] = reply.signers;
  if (signer?.digest === undefined || signer.signedBytes === undefined) return false;
  const scheme =
    signer.signatureAlgorithm.oid === oid.rsaEncryption
      ? ({ family: 'rsa', digest: signer.digest } as const)
      : resolveSignatureAlgorithm(signer.signatureAlgorithm);
  if (scheme === undefined) return false;
  return verifyWithScheme(scheme, certificate.publicKey, signer.signedBytes, signer.signature);
};

/** What a reply says, in the words of the RFC: `FAILURE badRequest`. */
export const statusText = ({ failInfo, failInfoText, messageType, status }: Reply): string => {
  if (messageType !== messageTypes.CertRep) return `a message of type ${messageType ?? 'none'}`;
  if (status !== 'FAILURE') return status ?? 'a CertRep without a known pkiStatus';
  const text = failInfoText === undefined ? '' : ` (${failInfoText})`;
  return `FAILURE ${failInfo ?? 'without failInfo'}${text}`;
};
