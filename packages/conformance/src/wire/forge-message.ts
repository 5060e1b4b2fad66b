import {
  der,
  digest as digestOf,
  encodeAlgorithmIdentifier,
  oid,
  signData,
  signatureAlgorithmFor,
  tag,
} from '@scepter/x509';
import type { Certificate, DigestName } from '@scepter/x509';
import type { KeyObject } from 'node:crypto';
import { issuerAndSerial } from './forge-envelope.ts';
import { wireOid } from './object-identifiers.ts';

// RFC 5652 section 5.1 and RFC 8894 section 3.2, written part by part so that each part can be wrong.

export interface ForgedSigner {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
  /** In place of a signature with the key: for keys that node:crypto does not take. */
  readonly sign?: (data: Uint8Array) => Uint8Array;
}

/** A signed attribute; more than one value, or none, as one likes. */
export interface ForgedAttribute {
  readonly type: string;
  readonly values: readonly Uint8Array[];
}

export interface MessageOptions {
  /** The pkcsPKIEnvelope; `undefined` omits the eContent. */
  readonly content: Uint8Array | undefined;
  /** SCEP's own; contentType and messageDigest come on top. */
  readonly attributes: readonly ForgedAttribute[];
  readonly signer: ForgedSigner;
  readonly digest: DigestName;
  /** What to get wrong; `undefined` for an honest message. */
  readonly spoil?: MessageSpoiler | undefined;
}

export interface MessageSpoiler {
  readonly eContentType?: string;
  /** Sent in place of the content that was signed. */
  readonly swappedContent?: Uint8Array;
  readonly omitContentType?: boolean;
  readonly omitMessageDigest?: boolean;
  /** No signed attributes at all: the signature is over the content itself. */
  readonly omitSignedAttributes?: boolean;
  /** Attributes in the reverse of the order that DER wants, and signed so. */
  readonly reverseAttributes?: boolean;
  readonly flipSignature?: boolean;
  /** The AlgorithmIdentifier of the signature, which stays what it was. */
  readonly signatureAlgorithm?: Uint8Array;
  /** In place of the signer's certificate; empty for none. */
  readonly certificates?: readonly Uint8Array[];
  /** The SignerIdentifier in place of the signer's own. */
  readonly identifier?: Uint8Array;
  /** Further SignerInfos, as they are. */
  readonly furtherSigners?: readonly Uint8Array[];
}

const digestOids: Readonly<Record<DigestName, string>> = {
  md5: oid.md5,
  sha1: oid.sha1,
  sha256: oid.sha256,
  sha384: oid.sha384,
  sha512: oid.sha512,
};

const digestAlgorithm = (name: DigestName): Uint8Array =>
  encodeAlgorithmIdentifier(digestOids[name], der.null()).encoded;

const signatureAlgorithm = ({ privateKey }: ForgedSigner, name: DigestName): Uint8Array =>
  privateKey.asymmetricKeyType === 'rsa'
    ? encodeAlgorithmIdentifier(oid.rsaEncryption, der.null()).encoded
    : signatureAlgorithmFor(privateKey, name).encoded;

const encodeAttributes = (options: MessageOptions, content: Uint8Array): Uint8Array => {
  const { digest, spoil } = options;
  const attributes = [...options.attributes];
  if (spoil?.omitContentType !== true) {
    attributes.push({ type: wireOid.contentType, values: [der.oid(wireOid.data)] });
  }
  if (spoil?.omitMessageDigest !== true) {
    attributes.push({ type: wireOid.messageDigest, values: [der.octetString(digestOf(digest, content))] });
  }
  const encoded = attributes.map(({ type, values }) => der.sequence(der.oid(type), der.set(...values)));
  const sorted = der.setOf(encoded);
  if (spoil?.reverseAttributes !== true) return sorted;
  return der.set(...encoded.toSorted((left, right) => Buffer.compare(right, left)));
};

/** A SignerInfo over `content`, spoilt as asked. */
export const forgeSignerInfo = (options: MessageOptions): Uint8Array => {
  const { digest, signer, spoil } = options;
  const content = options.content ?? new Uint8Array();
  const attributes = encodeAttributes(options, content);
  const unsigned = spoil?.omitSignedAttributes === true;
  const signed = unsigned ? content : attributes;
  const signature = Uint8Array.from(signer.sign?.(signed) ?? signData(signer.privateKey, digest, signed));
  if (spoil?.flipSignature === true) signature[8] = (signature[8] ?? 0) ^ 1;
  const implicit = Uint8Array.from(attributes);
  implicit[0] = tag.contextConstructed(0);
  return der.sequence(
    der.integer(1),
    spoil?.identifier ?? issuerAndSerial(signer.certificate),
    digestAlgorithm(digest),
    ...(unsigned ? [] : [implicit]),
    spoil?.signatureAlgorithm ?? signatureAlgorithm(signer, digest),
    der.octetString(signature),
  );
};

/** A pkiMessage: the ContentInfo of a SignedData. */
export const forgeMessage = (options: MessageOptions): Uint8Array => {
  const { digest, signer, spoil } = options;
  const sent = spoil?.swappedContent ?? options.content;
  const certificates = spoil?.certificates ?? [signer.certificate.encoded];
  const signedData = der.sequence(
    der.integer(1),
    der.set(digestAlgorithm(digest)),
    der.sequence(
      der.oid(spoil?.eContentType ?? wireOid.data),
      ...(sent === undefined ? [] : [der.explicit(0, der.octetString(sent))]),
    ),
    ...(certificates.length === 0 ? [] : [der.implicitConstructed(0, ...certificates)]),
    der.set(forgeSignerInfo(options), ...(spoil?.furtherSigners ?? [])),
  );
  return der.sequence(der.oid(wireOid.signedData), der.explicit(0, signedData));
};

/** RFC 8894 section 3.2.1, table 1: the three attributes that every request has. */
export const requestAttributes = (request: {
  readonly messageType: string;
  readonly transactionId: string;
  readonly senderNonce: Uint8Array;
}): ForgedAttribute[] => [
  { type: wireOid.transactionId, values: [der.printableString(request.transactionId)] },
  { type: wireOid.messageType, values: [der.printableString(request.messageType)] },
  { type: wireOid.senderNonce, values: [der.octetString(request.senderNonce)] },
];
