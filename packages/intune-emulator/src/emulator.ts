import { Hono } from 'hono';
import { AccessTokens } from './access-tokens.ts';
import { ChallengeAuthority } from './challenge.ts';
import { controlApp } from './control-api.ts';
import { EmulatorControl } from './control-client.ts';
import type { Connection } from './control-types.ts';
import { entraApp } from './entra.ts';
import { EmulatorError } from './errors.ts';
import { Faults } from './faults.ts';
import type { HostBindings } from './faulty-call.ts';
import { graphApp } from './graph.ts';
import type { RandomBytes } from './identifiers.ts';
import { intuneError } from './intune-http.ts';
import { appServiceTokenPath, identityHeaderFrom } from './managed-identity.ts';
import { managedIdentityIds } from './managed-identity-ids.ts';
import type { EmulatorState } from './model.ts';
import { pkiConnectorApp } from './pki-connector.ts';
import { scepActionsApp } from './scep-actions.ts';
import { createSecrets, type EmulatorSecrets } from './secrets.ts';
import { createTenantState, EmulatorRecords } from './state.ts';

export interface EmulatorOptions {
  /** Default: a new tenant. */
  state?: EmulatorState | undefined;
  /** Default: fresh ones, which takes some tenths of a second. */
  secrets?: EmulatorSecrets | undefined;
  /** Makes a state durable; awaited before every answer that follows from it. Default: it is kept in memory only. */
  save?: ((state: EmulatorState) => Promise<void>) | undefined;
  /** The address of the Microsoft side, for the connection that the control API shows. */
  microsoftUrl?: (() => string) | undefined;
  /** The address of the control API, which is also that of the managed identity endpoint. */
  controlUrl?: (() => string) | undefined;
  /** Path of the PEM file with the CA of the Microsoft side. */
  tlsCaFile?: string | undefined;
  now: () => Date;
  randomBytes: RandomBytes;
}

export interface Emulator {
  /**
   * Answers a request to login.microsoftonline.com, graph.microsoft.com or Intune.
   *
   * @param host how to cut the request's connection while its answer is sent; without it, a body that is to be cut fails
   * @throws EmulatorError `emulator.disconnect` when a fault wants the connection cut
   */
  fetchMicrosoft(request: Request, host?: HostBindings): Promise<Response>;
  /**
   * Answers a request to the control API, or to the machine's managed identity endpoint.
   *
   * @throws EmulatorError as `fetchMicrosoft` does
   */
  fetchControl(request: Request, host?: HostBindings): Promise<Response>;
  /** The control API as a client, without a network. */
  readonly control: EmulatorControl;
}

/**
 * Entra, Graph and Intune as two functions from request to response.
 *
 * @example
 * const emulator = createEmulator({ now: () => new Date(), randomBytes });
 * const response = await emulator.fetchMicrosoft(new Request('https://127.0.0.1:8443/common/discovery/instance'));
 */
export function createEmulator(options: EmulatorOptions): Emulator {
  const { now, randomBytes, save = () => Promise.resolve() } = options;
  const secrets = options.secrets ?? createSecrets(randomBytes);
  const records = new EmulatorRecords(options.state ?? createTenantState(randomBytes), save);
  const tokens = new AccessTokens({ key: secrets.tokenKey, now, randomBytes });
  const faults = new Faults(now);
  const challenges = new ChallengeAuthority({
    signingKey: secrets.challengeSigningKey,
    encryptionKey: secrets.challengeEncryptionKey,
    randomBytes,
  });
  const microsoftUrl = options.microsoftUrl ?? (() => 'https://127.0.0.1:8443');
  const parts = { records, tokens, faults, challenges, microsoftUrl, now, randomBytes };
  const microsoft = microsoftApp({ ...parts, clientSecret: secrets.clientSecret });
  const identityHeader = identityHeaderFrom(secrets.tokenKey);
  const connection = () =>
    connectionOf(records, secrets, {
      microsoftUrl: microsoftUrl(),
      controlUrl: options.controlUrl?.() ?? '',
      tlsCaFile: options.tlsCaFile ?? '',
      identityHeader,
    });
  const control = controlApp({ ...parts, connection, identityHeader });
  const fetchControl = async (request: Request, host?: HostBindings) => control.fetch(request, host);
  return {
    fetchMicrosoft: async (request, host) => microsoft.fetch(request, host),
    fetchControl,
    control: new EmulatorControl({
      url: 'http://localhost',
      fetch: (input, init) => fetchControl(new Request(input, init)),
    }),
  };
}

type MicrosoftParts = Parameters<typeof entraApp>[0] & Parameters<typeof scepActionsApp>[0];

function microsoftApp(parts: MicrosoftParts): Hono {
  const app = new Hono();
  app.route('/', scepActionsApp(parts));
  app.route('/', pkiConnectorApp(parts));
  app.route('/', graphApp(parts));
  app.route('/', entraApp(parts));
  app.notFound((context) => intuneError(context.req.raw, parts, 404, 'NotFound', 'There is nothing at this address.'));
  app.onError((error, context) => {
    if (error instanceof EmulatorError && error.code === 'emulator.disconnect') throw error;
    return intuneError(context.req.raw, parts, 500, 'InternalError', 'An error has occurred');
  });
  return app;
}

function connectionOf(
  { tenant }: EmulatorRecords,
  { clientSecret }: EmulatorSecrets,
  host: { microsoftUrl: string; controlUrl: string; tlsCaFile: string; identityHeader: string },
): Connection {
  const { microsoftUrl, controlUrl, tlsCaFile, identityHeader } = host;
  return {
    tenantId: tenant.tenantId,
    clientId: tenant.clientId,
    clientSecret,
    authorityUrl: microsoftUrl,
    graphUrl: microsoftUrl,
    intuneResource: 'https://api.manage.microsoft.com/',
    microsoftUrl,
    tlsCaFile,
    managedIdentityUrl: controlUrl,
    identityEndpoint: controlUrl === '' ? '' : `${controlUrl}${appServiceTokenPath}`,
    identityHeader,
    managedIdentity: managedIdentityIds(tenant),
  };
}
