import type { KeyPair } from './device/device.ts';
import type { CheckResult } from './report/report.ts';

/** Where the challenges of the probe's enrollments come from. */
export type ChallengeSource =
  | { readonly kind: 'none' }
  /** The same for every request. */
  | { readonly kind: 'static'; readonly challenge: string }
  /** Good for one certificate. */
  | { readonly kind: 'one-time'; readonly challenge: string }
  /** A fresh one-time challenge at every call. */
  | { readonly kind: 'fresh'; next(): Promise<string> };

/** What the probe's messages are protected with. `legacy` is what RFC 8894 section 2.9 forbids: single DES and MD5. */
export type ProbeAlgorithms = 'modern' | 'compatible' | 'legacy';

export interface ProbeOptions {
  /** The server's SCEP address, http or https. */
  readonly url: string;
  readonly now: () => Date;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Default: none, which leaves out what needs a certificate. */
  readonly challenge?: ChallengeSource;
  /**
   * RFC 4514 text. `{n}` becomes a number that is new for every enrollment, for servers that give one certificate to a
   * name. Default `CN=scepter-probe-{n}`.
   */
  readonly subject?: string;
  /** SHA-256 of the CA certificate, upper-case hex. */
  readonly caFingerprint?: string;
  /** Sent as `message` with GetCACaps and GetCACert. */
  readonly caIdentifier?: string;
  /** Default `modern`. */
  readonly algorithms?: ProbeAlgorithms;
  /** Checks to run, by id or by group; default: all. */
  readonly only?: readonly string[];
  /** Runs the group `abuse`, too. */
  readonly abuse?: boolean;
  /** How long to poll a request that is PENDING, in seconds. Default 0: not at all. */
  readonly pendingSeconds?: number;
  /** Between two polls. Default 2,000. */
  readonly pollIntervalMs?: number;
  /** For one exchange. Default 10,000. */
  readonly timeoutMs?: number;
  /** Between the starts of two exchanges. Default 25. */
  readonly intervalMs?: number;
  /** PEM of the certificates to trust for https, instead of the system's. */
  readonly tlsCa?: string;
  /** Where the probe's RSA keys come from. Default: fresh ones of 2048 bits. */
  readonly newKeys?: () => Promise<KeyPair>;
  /** Told after each check. */
  readonly onResult?: (result: CheckResult) => void;
  readonly signal?: AbortSignal;
}

export const defaultSubject = 'CN=scepter-probe-{n}';
