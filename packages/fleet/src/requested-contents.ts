import { parseName } from '@scepter/x509';
import type { GeneralName, KeyUsage, Name } from '@scepter/x509';
import type { DeviceScepProfile, ProfileAlternativeName } from './device-management.ts';

/** What a SCEP profile asks the certificate to say. */
export interface RequestedContents {
  readonly subject: Name;
  readonly subjectAltNames: readonly GeneralName[];
  readonly keyUsages: readonly KeyUsage[];
  /** Object identifiers. */
  readonly extendedKeyUsages: readonly string[];
}

const generalNameKinds = {
  emailAddress: 'email',
  userPrincipalName: 'upn',
  domainNameService: 'dns',
  universalResourceIdentifier: 'uri',
} as const satisfies Record<ProfileAlternativeName['sanType'], GeneralName['kind']>;

/**
 * Reads the profile's texts into X.509 values.
 *
 * @throws NameError when the subject name is not RFC 4514 text.
 */
export function requestedContents(profile: DeviceScepProfile): RequestedContents {
  return {
    subject: parseName(profile.subjectName),
    subjectAltNames: profile.subjectAlternativeNames.map((name) => ({
      kind: generalNameKinds[name.sanType],
      value: name.value,
    })),
    keyUsages: profile.keyUsage,
    extendedKeyUsages: profile.extendedKeyUsages.map((usage) => usage.objectIdentifier),
  };
}
