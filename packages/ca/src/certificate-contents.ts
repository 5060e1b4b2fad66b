import type { Certificate, GeneralName, KeyUsage, Name, PublicKeyInfo } from '@scepter/x509';
import type { CertificateProfile } from './certificate-profile.ts';

/**
 * What one certificate is to say: decided by policy, never copied from a request's extensions.
 * An empty list of usages means "the profile's default"; an empty subject is written as an empty name.
 */
export interface CertificateContents {
  readonly subject: Name;
  readonly subjectAltNames: readonly GeneralName[];
  readonly keyUsages: readonly KeyUsage[];
  readonly extendedKeyUsages: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: PublicKeyInfo;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * The validity of a certificate issued now: backdated and long as the profile says, within the issuer's own validity,
 * whole seconds. Backdating serves devices whose clock is behind, which is usual during Windows' first start.
 *
 * @example
 * const contents = { ...names, ...validityPeriod(profile, issuer, now()) };
 */
export function validityPeriod(
  profile: CertificateProfile,
  issuer: Pick<Certificate, 'notBefore' | 'notAfter'>,
  now: Date,
): { notBefore: Date; notAfter: Date } {
  const notBefore = new Date(now.getTime() - profile.backdateHours * HOUR_MS);
  const notAfter = new Date(now.getTime() + profile.validityDays * DAY_MS);
  return withinIssuer({ notBefore, notAfter }, issuer);
}

/** Clips a validity to the issuer's: a certificate must not outlive, or start before, the one that proves it. */
export function withinIssuer(
  wanted: { readonly notBefore: Date; readonly notAfter: Date },
  issuer: Pick<Certificate, 'notBefore' | 'notAfter'>,
): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: wholeSeconds(Math.max(wanted.notBefore.getTime(), issuer.notBefore.getTime())),
    notAfter: wholeSeconds(Math.min(wanted.notAfter.getTime(), issuer.notAfter.getTime())),
  };
}

/** RFC 5280 4.1.2.5: times in certificates and CRLs have no fraction of a second. */
export function wholeSeconds(timeMs: number): Date {
  return new Date(Math.floor(timeMs / 1000) * 1000);
}
