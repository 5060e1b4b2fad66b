import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { EmulatorError } from './errors.ts';
import { newSecret, type RandomBytes } from './identifiers.ts';
import { readTextFile, writeFileAtomically } from './atomic-file.ts';

/**
 * What the emulator must be able to read back, because it plays Microsoft: the application's client secret, the key
 * under its access tokens, and the two keys of the challenges.
 */
export interface EmulatorSecrets {
  readonly clientSecret: string;
  /** HMAC-SHA256 key of the access tokens. */
  readonly tokenKey: Uint8Array;
  /** RSA-2048; signs the encrypted blob of a challenge. */
  readonly challengeSigningKey: KeyObject;
  /** RSA-2048; unwraps the content key of a challenge. */
  readonly challengeEncryptionKey: KeyObject;
}

const challengeKeyBits = 2048;

/** Fresh secrets. Generates two RSA keys, which takes some tenths of a second. */
export function createSecrets(randomBytes: RandomBytes): EmulatorSecrets {
  return {
    clientSecret: newSecret(randomBytes, 30),
    tokenKey: randomBytes(32),
    challengeSigningKey: generateKeyPairSync('rsa', { modulusLength: challengeKeyBits }).privateKey,
    challengeEncryptionKey: generateKeyPairSync('rsa', { modulusLength: challengeKeyBits }).privateKey,
  };
}

const storedSecrets = z.strictObject({
  formatVersion: z.literal(1),
  clientSecret: z.string().min(20).max(200),
  tokenKey: z.base64(),
  challengeSigningKey: z.string().startsWith('-----BEGIN PRIVATE KEY-----'),
  challengeEncryptionKey: z.string().startsWith('-----BEGIN PRIVATE KEY-----'),
});

/**
 * Reads `secrets.json` (mode 0600) of the emulator's folder, or creates it.
 *
 * @throws EmulatorError `emulator.state_damaged` with the path, when the file is there but unreadable as secrets.
 */
export async function loadOrCreateSecrets(folder: string, randomBytes: RandomBytes): Promise<EmulatorSecrets> {
  const path = join(folder, 'secrets.json');
  const text = await readTextFile(path);
  if (text !== undefined) return parseSecrets(text, path);
  const secrets = createSecrets(randomBytes);
  await writeFileAtomically(path, serializeSecrets(secrets));
  return secrets;
}

function serializeSecrets(secrets: EmulatorSecrets): string {
  const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'pkcs8' }).toString();
  const stored: z.infer<typeof storedSecrets> = {
    formatVersion: 1,
    clientSecret: secrets.clientSecret,
    tokenKey: Buffer.from(secrets.tokenKey).toString('base64'),
    challengeSigningKey: pem(secrets.challengeSigningKey),
    challengeEncryptionKey: pem(secrets.challengeEncryptionKey),
  };
  return `${JSON.stringify(stored, undefined, 2)}\n`;
}

function parseSecrets(text: string, path: string): EmulatorSecrets {
  try {
    const stored = storedSecrets.parse(JSON.parse(text));
    return {
      clientSecret: stored.clientSecret,
      tokenKey: Buffer.from(stored.tokenKey, 'base64'),
      challengeSigningKey: createPrivateKey(stored.challengeSigningKey),
      challengeEncryptionKey: createPrivateKey(stored.challengeEncryptionKey),
    };
  } catch {
    // No cause: parsers quote what they read, and what they read here is secret.
    throw new EmulatorError('emulator.state_damaged', `The emulator's secrets in ${path} are damaged.`, {
      path,
      hint: `Restore ${path} from a copy, or delete the emulator's folder to start with a new tenant.`,
    });
  }
}
