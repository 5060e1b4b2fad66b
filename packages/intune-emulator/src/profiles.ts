import { EmulatorError } from './errors.ts';
import type { Device, Platform, ScepProfile, SubjectAlternativeName, SubjectNameFormat } from './model.ts';

/** The format string that each fixed `subjectNameFormat` stands for. */
export const subjectNameFormatStrings: Readonly<Record<Exclude<SubjectNameFormat, 'custom'>, string>> = {
  commonName: 'CN={{UserName}}',
  commonNameIncludingEmail: 'CN={{UserName}},E={{EmailAddress}}',
  commonNameAsEmail: 'CN={{EmailAddress}}',
  commonNameAsIMEI: 'CN={{IMEI}}',
  commonNameAsSerialNumber: 'CN={{SerialNumber}}',
  commonNameAsAadDeviceId: 'CN={{AzureADDeviceId}}',
  commonNameAsIntuneDeviceId: 'CN={{DeviceId}}',
};

/**
 * The variables of Microsoft's page "Create and assign SCEP certificate profiles", each with where its value comes
 * from. A device without that value cannot get a profile that uses the variable.
 */
const variables: Readonly<Record<string, (device: Device) => string | undefined>> = {
  UserName: ({ user }) => user.userName,
  UserPrincipalName: ({ user }) => user.userPrincipalName,
  EmailAddress: ({ user }) => user.emailAddress,
  OnPrem_Distinguished_Name: ({ user }) => user.onPremisesDistinguishedName,
  OnPremisesSamAccountName: ({ user }) => user.onPremisesSamAccountName,
  OnPremisesSecurityIdentifier: ({ user }) => user.onPremisesSecurityIdentifier,
  AAD_Device_ID: (device) => device.azureADDeviceId,
  AzureADDeviceId: (device) => device.azureADDeviceId,
  DeviceId: (device) => device.id,
  DeviceName: (device) => device.deviceName,
  Device_Serial: (device) => device.serialNumber,
  SerialNumber: (device) => device.serialNumber,
  Device_IMEI: (device) => device.imei,
  IMEI: (device) => device.imei,
  IMEINumber: (device) => device.imei,
  MEID: (device) => device.meid,
  WiFiMacAddress: (device) => device.wifiMacAddress,
  FullyQualifiedDomainName: (device) => device.fullyQualifiedDomainName,
};

const variableNames = new Map(Object.keys(variables).map((name) => [name.toLowerCase(), name]));

/** Platforms on which a device gets several SCEP server URLs; the others get one, chosen by Intune. */
const platformsWithUrlList: ReadonlySet<Platform> = new Set(['windows']);

/** What a profile asks of one device, with every variable filled in. */
export interface ResolvedProfile {
  readonly subjectName: string;
  readonly subjectAlternativeNames: readonly SubjectAlternativeName[];
  readonly scepServerUrls: readonly string[];
}

/**
 * Fills in a profile's variables for a device.
 *
 * @throws EmulatorError `emulator.variable` naming the variable that is unknown or has no value on this device
 */
export function resolveProfile(profile: ScepProfile, device: Device): ResolvedProfile {
  return {
    subjectName: fillIn(profile.subjectNameFormatString, device, escapeAttributeValue),
    subjectAlternativeNames: profile.subjectAlternativeNames.map(({ sanType, name }) => {
      // {{OnPremisesSecurityIdentifier}} stands for the whole URI that carries the SID (strong certificate mapping).
      const format = name.replaceAll(/\{\{\s*OnPremisesSecurityIdentifier\s*\}\}/giu, sidUri);
      if (format !== name && sanType !== 'universalResourceIdentifier') {
        throw new EmulatorError('emulator.variable', '{{OnPremisesSecurityIdentifier}} is for a URI only.');
      }
      return { sanType, value: fillIn(format, device, (value) => value) };
    }),
    scepServerUrls: platformsWithUrlList.has(profile.platform)
      ? profile.scepServerUrls
      : profile.scepServerUrls.slice(0, 1),
  };
}

const sidUri = 'tag:microsoft.com,2022-09-14:sid:{{OnPremisesSecurityIdentifier}}';

const variablePattern = /\{\{([^{}]{0,100})\}\}/gu;

/** Names of the variables in a format string that do not exist. */
export function unknownVariables(format: string): string[] {
  return [...format.matchAll(variablePattern)]
    .map((match) => (match[1] ?? '').trim())
    .filter((name) => !variableNames.has(name.toLowerCase()));
}

function fillIn(format: string, device: Device, escape: (value: string) => string): string {
  return format.replaceAll(variablePattern, (_match, written: string) => {
    const name = variableNames.get(written.trim().toLowerCase());
    const value = name === undefined ? undefined : variables[name]?.(device);
    if (value === undefined || value === '') {
      const reason = name === undefined ? 'does not exist' : `has no value on ${device.deviceName}`;
      throw new EmulatorError('emulator.variable', `The variable {{${written.trim()}}} ${reason}.`);
    }
    return escape(value);
  });
}

/**
 * Escapes text for the value of an attribute in RFC 4514 form (§2.4), wherever in the value it stands: a variable may
 * be followed by more text, so leading and trailing spaces and a leading `#` are always escaped.
 */
export function escapeAttributeValue(value: string): string {
  return value.replaceAll(/[\\,+"<>;=\0]|^[ #]| $/gu, (character) => (character === '\0' ? '\\00' : `\\${character}`));
}
