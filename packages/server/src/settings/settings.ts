/** The one validated value that a configuration becomes. `docs/configuration.md` lists every setting. */
import type { CertificateProfile } from '@scepter/ca';
import type { CloudName, IntuneCredential, ProxyOptions, TlsOptions } from '@scepter/intune';
import type { AlgorithmFloor } from '@scepter/scep';

export interface Settings {
  readonly listen: { readonly host: string; readonly port: number };
  /** Base of the URLs that go into certificates; no trailing slash. */
  readonly publicUrl: string;
  /** Absolute path. */
  readonly dataFolder: string;
  /** Protects keys and sealed database columns. Absent: `master.secret` in the data folder, created on first start. */
  readonly masterSecret: string | undefined;
  readonly authority: { readonly organization: string; readonly commonNamePrefix: string };
  readonly connections: readonly ConnectionSettings[];
  readonly endpoints: readonly EndpointSettings[];
  readonly limits: Limits;
}

/** Access to one tenant. */
export interface ConnectionSettings {
  readonly name: string;
  readonly tenantId: string;
  /** Secrets that the configuration takes from files are file names here: they are read anew at every sign-in. */
  readonly credential: IntuneCredential;
  readonly cloud: CloudName;
  readonly authorityUrl: string | undefined;
  readonly graphUrl: string | undefined;
  readonly intuneResource: string | undefined;
  /** PEM: what to trust instead of the system's certificates, and the client certificate. */
  readonly tls: TlsOptions | undefined;
  readonly proxy: ProxyOptions | undefined;
  readonly allowLoopback: boolean;
  /** For one whole call, a validation or a notification, with sign-in and discovery. A device may wait for two. */
  readonly timeoutMs: number;
  /** For one HTTP request of it. Absent: the library's default. */
  readonly attemptTimeoutMs: number | undefined;
}

export interface EndpointSettings {
  /** The last part of the URL: `/scep/{name}`. */
  readonly name: string;
  readonly authorizer: AuthorizerSettings;
  readonly certificateProfile: CertificateProfile;
  readonly algorithms: AlgorithmFloor;
  /** Whether a certificate of this CA may be renewed by its own key, without a challenge. Never where Intune decides. */
  readonly renewal: boolean;
}

export type AuthorizerSettings =
  | { readonly kind: 'intune'; readonly connection: string }
  | { readonly kind: 'static-challenge'; readonly challenge: string };

export interface Limits {
  /** Of a POST body. Default 65,536: a SCEP request with an Intune challenge is below 16 KB. */
  readonly bodyBytes: number;
  /** Time a client has to send its whole request. */
  readonly requestTimeoutMs: number;
  /** One job of a crypto worker. */
  readonly workerTimeoutMs: number;
  readonly workers: number;
  /** Requests in work at once; beyond it 503 with Retry-After. */
  readonly concurrentRequests: number;
  /** After this time a withheld certificate that nobody claimed is revoked. */
  readonly withheldClaimMs: number;
  /** How long a CRL is valid; a new one is signed at half of it and at each revocation. */
  readonly crlValidityMs: number;
}

export type SettingsErrorCode =
  | 'settings.invalid'
  | 'settings.secret_missing'
  | 'settings.file_unreadable'
  | 'settings.unknown_reference';

/** @see docs/configuration.md */
export class SettingsError extends Error {
  readonly code: SettingsErrorCode;
  /** Where in the configuration: `endpoints.intune.authorizer.connection`. */
  readonly path: string;
  constructor(code: SettingsErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SettingsError';
    this.code = code;
    this.path = path;
  }
}
