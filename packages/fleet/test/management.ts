// A device management that hands out one profile and keeps the reports.
import type { CheckIn, DeviceManagement, DeviceReport, DeviceScepProfile, Platform } from '../src/index.ts';

export interface RecordingManagement extends DeviceManagement {
  reports: DeviceReport[];
}

export const baseProfile: DeviceScepProfile = {
  profileId: 'profile-1',
  displayName: 'Wi-Fi certificate',
  scepServerUrls: [],
  subjectName: 'CN=anna,O=Contoso',
  subjectAlternativeNames: [
    { sanType: 'userPrincipalName', value: 'anna@contoso.example' },
    { sanType: 'universalResourceIdentifier', value: 'tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-1104' },
  ],
  keyUsage: ['digitalSignature', 'keyEncipherment'],
  keySize: 2048,
  extendedKeyUsages: [{ name: 'Client Authentication', objectIdentifier: '1.3.6.1.5.5.7.3.2' }],
  validityPeriod: { value: 1, scale: 'years' },
  challenge: 'c'.repeat(3000),
};

export function managementFor(
  platform: Platform,
  rootPem: string,
  profiles: DeviceScepProfile[],
  more: Partial<CheckIn> = {},
): RecordingManagement {
  const reports: DeviceReport[] = [];
  return {
    reports,
    checkIn: async () => ({
      device: { platform, deviceName: 'DESKTOP-1' },
      trustedRootCertificates: [rootPem],
      scepProfiles: profiles,
      ...more,
    }),
    report: async (_deviceId, report) => {
      reports.push(report);
    },
  };
}
