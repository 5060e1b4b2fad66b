/* What several tests stand on: one small hierarchy, a device's key and a profile, under a fixed clock. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { decodeCertificate, decodePublicKeyInfo, parseName } from '@scepter/x509';
import type { Certificate, PublicKeyInfo } from '@scepter/x509';
import { createCertificateProfile, createHierarchy, localSigningKey, validityPeriod } from '@scepter/ca';
import type { CertificateContents, CertificateProfile, Hierarchy, HierarchyOptions, SigningKey } from '@scepter/ca';

export const NOW = new Date('2026-03-01T12:00:00.500Z');

export const hierarchyOptions: HierarchyOptions = {
  organization: 'Example',
  now: NOW,
  randomBytes,
  keyTypes: { root: 'rsa-2048' },
  crlUrls: ['http://pki.example/issuing.crl'],
  rootCrlUrls: ['http://pki.example/root.crl'],
};

export const profile: CertificateProfile = createCertificateProfile({
  name: 'test',
  crlUrls: ['http://pki.example/issuing.crl'],
  caIssuerUrls: ['http://pki.example/issuing.cer'],
});

export interface TestAuthority {
  hierarchy: Hierarchy;
  issuer: Certificate;
  signingKey: SigningKey;
}

export async function createTestAuthority(): Promise<TestAuthority> {
  const hierarchy = await createHierarchy(hierarchyOptions);
  const issuer = decodeCertificate(hierarchy.issuing.certificate);
  return { hierarchy, issuer, signingKey: localSigningKey(hierarchy.issuing.privateKey) };
}

export function newRsaKey(bits = 2048): PublicKeyInfo {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return decodePublicKeyInfo(publicKey.export({ type: 'spki', format: 'der' }));
}

export function newEcKey(namedCurve: string): PublicKeyInfo {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve });
  return decodePublicKeyInfo(publicKey.export({ type: 'spki', format: 'der' }));
}

export function deviceContents(issuer: Certificate, publicKey: PublicKeyInfo): CertificateContents {
  return {
    subject: parseName('CN=device-1,O=Example'),
    subjectAltNames: [
      { kind: 'dns', value: 'device-1.example' },
      { kind: 'uri', value: 'tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500' },
      { kind: 'upn', value: 'user@example.com' },
    ],
    keyUsages: [],
    extendedKeyUsages: [],
    ...validityPeriod(profile, issuer, NOW),
    publicKey,
  };
}
