/* Subject and subject alternative names (RFC 5280 4.1.2.6, 4.2.1.6, appendix A). */
import { decodeGeneralNames, findExtension, formatGeneralName, oid } from '@scepter/x509';
import type { GeneralName, NameAttribute } from '@scepter/x509';
import type { SubjectAltNameKind } from '../certificate-profile.ts';
import type { Lint } from './lint-tbs-certificate.ts';
import type { TbsCertificate } from './tbs-certificate.ts';

/** The upper bounds of RFC 5280 appendix A, in characters, which Microsoft's CA and OpenSSL enforce too. */
const upperBounds: ReadonlyMap<string, number> = new Map([
  [oid.commonName, 64],
  [oid.organizationName, 64],
  [oid.organizationalUnitName, 64],
  [oid.localityName, 128],
  [oid.stateOrProvinceName, 128],
  [oid.countryName, 2],
  [oid.serialNumber, 64],
  [oid.title, 64],
  [oid.emailAddress, 255],
]);

// oxlint-disable-next-line no-control-regex -- control characters are exactly what is looked for
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

export const nameLints: readonly Lint[] = [
  {
    name: 'subject_required',
    check: ({ subject }, { profile }) =>
      profile.requireSubject && subject.rdns.length === 0 ? 'The subject is empty.' : undefined,
  },
  {
    // Two common names are read differently by different verifiers. In the name of a directory entry, which ends in
    // domain components, those behind the first are its containers: CN=Adele,CN=Users,DC=contoso,DC=com.
    name: 'subject_several_common_names',
    check: (certificate) => {
      const types = subjectAttributes(certificate).map(({ type }) => type);
      const isDirectoryEntry = types.includes(oid.domainComponent) && !hasTwoCommonNamesInOneRdn(certificate);
      return types.filter((type) => type === oid.commonName).length > 1 && !isDirectoryEntry
        ? 'The subject has more than one common name.'
        : undefined;
    },
  },
  {
    name: 'subject_attribute_empty',
    check: (certificate) => firstAttribute(certificate, 'is empty', ({ value }) => value.length === 0),
  },
  {
    name: 'subject_attribute_too_long',
    check: (certificate) =>
      firstAttribute(
        certificate,
        'is longer than RFC 5280 allows',
        ({ type, value }) => [...value].length > (upperBounds.get(type) ?? 1024),
      ),
  },
  {
    name: 'subject_attribute_control_character',
    check: (certificate) =>
      firstAttribute(certificate, 'contains a control character', ({ value }) => CONTROL_CHARACTER.test(value)),
  },
  {
    name: 'subject_alt_name_missing',
    check: (certificate) =>
      certificate.subject.rdns.length === 0 && subjectAltNames(certificate).length === 0
        ? 'Neither the subject nor an alternative name says who this is.'
        : undefined,
  },
  {
    name: 'subject_alt_name_empty',
    check: (certificate) =>
      subjectAltNameExtension(certificate) !== undefined && subjectAltNames(certificate).length === 0
        ? 'The list of subject alternative names is empty.'
        : undefined,
  },
  {
    name: 'subject_alt_name_criticality',
    check: (certificate) => {
      const critical = subjectAltNameExtension(certificate)?.critical;
      return critical === undefined || critical === (certificate.subject.rdns.length === 0)
        ? undefined
        : 'Subject alternative names are critical exactly when the subject is empty.';
    },
  },
  {
    name: 'subject_alt_name_kind',
    check: (certificate, { profile }) => {
      const kinds: readonly string[] = profile.subjectAltNameKinds;
      const other = subjectAltNames(certificate).find(({ kind }) => !kinds.includes(kind));
      return other && `A subject alternative name of kind "${other.kind}" is not in the profile.`;
    },
  },
  {
    name: 'subject_alt_name_malformed',
    check: (certificate) => {
      const malformed = subjectAltNames(certificate).find((name) => !isWellFormed(name));
      return malformed && `${formatGeneralName(malformed)} is not well formed.`;
    },
  },
];

function subjectAttributes({ subject }: TbsCertificate): NameAttribute[] {
  return subject.rdns.flat();
}

function firstAttribute(
  certificate: TbsCertificate,
  trouble: string,
  isBad: (attribute: NameAttribute) => boolean,
): string | undefined {
  const bad = subjectAttributes(certificate).find((attribute) => isBad(attribute));
  return bad && `The subject attribute ${bad.type} ${trouble}.`;
}

function subjectAltNameExtension({ extensions }: TbsCertificate) {
  return findExtension(extensions, oid.subjectAltName);
}

function subjectAltNames(certificate: TbsCertificate): GeneralName[] {
  const extension = subjectAltNameExtension(certificate);
  return extension === undefined ? [] : decodeGeneralNames(extension.value);
}

/**
 * Forms, not truth: single-label and underscored host names are usual for devices. Anything that could be read as
 * two names, or differently by different verifiers, is malformed.
 */
const forms: Readonly<Record<SubjectAltNameKind, RegExp>> = {
  dns: /^(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$/,
  email: /^[\x21-\x3f\x41-\x7e]{1,64}@[A-Za-z0-9._-]{1,253}$/,
  uri: /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]{1,2048}$/,
  upn: /^[^@\s]{1,256}@[^@\s]{1,256}$/,
  ip: /^[0-9a-fA-F.:]{2,45}$/,
};

function isWellFormed(name: GeneralName): boolean {
  if (!('value' in name)) return true;
  if (CONTROL_CHARACTER.test(name.value)) return false;
  return name.kind === 'registeredId' || forms[name.kind].test(name.value);
}

function hasTwoCommonNamesInOneRdn({ subject }: TbsCertificate): boolean {
  return subject.rdns.some((rdn) => rdn.filter(({ type }) => type === oid.commonName).length > 1);
}
