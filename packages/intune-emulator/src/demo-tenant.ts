/** The tenant that the demo starts with: five people, a device of each platform, and a SCEP profile for each. */
import type { EmulatorControl } from './control-client.ts';
import type { DeviceInput, ProfileInput } from './control-types.ts';
import type { Emulator } from './emulator.ts';
import { platforms, type Device, type Platform } from './model.ts';

export interface DemoTenantOptions {
  /** The SCEP URL that every profile names. */
  scepServerUrl: string;
  /** The root that every profile links to, PEM. */
  rootCertificatePem: string;
}

export interface DemoTenant {
  /** One device per platform, in the order of `platforms`. */
  readonly devices: readonly Device[];
}

interface DemoDevice {
  device: Omit<DeviceInput, 'platform'>;
  profile: Omit<ProfileInput, 'platform' | 'scepServerUrls' | 'rootCertificate'>;
}

const clientAuthentication = { name: 'Client Authentication', objectIdentifier: '1.3.6.1.5.5.7.3.2' };

const demo: Readonly<Record<Platform, DemoDevice>> = {
  windows: {
    device: {
      deviceName: 'LAPTOP-7QK2M4',
      serialNumber: '5CD3271XYZ',
      wifiMacAddress: 'A4B1C2D3E4F5',
      fullyQualifiedDomainName: 'laptop-7qk2m4.corp.contoso.com',
      user: {
        userName: 'adele.vance',
        userPrincipalName: 'adele.vance@contoso.com',
        emailAddress: 'Adele.Vance@contoso.com',
        onPremisesSamAccountName: 'avance',
        onPremisesSecurityIdentifier: 'S-1-5-21-2127521184-1604012920-1887927527-72713',
      },
    },
    profile: {
      displayName: 'Windows: user certificate with strong mapping',
      subjectNameFormatString: 'CN={{UserPrincipalName}},OU=Windows,O=Contoso',
      subjectAlternativeNames: [
        { sanType: 'userPrincipalName', name: '{{UserPrincipalName}}' },
        { sanType: 'universalResourceIdentifier', name: '{{OnPremisesSecurityIdentifier}}' },
      ],
      extendedKeyUsages: [clientAuthentication],
    },
  },
  ios: {
    device: {
      deviceName: 'iPhone von Jürgen',
      serialNumber: 'F2LXK1ABCD12',
      imei: '356938035643809',
      user: {
        userName: 'juergen.weiss',
        userPrincipalName: 'juergen.weiss@contoso.com',
        emailAddress: 'juergen.weiss@contoso.com',
      },
    },
    profile: {
      displayName: 'iOS: e-mail and Wi-Fi',
      subjectNameFormat: 'commonNameIncludingEmail',
      subjectAlternativeNames: [{ sanType: 'emailAddress', name: '{{EmailAddress}}' }],
      extendedKeyUsages: [clientAuthentication],
    },
  },
  macos: {
    device: {
      deviceName: 'MacBook-Pro-Design-3',
      serialNumber: 'C02ZX1ABMD6T',
      user: {
        userName: 'Chan, Mei-Ling',
        userPrincipalName: 'meiling.chan@contoso.com',
        emailAddress: 'meiling.chan@contoso.com',
      },
    },
    profile: {
      displayName: 'macOS: VPN',
      subjectNameFormatString: 'CN={{UserName}},OU={{SerialNumber}},O=Contoso',
      subjectAlternativeNames: [
        { sanType: 'emailAddress', name: '{{EmailAddress}}' },
        { sanType: 'userPrincipalName', name: '{{UserPrincipalName}}' },
      ],
      extendedKeyUsages: [clientAuthentication],
    },
  },
  android: {
    device: {
      deviceName: 'Pixel-9-Warehouse',
      serialNumber: '29051FDH2000KL',
      imei: '490154203237518',
      user: {
        userName: 'lidia.holloway',
        userPrincipalName: 'lidia.holloway@contoso.com',
        emailAddress: 'lidia.holloway@contoso.com',
      },
    },
    profile: {
      displayName: 'Android: Wi-Fi by IMEI',
      subjectNameFormat: 'commonNameAsIMEI',
      subjectAlternativeNames: [{ sanType: 'userPrincipalName', name: '{{UserPrincipalName}}' }],
      keyUsage: ['digitalSignature'],
      extendedKeyUsages: [clientAuthentication],
    },
  },
  androidEnterprise: {
    device: {
      deviceName: 'kiosk-04',
      serialNumber: 'R58N30ABCDE',
      user: {
        userName: 'kiosk.lobby',
        userPrincipalName: 'kiosk.lobby@contoso.com',
        emailAddress: 'kiosk@contoso.com',
      },
    },
    profile: {
      displayName: 'Android Enterprise: device certificate',
      subjectNameFormatString: 'CN={{DeviceId}},OU=Kiosks,O=Contoso',
      subjectAlternativeNames: [
        { sanType: 'domainNameService', name: '{{DeviceName}}.devices.contoso.com' },
        { sanType: 'universalResourceIdentifier', name: 'urn:contoso:device:{{AzureADDeviceId}}' },
      ],
      extendedKeyUsages: [clientAuthentication],
      certificateStore: 'machine',
    },
  },
};

