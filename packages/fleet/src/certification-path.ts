// Certification path validation, the part of RFC 5280 6.1 that a device applies to its own new certificate.
import {
  decodeBasicConstraints,
  decodeKeyUsage,
  equalBytes,
  findExtension,
  namesEqual,
  oid,
  verifyCertificateSignature,
} from '@scepter/x509';
import type { Certificate } from '@scepter/x509';

const longestPath = 6;

/**
 * Finds the path from a certificate to a trust anchor.
 *
 * @param leaf the certificate to judge.
 * @param intermediates candidates between the two, in any order, trusted for nothing by themselves.
 * @param anchors the certificates the device was told to trust.
 * @returns leaf first, anchor last; `undefined` when there is no path whose every link holds at `now`.
 */
export function certificationPath(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  anchors: readonly Certificate[],
  now: Date,
): Certificate[] | undefined {
  return extendPath([leaf], intermediates, anchors, now);
}

function extendPath(
  path: readonly Certificate[],
  intermediates: readonly Certificate[],
  anchors: readonly Certificate[],
  now: Date,
): Certificate[] | undefined {
  const last = path.at(-1);
  if (last === undefined || path.length > longestPath) return undefined;
  const issued = (candidate: Certificate): boolean => issues(candidate, last, path.length - 1, now);
  const anchor = anchors.find(issued);
  if (anchor !== undefined) return [...path, anchor];
  for (const candidate of intermediates) {
    if (contains(path, candidate) || !issued(candidate)) continue;
    const found = extendPath([...path, candidate], intermediates, anchors, now);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether `issuer` may have issued `subject`, with `below` certification authorities already between it and the leaf. */
function issues(issuer: Certificate, subject: Certificate, below: number, now: Date): boolean {
  return (
    namesEqual(issuer.subject, subject.issuer) &&
    isValidAt(issuer, now) &&
    mayIssue(issuer, below) &&
    verifyCertificateSignature(subject, issuer.publicKey)
  );
}

/** RFC 5280 6.1.4 (k) to (n): a certification authority says so, within its path length, and may sign certificates. */
function mayIssue(issuer: Certificate, below: number): boolean {
  const constraints = findExtension(issuer.extensions, oid.basicConstraints);
  if (constraints === undefined) return false;
  const { ca, pathLength } = decodeBasicConstraints(constraints.value);
  if (!ca || (pathLength !== undefined && below > pathLength)) return false;
  const usage = findExtension(issuer.extensions, oid.keyUsage);
  return usage === undefined || decodeKeyUsage(usage.value).includes('keyCertSign');
}

/** Whether the moment lies within the certificate's validity, both ends included (RFC 5280 4.1.2.5). */
export function isValidAt(certificate: Certificate, now: Date): boolean {
  return certificate.notBefore <= now && now <= certificate.notAfter;
}

function contains(path: readonly Certificate[], candidate: Certificate): boolean {
  return path.some((certificate) => equalBytes(certificate.encoded, candidate.encoded));
}
