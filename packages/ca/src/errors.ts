import type { LintFinding } from './lint/lint-tbs-certificate.ts';

/** The stable codes of {@link CaError}. */
export type CaErrorCode =
  | 'ca.invalid_argument'
  | 'ca.invalid_profile'
  | 'ca.lint'
  | 'ca.signing_failed'
  | 'ca.invalid_crl'
  | 'ca.wrong_secret'
  | 'ca.store_missing'
  | 'ca.store_damaged'
  | 'ca.store_unreadable'
  | 'ca.store_unwritable';

/** What a {@link CaError} carries beside its code and message. */
export interface CaErrorDetails {
  /** The file or folder that the error is about. */
  readonly path?: string;
  /** One sentence for an operator: what to do now. */
  readonly hint?: string;
  /** The lints that fired, for `ca.lint`. */
  readonly findings?: readonly LintFinding[];
  readonly cause?: unknown;
}

/**
 * Every failure of this package. `code` is stable; messages, paths and hints are for people and never contain a secret.
 *
 * @example
 * try { await readHierarchy(folder, { secret }); }
 * catch (error) { if (error instanceof CaError && error.code === 'ca.wrong_secret') console.error(error.hint); }
 */
export class CaError extends Error {
  readonly code: CaErrorCode;
  readonly path: string | undefined;
  readonly hint: string | undefined;
  readonly findings: readonly LintFinding[];

  constructor(code: CaErrorCode, message: string, details: CaErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = 'CaError';
    this.code = code;
    this.path = details.path;
    this.hint = details.hint;
    this.findings = details.findings ?? [];
  }
}
