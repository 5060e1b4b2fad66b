/** The bodies of the three ScepActions, in every variation that clients of the real service send. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ReceivedFailureNotification, ReceivedSuccessNotification } from './model.ts';

/** Clients send the SCEP transaction id, a GUID, or the challenge itself. */
const transactionId = z.string().min(1).max(16_384);
const certificateRequest = z.string().min(1).max(131_072);
const callerInfo = z.string().min(1).max(1024);

export const validateRequestBody = z.object({
  request: z.object({ transactionId, certificateRequest, callerInfo }),
});

/** SHA-1 in hex of either case; separators as certificate dialogs show them are dropped. */
const thumbprint = z
  .string()
  .transform((text) => text.replaceAll(/[\s:]/gu, '').toUpperCase())
  .refine((text) => /^[0-9A-F]{40}$/u.test(text), 'must be a SHA-1 thumbprint in hex');

/** Decimal or hex, either case: stored as sent, since revocation requests echo it. */
const serialNumber = z.string().regex(/^(?:0x)?[0-9A-Fa-f]{1,60}$/u, 'must be a decimal or hex serial number');

const dateTime = z
  .string()
  .max(64)
  .refine((text) => !Number.isNaN(Date.parse(text)), 'must be a date and time')
  .transform((text) => new Date(text).toISOString());

const caText = z.string().max(2048).nullish();

export const successNotificationBody = z.object({
  notification: z.object({
    transactionId,
    certificateRequest,
    certificateThumbprint: thumbprint,
    certificateSerialNumber: serialNumber,
    certificateExpirationDateUtc: dateTime,
    issuingCertificateAuthority: z.string().min(1).max(2048),
    callerInfo,
    caConfiguration: caText,
    certificateAuthority: caText,
  }),
});

/** An HRESULT, as a signed or unsigned 32-bit number or as decimal or hex text; read as signed. */
const hResult = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^(?:-?\d{1,10}|0x[0-9A-Fa-f]{1,8})$/u)
      .transform(Number),
  ])
  .refine((value) => Number.isInteger(value) && value >= -0x8000_0000 && value <= 0xffff_ffff, 'must be 32 bits')
  .transform((value) => value | 0);

export const failureNotificationBody = z.object({
  notification: z.object({
    transactionId,
    certificateRequest,
    hResult,
    errorDescription: z.string().max(255),
    callerInfo,
  }),
});

export type SuccessNotification = z.infer<typeof successNotificationBody>['notification'];
export type FailureNotification = z.infer<typeof failureNotificationBody>['notification'];

/** What the emulator adds to a notification when it records it. */
export interface Reception {
  certificateRequestId: string;
  activityId: string;
  now: Date;
}

export function successRecord(sent: SuccessNotification, reception: Reception): ReceivedSuccessNotification {
  return {
    kind: 'success',
    ...receptionRecord(sent, reception),
    certificateThumbprint: sent.certificateThumbprint,
    certificateSerialNumber: sent.certificateSerialNumber,
    certificateExpirationDateUtc: sent.certificateExpirationDateUtc,
    issuingCertificateAuthority: sent.issuingCertificateAuthority,
    caConfiguration: sent.caConfiguration ?? undefined,
    certificateAuthority: sent.certificateAuthority ?? undefined,
  };
}

export function failureRecord(sent: FailureNotification, reception: Reception): ReceivedFailureNotification {
  return {
    kind: 'failure',
    ...receptionRecord(sent, reception),
    hResult: sent.hResult,
    errorDescription: sent.errorDescription,
  };
}

function receptionRecord(sent: SuccessNotification | FailureNotification, reception: Reception) {
  return {
    transactionId: withoutChallenge(sent.transactionId),
    certificateRequestSha256: sha256(sent.certificateRequest.replaceAll(/[\r\n]/gu, '')),
    certificateRequestId: reception.certificateRequestId,
    callerInfo: sent.callerInfo,
    activityId: reception.activityId,
    receivedDateTime: reception.now.toISOString(),
    timesReceived: 1,
  };
}

/** A transaction id longer than any SCEP client's may be the challenge, which is secret. */
function withoutChallenge(id: string): string {
  return id.length > 256 ? `sha256:${sha256(id)}` : id;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
