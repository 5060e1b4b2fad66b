import { der, encodeAlgorithmIdentifier, oid, tag } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { constants, createCipheriv, publicEncrypt } from 'node:crypto';
import { wireOid } from './object-identifiers.ts';

// RFC 5652 section 6.1, written part by part so that each part can be wrong.

export type ForgedCipher = 'des-cbc' | 'des-ede3-cbc' | 'aes-128-cbc' | 'aes-256-cbc';
export type ForgedTransport = 'pkcs1' | 'oaep-sha1' | 'oaep-sha256';

const ciphers: Readonly<
  Record<ForgedCipher, { oid: string; keyBytes: number; blockBytes: number; name: string; copies: number }>
> = {
  // Triple DES with one key three times is single DES, which OpenSSL 3 has put away.
  'des-cbc': { oid: wireOid.desCbc, keyBytes: 8, blockBytes: 8, name: 'des-ede3-cbc', copies: 3 },
  'des-ede3-cbc': { oid: wireOid.desEde3Cbc, keyBytes: 24, blockBytes: 8, name: 'des-ede3-cbc', copies: 1 },
  'aes-128-cbc': { oid: wireOid.aes128Cbc, keyBytes: 16, blockBytes: 16, name: 'aes-128-cbc', copies: 1 },
  'aes-256-cbc': { oid: wireOid.aes256Cbc, keyBytes: 32, blockBytes: 16, name: 'aes-256-cbc', copies: 1 },
};

export interface EnvelopeOptions {
  readonly content: Uint8Array;
  /** Certificates with RSA keys. */
  readonly recipients: readonly Certificate[];
  readonly cipher: ForgedCipher;
  readonly transport?: ForgedTransport;
  readonly randomBytes: (size: number) => Uint8Array;
  /** What to spoil; `undefined` for an honest envelope. */
  readonly spoil?: EnvelopeSpoiler | undefined;
}

/** A function takes the honest value and gives what is sent. */
export interface EnvelopeSpoiler {
  /** The content key before it is encrypted to the recipients. */
  readonly contentKey?: (key: Uint8Array) => Uint8Array;
  readonly encryptedKey?: (encrypted: Uint8Array) => Uint8Array;
  readonly encryptedContent?: (encrypted: Uint8Array) => Uint8Array;
  /** The whole RSA block instead of PKCS#1 padding: as long as the modulus. */
  readonly paddedKey?: (size: number) => Uint8Array;
  /** The RecipientIdentifier in place of issuer and serial number. */
  readonly recipientIdentifier?: Uint8Array;
  /** Of the encrypted content, in dotted decimal. */
  readonly contentType?: string;
}

const integerOf = (content: Uint8Array): Uint8Array => {
  const encoded = der.octetString(content);
  encoded[0] = tag.integer;
  return encoded;
};

/** IssuerAndSerialNumber, with the certificate's own bytes. */
export const issuerAndSerial = (certificate: Pick<Certificate, 'issuer' | 'serialNumber'>): Uint8Array =>
  der.sequence(certificate.issuer.encoded, integerOf(certificate.serialNumber));

const transportAlgorithm = (transport: ForgedTransport): Uint8Array => {
  if (transport === 'pkcs1') return encodeAlgorithmIdentifier(oid.rsaEncryption, der.null()).encoded;
  if (transport === 'oaep-sha1') return encodeAlgorithmIdentifier(wireOid.rsaesOaep, der.sequence()).encoded;
  const sha256 = encodeAlgorithmIdentifier(oid.sha256, der.null()).encoded;
  const mask = encodeAlgorithmIdentifier(oid.mgf1, sha256).encoded;
  return encodeAlgorithmIdentifier(wireOid.rsaesOaep, der.sequence(der.explicit(0, sha256), der.explicit(1, mask)))
    .encoded;
};

const wrap = (certificate: Certificate, key: Uint8Array, options: EnvelopeOptions): Uint8Array => {
  const { spoil, transport = 'pkcs1' } = options;
  const publicKey = certificate.publicKey.keyObject();
  if (spoil?.paddedKey !== undefined) {
    const { key: details } = certificate.publicKey;
    const size = details.kind === 'rsa' ? details.modulus.length : 256;
    return publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, spoil.paddedKey(size));
  }
  if (transport === 'pkcs1') return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, key);
  const oaepHash = transport === 'oaep-sha1' ? 'sha1' : 'sha256';
  return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, key);
};

const unchanged = (bytes: Uint8Array): Uint8Array => bytes;

/** A pkcsPKIEnvelope: the ContentInfo of an EnvelopedData. */
export const forgeEnvelope = (options: EnvelopeOptions): Uint8Array => {
  const { cipher, randomBytes, spoil } = options;
  const { blockBytes, copies, keyBytes, name, oid: cipherOid } = ciphers[cipher];
  const key = randomBytes(keyBytes);
  const iv = randomBytes(blockBytes);
  const encryptor = createCipheriv(name, Buffer.concat(Array.from({ length: copies }, () => key)), iv);
  const encrypted = der.concat(encryptor.update(options.content), encryptor.final());
  const sentKey = (spoil?.contentKey ?? unchanged)(key);
  const recipientInfos = options.recipients.map((certificate) =>
    der.sequence(
      der.integer(0),
      spoil?.recipientIdentifier ?? issuerAndSerial(certificate),
      transportAlgorithm(options.transport ?? 'pkcs1'),
      der.octetString((spoil?.encryptedKey ?? unchanged)(wrap(certificate, sentKey, options))),
    ),
  );
  const envelopedData = der.sequence(
    der.integer(0),
    der.set(...recipientInfos),
    der.sequence(
      der.oid(spoil?.contentType ?? wireOid.data),
      encodeAlgorithmIdentifier(cipherOid, der.octetString(iv)).encoded,
      der.implicitPrimitive(0, (spoil?.encryptedContent ?? unchanged)(encrypted)),
    ),
  );
  return der.sequence(der.oid(wireOid.envelopedData), der.explicit(0, envelopedData));
};
