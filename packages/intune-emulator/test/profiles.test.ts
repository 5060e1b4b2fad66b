import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseName } from '@scepter/x509';
import { assert as assertProperty, property, string } from 'fast-check';
import { EmulatorError } from '../src/errors.ts';
import type { Device, ScepProfile } from '../src/model.ts';
import { escapeAttributeValue, resolveProfile } from '../src/profiles.ts';
import { createEnrolledDesk, profileInput, deviceInput, certificateRequest, partsFor } from './desk.ts';

const device: Device = {
  id: 'device-id',
  azureADDeviceId: 'entra-id',
  platform: 'windows',
  deviceName: 'LAPTOP-1',
  serialNumber: 'SN-1',
  imei: '490154203237518',
  meid: 'A0000012345678',
  wifiMacAddress: 'A4B1C2D3E4F5',
  fullyQualifiedDomainName: 'laptop-1.corp.contoso.com',
  user: {
    id: 'user-id',
    userName: 'adele',
    userPrincipalName: 'adele@contoso.com',
    emailAddress: 'adele.vance@contoso.com',
    onPremisesSamAccountName: 'avance',
    onPremisesDistinguishedName: 'CN=Adele,OU=Staff,DC=contoso,DC=com',
    onPremisesSecurityIdentifier: 'S-1-5-21-1-2-3-1001',
  },
};

function profile(subjectNameFormatString: string, changes: Partial<ScepProfile> = {}): ScepProfile {
  return {
    ...(profileInput as unknown as ScepProfile),
    subjectAlternativeNames: [],
    subjectNameFormatString,
    ...changes,
  };
}

describe('a variable in a subject', () => {
  for (const [variable, value] of [
    ['UserName', 'adele'],
    ['UserPrincipalName', 'adele@contoso.com'],
    ['EmailAddress', 'adele.vance@contoso.com'],
    ['OnPremisesSamAccountName', 'avance'],
    ['OnPrem_Distinguished_Name', String.raw`CN\=Adele\,OU\=Staff\,DC\=contoso\,DC\=com`],
    ['AAD_Device_ID', 'entra-id'],
    ['AzureADDeviceId', 'entra-id'],
    ['DeviceId', 'device-id'],
    ['DeviceName', 'LAPTOP-1'],
    ['Device_Serial', 'SN-1'],
    ['SerialNumber', 'SN-1'],
    ['IMEI', '490154203237518'],
    ['Device_IMEI', '490154203237518'],
    ['IMEINumber', '490154203237518'],
    ['MEID', 'A0000012345678'],
    ['WiFiMacAddress', 'A4B1C2D3E4F5'],
    ['FullyQualifiedDomainName', 'laptop-1.corp.contoso.com'],
    ['username', 'adele'],
    [' UserName ', 'adele'],
  ] as const) {
    it(`{{${variable}}} becomes ${value}`, () => {
      assert.equal(
        resolveProfile(profile(`CN={{${variable}}},O=Contoso`), device).subjectName,
        `CN=${value},O=Contoso`,
      );
    });
  }

  it('may stand between other text and beside another', () => {
    const resolved = resolveProfile(profile('CN=pc-{{SerialNumber}}-{{UserName}}'), device);
    assert.equal(resolved.subjectName, 'CN=pc-SN-1-adele');
  });

  for (const [name, format, reason] of [
    ['has no value', 'CN={{IMEI}}', /\{\{IMEI\}\} has no value on LAPTOP-1/u],
    ['does not exist', 'CN={{Favourite}}', /\{\{Favourite\}\} does not exist/u],
  ] as const) {
    it(`that ${name} is an error that names it`, () => {
      assert.throws(
        () => resolveProfile(profile(format), { ...device, imei: undefined }),
        (error) => error instanceof EmulatorError && error.code === 'emulator.variable' && reason.test(error.message),
      );
    });
  }

  it('whose value looks like a variable is not filled in again', () => {
    const user = { ...device.user, userName: '{{SerialNumber}}' };
    assert.equal(resolveProfile(profile('CN={{UserName}}'), { ...device, user }).subjectName, 'CN={{SerialNumber}}');
  });
});

describe('a value in a subject', () => {
  it('stays one attribute whatever it holds', () => {
    assertProperty(
      property(string({ unit: 'grapheme', minLength: 1 }), (value) => {
        const { rdns } = parseName(`CN=${escapeAttributeValue(value)},O=Contoso`);
        assert.deepEqual(
          rdns.map((rdn) => rdn.map((attribute) => attribute.value)),
          [['Contoso'], [value]],
        );
      }),
    );
  });

  it('with commas reaches the certificate request and is validated', async () => {
    const user = { ...deviceInput.user, userName: 'Chan, Mei-Ling + "M"' };
    const desk = await createEnrolledDesk({}, { user });
    const deployed = await desk.checkIn();
    assert.equal(deployed.subjectName, String.raw`CN=Chan\, Mei-Ling \+ \"M\",O=Contoso`);
    assert.equal((await desk.validate(certificateRequest(partsFor(deployed)))).code, 'Success');
  });
});

describe('a subject alternative name', () => {
  it('has its values as they are', () => {
    const user = { ...device.user, emailAddress: 'a+b@contoso.com' };
    const names = [{ sanType: 'emailAddress', name: '{{EmailAddress}}' }] as const;
    const resolved = resolveProfile(profile('CN=a', { subjectAlternativeNames: names }), { ...device, user });
    assert.deepEqual(resolved.subjectAlternativeNames, [{ sanType: 'emailAddress', value: 'a+b@contoso.com' }]);
  });

  it('turns the security identifier into the URI of strong mapping', () => {
    const names = [{ sanType: 'universalResourceIdentifier', name: '{{OnPremisesSecurityIdentifier}}' }] as const;
    const [name] = resolveProfile(profile('CN=a', { subjectAlternativeNames: names }), device).subjectAlternativeNames;
    assert.equal(name?.value, 'tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-1001');
  });

  it('takes the security identifier in a URI only', () => {
    const names = [{ sanType: 'domainNameService', name: '{{OnPremisesSecurityIdentifier}}' }] as const;
    assert.throws(() => resolveProfile(profile('CN=a', { subjectAlternativeNames: names }), device), EmulatorError);
  });
});

describe('the SCEP URLs', () => {
  const scepServerUrls = ['http://a.example/scep', 'http://b.example/scep'];
  for (const [platform, count] of [
    ['windows', 2],
    ['ios', 1],
  ] as const) {
    it(`of ${platform} are ${count} of two`, () => {
      assert.equal(resolveProfile(profile('CN=a', { platform, scepServerUrls }), device).scepServerUrls.length, count);
    });
  }
});
