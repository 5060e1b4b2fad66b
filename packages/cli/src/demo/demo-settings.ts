import { parseSettings } from '@scepter/server';
import type { Settings } from '@scepter/server';
import type { Connection } from '@scepter/intune-emulator';

/** What the demo's server is configured from. */
export interface DemoServer {
  readonly port: number;
  /** Absolute path. */
  readonly dataFolder: string;
  readonly connection: Connection;
  readonly staticChallenge: string;
}

/**
 * The demo's settings: the emulated tenant, and three endpoints.
 *
 * `legacy` alone takes single DES and MD5; the other two take triple DES and SHA-1, which many devices still send.
 */
export function demoSettings({ port, dataFolder, connection, staticChallenge }: DemoServer): Settings {
  const staticAuthorizer = { kind: 'static-challenge', challenge: { environment: 'static challenge' } };
  const configuration = {
    listen: { host: '127.0.0.1', port },
    dataFolder,
    authority: { organization: 'Scepter Demo' },
    connections: {
      demo: {
        tenantId: connection.tenantId,
        clientId: connection.clientId,
        clientSecret: { environment: 'client secret' },
        authorityUrl: connection.authorityUrl,
        graphUrl: connection.graphUrl,
        intuneResource: connection.intuneResource,
        tlsCaFile: connection.tlsCaFile,
        allowLoopback: true,
      },
    },
    endpoints: {
      intune: { authorizer: { kind: 'intune', connection: 'demo' }, algorithms: 'compatible' },
      static: { authorizer: staticAuthorizer, algorithms: 'compatible' },
      legacy: { authorizer: staticAuthorizer, algorithms: 'legacy' },
    },
  };
  return parseSettings(configuration, {
    baseFolder: dataFolder,
    environment: { 'client secret': connection.clientSecret, 'static challenge': staticChallenge },
  });
}
