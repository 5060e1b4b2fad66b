import { checkText } from '../arguments.ts';
import { IntuneArgumentError } from '../errors.ts';
import type { TokenCredential } from './token-credential.ts';

/** The application's client secret in Microsoft Entra (`AAD_APP_ID` and `AAD_APP_KEY` of Microsoft's libraries). */
export interface ClientSecret {
  /** Application (client) id, a GUID. */
  readonly clientId: string;
  /** The secret's value, not its id. */
  readonly clientSecret: string;
}

/** How the application proves who it is: one of the kinds below, or any credential of the shape that `@azure/identity` has. */
export type IntuneCredential = TokenCredential | ClientSecret;

/** @throws {IntuneArgumentError} when the value is none of the kinds of credential, or lacks a member */
export function checkCredential(value: unknown): IntuneCredential {
  if (typeof value !== 'object' || value === null) {
    throw new IntuneArgumentError('credential', 'must be a client secret or a token credential');
  }
  if ('getToken' in value && typeof value.getToken === 'function') {
    return value as TokenCredential;
  }
  const { clientId, clientSecret } = value as Partial<Record<keyof ClientSecret, unknown>>;
  return {
    clientId: checkText('credential.clientId', clientId, { maximumLength: 256 }),
    clientSecret: checkText('credential.clientSecret', clientSecret, { maximumLength: 4096 }),
  };
}
