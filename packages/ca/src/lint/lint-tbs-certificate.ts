import type { Certificate } from '@scepter/x509';
import type { CertificateContents } from '../certificate-contents.ts';
import type { CertificateProfile } from '../certificate-profile.ts';
import { contentsLints } from './contents-lints.ts';
import { extensionLints } from './extension-lints.ts';
import { fieldLints } from './field-lints.ts';
import { keyLints } from './key-lints.ts';
import { nameLints } from './name-lints.ts';
import { readTbsCertificate } from './tbs-certificate.ts';
import type { TbsCertificate } from './tbs-certificate.ts';
import { usageLints } from './usage-lints.ts';

/** One reason not to sign. */
export interface LintFinding {
  /** The name of the lint that fired; stable. */
  readonly lint: string;
  /** One sentence for an operator. */
  readonly message: string;
}

/** What a certificate is held against. */
export interface LintContext {
  readonly issuer: Certificate;
  readonly profile: CertificateProfile;
  /** What was decided to go in; given, the certificate must say exactly this. */
  readonly contents?: CertificateContents;
}

/** One rule: a stable name, and what is wrong, or undefined. */
export interface Lint {
  readonly name: string;
  /** Says what is wrong. May throw Asn1Error on an undecodable part, which counts as a finding. */
  check(certificate: TbsCertificate, context: LintContext): string | undefined;
}

/** Every rule, in the order of a certificate's fields. */
export const lints: readonly Lint[] = [
  ...fieldLints,
  ...nameLints,
  ...keyLints,
  ...extensionLints,
  ...usageLints,
  ...contentsLints,
];

/**
 * Judges a certificate before it is signed: decodes it afresh and asks every lint. Pure.
 *
 * @param encoded the DER TBSCertificate
 * @returns every finding; none means that it may be signed
 * @example
 * const findings = lintTbsCertificate(tbs, { issuer, profile, contents });
 */
export function lintTbsCertificate(encoded: Uint8Array, context: LintContext): LintFinding[] {
  let certificate: TbsCertificate;
  try {
    certificate = readTbsCertificate(encoded);
  } catch (error) {
    return [{ lint: 'undecodable', message: `The certificate does not decode: ${describe(error)}.` }];
  }
  return lints.flatMap((lint) => {
    const message = ask(lint, certificate, context);
    return message === undefined ? [] : [{ lint: lint.name, message }];
  });
}

function ask(lint: Lint, certificate: TbsCertificate, context: LintContext): string | undefined {
  try {
    return lint.check(certificate, context);
  } catch (error) {
    return `It does not decode: ${describe(error)}.`;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}
