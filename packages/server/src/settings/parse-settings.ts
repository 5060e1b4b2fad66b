/** From a configuration file's JSON to the one value that the server runs on. */
import { createCertificateProfile } from '@scepter/ca';
import type { CertificateProfile } from '@scepter/ca';
import { oid } from '@scepter/x509';
import type { KeyUsage } from '@scepter/x509';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { hostInUrl } from '../ip-address.ts';
import { toAdmin } from './admin.ts';
import { toConnection } from './connection.ts';
import { describeIssue, didYouMean } from './problems.ts';
import { defaultCertificateProfile, extendedKeyUsageNames, settingsSchema } from './schema.ts';
import type { ConfigurationFile } from './schema.ts';
import { readSecret } from './secrets.ts';
import type { Surroundings } from './secrets.ts';
import { SettingsError } from './settings.ts';
import { toStaticChallenge } from './static-challenge.ts';
import type { AuthorizerSettings, ConnectionSettings, EndpointSettings, Settings } from './settings.ts';

export interface SettingsContext {
  /** What relative paths start from: the configuration file's folder. */
  readonly baseFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads UTF-8 text of an absolute path. Default: the file system. */
  readonly readFile?: (path: string) => string;
  /** Default: that of this machine. */
  readonly processors?: number;
}

/** More threads than this gain nothing before the database is the limit. */
const MOST_WORKERS_BY_DEFAULT = 16;
/** HKDF, which makes keys of it, does not slow down guessing: it must be beyond guessing. */
const masterSecretBounds = { minimumCharacters: 32, maximumCharacters: 1024 };

const usualKeyUsages: readonly KeyUsage[] = ['digitalSignature', 'keyEncipherment'];
const usualExtendedKeyUsages: readonly string[] = [oid.clientAuth];

/**
 * @param json the parsed configuration file
 * @throws SettingsError for the first problem, with the path of the setting and a sentence for the administrator;
 *   secrets are never part of it
 * @example
 * const settings = parseSettings(JSON.parse(text), { baseFolder: '/etc/scepter', environment: process.env });
 */
export function parseSettings(json: unknown, context: SettingsContext): Settings {
  const file = checkForm(json);
  const surroundings = surroundingsOf(context);
  const publicUrl = file.publicUrl?.replace(/\/+$/, '') ?? urlOf(file.listen);
  const connections = toConnections(file, surroundings);
  const profiles = toProfiles(file, publicUrl);
  return {
    listen: file.listen,
    publicUrl,
    dataFolder: surroundings.resolvePath(file.dataFolder),
    masterSecret: file.masterSecret && readSecret('masterSecret', file.masterSecret, masterSecretBounds, surroundings),
    authority: toAuthority(file.authority),
    connections,
    endpoints: Object.entries(file.endpoints).map(([name, endpoint]) =>
      toEndpoint(name, endpoint, { connections, profiles, surroundings }),
    ),
    defaultEndpoint: toDefaultEndpoint(file),
    admin: toAdmin(file.admin, surroundings),
    limits: { ...file.limits, workers: file.limits.workers ?? defaultWorkers(context.processors) },
  };
}

/**
 * The connections of a configuration file alone, for whoever needs nothing else of it and may not read its other
 * secrets.
 *
 * @throws SettingsError as `parseSettings` does
 */
export function parseConnections(json: unknown, context: SettingsContext): readonly ConnectionSettings[] {
  return toConnections(checkForm(json), surroundingsOf(context));
}

/**
 * The data folder of a configuration file, as an absolute path, for whoever looks for the server that runs on it and may
 * not read its secrets.
 *
 * @throws SettingsError as `parseSettings` does
 */
export function parseDataFolder(json: unknown, context: SettingsContext): string {
  return surroundingsOf(context).resolvePath(checkForm(json).dataFolder);
}

function surroundingsOf({ baseFolder, environment, readFile = readUtf8File }: SettingsContext): Surroundings {
  const resolvePath = (path: string): string => resolve(baseFolder, path);
  return { environment, resolvePath, readFile: (path) => readFile(resolvePath(path)) };
}

function readUtf8File(path: string): string {
  return readFileSync(path, 'utf8');
}

function toConnections(file: ConfigurationFile, surroundings: Surroundings): ConnectionSettings[] {
  return Object.entries(file.connections).map(([name, connection]) => toConnection(name, connection, surroundings));
}

/** An unknown setting is told first: where it is a misspelling, the setting that is then missing would only confuse. */
function checkForm(json: unknown): ConfigurationFile {
  const result = settingsSchema.safeParse(json, { error: describeIssue });
  if (result.success) return result.data;
  const { issues } = result.error;
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue === undefined) throw new SettingsError('settings.invalid', '', 'The configuration is invalid.');
  const keys = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const path = [...issue.path, ...keys].join('.');
  throw new SettingsError('settings.invalid', path, `${path || 'The configuration'} ${sentenceEnd(issue.message)}`);
}

function sentenceEnd(text: string): string {
  return text.endsWith('?') ? text : `${text}.`;
}

function urlOf({ host, port }: Settings['listen']): string {
  if (['0.0.0.0', '::'].includes(host)) {
    const sentence = `publicUrl is missing: with listen.host ${host} nothing tells by which name devices reach the server.`;
    throw new SettingsError('settings.invalid', 'publicUrl', sentence);
  }
  return `http://${hostInUrl(host)}:${port}`;
}

