/** The credentials registered for the application, as the portal's "Certificates & secrets" page keeps them. */
import { createHash, createPublicKey, timingSafeEqual, X509Certificate } from 'node:crypto';
import type {
  ApplicationCertificate,
  ApplicationCredentials,
  ApplicationSecret,
  FederatedCredential,
  FederatedCredentialInput,
  StoredApplicationSecret,
} from './credential-types.ts';
import { EmulatorError } from './errors.ts';
import { newGuid, newSecret, type RandomBytes } from './identifiers.ts';

/** What a workload identity's token names as its audience unless the administrator chose another. */
export const tokenExchangeAudience = 'api://AzureADTokenExchange';

/** The secret that `secrets.json` holds and the connection shows. */
const firstSecret: StoredApplicationSecret = { id: 'initial', createdDateTime: '1970-01-01T00:00:00.000Z' };

export type SecretVerdict = 'accepted' | 'expired' | 'wrong';

/** In memory; whoever changes it saves the records before answering. */
export class CredentialRegister {
  #secrets: readonly StoredApplicationSecret[];
  #certificates: readonly ApplicationCertificate[];
  #federated: readonly FederatedCredential[];

  constructor(stored?: ApplicationCredentials) {
    this.#secrets = stored?.secrets ?? [firstSecret];
    this.#certificates = stored?.certificates ?? [];
    this.#federated = stored?.federated ?? [];
  }

  snapshot(): ApplicationCredentials {
    return { secrets: this.#secrets, certificates: this.#certificates, federated: this.#federated };
  }

  secrets(): ApplicationSecret[] {
    return this.#secrets.map(({ sha256: _sha256, ...shown }) => shown);
  }

  /** Adds a secret. It is returned this once; only its hash is kept. */
  addSecret(
    endDateTime: string | undefined,
    { now, randomBytes }: { now: Date; randomBytes: RandomBytes },
  ): { id: string; secret: string } {
    const id = newGuid(randomBytes);
    const secret = newSecret(randomBytes, 30);
    const added = { id, sha256: hashOf(secret).toString('hex'), createdDateTime: now.toISOString(), endDateTime };
    this.#secrets = [...this.#secrets, added];
    return { id, secret };
  }

  /** @throws EmulatorError `emulator.not_found` */
  removeSecret(id: string): void {
    this.#secrets = without(this.#secrets, (secret) => secret.id === id, `secret with the id ${id}`);
  }

  /** @param initial the secret that `secrets.json` holds */
  checkSecret(received: string, initial: string, now: Date): SecretVerdict {
    const match = this.#secrets.find(({ sha256 }) =>
      timingSafeEqual(hashOf(received), sha256 === undefined ? hashOf(initial) : Buffer.from(sha256, 'hex')),
    );
    if (match === undefined) return 'wrong';
    return match.endDateTime !== undefined && Date.parse(match.endDateTime) <= now.getTime() ? 'expired' : 'accepted';
  }

  certificates(): readonly ApplicationCertificate[] {
    return this.#certificates;
  }

  /** Registers a certificate; does nothing if it is there already. @throws EmulatorError `emulator.invalid` */
  addCertificate(pem: string): ApplicationCertificate {
    const certificate = readCertificate(pem);
    const others = this.#certificates.filter(({ thumbprint }) => thumbprint !== certificate.thumbprint);
    this.#certificates = [...others, certificate];
    return certificate;
  }

  /** @throws EmulatorError `emulator.not_found` */
  removeCertificate(thumbprint: string): void {
    const wanted = thumbprint.toUpperCase();
    this.#certificates = without(
      this.#certificates,
      (certificate) => certificate.thumbprint === wanted || certificate.thumbprintSha256 === wanted,
      `certificate with the thumbprint ${thumbprint}`,
    );
  }

  federated(): readonly FederatedCredential[] {
    return this.#federated;
  }

  /** Adds a federated credential, or replaces that of the same issuer and subject. @throws EmulatorError `emulator.invalid` */
  setFederated(input: FederatedCredentialInput, randomBytes: RandomBytes): FederatedCredential {
    const { issuer, subject, audience = tokenExchangeAudience } = input;
    const keys = readKeys(input);
    const credential = { id: newGuid(randomBytes), issuer, subject, audience, keys };
    const others = this.#federated.filter((other) => other.issuer !== issuer || other.subject !== subject);
    this.#federated = [...others, credential];
    return credential;
  }

  /** @throws EmulatorError `emulator.not_found` */
  removeFederated(id: string): void {
    this.#federated = without(this.#federated, (credential) => credential.id === id, `federated credential ${id}`);
  }
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function without<T>(all: readonly T[], matches: (one: T) => boolean, what: string): T[] {
  const rest = all.filter((one) => !matches(one));
  if (rest.length === all.length) throw new EmulatorError('emulator.not_found', `There is no ${what}.`);
  return rest;
}

function readCertificate(pem: string): ApplicationCertificate {
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(pem);
  } catch (cause) {
    throw new EmulatorError('emulator.invalid', 'That is not a certificate in PEM.', { cause });
  }
  if (parsed.publicKey.asymmetricKeyType !== 'rsa') {
    throw new EmulatorError('emulator.invalid', 'An application signs in with an RSA certificate.');
  }
  return {
    thumbprint: parsed.fingerprint.replaceAll(':', ''),
    thumbprintSha256: parsed.fingerprint256.replaceAll(':', ''),
    subject: parsed.subject,
    startDateTime: parsed.validFromDate.toISOString(),
    endDateTime: parsed.validToDate.toISOString(),
    pem: parsed.toString(),
  };
}

function readKeys({ publicKeyPem, jwks }: FederatedCredentialInput): FederatedCredential['keys'] {
  if ((publicKeyPem === undefined) === (jwks === undefined)) {
    throw new EmulatorError('emulator.invalid', 'Give either publicKeyPem or jwks.');
  }
  try {
    if (publicKeyPem !== undefined) return [{ publicKeyPem: spkiPem(publicKeyPem) }];
    return (jwks?.keys ?? []).map((key) => {
      const { kid } = key;
      const pem = spkiPem({ key, format: 'jwk' });
      return typeof kid === 'string' ? { kid, publicKeyPem: pem } : { publicKeyPem: pem };
    });
  } catch (cause) {
    throw new EmulatorError('emulator.invalid', 'That is not a public key.', { cause });
  }
}

function spkiPem(key: Parameters<typeof createPublicKey>[0]): string {
  return createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString();
}
