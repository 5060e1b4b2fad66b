import { checkBaseUrl, checkObject } from '../arguments.ts';
import { withoutTrailingSlash } from '../base-url.ts';
import { clouds, type CloudName } from '../clouds.ts';
import { IntuneArgumentError } from '../errors.ts';
import type { ProxyOptions, TlsOptions } from '../http/connection-options.ts';
import { checkOptions, type IntuneClientOptions } from '../options.ts';
import { credentialFromProperties, usesAzureNames } from './credential-from-properties.ts';
import { definedMembers } from './defined-members.ts';
import type { IntunePropertyName } from './intune-properties.ts';
import { readSmallFile } from './load-properties.ts';
import type { Properties } from './parse-properties.ts';
import { PropertyReader } from './property-reader.ts';

/**
 * The options of a client from the property names of Microsoft's reference clients and those we have added; all of
 * them are in `intuneProperties`. Properties that are none of these are ignored, so that an environment can be handed
 * in. Blanks around values are ignored, except in passwords; an optional property without a value is as if it were absent.
 *
 * @param properties names and values, such as `process.env` or what `loadProperties` has read
 * @param overrides options that take the place of properties; what an override replaces is not required any more
 * @returns options for `new IntuneClient`, checked
 * @throws {IntuneArgumentError} a property is missing or unusable: `argument` is its name, and its value is not shown
 *
 * @example
 * ```ts
 * const client = new IntuneClient(intuneOptionsFromProperties(process.env, { timeoutMs: 10_000 }));
 * ```
 */
export function intuneOptionsFromProperties(
  properties: Properties,
  overrides: Partial<IntuneClientOptions> = {},
): IntuneClientOptions {
  const reader = new PropertyReader(properties);
  const given = definedMembers(checkObject('overrides', overrides));
  const cloud = given.cloud ?? readCloud(reader);
  const options: IntuneClientOptions = {
    credential: given.credential ?? credentialFromProperties(reader),
    tenant: given.tenant ?? readTenant(reader),
    ...definedMembers({
      cloud,
      authority: readAuthority(reader),
      graphUrl: readGraphUrl(reader),
      graphApiVersion: readGraphApiVersion(reader),
      intuneResource: reader.text('INTUNE_RESOURCE_URL'),
      intuneApplicationId: reader.text('INTUNE_APP_ID'),
      scepServiceVersion: reader.text('ScepRequestValidationFEServiceVersion'),
      pkiConnectorServiceVersion: reader.text('PkiConnectorFEServiceVersion'),
      ...readConnection(reader, given),
    }),
    callerInfo: given.callerInfo ?? reader.required('PROVIDER_NAME_AND_VERSION'),
    ...given,
  };
  reader.naming(given, () => checkOptions(options));
  return options;
}

function readTenant(reader: PropertyReader): string {
  const azure = usesAzureNames(reader) ? reader.text('AZURE_TENANT_ID') : undefined;
  return reader.text('TENANT') ?? azure ?? reader.required('TENANT');
}

function readAuthority(reader: PropertyReader): string | undefined {
  const azure = usesAzureNames(reader) && !reader.has('INTUNE_CLOUD') ? reader.text('AZURE_AUTHORITY_HOST') : undefined;
  return reader.text('AUTH_AUTHORITY') ?? azure;
}

function readCloud(reader: PropertyReader): CloudName | undefined {
  const name = reader.text('INTUNE_CLOUD')?.toLowerCase();
  const names = Object.keys(clouds) as CloudName[];
  const cloud = names.find((each) => each.toLowerCase() === name);
  if (name !== undefined && cloud === undefined) {
    throw new IntuneArgumentError('INTUNE_CLOUD', `must be one of ${names.join(', ')}`);
  }
  return cloud;
}

/** The Java client knows the one name and the C# client the other; each ignores the other's. */
function readGraphUrl(reader: PropertyReader): string | undefined {
  const [java, csharp] = (['MS_GRAPH_RESOURCE_URL', 'MSAL_GRAPH_RESOURCE_URL'] as const).map((name) => {
    const value = reader.text(name);
    return value === undefined ? undefined : withoutTrailingSlash(checkBaseUrl(name, value));
  });
  if (java !== undefined && csharp !== undefined && java !== csharp) {
    throw new IntuneArgumentError('MSAL_GRAPH_RESOURCE_URL', 'differs from MS_GRAPH_RESOURCE_URL');
  }
  return java ?? csharp;
}

/** Microsoft's clients put a `v` before the value. */
function readGraphApiVersion(reader: PropertyReader): string | undefined {
  return reader.text('MS_GRAPH_API_VERSION')?.replace(/^(?=\d)/, 'v');
}

/** A dispatcher brings its own proxy and TLS with it. */
function readConnection(
  reader: PropertyReader,
  given: Partial<IntuneClientOptions>,
): { proxy?: ProxyOptions | undefined; tls?: TlsOptions | undefined } {
  if (given.dispatcher !== undefined) {
    return {};
  }
  return { proxy: given.proxy ?? readProxy(reader), tls: given.tls ?? readTls(reader) };
}

function readProxy(reader: PropertyReader): ProxyOptions | undefined {
  const host = reader.text('PROXY_HOST');
  if (host === undefined) {
    return undefined;
  }
  const port = readPort(reader);
  const username = reader.exact('PROXY_USER');
  return username === undefined
    ? { host, port }
    : { host, port, username, password: reader.requiredExact('PROXY_PASS', 'with PROXY_USER') };
}

function readPort(reader: PropertyReader): number {
  const text = reader.required('PROXY_PORT', 'with PROXY_HOST');
  const port = /^\+?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 1 && port <= 65_535)) {
    throw new IntuneArgumentError('PROXY_PORT', 'must be a whole number from 1 to 65535');
  }
  return port;
}

function readTls(reader: PropertyReader): TlsOptions | undefined {
  for (const [present, missing] of [
    ['TLS_CERTIFICATE_FILE', 'TLS_PRIVATE_KEY_FILE'],
    ['TLS_PRIVATE_KEY_FILE', 'TLS_CERTIFICATE_FILE'],
    ['TLS_PRIVATE_KEY_PASSWORD', 'TLS_PRIVATE_KEY_FILE'],
  ] as const) {
    if (reader.has(present)) {
      reader.required(missing, `with ${present}`);
    }
  }
  const tls = definedMembers({
    ca: readFileOf(reader, 'TLS_CA_FILE'),
    certificate: readFileOf(reader, 'TLS_CERTIFICATE_FILE'),
    privateKey: readFileOf(reader, 'TLS_PRIVATE_KEY_FILE'),
    passphrase: reader.exact('TLS_PRIVATE_KEY_PASSWORD'),
  });
  return Object.keys(tls).length === 0 ? undefined : tls;
}

function readFileOf(reader: PropertyReader, name: IntunePropertyName): Uint8Array | undefined {
  const file = reader.text(name);
  return file === undefined ? undefined : readSmallFile(name, file);
}
