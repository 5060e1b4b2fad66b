/** An application's certificate, and client assertions signed with its key. */
import { constants, generateKeyPairSync, randomUUID, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { createSelfSignedCertificate, encodePem, parseName } from '@scepter/x509';
import { encodeToken } from '../src/jwt.ts';
import { startTime } from './desk.ts';

export const applicationKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const applicationPublicKey = applicationKeys.publicKey.export({ format: 'pem', type: 'spki' }).toString();
export const applicationCertificate = certificateFor(applicationKeys, new Date('2027-01-01T00:00:00Z'));

/** PEM, self-signed. */
export function certificateFor(keys: { privateKey: KeyObject; publicKey: KeyObject }, notAfter: Date): string {
  const certificate = createSelfSignedCertificate({
    subject: parseName('CN=SCEP server'),
    ...keys,
    serialNumber: Uint8Array.of(1),
    notBefore: new Date('2025-01-01T00:00:00Z'),
    notAfter,
  });
  return encodePem('CERTIFICATE', certificate);
}

export function x5t(pem: string, hash: 'sha1' | 'sha256'): string {
  const { fingerprint, fingerprint256 } = new X509Certificate(pem);
  const hex = (hash === 'sha1' ? fingerprint : fingerprint256).replaceAll(':', '');
  return Buffer.from(hex, 'hex').toString('base64url');
}

export function x5c(pem: string): string[] {
  return [new X509Certificate(pem).raw.toString('base64')];
}

export interface AssertionParts {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  algorithm?: 'RS256' | 'PS256' | 'ES256';
  key?: KeyObject;
}

const signatureOptions = {
  RS256: {},
  PS256: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  ES256: { dsaEncoding: 'ieee-p1363' },
} as const;

/** Good for ten minutes of the desk's clock. A part that is set to undefined is left out. */
export function signAssertion(parts: AssertionParts): string {
  const { header = {}, claims = {}, algorithm = 'RS256', key = applicationKeys.privateKey } = parts;
  const nbf = startTime.getTime() / 1000;
  return encodeToken(
    { typ: 'JWT', alg: algorithm, ...header },
    { nbf, exp: nbf + 600, jti: randomUUID(), ...claims },
    (text) => sign('sha256', Buffer.from(text), { key, ...signatureOptions[algorithm] }),
  );
}
