import { withoutTrailingSlash } from '../../base-url.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One platform's way of handing out tokens of a managed identity. */
export interface ManagedIdentitySource {
  /** As sentences name it. */
  readonly name: string;
  readonly endpoint: string;
  readonly apiVersion: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Query parameters that choose the identity; a kind of id that is absent is not supported. */
  readonly idParameters: Partial<Record<'clientId' | 'objectId' | 'resourceId', string>>;
  /** Client id that is sent for the system-assigned identity. */
  readonly systemClientId?: string | undefined;
  /** Whether the endpoint answers 401 at first and names a file whose contents it wants to see. */
  readonly challenges: boolean;
}

const allIds = { clientId: 'client_id', objectId: 'object_id', resourceId: 'msi_res_id' } as const;

/**
 * The platform that the environment variables speak of, or the reason why it is not supported. Each platform sets its
 * own combination; a machine of Azure sets none.
 *
 * MSAL's `ManagedIdentityApplication` is not used: it keeps the first network module, platform and token cache of the
 * process in static fields, so that limits, events and the end of one client would be those of another.
 * @param hasArcAgent whether the agent of Azure Arc is installed
 */
export function findSource(environment: Environment, hasArcAgent: boolean): ManagedIdentitySource | string {
  const variable = (name: string): string | undefined => environment[name] || undefined;
  const endpoint = variable('IDENTITY_ENDPOINT');
  const header = variable('IDENTITY_HEADER');
  const olderEndpoint = variable('MSI_ENDPOINT');
  const olderSecret = variable('MSI_SECRET');
  if (endpoint !== undefined && header !== undefined) {
    return variable('IDENTITY_SERVER_THUMBPRINT') === undefined
      ? appService(endpoint, header)
      : 'managed identities of Azure Service Fabric are not supported';
  }
  if (olderEndpoint !== undefined) {
    return olderSecret === undefined
      ? 'Azure Cloud Shell has tokens of users only'
      : machineLearning(olderEndpoint, olderSecret, variable('DEFAULT_IDENTITY_CLIENT_ID'));
  }
  if (endpoint !== undefined && variable('IMDS_ENDPOINT') !== undefined) {
    return azureArc(endpoint);
  }
  return hasArcAgent ? azureArc('http://127.0.0.1:40342/metadata/identity/oauth2/token') : imds(environment);
}

/** https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token */
function imds(environment: Environment): ManagedIdentitySource {
  const host = environment['AZURE_POD_IDENTITY_AUTHORITY_HOST'] || 'http://169.254.169.254';
  return {
    name: "Azure's instance metadata service",
    endpoint: `${withoutTrailingSlash(host)}/metadata/identity/oauth2/token`,
    apiVersion: '2018-02-01',
    headers: { metadata: 'true' },
    idParameters: allIds,
    challenges: false,
  };
}

/** App Service, Functions, Container Apps: https://learn.microsoft.com/azure/app-service/overview-managed-identity */
function appService(endpoint: string, identityHeader: string): ManagedIdentitySource {
  return {
    name: 'the managed identity endpoint of App Service',
    endpoint,
    apiVersion: '2019-08-01',
    headers: { 'x-identity-header': identityHeader },
    idParameters: { ...allIds, resourceId: 'mi_res_id' },
    challenges: false,
  };
}

function machineLearning(endpoint: string, secret: string, systemClientId: string | undefined): ManagedIdentitySource {
  return {
    name: 'the managed identity endpoint of Azure Machine Learning',
    endpoint,
    apiVersion: '2017-09-01',
    headers: { metadata: 'true', secret },
    idParameters: { clientId: 'clientid' },
    systemClientId,
    challenges: false,
  };
}

/** https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication */
function azureArc(endpoint: string): ManagedIdentitySource {
  return {
    name: 'the managed identity endpoint of Azure Arc',
    endpoint: endpoint.replace('//localhost', '//127.0.0.1'),
    apiVersion: '2020-06-01',
    headers: { metadata: 'true' },
    idParameters: {},
    challenges: true,
  };
}
