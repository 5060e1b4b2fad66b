/** A configured connection as the options of the Intune client. */
import type { IntuneClientOptions } from '@scepter/intune';
import type { ConnectionSettings } from '../settings/settings.ts';

/** Who calls, in Microsoft's logs. */
const callerInfo = 'Scepter/0.1.0';

/**
 * @example
 * const report = await checkConnection(intuneOptions(connection, () => new Date()));
 */
export function intuneOptions(connection: ConnectionSettings, now: () => Date): IntuneClientOptions {
  const { tenantId, credential, cloud, authorityUrl, graphUrl, intuneResource, tls, proxy } = connection;
  const { allowLoopback, timeoutMs, attemptTimeoutMs } = connection;
  return {
    tenant: tenantId,
    credential,
    callerInfo,
    cloud,
    allowLoopback,
    timeoutMs,
    now,
    ...(authorityUrl === undefined ? {} : { authority: authorityUrl }),
    ...(graphUrl === undefined ? {} : { graphUrl }),
    ...(intuneResource === undefined ? {} : { intuneResource }),
    ...(tls === undefined ? {} : { tls }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(attemptTimeoutMs === undefined ? {} : { attemptTimeoutMs }),
  };
}
