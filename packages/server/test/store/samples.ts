/** Values for the store's tests. */
import type { GrantedAuthorization, Intent, NewNotification, RequestIdentity, Store } from '../../src/store/store.ts';

export const dayMs = 86_400_000;
export const recordedAt = new Date('2026-03-01T12:00:00.000Z');
export const later = (milliseconds: number): Date => new Date(recordedAt.getTime() + milliseconds);

/** Text that must be found nowhere in the database's files. */
export const canary = 'CANARY-challenge-in-a-certification-request';

export function serialNumber(index: number): string {
  return index.toString(16).toUpperCase().padStart(32, '0');
}

/** The fingerprint of a CA. */
export function authority(generation: number): string {
  return generation.toString(16).toUpperCase().padStart(64, 'A');
}

export function identity(index: number): RequestIdentity {
  return {
    endpoint: 'intune',
    transactionId: `transaction-${index}`,
    publicKeySha256: index.toString(16).padStart(64, 'a'),
    requestSha256: index.toString(16).padStart(64, 'b'),
  };
}

/** On a challenge that serves one certificate. */
export function byIntune(challengeDigest: string, index = 1): GrantedAuthorization {
  return { kind: 'intune', connection: 'contoso', activityId: `activity-${index}`, challengeDigest };
}

/** On a challenge that nobody counts. */
export const byStaticChallenge = { kind: 'static-challenge', challengeUse: undefined } as const;

/** Each with a challenge of its own. */
export function intent(index: number, changes: Partial<Intent> = {}): Intent {
  return {
    identity: identity(index),
    authority: authority(1),
    authorization: byIntune(`of ${changes.serialNumber ?? serialNumber(index)}`, index),
    serialNumber: serialNumber(index),
    tbsCertificate: Uint8Array.of(0x30, index & 0xff),
    subject: `CN=device ${index}`,
    notBefore: recordedAt,
    notAfter: later(365 * dayMs),
    recordedAt,
    notification: undefined,
    ...changes,
  };
}

export function successNotification(index: number, changes: Partial<NewNotification> = {}): NewNotification {
  return {
    kind: 'success',
    connection: 'contoso',
    endpoint: 'intune',
    transactionId: `transaction-${index}`,
    serialNumber: serialNumber(index),
    payload: {
      kind: 'success',
      certificateRequest: canary,
      certificateThumbprint: 'AB'.repeat(20),
      certificateSerialNumber: serialNumber(index),
      certificateExpirationDateUtc: '2027-03-01T12:00:00.000Z',
      issuingCertificateAuthority: 'CN=Contoso Issuing CA',
    },
    firstAttemptAt: recordedAt,
    ...changes,
  };
}

export function failureNotification(index: number, changes: Partial<NewNotification> = {}): NewNotification {
  return {
    kind: 'failure',
    connection: 'contoso',
    endpoint: 'intune',
    transactionId: `transaction-${index}`,
    serialNumber: undefined,
    payload: { kind: 'failure', certificateRequest: canary, hResult: -2147467259, errorDescription: 'Key too small' },
    firstAttemptAt: recordedAt,
    ...changes,
  };
}

export function certificate(index: number): Uint8Array {
  return Uint8Array.of(0x30, 0x82, index & 0xff);
}

/** An enrollment up to step 7. */
export async function withhold(store: Store, index: number, changes: Partial<Intent> = {}): Promise<void> {
  await store.recordIntent(intent(index, changes));
  await store.storeCertificate({
    serialNumber: changes.serialNumber ?? serialNumber(index),
    certificate: certificate(index),
    storedAt: recordedAt,
    notification: successNotification(index),
  });
}

/** An enrollment that nobody must be told of before it is released. */
export async function issue(store: Store, index: number, changes: Partial<Intent> = {}): Promise<void> {
  await store.recordIntent(intent(index, { authorization: byStaticChallenge, ...changes }));
  await store.storeCertificate({
    serialNumber: changes.serialNumber ?? serialNumber(index),
    certificate: certificate(index),
    storedAt: recordedAt,
    notification: undefined,
  });
}
