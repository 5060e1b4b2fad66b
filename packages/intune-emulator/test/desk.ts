/** A desk for tests: an emulator with a fixed clock and a client that speaks to it as a SCEP server does. */
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import {
  createCertificationRequest,
  createSelfSignedCertificate,
  encodePem,
  extendedKeyUsageExtension,
  keyUsageExtension,
  parseName,
  subjectAltNameExtension,
  type Extension,
  type GeneralName,
  type KeyUsage,
} from '@scepter/x509';
import { ChallengeAuthority, type ChallengeExpectation } from '../src/challenge.ts';
import type { DeployedScepProfile, DeviceInput, ProfileInput } from '../src/control-types.ts';
import { createEmulator, type Emulator } from '../src/emulator.ts';
import type { EmulatorState, SubjectAlternativeName } from '../src/model.ts';
import { scepServicePath } from '../src/resources.ts';
import { createSecrets } from '../src/secrets.ts';
import { createTenantState } from '../src/state.ts';

export const origin = 'https://127.0.0.1:8443';
export const startTime = new Date('2026-03-01T12:00:00Z');
export const graphScope = 'https://graph.microsoft.com/.default';
export const intuneScope = 'https://api.manage.microsoft.com//.default';

/** RSA keys take long to make: one set for a test file. */
export const secrets = createSecrets(randomBytes);
export const deviceKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const challengeAuthority = new ChallengeAuthority({
  signingKey: secrets.challengeSigningKey,
  encryptionKey: secrets.challengeEncryptionKey,
  randomBytes,
});

const rootKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const rootCertificate = encodePem(
  'CERTIFICATE',
  createSelfSignedCertificate({
    subject: parseName('CN=Test root'),
    ...rootKeys,
    serialNumber: Uint8Array.of(1),
    notBefore: startTime,
    notAfter: new Date('2036-01-01T00:00:00Z'),
  }),
);

export const profileInput: ProfileInput = {
  displayName: 'User certificate',
  platform: 'windows',
  scepServerUrls: ['http://127.0.0.1:8080/scep/intune'],
  subjectNameFormatString: 'CN={{UserName}},O=Contoso',
  subjectAlternativeNames: [
    { sanType: 'userPrincipalName', name: '{{UserPrincipalName}}' },
    { sanType: 'emailAddress', name: '{{EmailAddress}}' },
  ],
  rootCertificate,
};

export const deviceInput: DeviceInput = {
  platform: 'windows',
  deviceName: 'LAPTOP-1',
  serialNumber: 'SN-1',
  user: { userName: 'adele', userPrincipalName: 'adele@contoso.com', emailAddress: 'adele@contoso.com' },
};

const kindsOfName = {
  emailAddress: 'email',
  userPrincipalName: 'upn',
  domainNameService: 'dns',
  universalResourceIdentifier: 'uri',
} as const;

export function generalNames(names: readonly SubjectAlternativeName[]): GeneralName[] {
  return names.map(({ sanType, value }) => ({ kind: kindsOfName[sanType], value }));
}

export interface RequestParts {
  subject: string;
  names?: GeneralName[];
  keyUsage?: KeyUsage[];
  extendedKeyUsages?: string[];
  challenge?: string | undefined;
  keys?: { privateKey: KeyObject; publicKey: KeyObject };
}

/** A PKCS#10 request in base64. */
export function certificateRequest(parts: RequestParts): string {
  const { names = [], keyUsage = [], extendedKeyUsages = [], keys = deviceKeys } = parts;
  const extensions: Extension[] = [];
  if (names.length > 0) extensions.push(subjectAltNameExtension(names));
  if (keyUsage.length > 0) extensions.push(keyUsageExtension(keyUsage));
  if (extendedKeyUsages.length > 0) extensions.push(extendedKeyUsageExtension(extendedKeyUsages));
  const encoded = createCertificationRequest({
    subject: parseName(parts.subject),
    ...keys,
    extensions,
    ...(parts.challenge === undefined ? {} : { challengePassword: parts.challenge }),
  });
  return Buffer.from(encoded).toString('base64');
}

