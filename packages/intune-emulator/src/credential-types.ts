/** What the application signs in with: secrets, certificates, and tokens of other issuers that stand for it. */

/** Nothing secret: a hash, or a reference to the first secret, which `secrets.json` holds. */
export interface StoredApplicationSecret {
  readonly id: string;
  /** SHA-256 of the secret, lower-case hex; absent for the first secret. */
  readonly sha256?: string | undefined;
  readonly createdDateTime: string;
  /** ISO 8601; absent: it never expires. */
  readonly endDateTime?: string | undefined;
}

export interface ApplicationCertificate {
  /** SHA-1, upper-case hex. */
  readonly thumbprint: string;
  /** SHA-256, upper-case hex. */
  readonly thumbprintSha256: string;
  readonly subject: string;
  /** ISO 8601. */
  readonly startDateTime: string;
  /** ISO 8601. */
  readonly endDateTime: string;
  readonly pem: string;
}

/** A federated identity credential: tokens with this issuer, subject and audience may stand for the application. */
export interface FederatedCredential {
  readonly id: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  /** The issuer's keys, SPKI PEM; where the token names its key, the one with that `kid`. */
  readonly keys: readonly { readonly kid?: string | undefined; readonly publicKeyPem: string }[];
}

export interface ApplicationCredentials {
  readonly secrets: readonly StoredApplicationSecret[];
  readonly certificates: readonly ApplicationCertificate[];
  readonly federated: readonly FederatedCredential[];
}

/** A secret as the portal lists it. */
export type ApplicationSecret = Omit<StoredApplicationSecret, 'sha256'>;

export interface ApplicationSecretInput {
  /** ISO 8601; absent: it never expires. A past one gives a secret that has expired. */
  endDateTime?: string | undefined;
}

export interface FederatedCredentialInput {
  issuer: string;
  subject: string;
  /** Default `api://AzureADTokenExchange`. */
  audience?: string | undefined;
  /** The issuer's public key as SPKI PEM, or its key set (RFC 7517 §5); one of the two. */
  publicKeyPem?: string | undefined;
  jwks?: { keys: Record<string, unknown>[] } | undefined;
}
