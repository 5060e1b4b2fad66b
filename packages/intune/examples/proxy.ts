/** Everything through an HTTP proxy with basic authentication: sign-in, discovery and Intune, of this client alone. */
import { IntuneClient, IntuneNetworkError, type IntuneClientOptions } from '@scepter/intune';

export function connectThroughProxy(
  tenant: IntuneClientOptions,
  proxy: { readonly host: string; readonly port: number; readonly username: string; readonly password: string },
): IntuneClient {
  return new IntuneClient({ ...tenant, proxy });
}

/** What to tell the administrator when the proxy is what is wrong; `undefined` when it is something else. */
export function explainProxyFailure(error: unknown): string | undefined {
  if (!(error instanceof IntuneNetworkError) || error.reason !== 'proxy') {
    return undefined;
  }
  return error.proxyStatus === 407 ? 'The proxy wants another user or password.' : error.message;
}
