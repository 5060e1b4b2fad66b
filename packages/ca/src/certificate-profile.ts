import { oid } from '@scepter/x509';
import type { KeyUsage } from '@scepter/x509';
import { CaError } from './errors.ts';

export type SubjectAltNameKind = 'dns' | 'email' | 'uri' | 'upn' | 'ip';
export type EllipticCurve = 'P-256' | 'P-384' | 'P-521';

/** What our CA puts into a certificate, and what it refuses to. */
export interface CertificateProfile {
  readonly name: string;
  readonly validityDays: number;
  /** How long before now a certificate starts: for devices whose clock is behind. */
  readonly backdateHours: number;
  /** The usages that may appear. */
  readonly keyUsages: readonly KeyUsage[];
  /** The usages that appear when the request asks for none. */
  readonly defaultKeyUsages: readonly KeyUsage[];
  /** The extended usages that may appear, as OIDs. */
  readonly extendedKeyUsages: readonly string[];
  readonly defaultExtendedKeyUsages: readonly string[];
  readonly subjectAltNameKinds: readonly SubjectAltNameKind[];
  /** Whether an empty subject is refused. */
  readonly requireSubject: boolean;
  readonly rsaBits: { readonly minimum: number; readonly maximum: number };
  readonly ecCurves: readonly EllipticCurve[];
  /** Where the issuer's CRL is found; the CRL distribution points of every certificate. */
  readonly crlUrls: readonly string[];
  /** Where the issuer's certificate is found; the caIssuers of every certificate. */
  readonly caIssuerUrls: readonly string[];
  readonly digest: 'sha256' | 'sha384' | 'sha512';
}

/** Usages that would make a device a CA. No profile can allow them. */
export const CA_KEY_USAGES: readonly KeyUsage[] = ['keyCertSign', 'cRLSign'];

/** Extended usages that would let a device act for the CA, or as anything at all. No profile can allow them. */
export const FORBIDDEN_EXTENDED_KEY_USAGES: readonly string[] = [
  oid.anyExtendedKeyUsage,
  oid.ocspSigning,
  oid.certificateRequestAgent,
];

const deviceProfile: CertificateProfile = {
  name: 'device',
  validityDays: 365,
  backdateHours: 24,
  keyUsages: ['digitalSignature', 'keyEncipherment'],
  defaultKeyUsages: ['digitalSignature', 'keyEncipherment'],
  extendedKeyUsages: [oid.clientAuth],
  defaultExtendedKeyUsages: [oid.clientAuth],
  subjectAltNameKinds: ['dns', 'email', 'uri', 'upn', 'ip'],
  requireSubject: false,
  rsaBits: { minimum: 2048, maximum: 4096 },
  ecCurves: ['P-256', 'P-384', 'P-521'],
  crlUrls: [],
  caIssuerUrls: [],
  digest: 'sha256',
};

/**
 * A checked certificate profile: what is not given is that of a device's client certificate.
 *
 * @throws CaError `ca.invalid_profile` when a value is out of its bounds
 * @example
 * const profile = createCertificateProfile({ name: 'vpn', validityDays: 90, crlUrls: ['http://pki.example/crl'] });
 */
export function createCertificateProfile(settings: Partial<CertificateProfile> = {}): CertificateProfile {
  const profile: CertificateProfile = { ...deviceProfile, ...settings };
  for (const [sentence, holds] of profileRules(profile)) {
    if (!holds) throw new CaError('ca.invalid_profile', `Certificate profile "${profile.name}": ${sentence}.`);
  }
  return profile;
}

/** Each bound with its reason. */
function profileRules(profile: CertificateProfile): [sentence: string, holds: boolean][] {
  const { minimum, maximum } = profile.rsaBits;
  return [
    ['name must not be empty', profile.name.length > 0],
    // A device certificate that outlives the 10 years of an issuing CA could never be issued.
    ['validityDays must be a whole number from 1 to 3650', isWhole(profile.validityDays, 1, 3650)],
    // A clock further behind than a week is not a time zone or a flat battery, but wrong.
    ['backdateHours must be a whole number from 0 to 168', isWhole(profile.backdateHours, 0, 168)],
    ['keyUsages must not contain those of a CA', !profile.keyUsages.some((usage) => CA_KEY_USAGES.includes(usage))],
    ['defaultKeyUsages must not be empty', profile.defaultKeyUsages.length > 0],
    ['defaultKeyUsages must be among keyUsages', isSubset(profile.defaultKeyUsages, profile.keyUsages)],
    // Without an extended key usage a certificate is good for every purpose.
    ['defaultExtendedKeyUsages must not be empty', profile.defaultExtendedKeyUsages.length > 0],
    [
      'defaultExtendedKeyUsages must be among extendedKeyUsages',
      isSubset(profile.defaultExtendedKeyUsages, profile.extendedKeyUsages),
    ],
    [
      'extendedKeyUsages must not contain anyExtendedKeyUsage, OCSP signing or certificate request agent',
      !profile.extendedKeyUsages.some((usage) => FORBIDDEN_EXTENDED_KEY_USAGES.includes(usage)),
    ],
    // Less than 2048 bits is broken in reach of an attacker; verifying more than 8192 is a denial of service.
    [
      'rsaBits must be whole numbers from 2048 to 8192, minimum first',
      isWhole(minimum, 2048, maximum) && isWhole(maximum, minimum, 8192),
    ],
    // RFC 5280 8: fetching over https would need the very check that the fetched CRL is for.
    [
      'crlUrls and caIssuerUrls must be http:// or ldap:// URLs',
      [...profile.crlUrls, ...profile.caIssuerUrls].every((url) => /^(http|ldap):\/\/[\x21-\x7e]+$/.test(url)),
    ],
  ];
}

function isWhole(value: number, minimum: number, maximum: number): boolean {
  return Number.isInteger(value) && value >= minimum && value <= maximum;
}

function isSubset<Item>(part: readonly Item[], whole: readonly Item[]): boolean {
  return part.every((item) => whole.includes(item));
}
