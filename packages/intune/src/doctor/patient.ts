import type { ConnectedServices } from '../connect-services.ts';
import type { HttpConnections } from '../http/http-connections.ts';
import type { CheckedOptions } from '../options.ts';
import type { TokenAudience } from '../token-source.ts';

/** A service of Intune as Microsoft Graph lists it. */
export interface ListedService {
  readonly name: string;
  /** Where it is, or why that address must not receive a token. */
  readonly address: { readonly url: URL } | { readonly problem: string };
}

/** The connection under examination, and what the checks so far have learnt of it. */
export interface Patient {
  readonly options: CheckedOptions;
  /** For sign-in, and for what needs none. */
  readonly http: HttpConnections;
  /** The parts of a client. They sign in once for each scope, and repeat nothing. */
  readonly services: ConnectedServices;
  readonly learnt: {
    /** The tokens themselves; never shown. */
    tokens?: Readonly<Partial<Record<TokenAudience, string>>>;
    /** What discovery lists. */
    services?: readonly ListedService[];
    /** Where Intune's SCEP service is. */
    scepService?: URL;
    /** From a token. */
    clientId?: string;
  };
}

/** Whether the sign-in goes to the authority; a managed identity and a foreign credential have ways of their own. */
export function signsInAtAuthority({ credential }: CheckedOptions): boolean {
  return !('getToken' in credential) && !('managedIdentity' in credential);
}
