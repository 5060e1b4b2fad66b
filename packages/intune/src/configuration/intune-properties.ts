/** The name of a known property. */
export type IntunePropertyName =
  | 'AAD_APP_ID'
  | 'AAD_APP_KEY'
  | 'TENANT'
  | 'PROVIDER_NAME_AND_VERSION'
  | 'AUTH_AUTHORITY'
  | 'INTUNE_APP_ID'
  | 'INTUNE_RESOURCE_URL'
  | 'MS_GRAPH_RESOURCE_URL'
  | 'MSAL_GRAPH_RESOURCE_URL'
  | 'MS_GRAPH_API_VERSION'
  | 'ScepRequestValidationFEServiceVersion'
  | 'PkiConnectorFEServiceVersion'
  | 'PROXY_HOST'
  | 'PROXY_PORT'
  | 'PROXY_USER'
  | 'PROXY_PASS'
  | 'AAD_APP_KEY_FILE'
  | 'AAD_APP_CERTIFICATE_FILE'
  | 'AAD_APP_CERTIFICATE_KEY_FILE'
  | 'AAD_APP_CERTIFICATE_PASSWORD'
  | 'AAD_MANAGED_IDENTITY'
  | 'AAD_FEDERATED_TOKEN_FILE'
  | 'INTUNE_CLOUD'
  | 'TLS_CA_FILE'
  | 'TLS_CERTIFICATE_FILE'
  | 'TLS_PRIVATE_KEY_FILE'
  | 'TLS_PRIVATE_KEY_PASSWORD'
  | 'AZURE_CLIENT_ID'
  | 'AZURE_TENANT_ID'
  | 'AZURE_FEDERATED_TOKEN_FILE'
  | 'AZURE_AUTHORITY_HOST'
  | 'GRAPH_API_VERSION'
  | 'GRAPH_RESOURCE_URL'
  | 'AAD_GRAPH_API_VERSION'
  | 'AAD_GRAPH_RESOURCE_URL';

/** One property that `intuneOptionsFromProperties` knows. */
export interface IntuneProperty {
  /** As it stands in the file; letter case counts. */
  readonly name: IntunePropertyName;
  /**
   * Whose name it is: `microsoft` is that of Microsoft's reference clients, `azure` that which the workload identity
   * webhook of Kubernetes sets, `scepter` ours. `retired` ones are accepted and have no effect.
   */
  readonly origin: 'microsoft' | 'scepter' | 'azure' | 'retired';
  /** The option of `IntuneClientOptions` that it becomes; absent for retired ones. */
  readonly option?: string;
  /** When it must be there; absent when never. */
  readonly required?: string;
  /** What it is and what happens without it. */
  readonly meaning: string;
}

const cloudDefault = "Default: the cloud's.";
const azureRule = 'Used when no other property says how to sign in.';

/**
 * All known properties. Those of Microsoft's reference clients come first, under their rules.
 *
 * @example
 * ```ts
 * for (const { name, meaning } of intuneProperties) console.log(name, meaning);
 * ```
 */
