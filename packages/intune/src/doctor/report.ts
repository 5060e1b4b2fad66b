/** The checks in the order in which they are made; a name never changes its meaning. */
export type ConnectionCheckName =
  | 'options'
  | 'credential'
  | 'proxy'
  | 'tls.entra'
  | 'tls.graph'
  | 'clock'
  | 'token.graph'
  | 'roles.graph'
  | 'discovery'
  | 'pkiConnector'
  | 'tls.intune'
  | 'token.intune'
  | 'roles.intune'
  | 'validation';

/**
 * What became of a check.
 * - `ok`: as it should be
 * - `warning`: certificates can be issued, but somebody should look at it
 * - `failed`: certificates cannot be issued, or not safely
 * - `skipped`: not tried, because an earlier check failed or there is nothing to check
 */
export type ConnectionCheckState = 'ok' | 'warning' | 'failed' | 'skipped';

/** What a check measured, for programs: JSON values only. */
export type ConnectionCheckDetail =
  | string
  | number
  | boolean
  | null
  | readonly ConnectionCheckDetail[]
  | { readonly [name: string]: ConnectionCheckDetail };

/** One check of a connection and what came of it. */
export interface ConnectionCheck {
  readonly name: ConnectionCheckName;
  /** The check in a few words, for a heading. */
  readonly title: string;
  readonly state: ConnectionCheckState;
  /** What was seen, in sentences. */
  readonly saw: string;
  /** What to do about it, in sentences; absent where nothing is to be done. */
  readonly advice?: string;
  /** 0 when the check was skipped. */
  readonly durationMs: number;
  /** What was measured, for programs; the names depend on the check. */
  readonly details: { readonly [name: string]: ConnectionCheckDetail };
}

/** What `checkConnection` found. It holds no secret: no token, no client secret, no private key, no password. */
export interface ConnectionReport {
  /** Whether no check failed; there may be warnings. */
  readonly ok: boolean;
  /** Every check, in the order in which they were made. */
  readonly checks: readonly ConnectionCheck[];
  /** ISO 8601. */
  readonly startedAt: string;
  /** All checks together. */
  readonly durationMs: number;
  /** As the options name it. */
  readonly tenant: string;
  /** The cloud's name, as the options have it. */
  readonly cloud: string;
  /** Application (client) id: the credential's, or that in the token; absent when neither names one. */
  readonly clientId?: string;
}
