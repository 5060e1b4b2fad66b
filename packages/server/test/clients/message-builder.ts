/** pkiMessages piece by piece, apart from the product's own encoder, so that each can be as odd as a real client's. */
import { decodeCertificate, der, encodeAlgorithmIdentifier, oid, tag } from '@scepter/x509';
import type { Certificate, DigestName } from '@scepter/x509';
import { constants, createCipheriv, hash, publicEncrypt, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { definite } from './layout.ts';
import type { Layout } from './layout.ts';
import { ciphers, cms, scep } from './wire.ts';
import type { CipherName, CipherOnTheWire } from './wire.ts';

/** How a client encrypts the content key: the AlgorithmIdentifier it writes, and what it does. */
export interface Transport {
  readonly algorithm: Uint8Array;
  readonly padding: number;
  readonly oaepHash?: string;
}

const mgf1 = (digestOid: string): Uint8Array =>
  encodeAlgorithmIdentifier(oid.mgf1, encodeAlgorithmIdentifier(digestOid, der.null()).encoded).encoded;
const oaep = (parameters: Uint8Array | undefined, oaepHash: string): Transport => ({
  algorithm: encodeAlgorithmIdentifier(cms.rsaesOaep, parameters).encoded,
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash,
});

export const transports = {
  pkcs1: {
    algorithm: encodeAlgorithmIdentifier(oid.rsaEncryption, der.null()).encoded,
    padding: constants.RSA_PKCS1_PADDING,
  },
  oaepAbsent: oaep(undefined, 'sha1'),
  oaepNull: oaep(der.null(), 'sha1'),
  oaepEmpty: oaep(der.sequence(), 'sha1'),
  oaepSha256: oaep(
    der.sequence(
      der.explicit(0, encodeAlgorithmIdentifier(oid.sha256, der.null()).encoded),
      der.explicit(1, mgf1(oid.sha256)),
      der.explicit(2, encodeAlgorithmIdentifier(cms.pSpecified, der.octetString(new Uint8Array())).encoded),
    ),
    'sha256',
  ),
} as const satisfies Record<string, Transport>;

/** Makes a RecipientInfo for a content key. */
export type Recipient = (contentKey: Uint8Array) => Uint8Array;

/** An INTEGER from its content bytes as they are, minimal or not. */
export function integerOf(content: Uint8Array): Uint8Array {
  const encoded = Uint8Array.from(der.octetString(content));
  encoded[0] = tag.integer;
  return encoded;
}

export const issuerAndSerial = (certificate: Certificate): Uint8Array =>
  der.sequence(certificate.issuer.encoded, integerOf(certificate.serialNumber));

export function recipientInfo(certificate: Certificate, transport: Transport = transports.pkcs1): Recipient {
  const { algorithm, padding, oaepHash } = transport;
  const key = certificate.publicKey.keyObject();
  return (contentKey) =>
    der.sequence(
      der.integer(0),
      issuerAndSerial(certificate),
      algorithm,
      der.octetString(
        publicEncrypt({ key, padding, ...(oaepHash === undefined ? {} : { oaepHash }) }, Buffer.from(contentKey)),
      ),
    );
}

export interface EnvelopeParts {
  readonly content: Uint8Array;
  readonly recipients: readonly Recipient[];
  /** Default AES-128. */
  readonly cipher?: CipherName | undefined;
  /** Default DER. */
  readonly layout?: Layout | undefined;
}

/** RFC 5652 section 6.1, in a ContentInfo. */
export function envelope({ content, recipients, cipher = 'aes128', layout = definite }: EnvelopeParts): Uint8Array {
  const { oid: cipherOid, keyBytes, blockBytes, nodeName, keyCopies }: CipherOnTheWire = ciphers[cipher];
  const key = randomBytes(keyBytes);
  const iv = randomBytes(blockBytes);
  const encryption = createCipheriv(nodeName, Buffer.concat(Array.from({ length: keyCopies }, () => key)), iv);
  const encrypted = Buffer.concat([encryption.update(content), encryption.final()]);
  const envelopedData = layout.sequence(
    der.integer(0),
    der.set(...recipients.map((make) => make(key))),
    layout.sequence(
      der.oid(cms.data),
      encodeAlgorithmIdentifier(cipherOid, der.octetString(iv)).encoded,
      layout.implicitOctets(0, encrypted),
    ),
  );
  return layout.sequence(der.oid(cms.envelopedData), layout.context(0, envelopedData));
}

export interface Signer {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

export const attribute = (type: string, ...values: Uint8Array[]): Uint8Array =>
  der.sequence(der.oid(type), der.set(...values));

export interface AttributeParts {
  /** What the message digest is of. */
  readonly content: Uint8Array;
  readonly digest?: DigestName | undefined;
  readonly messageType: string;
  /** Text becomes a PrintableString; bytes are the whole element. */
  readonly transactionId: string | Uint8Array;
  /** Undefined leaves the attribute out. */
  readonly senderNonce: Uint8Array | undefined;
}

/** The signed attributes of a request (RFC 8894 section 3.2.1), in the order in which they stand there and not in DER's. */
export function requestAttributes(parts: AttributeParts): Uint8Array[] {
  const { content, digest = 'sha256', messageType, senderNonce, transactionId } = parts;
  return [
    attribute(
      scep.transactionId,
      typeof transactionId === 'string' ? der.printableString(transactionId) : transactionId,
    ),
    attribute(scep.messageType, der.printableString(messageType)),
    ...(senderNonce === undefined ? [] : [attribute(scep.senderNonce, der.octetString(senderNonce))]),
    attribute(cms.contentType, der.oid(cms.data)),
    attribute(cms.messageDigest, der.octetString(hash(digest, content, 'buffer'))),
  ];
}

/** The order that DER demands of a SET OF (X.690 11.6). */
export const sorted = (attributes: readonly Uint8Array[]): Uint8Array[] =>
  [...attributes].sort((one, other) => Buffer.compare(one, other));

export interface SignedParts {
  readonly content: Uint8Array;
  /** In the order in which they are sent and signed. */
  readonly attributes: readonly Uint8Array[];
  readonly signer: Signer;
  readonly digest?: DigestName | undefined;
  /** Default rsaEncryption. */
  readonly signatureOid?: string | undefined;
  readonly layout?: Layout | undefined;
  /** DER; default the signer's alone. */
  readonly certificates?: readonly Uint8Array[] | undefined;
}

/** RFC 5652 section 5.1, in a ContentInfo. */
export function signedMessage(parts: SignedParts): Uint8Array {
  const { content, attributes, signer, digest = 'sha256', layout = definite } = parts;
  const digestAlgorithm = encodeAlgorithmIdentifier(oid[digest], der.null()).encoded;
  const signerInfo = der.sequence(
    der.integer(1),
    issuerAndSerial(signer.certificate),
    digestAlgorithm,
    der.implicitConstructed(0, ...attributes),
    encodeAlgorithmIdentifier(parts.signatureOid ?? oid.rsaEncryption, der.null()).encoded,
    der.octetString(sign(digest, der.set(...attributes), signer.privateKey)),
  );
  const signedData = layout.sequence(
    der.integer(1),
    der.set(digestAlgorithm),
    layout.sequence(der.oid(cms.data), layout.context(0, layout.octets(content))),
    layout.context(0, ...(parts.certificates ?? [signer.certificate.encoded])),
    layout.set(signerInfo),
  );
  return layout.sequence(der.oid(cms.signedData), layout.context(0, signedData));
}

/** A certificate as a signer, from its bytes. */
export const signerOf = (certificate: Uint8Array, privateKey: KeyObject): Signer => ({
  certificate: decodeCertificate(certificate, { rules: 'ber' }),
  privateKey,
});
