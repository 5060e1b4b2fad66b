import { der, digest, encodeAlgorithmIdentifier, oid, signData } from '@scepter/x509';
import type { DigestName } from '@scepter/x509';
import type { Identity } from './fixtures.ts';

// Writes SignedData piece by piece, apart from the package's own encoder, so that every piece can be wrong.

const cms = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
};
const scep = '2.16.840.1.113733.1.9';

export const attribute = (type: string, ...values: Uint8Array[]): Uint8Array =>
  der.sequence(der.oid(type), der.set(...values));

export const attributes = {
  contentType: (type: string = cms.data) => attribute(cms.contentType, der.oid(type)),
  messageDigest: (content: Uint8Array, name: DigestName = 'sha256') =>
    attribute(cms.messageDigest, der.octetString(digest(name, content))),
  messageType: (...texts: string[]) => attribute(`${scep}.2`, ...texts.map((text) => der.printableString(text))),
  pkiStatus: (text: string) => attribute(`${scep}.3`, der.printableString(text)),
  failInfo: (text: string) => attribute(`${scep}.4`, der.printableString(text)),
  senderNonce: (nonce: Uint8Array) => attribute(`${scep}.5`, der.octetString(nonce)),
  recipientNonce: (nonce: Uint8Array) => attribute(`${scep}.6`, der.octetString(nonce)),
  transactionId: (...values: Uint8Array[]) => attribute(`${scep}.7`, ...values),
};

export const nonce = Uint8Array.from({ length: 16 }, (_, index) => index);

/** What a well-formed PKCSReq signs. */
export const usualAttributes = (content: Uint8Array): Uint8Array[] => [
  attributes.contentType(),
  attributes.messageDigest(content),
  attributes.messageType('19'),
  attributes.senderNonce(nonce),
  attributes.transactionId(der.printableString('transaction-1')),
];

interface SignerInfoOptions {
  signer: Identity;
  attributes?: Uint8Array[];
  digest?: DigestName;
  digestOid?: string;
  signatureAlgorithm?: Uint8Array;
  sid?: Uint8Array;
  /** Signs over these attributes and sends the others. */
  signedInstead?: Uint8Array[];
}

export const issuerAndSerial = ({ certificate }: Identity): Uint8Array =>
  der.sequence(certificate.issuer.encoded, der.unsignedInteger(certificate.serialNumber));

/** Attributes are written in the order given: DER order only if the caller sorts them. */
export const signerInfo = (options: SignerInfoOptions): Uint8Array => {
  const name = options.digest ?? 'sha256';
  const signed = der.set(...(options.signedInstead ?? options.attributes ?? []));
  return der.sequence(
    der.integer(1),
    options.sid ?? issuerAndSerial(options.signer),
    encodeAlgorithmIdentifier(options.digestOid ?? oid[name], der.null()).encoded,
    ...(options.attributes === undefined ? [] : [der.implicitConstructed(0, ...options.attributes)]),
    options.signatureAlgorithm ?? encodeAlgorithmIdentifier(oid.rsaEncryption, der.null()).encoded,
    der.octetString(signData(options.signer.privateKey, name, signed)),
  );
};

interface SignedDataOptions {
  content?: Uint8Array | undefined;
  eContentType?: string;
  certificates: Uint8Array[];
  signerInfos: Uint8Array[];
}

export const signedData = (options: SignedDataOptions): Uint8Array => {
  const { content, eContentType = cms.data } = options;
  return der.sequence(
    der.oid(cms.signedData),
    der.explicit(
      0,
      der.sequence(
        der.integer(1),
        der.set(encodeAlgorithmIdentifier(oid.sha256, der.null()).encoded),
        der.sequence(
          der.oid(eContentType),
          ...(content === undefined ? [] : [der.explicit(0, der.octetString(content))]),
        ),
        ...(options.certificates.length === 0 ? [] : [der.implicitConstructed(0, ...options.certificates)]),
        der.set(...options.signerInfos),
      ),
    ),
  );
};

/** A PKCSReq by one signer, with whatever attributes. */
export const message = (signer: Identity, content: Uint8Array, signedAttributes: Uint8Array[]): Uint8Array =>
  signedData({
    content,
    certificates: [signer.certificate.encoded],
    signerInfos: [signerInfo({ signer, attributes: signedAttributes })],
  });
