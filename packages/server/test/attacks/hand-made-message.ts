/**
 * pkiMessages written piece by piece (RFC 5652, RFC 8894 section 3), so that every piece can be wrong. Used by the tests of
 * attacks and by `bench/timing.ts`.
 */
import { der, digest, encodeAlgorithmIdentifier, oid, signData, tag } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export interface Identity {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

const cms = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  envelopedData: '1.2.840.113549.1.7.3',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  aes128Cbc: '2.16.840.1.101.3.4.1.2',
} as const;
const scep = '2.16.840.1.113733.1.9';

/** What an attacker between a device and the server has in hand of an envelope. */
export interface SealedParts {
  readonly encryptedKey: Uint8Array;
  readonly iv: Uint8Array;
  readonly encryptedContent: Uint8Array;
}

export interface SealOptions {
  /** Content bytes with whatever padding; default is the right one (RFC 5652 6.3). */
  readonly padded?: Uint8Array;
  /** What the RSA blob holds; default is the key that the content is encrypted with. */
  readonly transported?: Uint8Array;
}

/** Encrypts with AES-128-CBC and RSAES-PKCS1-v1_5. */
export function seal(recipient: Certificate, content: Uint8Array, options: SealOptions = {}): SealedParts {
  const key = randomBytes(16);
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
  const encryptedContent = cipher.update(options.padded ?? pad(content));
  const encryptedKey = publicEncrypt(
    { key: recipient.publicKey.keyObject(), padding: constants.RSA_PKCS1_PADDING },
    options.transported ?? key,
  );
  return { encryptedKey, iv, encryptedContent };
}

/** RFC 5652 6.3: one to sixteen bytes that each say how many they are. */
export function pad(content: Uint8Array): Uint8Array {
  const count = 16 - (content.length % 16);
  return Buffer.concat([content, Buffer.alloc(count, count)]);
}

export function envelope(recipient: Certificate, { encryptedKey, iv, encryptedContent }: SealedParts): Uint8Array {
  const recipientInfo = der.sequence(
    der.integer(0),
    issuerAndSerialNumber(recipient),
    encodeAlgorithmIdentifier(oid.rsaEncryption, der.null()).encoded,
    der.octetString(encryptedKey),
  );
  const encryptedContentInfo = der.sequence(
    der.oid(cms.data),
    encodeAlgorithmIdentifier(cms.aes128Cbc, der.octetString(iv)).encoded,
    der.implicitPrimitive(0, encryptedContent),
  );
  return der.sequence(
    der.oid(cms.envelopedData),
    der.explicit(0, der.sequence(der.integer(0), der.set(recipientInfo), encryptedContentInfo)),
  );
}

/** The serial number as it stands in the certificate, negative and oversized ones too. */
function issuerAndSerialNumber({ issuer, serialNumber }: Certificate): Uint8Array {
  const encoded = Buffer.concat([Uint8Array.of(tag.integer, serialNumber.length), serialNumber]);
  return der.sequence(issuer.encoded, encoded);
}

export function attribute(type: string, ...values: Uint8Array[]): Uint8Array {
  return der.sequence(der.oid(type), der.set(...values));
}

export const attributes = {
  contentType: () => attribute(cms.contentType, der.oid(cms.data)),
  messageDigest: (content: Uint8Array) => attribute(cms.messageDigest, der.octetString(digest('sha256', content))),
  messageType: (...texts: string[]) => attribute(`${scep}.2`, ...texts.map((text) => der.printableString(text))),
  senderNonce: (nonce: Uint8Array) => attribute(`${scep}.5`, der.octetString(nonce)),
  transactionId: (text: string) => attribute(`${scep}.7`, der.printableString(text)),
};

export interface MessageOptions {
  readonly content: Uint8Array;
  readonly signer: Identity;
  readonly transactionId: string;
  readonly senderNonce?: Uint8Array;
  /** Default: those of a PKCSReq. */
  readonly messageType?: readonly Uint8Array[];
  /** Instead of all of them. */
  readonly signedAttributes?: readonly Uint8Array[] | undefined;
  /** Sent in the place of what was signed. */
  readonly contentInstead?: Uint8Array;
  /** Whom the SignerInfo names; default is the signer. */
  readonly named?: Certificate;
  readonly certificates?: readonly Certificate[];
  /** How often the SignerInfo stands there. */
  readonly signerInfos?: readonly Uint8Array[];
  readonly signature?: (right: Uint8Array) => Uint8Array;
}

export function usualAttributes(options: MessageOptions): Uint8Array[] {
  return [
    attributes.contentType(),
    attributes.messageDigest(options.content),
    ...(options.messageType ?? [attributes.messageType('19')]),
    attributes.senderNonce(options.senderNonce ?? new Uint8Array(16).fill(7)),
    attributes.transactionId(options.transactionId),
  ];
}

/** SignedData over `content`, signed with SHA-256. */
export function message(options: MessageOptions): Uint8Array {
  const { contentInstead = options.content, certificates = [options.signer.certificate] } = options;
  return der.sequence(
    der.oid(cms.signedData),
    der.explicit(
      0,
      der.sequence(
        der.integer(1),
        der.set(encodeAlgorithmIdentifier(oid.sha256, der.null()).encoded),
        der.sequence(der.oid(cms.data), der.explicit(0, der.octetString(contentInstead))),
        der.implicitConstructed(0, ...certificates.map(({ encoded }) => encoded)),
        der.set(...(options.signerInfos ?? [signerInfo(options)])),
      ),
    ),
  );
}

export function signerInfo(options: MessageOptions): Uint8Array {
  const { signer, named = signer.certificate, signature = (right) => right } = options;
  const signed = 'signedAttributes' in options ? options.signedAttributes : usualAttributes(options);
  const toBeSigned = signed === undefined ? options.content : der.setOf(signed);
  return der.sequence(
    der.integer(1),
    issuerAndSerialNumber(named),
    encodeAlgorithmIdentifier(oid.sha256, der.null()).encoded,
    ...(signed === undefined ? [] : [der.implicitConstructed(0, toBeSigned.subarray(headerLength(toBeSigned)))]),
    encodeAlgorithmIdentifier(oid.rsaEncryption, der.null()).encoded,
    der.octetString(signature(signData(signer.privateKey, 'sha256', toBeSigned))),
  );
}

function headerLength(element: Uint8Array): number {
  const [, length = 0] = element;
  return length < 0x80 ? 2 : 2 + (length & 0x7f);
}
