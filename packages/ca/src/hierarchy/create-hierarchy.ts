import type { KeyObject } from 'node:crypto';
import { buildName, decodeCertificate, oid } from '@scepter/x509';
import type { Name } from '@scepter/x509';
import { CaError } from '../errors.ts';
import { signIssuingCertificate, signRegistrationCertificate, signRootCertificate } from './authority-certificates.ts';
import { generateKeys } from './key-types.ts';
import type { AuthorityKeyType, RsaKeyType } from './key-types.ts';

/** A certificate with its private key. The key can be posted to worker threads. */
export interface Authority {
  /** DER */
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

/** The CA that issues to devices, and the RA that SCEP messages are encrypted to. */
export interface IssuingAuthority {
  readonly issuing: Authority;
  /** The issuing CA itself where it decrypts for itself. */
  readonly registration: Authority;
}

/** An offline-style root and an issuing CA below it. */
export interface Hierarchy extends IssuingAuthority {
  readonly root: Authority;
}

export interface HierarchyOptions {
  /** The organization (O) of all three names, at most 64 characters. */
  readonly organization: string;
  /** What the common names start with, before " Root CA", " Issuing CA" and " SCEP RA"; the organization when not given. */
  readonly commonNamePrefix?: string;
  readonly now: Date;
  /** For serial numbers; key generation draws from OpenSSL's own generator. */
  readonly randomBytes: (size: number) => Uint8Array;
  /**
   * Root rsa-3072 when not given, because it signs rarely and lives 20 years; issuing and registration rsa-2048, because
   * every enrollment costs private operations with both. An RA must decrypt, which only RSA does here.
   */
  readonly keyTypes?: {
    readonly root?: AuthorityKeyType | undefined;
    readonly issuing?: AuthorityKeyType | undefined;
    readonly registration?: RsaKeyType | undefined;
  };
  /**
   * `separate` when not given: messages are encrypted to an RA certificate. `none`: to the issuing CA, whose key is then
   * RSA and both signs and decrypts.
   */
  readonly registrationAuthority?: 'separate' | 'none';
  /** Where the issuing CA's CRL is found: goes into the RA certificate. */
  readonly crlUrls?: readonly string[];
  /** Where the root's CRL is found: goes into the issuing CA's certificate. */
  readonly rootCrlUrls?: readonly string[];
}

/**
 * Creates a root CA, an issuing CA below it and an RA certificate, with new keys.
 *
 * @throws CaError `ca.invalid_argument` for names that are empty or too long, and for an EC key that is to decrypt
 * @example
 * const hierarchy = await createHierarchy({ organization: 'Example', now: new Date(), randomBytes });
 */
export async function createHierarchy(options: HierarchyOptions): Promise<Hierarchy> {
  const name = authorityName(options, 'Root CA');
  const keys = await generateKeys(options.keyTypes?.root ?? 'rsa-3072');
  const root = { certificate: signRootCertificate(name, keys, options), privateKey: keys.privateKey };
  return { root, ...(await createIssuingAuthority(root, 1, options)) };
}

/**
 * Creates an issuing CA below an existing root, with its RA. From the second generation on, their names end in a number:
 * two CAs of one name could not be told apart by what they issue.
 *
 * @throws CaError `ca.invalid_argument`, as {@link createHierarchy}
 */
export async function createIssuingAuthority(
  root: Authority,
  generation: number,
  options: HierarchyOptions,
): Promise<IssuingAuthority> {
  const { keyTypes = {}, registrationAuthority = 'separate' } = options;
  const suffix = generation === 1 ? '' : ` ${generation}`;
  const names = {
    issuing: authorityName(options, `Issuing CA${suffix}`),
    registration: authorityName(options, `SCEP RA${suffix}`),
  };
  const issuingType = keyTypes.issuing ?? 'rsa-2048';
  if (registrationAuthority === 'none' && !issuingType.startsWith('rsa')) {
    throw new CaError('ca.invalid_argument', 'Without an RA the issuing CA decrypts, which takes an RSA key.');
  }
  const issuingKeys = await generateKeys(issuingType);
  const decrypts = registrationAuthority === 'none';
  const issuing = {
    certificate: signIssuingCertificate({ subject: names.issuing, keys: issuingKeys, decrypts }, root, options),
    privateKey: issuingKeys.privateKey,
  };
  if (decrypts) return { issuing, registration: issuing };
  return { issuing, registration: await createRegistration(names.registration, issuing, options) };
}

/** A new RA certificate with a new key, under the name of the one that it follows. */
export async function createNextRegistration(
  { issuing, registration }: IssuingAuthority,
  options: RegistrationOptions,
): Promise<Authority> {
  const { subject } = decodeCertificate(registration.certificate);
  return createRegistration(subject, issuing, options);
}

type RegistrationOptions = Pick<HierarchyOptions, 'now' | 'randomBytes' | 'keyTypes' | 'crlUrls'>;

async function createRegistration(subject: Name, issuing: Authority, options: RegistrationOptions): Promise<Authority> {
  const keys = await generateKeys(options.keyTypes?.registration ?? 'rsa-2048');
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
