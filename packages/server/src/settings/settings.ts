/** The one validated value that a configuration becomes. `docs/configuration.md` lists every setting. */
import type { AuthorityKeyType, CertificateProfile, RsaKeyType } from '@scepter/ca';
import type { CloudName, IntuneCredential, ProxyOptions, TlsOptions } from '@scepter/intune';
import type { AlgorithmFloor } from '@scepter/scep';

export interface Settings {
  readonly listen: {
    readonly host: string;
    readonly port: number;
    /** Addresses and CIDR ranges of proxies whose `X-Forwarded-For` is believed. */
    readonly trustedProxies: readonly string[];
  };
  /** Base of the URLs that go into certificates; no trailing slash. */
  readonly publicUrl: string;
  /** Absolute path. */
  readonly dataFolder: string;
  /** Protects keys and sealed database columns. Absent: `master.secret` in the data folder, created on first start. */
  readonly masterSecret: string | undefined;
  readonly authority: AuthoritySettings;
  readonly connections: readonly ConnectionSettings[];
  readonly endpoints: readonly EndpointSettings[];
  /** The endpoint that also answers at the paths that clients have built in, if one does. */
  readonly defaultEndpoint?: string | undefined;
  readonly admin: AdminSettings;
  readonly limits: Limits;
}

/** The admin API, on a listener of its own. */
export interface AdminSettings {
  readonly listen: { readonly host: string; readonly port: number };
  readonly tokens: readonly AdminTokenSettings[];
}

export const tokenPermissions = ['challenges', 'requests', 'authority'] as const;
export type TokenPermission = (typeof tokenPermissions)[number];

export interface AdminTokenSettings {
  /** For the log. */
  readonly name: string;
  readonly secret: string;
  readonly permissions: readonly TokenPermission[];
}

/** What a new CA is made from: at the first start, and when the next one is staged. */
export interface AuthoritySettings {
  readonly organization: string;
  readonly commonNamePrefix: string;
  readonly keys: {
    readonly root: AuthorityKeyType;
    readonly issuing: AuthorityKeyType;
    readonly registration: RsaKeyType;
  };
  /** Whether messages are encrypted to an RA certificate, or to the issuing CA. */
  readonly registration: 'separate' | 'none';
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
  /** What GetCACert answers. Absent: `chain` with an RA, `single` without one. */
  readonly caCertificates: 'chain' | 'issuer' | 'single' | undefined;
  /** Whether a certificate of this CA may be renewed by its own key, without a challenge. Never where Intune decides. */
  readonly renewal: boolean;
  /** Whether renewals may use what RFC 8894 7.9 forbids: only where the configuration says so for a legacy endpoint. */
  readonly weakRenewal: boolean;
  /** What goes along with a certificate in a reply: nothing, or the certificate of its issuer. */
  readonly replyCertificates: 'leaf' | 'chain';
}

export type AuthorizerSettings =
  | {
      readonly kind: 'manual';
      readonly pendingDays: number;
      readonly pendingRequests: number;
      readonly pendingRequestsPerAddress: number;
    }
  | { readonly kind: 'intune'; readonly connection: string }
  | {
      readonly kind: 'static-challenge';
      /** At most one of the two. With neither, only challenges that are made at run time count. */
      readonly challenge?: string | undefined;
      /** As `scepter challenge hash` prints it. */
      readonly challengeHash?: string | undefined;
      readonly expiresAt?: Date | undefined;
      readonly maximumUses?: number | undefined;
    }
  | { readonly kind: 'one-time-challenge' };

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
  /** Of one client, an IPv4 address or an IPv6 /64; beyond it 429 with Retry-After. */
  readonly concurrentRequestsPerAddress: number;
  /** Of all clients; a sixth of it may come at once. Beyond it 503 with Retry-After. */
  readonly requestsPerMinute: number;
  /** Of one client, steadily; beyond it 429 with Retry-After. */
  readonly requestsPerMinutePerAddress: number;
  /** Of one client that has been quiet, at once. */
  readonly requestBurstPerAddress: number;
  /** Open at once; beyond it the client with the most gives one up. */
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** How long an idle connection is kept. */
  readonly keepAliveMs: number;
  /** Average speed below which a client is not waited for, in both directions. */
  readonly minimumBytesPerSecond: number;
  /** Wrong challenges in ten minutes; beyond it, the configured challenge of that endpoint is not compared. */
  readonly wrongChallengesPerAddress: number;
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
