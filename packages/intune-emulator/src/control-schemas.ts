/** The bodies of the control API. Unknown members are refused, so that a typing mistake does not pass for a default. */
import { z } from 'zod';
import type { ChallengeInput, DeviceInput, DeviceReport, Permissions } from './control-types.ts';
import {
  deviceReportedStates,
  platforms,
  subjectAlternativeNameTypes,
  subjectNameFormats,
  type Assignment,
} from './model.ts';

/** Names and values a person writes: no control characters, which would end up in names and terminals. */
const text = z
  .string()
  .min(1)
  .max(1024)
  .regex(/^[^\p{Cc}]*$/u, 'must not hold control characters');
const id = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\w-]+$/u, 'must be an id');
const objectIdentifier = z
  .string()
  .max(128)
  .regex(/^[0-2](?:\.(?:0|[1-9]\d{0,18})){1,30}$/u, 'must be an object identifier');
const keyUsage = z
  .array(z.enum(['digitalSignature', 'keyEncipherment']))
  .min(1)
  .max(2);

const clientAuthentication = { name: 'Client Authentication', objectIdentifier: '1.3.6.1.5.5.7.3.2' };

export const profileBody = z.strictObject({
  displayName: text,
  platform: z.enum(platforms),
  scepServerUrls: z
    .array(z.url({ protocol: /^https?$/u }).max(2048))
    .min(1)
    .max(20),
  subjectNameFormat: z.enum(subjectNameFormats).default('custom'),
  subjectNameFormatString: text.optional(),
  subjectAlternativeNames: z
    .array(z.strictObject({ sanType: z.enum(subjectAlternativeNameTypes), name: text }))
    .max(500)
    .default([]),
  keyUsage: keyUsage.default(['digitalSignature', 'keyEncipherment']),
  keySize: z.union([z.literal(1024), z.literal(2048), z.literal(4096)]).default(2048),
  hashAlgorithms: z
    .array(z.enum(['sha1', 'sha2']))
    .min(1)
    .max(2)
    .default(['sha2']),
  extendedKeyUsages: z
    .array(z.strictObject({ name: text, objectIdentifier }))
    .min(1)
    .max(500)
    .default([clientAuthentication]),
  certificateValidityPeriodValue: z.number().int().min(1).max(10_000).default(1),
  certificateValidityPeriodScale: z.enum(['days', 'months', 'years']).default('years'),
  renewalThresholdPercentage: z.number().int().min(1).max(99).default(20),
  certificateStore: z.enum(['user', 'machine']).default('user'),
  rootCertificate: z.string().max(65_536),
});

export const deviceBody: z.ZodType<DeviceInput> = z.strictObject({
  platform: z.enum(platforms),
  deviceName: text,
  serialNumber: text.optional(),
  imei: text.optional(),
  meid: text.optional(),
  wifiMacAddress: text.optional(),
  fullyQualifiedDomainName: text.optional(),
  azureADDeviceId: id.optional(),
  user: z.strictObject({
    id: id.optional(),
    userName: text,
    userPrincipalName: text,
    emailAddress: text.optional(),
    onPremisesSamAccountName: text.optional(),
    onPremisesDistinguishedName: text.optional(),
    onPremisesSecurityIdentifier: text.optional(),
  }),
});

export const assignmentBody: z.ZodType<Assignment> = z.strictObject({ profileId: id, deviceId: id });

export const reportBody: z.ZodType<DeviceReport> = z.strictObject({
  profileId: id,
  state: z.enum(deviceReportedStates),
  certificateThumbprint: z
    .string()
    .regex(/^[0-9A-Fa-f]{40}$/u, 'must be a SHA-1 thumbprint in hex')
    .transform((value) => value.toUpperCase())
    .optional(),
  errorCode: z.number().int().optional(),
});

export const challengeBody: z.ZodType<ChallengeInput> = z.strictObject({
  subject: z.string().max(2048),
  subjectAlternativeNames: z
    .array(z.strictObject({ sanType: z.enum(subjectAlternativeNameTypes), value: text }))
    .max(100)
    .optional(),
  keyUsage: keyUsage.optional(),
  extendedKeyUsages: z.array(objectIdentifier).min(1).max(100).optional(),
  keySize: z.number().int().min(512).max(16_384).optional(),
  expiresInMinutes: z.number().min(-525_600).max(525_600).optional(),
  count: z.number().int().min(1).max(1000).optional(),
});

export const permissionsBody: z.ZodType<Permissions> = z.strictObject({
  graph: z.array(text).max(100),
  intune: z.array(text).max(100),
});