/** What an honest device makes of its profile. */
export function partsFor(profile: DeployedScepProfile): RequestParts {
  return {
    subject: profile.subjectName,
    names: generalNames(profile.subjectAlternativeNames),
    keyUsage: [...profile.keyUsage],
    extendedKeyUsages: profile.extendedKeyUsages.map(({ objectIdentifier }) => objectIdentifier),
    challenge: profile.challenge,
  };
}

export interface Desk {
  emulator: Emulator;
  /** Advances or sets back the clock. */
  advance(milliseconds: number): void;
  saved: EmulatorState[];
  token(scope: string, overrides?: Record<string, string>): Promise<string>;
  tokenResponse(overrides?: Record<string, string>, tenant?: string): Promise<Response>;
  action(name: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Sends validateRequest, returns code and description of the answer. */
  validate(request: string): Promise<{ code: string; errorDescription: string }>;
}

export function createDesk(state: EmulatorState = createTenantState(randomBytes)): Desk {
  let time = startTime.getTime();
  const saved: EmulatorState[] = [];
  const save = async (changed: EmulatorState) => void saved.push(changed);
  const emulator = createEmulator({ state, secrets, save, now: () => new Date(time), randomBytes });
  const { tenantId, clientId } = state.tenant;
  const tokenResponse = (overrides: Record<string, string> = {}, tenant = tenantId) => {
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: secrets.clientSecret };
    const body = new URLSearchParams({ ...form, scope: intuneScope, ...overrides });
    return emulator.fetchMicrosoft(new Request(`${origin}/${tenant}/oauth2/v2.0/token`, { method: 'POST', body }));
  };
  const token = async (scope: string, overrides: Record<string, string> = {}) => {
    const { access_token: accessToken } = await json(await tokenResponse({ scope, ...overrides }));
    return String(accessToken);
  };
  const action = async (name: string, body: unknown, headers: Record<string, string> = {}) =>
    emulator.fetchMicrosoft(
      new Request(`${origin}${scepServicePath}/ScepActions/${name}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await token(intuneScope)}`,
          'api-version': '2018-02-20',
          'content-type': 'application/json',
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    );
  const validate = async (request: string) => {
    const body = { request: { transactionId: 'T-1', certificateRequest: request, callerInfo: 'Test 1.0' } };
    const { code, errorDescription } = await json(await action('validateRequest', body));
    return { code: String(code), errorDescription: String(errorDescription) };
  };
  return { emulator, advance: (ms) => void (time += ms), saved, token, tokenResponse, action, validate };
}

export async function json(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

export interface EnrolledDesk extends Desk {
  deviceId: string;
  profileId: string;
  checkIn: () => Promise<DeployedScepProfile>;
}

/** A desk with one device that has one profile. */
export async function createEnrolledDesk(
  profile: Partial<ProfileInput> = {},
  device: Partial<DeviceInput> = {},
): Promise<EnrolledDesk> {
  const desk = createDesk();
  const { control } = desk.emulator;
  const { id: profileId } = await control.createProfile({ ...profileInput, ...profile });
  const { id: deviceId } = await control.createDevice({ ...deviceInput, ...device });
  await control.assign({ profileId, deviceId });
  const checkIn = async () => {
    const [deployed] = (await control.checkIn(deviceId)).scepProfiles;
    if (deployed === undefined) throw new Error('The profile was not deployed.');
    return deployed;
  };
  return { ...desk, deviceId, profileId, checkIn };
}

/** A challenge with content of the test's choice, minted with the emulator's own keys. */
export function mintChallenge(content: Partial<ChallengeExpectation>): string {
  return challengeAuthority.issue({
    certificateRequestId: '00000000-0000-4000-8000-000000000000',
    target: { kind: 'unbound' },
    subject: 'CN=adele,O=Contoso',
    subjectAlternativeNames: [],
    created: startTime.toISOString(),
    expires: new Date(startTime.getTime() + 3_600_000).toISOString(),
    ...content,
  });
}