/**
 * Fills a tenant with the demo's devices and profiles, or brings the URL and the root of those that exist up to date.
 * What else is in the tenant stays.
 *
 * @throws EmulatorError `emulator.invalid` when the URL or the PEM is none
 * @example
 * const { devices } = await seedDemo(host.emulator, { scepServerUrl: 'http://127.0.0.1:8080/scep/intune', rootCertificatePem });
 */
export async function seedDemo(emulator: Emulator, options: DemoTenantOptions): Promise<DemoTenant> {
  const { control } = emulator;
  const deviceIds: string[] = [];
  for (const platform of platforms) {
    const deviceId = await ensureDevice(control, platform);
    await control.assign({ profileId: await ensureProfile(control, platform, options), deviceId });
    deviceIds.push(deviceId);
  }
  const devices = await control.devices();
  return { devices: deviceIds.flatMap((id) => devices.filter((device) => device.id === id)) };
}

async function ensureDevice(control: EmulatorControl, platform: Platform): Promise<string> {
  const { device } = demo[platform];
  const existing = (await control.devices()).find(
    (candidate) => candidate.platform === platform && candidate.serialNumber === device.serialNumber,
  );
  return existing?.id ?? (await control.createDevice({ platform, ...device })).id;
}

async function ensureProfile(
  control: EmulatorControl,
  platform: Platform,
  { scepServerUrl, rootCertificatePem }: DemoTenantOptions,
): Promise<string> {
  const { profile } = demo[platform];
  const wanted = { platform, scepServerUrls: [scepServerUrl], rootCertificate: rootCertificatePem };
  const existing = (await control.profiles()).find(
    (candidate) => candidate.platform === platform && candidate.displayName === profile.displayName,
  );
  if (existing === undefined) return (await control.createProfile({ ...profile, ...wanted })).id;
  const { id, createdDateTime: _created, lastModifiedDateTime: _modified, version: _version, ...current } = existing;
  const isCurrent = current.scepServerUrls[0] === scepServerUrl && current.rootCertificate === rootCertificatePem;
  // An administrator's other changes to a demo profile are kept.
  if (!isCurrent) await control.updateProfile(id, { ...asInput(current), ...wanted });
  return id;
}

function asInput(
  profile: Omit<
    Awaited<ReturnType<EmulatorControl['profiles']>>[number],
    'id' | 'createdDateTime' | 'lastModifiedDateTime' | 'version'
  >,
): ProfileInput {
  return {
    ...profile,
    scepServerUrls: [...profile.scepServerUrls],
    subjectAlternativeNames: [...profile.subjectAlternativeNames],
    keyUsage: [...profile.keyUsage],
    hashAlgorithms: [...profile.hashAlgorithms],
    extendedKeyUsages: [...profile.extendedKeyUsages],
  };
}
