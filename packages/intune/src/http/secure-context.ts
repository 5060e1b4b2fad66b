import { createSecureContext, type SecureContext } from 'node:tls';
import type { CheckedTls } from './connection-options.ts';

/**
 * What TLS to Microsoft's services goes by: trust, and the client certificate. To be made once, since Node would read
 * the certificates anew for every connection.
 * @throws what OpenSSL has against a certificate or key
 */
export function targetContext({ ca, client }: CheckedTls): SecureContext {
  return createSecureContext({ ...(ca && { ca }), ...(client && { cert: client.chain, key: client.privateKey }) });
}

/** What TLS to an https proxy goes by: trust only, as the client certificate is for Microsoft's side. */
export function proxyContext(tls: CheckedTls | undefined): SecureContext | undefined {
  return tls?.ca === undefined ? undefined : createSecureContext({ ca: tls.ca });
}
