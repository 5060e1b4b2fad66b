/* Extensions as a whole, basic constraints, key identifiers and pointers (RFC 5280 4.2). */
import {
  decodeAuthorityKeyIdentifier,
  decodeBasicConstraints,
  decodeSubjectKeyIdentifier,
  encodeAuthorityInfoAccess,
  encodeCrlDistributionPoints,
  equalBytes,
  findExtension,
  keyIdentifier,
  oid,
} from '@scepter/x509';
import { issuerKeyIdentifier } from '../compose-tbs-certificate.ts';
import type { Lint } from './lint-tbs-certificate.ts';
import type { TbsCertificate } from './tbs-certificate.ts';

/** Every extension that we issue; anything else was injected or is a mistake. */
const knownExtensions: ReadonlySet<string> = new Set([
  oid.basicConstraints,
  oid.keyUsage,
  oid.extendedKeyUsage,
  oid.subjectKeyIdentifier,
  oid.authorityKeyIdentifier,
  oid.subjectAltName,
  oid.crlDistributionPoints,
  oid.authorityInfoAccess,
]);

export const extensionLints: readonly Lint[] = [
  {
    name: 'extension_unknown',
    check: ({ extensions }) => {
      const unknown = extensions.find((extension) => !knownExtensions.has(extension.oid));
      return unknown && `The extension ${unknown.oid} is not one that we issue.`;
    },
  },
  {
    name: 'extension_duplicate',
    check: ({ extensions }) => {
      const duplicate = extensions.find((one, index) => extensions.findIndex((other) => other.oid === one.oid) < index);
      return duplicate && `The extension ${duplicate.oid} appears twice.`;
    },
  },
  {
    name: 'certificate_is_ca',
    check: (certificate) => {
      const constraints = find(certificate, oid.basicConstraints);
      if (constraints === undefined) return undefined;
      const { ca, pathLength } = decodeBasicConstraints(constraints.value);
      return ca || pathLength !== undefined ? 'The basic constraints are those of a CA.' : undefined;
    },
  },
  {
    name: 'subject_key_identifier_mismatch',
    check: (certificate) => {
      const extension = find(certificate, oid.subjectKeyIdentifier);
      return extension !== undefined &&
        !extension.critical &&
        equalBytes(decodeSubjectKeyIdentifier(extension.value), keyIdentifier(certificate.publicKey))
        ? undefined
        : 'The subject key identifier is missing, critical, or not that of the key.';
    },
  },
  {
    name: 'authority_key_identifier_mismatch',
    check: (certificate, { issuer }) => {
      const extension = find(certificate, oid.authorityKeyIdentifier);
      const identifier = extension && decodeAuthorityKeyIdentifier(extension.value);
      return extension !== undefined &&
        !extension.critical &&
        identifier !== undefined &&
        equalBytes(identifier, issuerKeyIdentifier(issuer))
        ? undefined
        : "The authority key identifier is missing, critical, or not the issuer's subject key identifier.";
    },
  },
  {
    name: 'crl_distribution_points_mismatch',
    check: (certificate, { profile: { crlUrls } }) =>
      pointsTo(find(certificate, oid.crlDistributionPoints), crlUrls, encodeCrlDistributionPoints([...crlUrls]))
        ? undefined
        : "The CRL distribution points are not the profile's.",
  },
  {
    name: 'authority_info_access_mismatch',
    check: (certificate, { profile: { caIssuerUrls } }) =>
      pointsTo(
        find(certificate, oid.authorityInfoAccess),
        caIssuerUrls,
        encodeAuthorityInfoAccess({ caIssuers: [...caIssuerUrls] }),
      )
        ? undefined
        : "The authority information access is not the profile's.",
  },
];

function find({ extensions }: TbsCertificate, type: string): ReturnType<typeof findExtension> {
  return findExtension(extensions, type);
}

/** DER has one encoding for one meaning, so that the bytes can be compared. */
function pointsTo(extension: ReturnType<typeof findExtension>, urls: readonly string[], expected: Uint8Array): boolean {
  if (urls.length === 0) return extension === undefined;
  return extension !== undefined && !extension.critical && equalBytes(extension.value, expected);
}