function toAuthority({
  organization,
  commonNamePrefix,
  ...authority
}: ConfigurationFile['authority']): Settings['authority'] {
  const prefix = commonNamePrefix ?? organization;
  if (prefix.length <= 48) return { ...authority, organization, commonNamePrefix: prefix };
  const sentence = 'authority.commonNamePrefix is missing: the organization is too long to begin the names of the CAs.';
  throw new SettingsError('settings.invalid', 'authority.commonNamePrefix', sentence);
}

function toProfiles(file: ConfigurationFile, publicUrl: string): ReadonlyMap<string, CertificateProfile> {
  const described = { default: defaultCertificateProfile, ...file.certificateProfiles };
  return new Map(
    Object.entries(described).map(([name, profile]) => [name, toProfile(name, profile, publicUrl)] as const),
  );
}

function toProfile(
  name: string,
  profile: ConfigurationFile['certificateProfiles'][string],
  publicUrl: string,
): CertificateProfile {
  const path = `certificateProfiles.${name}`;
  const extendedKeyUsages = profile.extendedKeyUsages.map(toOid);
  try {
    return createCertificateProfile({
      ...profile,
      name,
      defaultKeyUsages: profile.defaultKeyUsages ?? allowedOf(usualKeyUsages, profile.keyUsages),
      extendedKeyUsages,
      defaultExtendedKeyUsages:
        profile.defaultExtendedKeyUsages?.map(toOid) ?? allowedOf(usualExtendedKeyUsages, extendedKeyUsages),
      crlUrls: profile.crlUrls ?? [`${publicUrl}/crl/issuing.crl`],
      caIssuerUrls: profile.caIssuerUrls ?? [`${publicUrl}/ca/issuing.cer`],
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'The profile is invalid.';
    throw new SettingsError('settings.invalid', path, `${path}: ${reason}`, { cause });
  }
}

/** A request that asks for nothing gets what is usual, or the first that is allowed: never all of a long list. */
function allowedOf<Usage>(usual: readonly Usage[], allowed: readonly Usage[]): Usage[] {
  const both = allowed.filter((usage) => usual.includes(usage));
  return both.length > 0 ? both : allowed.slice(0, 1);
}

function toOid(usage: string): string {
  return extendedKeyUsageNames[usage] ?? usage;
}

interface EndpointParts {
  readonly connections: readonly ConnectionSettings[];
  readonly profiles: ReadonlyMap<string, CertificateProfile>;
  readonly surroundings: Surroundings;
}

function toEndpoint(
  name: string,
  endpoint: ConfigurationFile['endpoints'][string],
  { connections, profiles, surroundings }: EndpointParts,
): EndpointSettings {
  const path = `endpoints.${name}`;
  const certificateProfile = profiles.get(endpoint.certificateProfile);
  if (certificateProfile === undefined) {
    throw unknownReference(`${path}.certificateProfile`, 'certificateProfiles', endpoint.certificateProfile, [
      ...profiles.keys(),
    ]);
  }
  const connectionNames = connections.map((connection) => connection.name);
  return {
    name,
    authorizer: toAuthorizer(path, endpoint, connectionNames, surroundings),
    certificateProfile,
    algorithms: endpoint.algorithms,
    caCertificates: endpoint.caCertificates,
    renewal: toRenewal(path, endpoint),
    weakRenewal: endpoint.algorithms === 'legacy' && endpoint.renewal === true,
    replyCertificates: endpoint.replyCertificates,
  };
}

/** A certificate's own key says nothing of what Intune thinks of the device by now. */
function toRenewal(path: string, { authorizer, renewal }: ConfigurationFile['endpoints'][string]): boolean {
  if (authorizer.kind !== 'intune') return renewal ?? true;
  if (renewal !== true) return false;
  const sentence = `${path}.renewal must be false where Intune authorizes: it would neither be asked nor hear of renewals.`;
  throw new SettingsError('settings.invalid', `${path}.renewal`, sentence);
}

function toAuthorizer(
  path: string,
  { authorizer, algorithms }: ConfigurationFile['endpoints'][string],
  connectionNames: readonly string[],
  surroundings: Surroundings,
): AuthorizerSettings {
  if (authorizer.kind === 'static-challenge') {
    return toStaticChallenge(`${path}.authorizer`, authorizer, algorithms, surroundings);
  }
  if (authorizer.kind !== 'intune') return authorizer;
  if (connectionNames.includes(authorizer.connection)) return authorizer;
  throw unknownReference(`${path}.authorizer.connection`, 'connections', authorizer.connection, connectionNames);
}

function unknownReference(path: string, section: string, name: string, known: readonly string[]): SettingsError {
  const sentence = `${path} names "${name}", which ${section} does not describe`;
  const hint = didYouMean(name, known);
  return new SettingsError('settings.unknown_reference', path, sentenceEnd(`${sentence}${hint}`));
}

function toDefaultEndpoint({ defaultEndpoint, endpoints }: ConfigurationFile): string | undefined {
  if (defaultEndpoint === undefined || Object.hasOwn(endpoints, defaultEndpoint)) return defaultEndpoint;
  throw unknownReference('defaultEndpoint', 'endpoints', defaultEndpoint, Object.keys(endpoints));
}

function defaultWorkers(processors = availableParallelism()): number {
  return Math.min(Math.max(processors, 1), MOST_WORKERS_BY_DEFAULT);
}
