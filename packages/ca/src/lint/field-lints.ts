/* Version, serial number, signature algorithm, issuer and validity (RFC 5280 4.1.2.1 to 4.1.2.5). */
import {
  decodeBasicConstraints,
  decodeKeyUsage,
  equalBytes,
  findExtension,
  oid,
  signatureAlgorithmFor,
} from '@scepter/x509';
import type { Lint } from './lint-tbs-certificate.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export const fieldLints: readonly Lint[] = [
  {
    name: 'version_not_3',
    check: ({ version }) => (version === 2 ? undefined : `The version field is ${version}, not 2 (v3).`),
  },
  {
    name: 'serial_number_not_positive',
    check: ({ serialNumber }) => {
      const isNegative = ((serialNumber[0] ?? 0) & 0x80) !== 0;
      const isZero = serialNumber.every((byte) => byte === 0);
      return isNegative || isZero ? 'The serial number is not positive.' : undefined;
    },
  },
  {
    // At most 20 bytes (4.1.2.2); at least 64 random bits need 8.
    name: 'serial_number_size',
    check: ({ serialNumber: { length } }) =>
      length >= 8 && length <= 20 ? undefined : `The serial number has ${length} bytes, not 8 to 20.`,
  },
  {
    name: 'signature_algorithm_mismatch',
    check: ({ signatureAlgorithm }, { issuer, profile }) =>
      equalBytes(signatureAlgorithm.encoded, signatureAlgorithmFor(issuer.publicKey, profile.digest).encoded)
        ? undefined
        : `The signature algorithm ${signatureAlgorithm.oid} is not that of the issuer's key with ${profile.digest}.`,
  },
  {
    // Byte for byte: most verifiers compare names that way.
    name: 'issuer_name_mismatch',
    check: ({ issuer }, context) =>
      equalBytes(issuer.encoded, context.issuer.subject.encoded)
        ? undefined
        : "The issuer name is not the issuer's subject, byte for byte.",
  },
  {
    name: 'issuer_not_ca',
    check: (_certificate, { issuer }) => {
      const constraints = findExtension(issuer.extensions, oid.basicConstraints);
      const usage = findExtension(issuer.extensions, oid.keyUsage);
      const isCa = constraints !== undefined && decodeBasicConstraints(constraints.value).ca;
      const signsCertificates = usage !== undefined && decodeKeyUsage(usage.value).includes('keyCertSign');
      return isCa && signsCertificates ? undefined : 'The issuer may not sign certificates.';
    },
  },
  {
    name: 'validity_empty',
    check: ({ notBefore, notAfter }) =>
      notAfter.getTime() > notBefore.getTime() ? undefined : 'The certificate ends before it starts.',
  },
  {
    name: 'validity_before_issuer',
    check: ({ notBefore }, { issuer }) =>
      notBefore.getTime() >= issuer.notBefore.getTime() ? undefined : 'The certificate starts before its issuer.',
  },
  {
    name: 'validity_beyond_issuer',
    check: ({ notAfter }, { issuer }) =>
      notAfter.getTime() <= issuer.notAfter.getTime() ? undefined : 'The certificate ends after its issuer.',
  },
  {
    name: 'validity_too_long',
    check: ({ notBefore, notAfter }, { profile }) => {
      const longestMs = profile.validityDays * DAY_MS + profile.backdateHours * HOUR_MS;
      // A second more, because both ends were cut to whole seconds.
      return notAfter.getTime() - notBefore.getTime() <= longestMs + 1000
        ? undefined
        : `The certificate is valid for more than ${profile.validityDays} days and the backdating.`;
    },
  },
];