export const intuneProperties: readonly IntuneProperty[] = [
  {
    name: 'AAD_APP_ID',
    origin: 'microsoft',
    option: 'credential.clientId',
    required: 'always, except with AAD_MANAGED_IDENTITY alone',
    meaning: 'Application (client) id in Microsoft Entra.',
  },
  {
    name: 'AAD_APP_KEY',
    origin: 'microsoft',
    option: 'credential.clientSecret',
    required: 'unless another property says how to sign in',
    meaning: "The value of the application's client secret, not its id.",
  },
  {
    name: 'TENANT',
    origin: 'microsoft',
    option: 'tenant',
    required: 'always',
    meaning: 'Directory (tenant) id or one of its verified domain names.',
  },
  {
    name: 'PROVIDER_NAME_AND_VERSION',
    origin: 'microsoft',
    option: 'callerInfo',
    required: 'always',
    meaning: "Name and version of the product that calls, for Microsoft's logs.",
  },
  {
    name: 'AUTH_AUTHORITY',
    origin: 'microsoft',
    option: 'authority',
    meaning: `Base URL of the sign-in service, with or without trailing slash. ${cloudDefault}`,
  },
  {
    name: 'INTUNE_APP_ID',
    origin: 'microsoft',
    option: 'intuneApplicationId',
    meaning: 'Application id of Intune, for discovery. Default: `0000000a-0000-0000-c000-000000000000`.',
  },
  {
    name: 'INTUNE_RESOURCE_URL',
    origin: 'microsoft',
    option: 'intuneResource',
    required: 'with INTUNE_CLOUD=china',
    meaning: `Intune's resource URI; the scope is this text followed by \`/.default\`. ${cloudDefault}`,
  },
  {
    name: 'MS_GRAPH_RESOURCE_URL',
    origin: 'microsoft',
    option: 'graphUrl',
    meaning: `Base URL of Microsoft Graph, as the Java client names it. ${cloudDefault}`,
  },
  {
    name: 'MSAL_GRAPH_RESOURCE_URL',
    origin: 'microsoft',
    option: 'graphUrl',
    meaning: 'The same as the C# client names it. Must be equal where both are given.',
  },
  {
    name: 'MS_GRAPH_API_VERSION',
    origin: 'microsoft',
    option: 'graphApiVersion',
    meaning: 'Version of Microsoft Graph, `1.0` or `v1.0`. Default: `1.0`.',
  },
  {
    name: 'ScepRequestValidationFEServiceVersion',
    origin: 'microsoft',
    option: 'scepServiceVersion',
    meaning: 'Version of the SCEP service. Default: `2018-02-20`.',
  },
  {
    name: 'PkiConnectorFEServiceVersion',
    origin: 'microsoft',
    option: 'pkiConnectorServiceVersion',
    meaning: 'Version of the revocation service. Default: `5019-05-05`.',
  },
  {
    name: 'PROXY_HOST',
    origin: 'microsoft',
    option: 'proxy.host',
    meaning: 'Host name of an HTTP proxy for all calls. Default: none; then the other PROXY properties are not read.',
  },
  {
    name: 'PROXY_PORT',
    origin: 'microsoft',
    option: 'proxy.port',
    required: 'with PROXY_HOST',
    meaning: 'Port of the proxy, 1 to 65535.',
  },
  {
    name: 'PROXY_USER',
    origin: 'microsoft',
    option: 'proxy.username',
    meaning: 'User name for basic authentication at the proxy. Default: none.',
  },
  {
    name: 'PROXY_PASS',
    origin: 'microsoft',
    option: 'proxy.password',
    required: 'with PROXY_USER',
    meaning: 'Password for basic authentication at the proxy.',
  },
  {
    name: 'AAD_APP_KEY_FILE',
    origin: 'scepter',
    option: 'credential.clientSecretFile',
    meaning: 'File with the client secret, read anew at every sign-in. Instead of AAD_APP_KEY.',
  },
  {
    name: 'AAD_APP_CERTIFICATE_FILE',
    origin: 'scepter',
    option: 'credential.certificateFile',
    required: 'with AAD_APP_CERTIFICATE_KEY_FILE',
    meaning: "PEM file with the application's certificate, read anew at every sign-in. Instead of AAD_APP_KEY.",
  },
  {
    name: 'AAD_APP_CERTIFICATE_KEY_FILE',
    origin: 'scepter',
    option: 'credential.privateKeyFile',
    meaning: "PEM file with the certificate's private key. Default: it is in AAD_APP_CERTIFICATE_FILE.",
  },
  {
    name: 'AAD_APP_CERTIFICATE_PASSWORD',
    origin: 'scepter',
    option: 'credential.passphrase',
    meaning: 'Decrypts the private key. Default: the key is not encrypted.',
  },
  {
    name: 'AAD_MANAGED_IDENTITY',
    origin: 'scepter',
    option: 'credential.managedIdentity',
    meaning:
      '`system`, or the client id of a user-assigned managed identity. With AAD_APP_ID: the application that trusts this identity (federated credential). Instead of AAD_APP_KEY.',
  },
  {
    name: 'AAD_FEDERATED_TOKEN_FILE',
    origin: 'scepter',
    option: 'credential.federatedToken',
    meaning: "File with another issuer's token that the application trusts. Instead of AAD_APP_KEY.",
  },
  {
    name: 'INTUNE_CLOUD',
    origin: 'scepter',
    option: 'cloud',
    meaning: '`public`, `usGovernment`, `usGovernmentDod` or `china`. Default: `public`.',
  },
  {
    name: 'TLS_CA_FILE',
    origin: 'scepter',
    option: 'tls.ca',
    meaning: 'PEM file with the CAs to trust instead of the well-known ones, for all calls.',
  },
  {
    name: 'TLS_CERTIFICATE_FILE',
    origin: 'scepter',
    option: 'tls.certificate',
    required: 'with TLS_PRIVATE_KEY_FILE',
    meaning: 'PEM file with a client certificate for TLS.',
  },
  {
    name: 'TLS_PRIVATE_KEY_FILE',
    origin: 'scepter',
    option: 'tls.privateKey',
    required: 'with TLS_CERTIFICATE_FILE',
    meaning: "PEM file with the client certificate's private key.",
  },
  {
    name: 'TLS_PRIVATE_KEY_PASSWORD',
    origin: 'scepter',
    option: 'tls.passphrase',
    meaning: 'Decrypts the private key. Default: the key is not encrypted.',
  },
  {
    name: 'AZURE_CLIENT_ID',
    origin: 'azure',
    option: 'credential.clientId',
    meaning: `Stands for AAD_APP_ID. ${azureRule}`,
  },
  { name: 'AZURE_TENANT_ID', origin: 'azure', option: 'tenant', meaning: `Stands for TENANT. ${azureRule}` },
  {
    name: 'AZURE_FEDERATED_TOKEN_FILE',
    origin: 'azure',
    option: 'credential.federatedToken',
    meaning: `Stands for AAD_FEDERATED_TOKEN_FILE. ${azureRule}`,
  },
  {
    name: 'AZURE_AUTHORITY_HOST',
    origin: 'azure',
    option: 'authority',
    meaning: `Stands for AUTH_AUTHORITY. ${azureRule}`,
  },
  { name: 'GRAPH_API_VERSION', origin: 'retired', meaning: 'Of Azure AD Graph, which Microsoft has switched off.' },
  { name: 'GRAPH_RESOURCE_URL', origin: 'retired', meaning: 'Of Azure AD Graph.' },
  { name: 'AAD_GRAPH_API_VERSION', origin: 'retired', meaning: 'Of Azure AD Graph.' },
  { name: 'AAD_GRAPH_RESOURCE_URL', origin: 'retired', meaning: 'Of Azure AD Graph.' },
];
