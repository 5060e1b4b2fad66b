/* The certificates of root, issuing CA and RA (RFC 5280 4.2; key usages RFC 8894 2.1.2). */
import type { KeyObject } from 'node:crypto';
import {
  assembleCertificate,
  authorityKeyIdentifierExtension,
  basicConstraintsExtension,
  crlDistributionPointsExtension,
  decodeCertificate,
  encodeTbsCertificate,
  extendedKeyUsageExtension,
  keyUsageExtension,
  oid,
  signData,
  signatureAlgorithmFor,
  subjectKeyIdentifierExtension,
  publicKeyInfoOf,
} from '@scepter/x509';
import type { Certificate, Extension, KeyUsage, Name } from '@scepter/x509';
import { wholeSeconds, withinIssuer } from '../certificate-contents.ts';
import { issuerKeyIdentifier } from '../compose-tbs-certificate.ts';
import { newSerialNumber } from '../serial-number.ts';
import type { Authority, HierarchyOptions } from './create-hierarchy.ts';
import { digestFor } from './key-types.ts';
import type { KeyPairObjects } from './key-types.ts';

type SigningOptions = Pick<HierarchyOptions, 'now' | 'randomBytes' | 'crlUrls' | 'rootCrlUrls'>;

const ROOT_YEARS = 20;
const ISSUING_YEARS = 10;
const REGISTRATION_YEARS = 2;
/**
 * As much as the largest backdating of a certificate profile: a device whose clock is behind must find the whole
 * chain valid, and no certificate starts before its issuer.
 */
const BACKDATE_MS = 7 * 86_400_000;

export function signRootCertificate(subject: Name, keys: KeyPairObjects, options: SigningOptions): Uint8Array {
  return signCertificate({
    subject,
    keys,
    issuer: { subject, privateKey: keys.privateKey },
    validity: validityOf(ROOT_YEARS, options.now),
    // No authority key identifier: RFC 5280 4.2.1.1 lets self-signed certificates do without.
    extensions: authorityExtensions({ ca: true }),
    options,
  });
}

export function signIssuingCertificate(
  { subject, keys, decrypts }: { subject: Name; keys: KeyPairObjects; decrypts: boolean },
  root: Authority,
  options: SigningOptions,
): Uint8Array {
  const issuer = decodeCertificate(root.certificate);
  return signCertificate({
    subject,
    keys,
    issuer: { subject: issuer.subject, privateKey: root.privateKey },
    validity: withinIssuer(validityOf(ISSUING_YEARS, options.now), issuer),
    // Path length 0: it issues to devices and to nobody who issues again.
    extensions: [
      ...authorityExtensions({ ca: true, pathLength: 0 }, decrypts ? ['keyEncipherment'] : []),
      ...pointers(issuer, options.rootCrlUrls),
    ],
    options,
  });
}

/**
 * The RA that devices encrypt to. Windows does not send anything to an RA without these usages, and Apple takes a CA
 * for the recipient when it lacks them.
 */
export function signRegistrationCertificate(
  subject: Name,
  keys: KeyPairObjects,
  issuing: Authority,
  options: SigningOptions,
): Uint8Array {
  const issuer = decodeCertificate(issuing.certificate);
  return signCertificate({
    subject,
    keys,
    issuer: { subject: issuer.subject, privateKey: issuing.privateKey },
    validity: withinIssuer(validityOf(REGISTRATION_YEARS, options.now), issuer),
    extensions: [
      basicConstraintsExtension({ ca: false }),
      keyUsageExtension(['digitalSignature', 'keyEncipherment']),
      extendedKeyUsageExtension([oid.certificateRequestAgent]),
      ...pointers(issuer, options.crlUrls),
    ],
    options,
  });
}

/** digitalSignature lets a CA answer for itself in SCEP and OCSP. */
function authorityExtensions(
  constraints: { ca: true; pathLength?: number },
  furtherUsages: readonly KeyUsage[] = [],
): Extension[] {
  const usages: KeyUsage[] = ['digitalSignature', ...furtherUsages, 'keyCertSign', 'cRLSign'];
  return [basicConstraintsExtension(constraints), keyUsageExtension(usages)];
}

function pointers(issuer: Certificate, crlUrls: readonly string[] = []): Extension[] {
  const authority = authorityKeyIdentifierExtension(issuerKeyIdentifier(issuer));
  return crlUrls.length === 0 ? [authority] : [authority, crlDistributionPointsExtension([...crlUrls])];
}

function validityOf(years: number, now: Date): { notBefore: Date; notAfter: Date } {
  const notAfter = wholeSeconds(now.getTime());
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + years);
  return { notBefore: wholeSeconds(now.getTime() - BACKDATE_MS), notAfter };
}

interface AuthorityCertificateParts {
  readonly subject: Name;
  readonly keys: KeyPairObjects;
  readonly issuer: { readonly subject: Name; readonly privateKey: KeyObject };
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  readonly extensions: Extension[];
  readonly options: SigningOptions;
}

function signCertificate({
  subject,
  keys,
  issuer,
  validity,
  extensions,
  options,
}: AuthorityCertificateParts): Uint8Array {
  const publicKey = publicKeyInfoOf(keys.publicKey);
  const digest = digestFor(issuer.privateKey);
  const signatureAlgorithm = signatureAlgorithmFor(publicKeyInfoOf(issuer.privateKey), digest);
  const tbs = encodeTbsCertificate({
    serialNumber: newSerialNumber(options.randomBytes),
    signatureAlgorithm,
    issuer: issuer.subject,
    ...validity,
    subject,
    publicKey: publicKey.encoded,
    extensions: [...extensions, subjectKeyIdentifierExtension(publicKey)],
  });
  return assembleCertificate(tbs, signatureAlgorithm, signData(issuer.privateKey, digest, tbs));
}
