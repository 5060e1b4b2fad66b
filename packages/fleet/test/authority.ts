// A little certification authority for the tests: root, issuing CA and RA, made once per file.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  assembleCertificate,
  basicConstraintsExtension,
  createSelfSignedCertificate,
  decodeCertificate,
  encodePem,
  encodeTbsCertificate,
  keyUsageExtension,
  parseName,
  signatureAlgorithmFor,
  signData,
} from '@scepter/x509';
import type { Certificate, Extension, Name } from '@scepter/x509';

export const fixedNow = new Date('2026-11-22T12:00:00Z');
const day = 86_400_000;

export interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}
export interface Holder extends KeyPair {
  certificate: Certificate;
}
export interface Authority {
  root: Holder;
  issuing: Holder;
  registration: Holder;
  rootPem: string;
}

export const rsa = (): KeyPair => generateKeyPairSync('rsa', { modulusLength: 2048 });

export interface CertificateFields {
  issuer: Holder;
  subject: Name;
  publicKey: Uint8Array;
  extensions?: Extension[];
  notBefore?: Date;
  notAfter?: Date;
}

export function issue(fields: CertificateFields): Certificate {
  const { issuer } = fields;
  const signatureAlgorithm = signatureAlgorithmFor(issuer.publicKey, 'sha256');
  const tbs = encodeTbsCertificate({
    serialNumber: randomBytes(15),
    signatureAlgorithm,
    issuer: issuer.certificate.subject,
    notBefore: fields.notBefore ?? new Date(fixedNow.getTime() - day),
    notAfter: fields.notAfter ?? new Date(fixedNow.getTime() + 365 * day),
    subject: fields.subject,
    publicKey: fields.publicKey,
    extensions: fields.extensions ?? [],
  });
  return decodeCertificate(assembleCertificate(tbs, signatureAlgorithm, signData(issuer.privateKey, 'sha256', tbs)));
}

const spki = (keys: KeyPair): Uint8Array => keys.publicKey.export({ type: 'spki', format: 'der' });
const caExtensions = (pathLength?: number): Extension[] => [
  basicConstraintsExtension({ ca: true, ...(pathLength === undefined ? {} : { pathLength }) }),
  keyUsageExtension(['keyCertSign', 'cRLSign']),
];

export function createRoot(name: string): Holder {
  const keys = rsa();
  const certificate = createSelfSignedCertificate({
    subject: parseName(name),
    ...keys,
    serialNumber: randomBytes(15),
    notBefore: new Date(fixedNow.getTime() - day),
    notAfter: new Date(fixedNow.getTime() + 3650 * day),
    extensions: caExtensions(),
  });
  return { ...keys, certificate: decodeCertificate(certificate) };
}

export function createBelow(issuer: Holder, name: string, extensions: Extension[]): Holder {
  const keys = rsa();
  return { ...keys, certificate: issue({ issuer, subject: parseName(name), publicKey: spki(keys), extensions }) };
}

export function createAuthority(): Authority {
  const root = createRoot('CN=Test Root');
  const issuing = createBelow(root, 'CN=Test Issuing CA', caExtensions(0));
  const registration = createBelow(issuing, 'CN=Test RA', [keyUsageExtension(['digitalSignature', 'keyEncipherment'])]);
  return { root, issuing, registration, rootPem: encodePem('CERTIFICATE', root.certificate.encoded) };
}
