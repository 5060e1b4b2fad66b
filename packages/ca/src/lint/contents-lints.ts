/* The certificate against what was decided to go in: what we sign is what policy approved, no more and no less. */
import {
  decodeExtendedKeyUsage,
  decodeKeyUsage,
  encodeGeneralNames,
  equalBytes,
  findExtension,
  oid,
} from '@scepter/x509';
import type { Lint } from './lint-tbs-certificate.ts';

export const contentsLints: readonly Lint[] = [
  {
    name: 'contents_subject_mismatch',
    check: ({ subject }, { contents }) =>
      contents === undefined || equalBytes(subject.encoded, contents.subject.encoded)
        ? undefined
        : 'The subject is not the one that was approved.',
  },
  {
    name: 'contents_public_key_mismatch',
    check: ({ publicKey }, { contents }) =>
      contents === undefined || equalBytes(publicKey.encoded, contents.publicKey.encoded)
        ? undefined
        : 'The public key is not the one that was approved.',
  },
  {
    name: 'contents_validity_mismatch',
    check: ({ notBefore, notAfter }, { contents }) =>
      contents === undefined ||
      // Whole seconds may begin up to a second earlier than the approved instant.
      (notBefore.getTime() > contents.notBefore.getTime() - 1000 && notAfter.getTime() <= contents.notAfter.getTime())
        ? undefined
        : 'The validity reaches beyond the one that was approved.',
  },
  {
    name: 'contents_subject_alt_names_mismatch',
    check: ({ extensions }, { contents }) => {
      if (contents === undefined) return undefined;
      const extension = findExtension(extensions, oid.subjectAltName);
      const approved = contents.subjectAltNames;
      const same =
        extension === undefined
          ? approved.length === 0
          : equalBytes(extension.value, encodeGeneralNames([...approved]));
      return same ? undefined : 'The subject alternative names are not those that were approved.';
    },
  },
  {
    name: 'contents_usages_mismatch',
    check: ({ extensions }, { contents, profile }) => {
      if (contents === undefined) return undefined;
      const keyUsage = findExtension(extensions, oid.keyUsage);
      const extendedKeyUsage = findExtension(extensions, oid.extendedKeyUsage);
      const approved = [
        ...(contents.keyUsages.length > 0 ? contents.keyUsages : profile.defaultKeyUsages),
        ...(contents.extendedKeyUsages.length > 0 ? contents.extendedKeyUsages : profile.defaultExtendedKeyUsages),
      ] as readonly string[];
      const present = [
        ...(keyUsage ? decodeKeyUsage(keyUsage.value) : []),
        ...(extendedKeyUsage ? decodeExtendedKeyUsage(extendedKeyUsage.value) : []),
      ];
      const extra = present.find((usage) => !approved.includes(usage));
      return extra && `The usage ${extra} was not approved.`;
    },
  },
];
