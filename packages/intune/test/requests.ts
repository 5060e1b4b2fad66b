/** Arguments that a CA would pass, and what comes of them. */
import assert from 'node:assert/strict';

/** What a device's challenge looks like: long base64. */
export const challenge = `MIIKCANARYchallenge${'q7ZpXr2LkV9tYwB4'.repeat(20)}+/==`;

/** Begins like a PKCS #10 request and contains the challenge, as the real ones do; nothing here decodes it. */
export const certificateRequest = Buffer.concat([
  Buffer.of(0x30, 0x82, 0x02, 0x00),
  Buffer.from('CN=7b5f0c1e-6a0b-4d53-9d86-0a8f3a0d1b2c'),
  Buffer.from(challenge),
  Buffer.alloc(64, 0xa7),
]).toString('base64');

export const validation = { transactionId: 'TRANSACTION-1', certificateRequest };

export const success = {
  transactionId: 'TRANSACTION-1',
  certificateRequest,
  certificateThumbprint: '0123456789abcdef0123456789abcdef01234567',
  certificateSerialNumber: '4F00A1',
  certificateExpirationDateUtc: new Date('2027-11-22T10:20:30.456Z'),
  issuingCertificateAuthority: 'CN=Zürich Issuing CA,O=Contoso',
};

export const failure = {
  transactionId: 'TRANSACTION-1',
  certificateRequest,
  hResult: 0x80094811,
  errorDescription: 'RSA key shorter than 2048 bits',
};

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail('It resolved'),
    (error: unknown) => error,
  );
}

/** Waits for something that happens soon, or fails. */
export async function until(isTrue: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 10_000; !isTrue();) {
    assert.ok(performance.now() < endMs, 'It has not happened within ten seconds');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
