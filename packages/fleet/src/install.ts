import {
  certificationPath,
  decodeExtendedKeyUsage,
  decodeGeneralNames,
  decodeKeyUsage,
  equalBytes,
  findExtension,
  formatGeneralName,
  formatName,
  isValidAt,
  namesEqual,
  oid,
} from '@scepter/x509';
import type { Certificate, GeneralName } from '@scepter/x509';
import type { RequestedContents } from './requested-contents.ts';

/** A certificate as received, and everything it is measured against. */
export interface Candidate {
  readonly certificate: Certificate;
  /** Every certificate of the reply, the issued one included. */
  readonly received: readonly Certificate[];
  /** SubjectPublicKeyInfo, DER, of the key the device made. */
  readonly devicePublicKey: Uint8Array;
  readonly requested: RequestedContents;
  /** From GetCACert. */
  readonly intermediates: readonly Certificate[];
  readonly trustedRoots: readonly Certificate[];
  /** The error code for a reply with more than the issued certificate; absent where that is no error. */
  readonly extraCertificatesError: number | undefined;
  readonly now: Date;
}

/** Why a device does not install a certificate. */
export interface InstallProblem {
  readonly reason: string;
  /** As the platform names it, where it has a name. */
  readonly errorCode?: number;
}

type InstallCheck = (candidate: Candidate) => string | InstallProblem | undefined;

/** In this order; the first that objects decides. */
const installChecks: readonly InstallCheck[] = [
  checkOnlyTheLeaf,
  checkKey,
  checkSubject,
  checkAlternativeNames,
  checkUsages,
  checkValidity,
  checkPath,
];

/** Judges a received certificate as a device does before it puts it into its store; `undefined` when all is well. */
export function findInstallProblem(candidate: Candidate): InstallProblem | undefined {
  for (const check of installChecks) {
    const problem = check(candidate);
    if (problem !== undefined) return typeof problem === 'string' ? { reason: problem } : problem;
  }
  return undefined;
}

function checkOnlyTheLeaf({ extraCertificatesError: errorCode, received }: Candidate): InstallProblem | undefined {
  if (errorCode === undefined || received.length === 1) return undefined;
  const reason = `the reply carries ${received.length} certificates, and this platform accepts only the issued one`;
  return { reason, errorCode };
}

function checkKey(candidate: Candidate): string | undefined {
  if (equalBytes(candidate.certificate.publicKey.encoded, candidate.devicePublicKey)) return undefined;
  return 'the certificate is for another key';
}

function checkSubject({ certificate, requested }: Candidate): string | undefined {
  if (namesEqual(certificate.subject, requested.subject)) return undefined;
  return `the subject is ${formatName(certificate.subject)}, the profile says ${formatName(requested.subject)}`;
}

function checkAlternativeNames({ certificate, requested }: Candidate): string | undefined {
  const present = new Set(alternativeNames(certificate).map(formatGeneralName));
  const missing = requested.subjectAltNames.map(formatGeneralName).find((name) => !present.has(name));
  return missing === undefined ? undefined : `the alternative name ${missing} is missing`;
}

function alternativeNames(certificate: Certificate): GeneralName[] {
  const extension = findExtension(certificate.extensions, oid.subjectAltName);
  return extension === undefined ? [] : decodeGeneralNames(extension.value);
}

function checkUsages({ certificate, requested }: Candidate): string | undefined {
  const usage = findExtension(certificate.extensions, oid.keyUsage);
  const usages: readonly string[] = usage === undefined ? requested.keyUsages : decodeKeyUsage(usage.value);
  const extended = findExtension(certificate.extensions, oid.extendedKeyUsage);
  const purposes = extended === undefined ? [] : decodeExtendedKeyUsage(extended.value);
  const missing =
    requested.keyUsages.find((wanted) => !usages.includes(wanted)) ??
    requested.extendedKeyUsages.find((wanted) => !purposes.includes(wanted));
  return missing === undefined ? undefined : `the key usage ${missing} is missing`;
}

function checkValidity({ certificate, now }: Candidate): string | undefined {
  if (isValidAt(certificate, now)) return undefined;
  return `it is valid from ${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()}`;
}

function checkPath(candidate: Candidate): string | undefined {
  return pathOf(candidate) === undefined ? 'it does not lead to a trusted root' : undefined;
}

/** The certificate's path to a pushed root, leaf first. */
export function pathOf(candidate: Candidate): Certificate[] | undefined {
  const intermediates = [...candidate.received, ...candidate.intermediates];
  return certificationPath(candidate.certificate, intermediates, candidate.trustedRoots, candidate.now);
}
