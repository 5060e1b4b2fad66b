import type { Dispatcher } from 'undici';
import { IntuneArgumentError } from '../errors.ts';

/** TLS of every connection: sign-in, discovery and Intune. */
export interface TlsOptions {
  /** Certificates in PEM that are trusted *instead of* the well-known ones. */
  readonly ca?: string | Uint8Array;
}

/** How every HTTP request travels, the token request included. */
export interface ConnectionOptions {
  /** Applies to every connection: sign-in, discovery and Intune. */
  readonly tls?: TlsOptions;
  /** Replaces the client's own connection pool; `close()` leaves it open. Excludes `tls`. */
  readonly dispatcher?: Dispatcher;
}

export interface CheckedConnectionOptions {
  readonly ca: string | Uint8Array | undefined;
  readonly dispatcher: Dispatcher | undefined;
}

/** @throws {IntuneArgumentError} for the first option that is unusable */
export function checkConnectionOptions(options: ConnectionOptions): CheckedConnectionOptions {
  const { dispatcher, tls } = options;
  if (dispatcher !== undefined && tls !== undefined) {
    throw new IntuneArgumentError('dispatcher', 'excludes tls: configure TLS on the dispatcher');
  }
  return { ca: checkCa(tls?.ca), dispatcher };
}

function checkCa(value: unknown): string | Uint8Array | undefined {
  if (value === undefined || value instanceof Uint8Array) {
    return value;
  }
  if (typeof value !== 'string' || !value.includes('-----BEGIN CERTIFICATE-----')) {
    throw new IntuneArgumentError('tls.ca', 'must be certificates in PEM');
  }
  return value;
}
