import { generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { buildName, decodeCertificate, oid } from '@scepter/x509';
import type { Name } from '@scepter/x509';
import { CaError } from '../errors.ts';
import { signIssuingCertificate, signRegistrationCertificate, signRootCertificate } from './authority-certificates.ts';

/** A certificate with its private key. The key can be posted to worker threads. */
export interface Authority {
  /** DER */
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

/** An offline-style root, the CA that issues to devices, and the RA that SCEP messages are encrypted to. */
export interface Hierarchy {
  readonly root: Authority;
  readonly issuing: Authority;
  readonly registration: Authority;
}

export type RsaBits = 2048 | 3072 | 4096;

export interface HierarchyOptions {
  /** The organization (O) of all three names, at most 64 characters. */
  readonly organization: string;
  /** What the common names start with, before " Root CA", " Issuing CA" and " SCEP RA"; the organization when not given. */
  readonly commonNamePrefix?: string;
  readonly now: Date;
  /** For serial numbers; key generation draws from OpenSSL's own generator. */
  readonly randomBytes: (size: number) => Uint8Array;
  /**
   * Root 3072, because it signs rarely and lives 20 years; issuing and registration 2048, because every enrollment
   * costs private operations with both.
   */
  readonly rsaBits?: { readonly root?: RsaBits; readonly issuing?: RsaBits; readonly registration?: RsaBits };
  /** Where the issuing CA's CRL is found: goes into the RA certificate. */
  readonly crlUrls?: readonly string[];
  /** Where the root's CRL is found: goes into the issuing CA's certificate. */
  readonly rootCrlUrls?: readonly string[];
}

/**
 * Creates a root CA, an issuing CA below it and an RA certificate, with new RSA keys.
 *
 * @throws CaError `ca.invalid_argument` for names that are empty or too long
 * @example
 * const hierarchy = await createHierarchy({ organization: 'Example', now: new Date(), randomBytes });
 */
export async function createHierarchy(options: HierarchyOptions): Promise<Hierarchy> {
  const { rsaBits = {} } = options;
  const names = {
    root: authorityName(options, 'Root CA'),
    issuing: authorityName(options, 'Issuing CA'),
    registration: authorityName(options, 'SCEP RA'),
  };
  const [rootKeys, issuingKeys, registrationKeys] = await Promise.all([
    generateRsaKeys(rsaBits.root ?? 3072),
    generateRsaKeys(rsaBits.issuing ?? 2048),
    generateRsaKeys(rsaBits.registration ?? 2048),
  ]);
  const root = { certificate: signRootCertificate(names.root, rootKeys, options), privateKey: rootKeys.privateKey };
  const issuing = {
    certificate: signIssuingCertificate(names.issuing, issuingKeys, root, options),
    privateKey: issuingKeys.privateKey,
  };
  const registration = {
    certificate: signRegistrationCertificate(names.registration, registrationKeys, issuing, options),
    privateKey: registrationKeys.privateKey,
  };
  return { root, issuing, registration };
}

/** A new RA certificate with a new key, under the name of the one that it follows. */
export async function createNextRegistration(
  { issuing, registration }: Hierarchy,
  options: Pick<HierarchyOptions, 'now' | 'randomBytes' | 'rsaBits' | 'crlUrls'>,
): Promise<Authority> {
  const { subject } = decodeCertificate(registration.certificate);
  const keys = await generateRsaKeys(options.rsaBits?.registration ?? 2048);
  return {
    certificate: signRegistrationCertificate(subject, keys, issuing, options),
    privateKey: keys.privateKey,
  };
}

/** The longest common name and organization (RFC 5280 appendix A, ub-common-name and ub-organization-name). */
const LONGEST_NAME = 64;

function authorityName({ organization, commonNamePrefix }: HierarchyOptions, role: string): Name {
  const commonName = `${commonNamePrefix ?? organization} ${role}`;
  if (organization.trim() === '' || commonNamePrefix?.trim() === '') {
    throw new CaError('ca.invalid_argument', 'The organization and the common name prefix must not be empty.');
  }
  if (organization.length > LONGEST_NAME || commonName.length > LONGEST_NAME) {
    throw new CaError('ca.invalid_argument', `The name "${commonName}" or its organization exceeds 64 characters.`);
  }
  return buildName([
    [{ type: oid.organizationName, value: organization }],
    [{ type: oid.commonName, value: commonName }],
  ]);
}

async function generateRsaKeys(modulusLength: RsaBits): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  return promisify(generateKeyPair)('rsa', { modulusLength, publicExponent: 65537 });
}
