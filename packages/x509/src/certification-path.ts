import { equalBytes } from './bytes.ts';
import { verifyCertificateSignature } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import { decodeBasicConstraints } from './extensions/basic-constraints.ts';
import { findExtension } from './extensions/extension.ts';
import { decodeKeyUsage } from './extensions/key-usage.ts';
import { namesEqual } from './name.ts';
import { oid } from './object-identifiers.ts';

// Certification path validation, the part of RFC 5280 6.1 that a device applies to its own new certificate.

const longestPath = 6;
/** Candidates with one name and key fit together in very many ways; honest ones need a handful of verifications. */
const maxVerifications = 100;

interface Search {
  readonly intermediates: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  readonly now: Date;
  remainingVerifications: number;
}

/**
 * Finds the path from a certificate to a trust anchor: names, signatures, validity of every issuer, basic constraints with
 * path length, and key usage. Not looked at: name constraints, policies, revocation, and the leaf's own validity. Stops
 * after 100 signatures, so that candidates made to fit together in every order cost nothing.
 *
 * @param leaf the certificate to judge
 * @param intermediates candidates between the two, in any order, trusted for nothing by themselves
 * @param anchors the certificates that are trusted
 * @returns leaf first, anchor last; `undefined` when there is no path whose every link holds at `now`
 * @example
 * const path = certificationPath(issued, [issuingCa, otherCa], [root], new Date());
 * if (path === undefined) throw new Error('not issued by an authority that is trusted here');
 */
export function certificationPath(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  anchors: readonly Certificate[],
  now: Date,
): Certificate[] | undefined {
  return extendPath([leaf], { intermediates, anchors, now, remainingVerifications: maxVerifications });
}

function extendPath(path: readonly Certificate[], search: Search): Certificate[] | undefined {
  const last = path.at(-1);
  if (last === undefined || path.length > longestPath) return undefined;
  const issued = (candidate: Certificate): boolean => issues(candidate, last, path.length - 1, search);
  const anchor = search.anchors.find(issued);
  if (anchor !== undefined) return [...path, anchor];
  for (const candidate of search.intermediates) {
    if (contains(path, candidate) || !issued(candidate)) continue;
    const found = extendPath([...path, candidate], search);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether `issuer` may have issued `subject`, with `below` certification authorities already between it and the leaf. */
function issues(issuer: Certificate, subject: Certificate, below: number, search: Search): boolean {
  if (!namesEqual(issuer.subject, subject.issuer)) return false;
  if (!isValidAt(issuer, search.now) || !mayIssue(issuer, below)) return false;
  search.remainingVerifications -= 1;
  return search.remainingVerifications >= 0 && verifyCertificateSignature(subject, issuer.publicKey);
}

/** RFC 5280 6.1.4 (k) to (n): a certification authority says so, within its path length, and may sign certificates. */
function mayIssue(issuer: Certificate, below: number): boolean {
  const constraints = findExtension(issuer.extensions, oid.basicConstraints);
  if (constraints === undefined) return false;
  const usage = findExtension(issuer.extensions, oid.keyUsage);
  try {
    const { ca, pathLength } = decodeBasicConstraints(constraints.value);
    if (!ca || (pathLength !== undefined && below > pathLength)) return false;
    return usage === undefined || decodeKeyUsage(usage.value).includes('keyCertSign');
  } catch {
    // A damaged candidate must not hide a good one.
    return false;
  }
}

/** Whether the moment lies within the certificate's validity, both ends included (RFC 5280 4.1.2.5). */
export function isValidAt(certificate: Certificate, now: Date): boolean {
  return certificate.notBefore <= now && now <= certificate.notAfter;
}

function contains(path: readonly Certificate[], candidate: Certificate): boolean {
  return path.some((certificate) => equalBytes(certificate.encoded, candidate.encoded));
}
