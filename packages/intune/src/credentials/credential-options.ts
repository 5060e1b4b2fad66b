import type { TokenCredential } from './token-credential.ts';

/** The application's client secret in Microsoft Entra (`AAD_APP_ID` and `AAD_APP_KEY` of Microsoft's libraries). */
export interface ClientSecret {
  /** Application (client) id, a GUID. */
  readonly clientId: string;
  /** The secret's value, not its id. */
  readonly clientSecret: string;
}

/**
 * A client secret in a file.
 * @example
 * ```ts
 * { clientId, clientSecretFile: '/run/secrets/intune-client-secret' }
 * ```
 */
export interface ClientSecretFile {
  /** Application (client) id, a GUID. */
  readonly clientId: string;
  /** A file with the secret's value and nothing else. Read anew at every sign-in: replacing it replaces the secret. */
  readonly clientSecretFile: string;
}

/** What certificates have in common, given by value or by file. */
export interface CertificateUse {
  /** Application (client) id, a GUID. */
  readonly clientId: string;
  /** Decrypts the private key. */
  readonly passphrase?: string;
  /**
   * Sends the certificates along (`x5c`), for applications that are registered with subject name and issuer instead of
   * a certificate. Default: false.
   */
  readonly sendCertificateChain?: boolean;
}

/**
 * A certificate that is registered for the application in Microsoft Entra. Its key must be RSA, of 2,048 bits or more.
 * It signs a short-lived assertion at every sign-in and never leaves the process.
 */
export interface ClientCertificate extends CertificateUse {
  /** The certificate in PEM, with or without its chain. */
  readonly certificate: string;
  /** The private key in PEM. */
  readonly privateKey: string;
}

/**
 * The same, from files that are read anew at every sign-in: replacing them replaces the certificate.
 * @example
 * ```ts
 * { clientId, certificateFile: '/etc/scep/intune.pem' } // Certificate and private key in one file.
 * ```
 */
export interface ClientCertificateFile extends CertificateUse {
  /** A PEM file with the certificate, with or without its chain. */
  readonly certificateFile: string;
  /** A PEM file with the private key. Default: `certificateFile`. */
  readonly privateKeyFile?: string;
}

/** A user-assigned managed identity by one of its ids. */
export type UserAssignedIdentityId =
  | { readonly clientId: string }
  | { readonly objectId: string }
  | { readonly resourceId: string };

/** Which of a machine's managed identities: `true` the system-assigned one, else a user-assigned one. */
export type ManagedIdentityId = true | UserAssignedIdentityId;

/** Where the platform says how to reach the managed identity. */
export interface ManagedIdentityPlatform {
  /** The environment variables by which Azure's platforms name their endpoint. Default: the process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * The managed identity of an Azure machine, App Service, Container App, Functions app, Azure Machine Learning or an
 * Azure Arc machine. The identity's own service principal needs the two permissions.
 * @example
 * ```ts
 * { managedIdentity: true }
 * ```
 */
export interface ManagedIdentity extends ManagedIdentityPlatform {
  readonly managedIdentity: ManagedIdentityId;
}

/**
 * A managed identity whose tokens stand for the application: its federated credential names the identity. Microsoft
 * Entra takes no system-assigned identity for it.
 */
export interface ManagedIdentityFederation extends ManagedIdentityPlatform {
  readonly managedIdentity: UserAssignedIdentityId;
  /** Default: the cloud's, `api://AzureADTokenExchange` in the public one. */
  readonly audience?: string;
}

/**
 * Workload identity federation: a token of somebody else (Kubernetes, a CI system, a managed identity) stands for the
 * application, which holds a matching federated credential and no secret.
 * @example
 * ```ts
 * { clientId, federatedToken: { file: '/var/run/secrets/azure/tokens/azure-identity-token' } }
 * ```
 */
export interface WorkloadIdentity {
  /** Application (client) id, a GUID. */
  readonly clientId: string;
  /** The token: a file that is read anew at every sign-in, a managed identity, or a function that is asked each time. */
  readonly federatedToken: { readonly file: string } | ManagedIdentityFederation | (() => Promise<string>);
}

/** How the application proves who it is: one of the kinds below, or any credential of the shape that `@azure/identity` has. */
export type IntuneCredential =
  | TokenCredential
  | ClientSecret
  | ClientSecretFile
  | ClientCertificate
  | ClientCertificateFile
  | ManagedIdentity
  | WorkloadIdentity;
