/** The CA and the RA of the small server. */
import {
  assembleCertificate,
  assembleCertificateList,
  basicConstraintsExtension,
  decodeCertificate,
  encodeTbsCertificate,
  encodeTbsCertificateList,
  keyUsageExtension,
  parseName,
  publicKeyInfoOf,
  signatureAlgorithmFor,
  signData,
} from '@scepter/x509';
import type { Certificate, TbsCertificateFields } from '@scepter/x509';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export interface Identity {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

export type Role = 'authority' | 'registration' | 'next';
export type Tweak = (fields: TbsCertificateFields, role: Role) => TbsCertificateFields;

const dayMs = 86_400_000;

const keys = { authority: newKeys(), registration: newKeys(), next: newKeys() };

export function newKeys(modulusLength = 2048): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('rsa', { modulusLength });
}

export function serialNumber(): Uint8Array {
  const serial = Uint8Array.from(randomBytes(16));
  serial[0] = 0x41;
  return serial;
}

/** Signs with the CA's key. */
export function certify(fields: TbsCertificateFields, issuerKey: KeyObject = keys.authority.privateKey): Certificate {
  const tbs = encodeTbsCertificate(fields);
  return decodeCertificate(assembleCertificate(tbs, fields.signatureAlgorithm, signData(issuerKey, 'sha256', tbs)));
}

const signatureAlgorithm = signatureAlgorithmFor(keys.authority.privateKey, 'sha256');

export function fieldsFor(
  subject: string,
  publicKey: Uint8Array,
  extensions: TbsCertificateFields['extensions'],
): TbsCertificateFields {
  return {
    serialNumber: serialNumber(),
    signatureAlgorithm,
    issuer: parseName('CN=Small CA'),
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + 365 * dayMs),
    subject: parseName(subject),
    publicKey,
    extensions,
  };
}

export interface SmallAuthority {
  readonly authority: Identity;
  readonly registration: Identity;
  readonly next: Identity;
  readonly crl: Uint8Array;
}

const spki = (key: KeyObject): Uint8Array => publicKeyInfoOf(key).encoded;

/** A CA, an RA and the next CA, each certificate as `tweak` wants it. */
export function createAuthority(tweak: Tweak = (fields) => fields): SmallAuthority {
  const ca = [
    basicConstraintsExtension({ ca: true }),
    keyUsageExtension(['digitalSignature', 'keyCertSign', 'cRLSign']),
  ];
  const authority = certify(tweak(fieldsFor('CN=Small CA', spki(keys.authority.publicKey), ca), 'authority'));
  const usages = keyUsageExtension(['digitalSignature', 'keyEncipherment']);
  const registration = certify(
    tweak(fieldsFor('CN=Small RA', spki(keys.registration.publicKey), [usages]), 'registration'),
  );
  const next = certify(
    tweak({ ...fieldsFor('CN=Small CA 2', spki(keys.next.publicKey), ca), issuer: parseName('CN=Small CA 2') }, 'next'),
    keys.next.privateKey,
  );
  return {
    authority: { certificate: authority, privateKey: keys.authority.privateKey },
    registration: { certificate: registration, privateKey: keys.registration.privateKey },
    next: { certificate: next, privateKey: keys.next.privateKey },
    crl: signCrl(new Date(Date.now() + dayMs)),
  };
}

export function signCrl(nextUpdate: Date, issuer = 'CN=Small CA'): Uint8Array {
  const tbs = encodeTbsCertificateList({
    signatureAlgorithm,
    issuer: parseName(issuer),
    thisUpdate: new Date(Date.now() - dayMs),
    nextUpdate,
    crlNumber: 1n,
    authorityKeyIdentifier: new Uint8Array(20),
    revoked: [],
  });
  return assembleCertificateList(tbs, signatureAlgorithm, signData(keys.authority.privateKey, 'sha256', tbs));
}
