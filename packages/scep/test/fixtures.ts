import {
  buildName,
  createCertificationRequest,
  createSelfSignedCertificate,
  decodeCertificate,
  signData,
  encodeTbsCertificate,
  assembleCertificate,
  publicKeyInfoOf,
  signatureAlgorithmFor,
} from '@scepter/x509';
import type { Certificate, Extension } from '@scepter/x509';
import type { EnvelopeRecipient, KeyTransport } from '@scepter/scep';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export interface Identity {
  certificate: Certificate;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

export const notBefore = new Date('2026-01-01T00:00:00Z');
export const notAfter = new Date('2027-01-01T00:00:00Z');

interface IdentityOptions {
  serialNumber?: Uint8Array;
  extensions?: Extension[];
  /** Reused, so that tests need few slow RSA key pairs. */
  keys?: { publicKey: KeyObject; privateKey: KeyObject };
}

const rsaKeys = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
export const ecKeys = (namedCurve: 'P-256' | 'P-384' | 'P-521' = 'P-256') => generateKeyPairSync('ec', { namedCurve });

export const selfSigned = (commonName: string, options: IdentityOptions = {}): Identity => {
  const { privateKey, publicKey } = options.keys ?? rsaKeys();
  const encoded = createSelfSignedCertificate({
    subject: buildName([[{ type: 'CN', value: commonName }]]),
    privateKey,
    publicKey,
    serialNumber: options.serialNumber ?? Uint8Array.of(1, 2, 3, 4),
    notBefore,
    notAfter,
    extensions: options.extensions ?? [],
  });
  return { certificate: decodeCertificate(encoded), privateKey, publicKey };
};

/** A certificate that `issuer` signs. */
export const issuedBy = (issuer: Identity, commonName: string, options: IdentityOptions = {}): Identity => {
  const { privateKey, publicKey } = options.keys ?? rsaKeys();
  const signatureAlgorithm = signatureAlgorithmFor(issuer.privateKey, 'sha256');
  const tbs = encodeTbsCertificate({
    serialNumber: options.serialNumber ?? Uint8Array.of(5, 6, 7, 8),
    signatureAlgorithm,
    issuer: issuer.certificate.subject,
    notBefore,
    notAfter,
    subject: buildName([[{ type: 'CN', value: commonName }]]),
    publicKey: publicKeyInfoOf(publicKey).encoded,
    extensions: options.extensions ?? [],
  });
  const encoded = assembleCertificate(tbs, signatureAlgorithm, signData(issuer.privateKey, 'sha256', tbs));
  return { certificate: decodeCertificate(encoded), privateKey, publicKey };
};

export const certificationRequest = (identity: Identity, challengePassword = 'a challenge'): Uint8Array =>
  createCertificationRequest({
    subject: identity.certificate.subject,
    privateKey: identity.privateKey,
    publicKey: identity.publicKey,
    challengePassword,
  });

/** The recipient of an envelope, by its certificate. */
export const to = (
  { certificate }: Identity,
  keyTransport: KeyTransport = { kind: 'pkcs1' },
): Extract<EnvelopeRecipient, { kind: 'certificate' }> => ({ kind: 'certificate', certificate, keyTransport });

export const systemRandom = (size: number): Uint8Array => new Uint8Array(randomBytes(size));

/** The same bytes in every run: 1, 2, 3, … */
export const countingRandom = (): ((size: number) => Uint8Array) => {
  let next = 0;
  return (size) => Uint8Array.from({ length: size }, () => (next = (next + 1) % 256));
};
