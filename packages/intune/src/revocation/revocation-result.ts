import { checkBoolean, checkObject, checkText } from '../arguments.ts';
import { cutDescription } from '../actions/description.ts';
import { IntuneArgumentError } from '../errors.ts';
import { isRevocationErrorCode, revocationErrorCodes, type RevocationErrorCode } from './error-codes.ts';

/** What became of a revocation. */
export type RevocationOutcome =
  | {
      /** The certificate is revoked, now or since earlier. */
      readonly succeeded: true;
    }
  | {
      readonly succeeded: false;
      /** Whether Intune asks again depends on it; see `revocationErrorCodes`. */
      readonly errorCode: RevocationErrorCode;
      /** For the administrator; cut to 255 UTF-16 units. No secrets: it is shown in Intune. Default: empty. */
      readonly errorMessage?: string;
    };

/** What became of one of Intune's requests. */
export type RevocationResult = {
  /** The request's, unchanged. */
  readonly requestContext: string;
} & RevocationOutcome;

/** The same in Intune's words. */
export interface WireRevocationResult {
  readonly requestContext: string;
  readonly succeeded: boolean;
  readonly errorCode: RevocationErrorCode | 'None';
  readonly errorMessage: string;
}

/** @throws {IntuneArgumentError} when a member is missing or unusable; `name` is how the error names the result */
export function checkRevocationResult(name: string, result: unknown): WireRevocationResult {
  const { requestContext, succeeded, errorCode, errorMessage } = checkObject(name, result) as Partial<
    Record<keyof WireRevocationResult, unknown>
  >;
  return {
    requestContext: checkText(`${name}.requestContext`, requestContext, { maximumLength: 65_536 }),
    ...checkOutcome(name, { succeeded, errorCode, errorMessage }),
  };
}

export function checkOutcome(
  name: string,
  { succeeded, errorCode, errorMessage }: Partial<Record<keyof WireRevocationResult, unknown>>,
): Omit<WireRevocationResult, 'requestContext'> {
  if (checkBoolean(`${name}.succeeded`, succeeded)) {
    if (errorCode !== undefined || errorMessage !== undefined) {
      throw new IntuneArgumentError(name, 'succeeded, and so has no errorCode and no errorMessage');
    }
    return { succeeded: true, errorCode: 'None', errorMessage: '' };
  }
  if (!isRevocationErrorCode(errorCode)) {
    throw new IntuneArgumentError(
      `${name}.errorCode`,
      `must be one of ${Object.keys(revocationErrorCodes).join(', ')}`,
    );
  }
  const limits = { maximumLength: 1024 * 1024, mayBeEmpty: true };
  const message = checkText(`${name}.errorMessage`, errorMessage ?? '', limits);
  return { succeeded: false, errorCode, errorMessage: cutDescription(message) };
}
