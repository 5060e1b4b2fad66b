import { checkBaseUrl, checkObject, checkText } from './arguments.ts';
import { clouds, type CloudName } from './clouds.ts';
import { checkCredential, type IntuneCredential } from './credentials/credential-options.ts';
import { IntuneArgumentError } from './errors.ts';
import {
  checkConnectionOptions,
  type CheckedConnectionOptions,
  type ConnectionOptions,
} from './http/connection-options.ts';

/** How an `IntuneClient` reaches and signs in to one tenant. */
export interface IntuneClientOptions extends ConnectionOptions {
  /** Directory (tenant) id or one of its verified domain names (`TENANT`). */
  readonly tenant: string;
  /** A client secret, or any credential of the shape that `@azure/identity` has. */
  readonly credential: IntuneCredential;
  /** Name and version of the product that calls, for Microsoft's logs (`PROVIDER_NAME_AND_VERSION`). */
  readonly callerInfo: string;
  /** Default: `public`. */
  readonly cloud?: CloudName;
  /** Base URL of the sign-in service, with or without trailing slash (`AUTH_AUTHORITY`). Default: the cloud's. */
  readonly authority?: string;
  /** Base URL of Microsoft Graph. Default: the cloud's. */
  readonly graphUrl?: string;
  /**
   * Intune's resource URI (`INTUNE_RESOURCE_URL`). The scope asked for is this text followed by `/.default`, so the
   * slash at its end counts. Default: the cloud's; required for `china`, for which Microsoft names none.
   */
  readonly intuneResource?: string;
  /** Lets discovery name a service on this machine, as an emulator does. Default: false. */
  readonly allowLoopback?: boolean;
  /** Limit for a whole call, including sign-in, discovery and the body of the answer. Default: 30,000. */
  readonly timeoutMs?: number;
  /** The clock that decides whether a token is still good. Default: the system's. */
  readonly now?: () => Date;
}

/** The options with every default filled in and every value checked. */
export interface CheckedOptions {
  readonly tenant: string;
  readonly credential: IntuneCredential;
  readonly callerInfo: string;
  readonly authority: URL;
  readonly graphUrl: URL;
  readonly intuneResource: string;
  readonly allowLoopback: boolean;
  readonly timeoutMs: number;
  readonly connection: CheckedConnectionOptions;
  readonly now: () => Date;
}

const defaultTimeoutMs = 30_000;
/** What a timer of Node can hold. */
const longestTimeoutMs = 2 ** 31 - 1;

/** @throws {IntuneArgumentError} for the first option that is missing or unusable */
export function checkOptions(options: IntuneClientOptions): CheckedOptions {
  const cloud = checkCloud(checkObject('options', options).cloud ?? 'public');
  const { allowLoopback = false, now = () => new Date() } = options;
  return {
    tenant: checkTenant(options.tenant),
    credential: checkCredential(options.credential),
    callerInfo: checkText('callerInfo', options.callerInfo, { maximumLength: 1024 }),
    authority: checkBaseUrl('authority', options.authority ?? cloud.authority),
    graphUrl: checkBaseUrl('graphUrl', options.graphUrl ?? cloud.graphUrl),
    intuneResource: checkIntuneResource(options.intuneResource ?? cloud.intuneResource),
    allowLoopback,
    timeoutMs: checkTimeout(options.timeoutMs ?? defaultTimeoutMs),
    connection: checkConnectionOptions(options),
    now,
  };
}

function checkCloud(name: CloudName): (typeof clouds)[CloudName] {
  if (!Object.hasOwn(clouds, name)) {
    throw new IntuneArgumentError('cloud', `must be one of ${Object.keys(clouds).join(', ')}`);
  }
  return clouds[name];
}

/** It becomes part of a path, so only what a GUID or a domain name consists of. */
function checkTenant(value: unknown): string {
  const tenant = checkText('tenant', value, { maximumLength: 253 });
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(tenant)) {
    throw new IntuneArgumentError('tenant', 'must be a tenant id (GUID) or a domain name');
  }
  if (['common', 'organizations', 'consumers'].includes(tenant.toLowerCase())) {
    throw new IntuneArgumentError('tenant', 'must be one tenant; an application cannot sign in to several at once');
  }
  return tenant;
}

/** Checked as a URL and kept as text: whether the scope has one slash or two depends on its last character. */
function checkIntuneResource(value: string | undefined): string {
  if (value === undefined) {
    throw new IntuneArgumentError('intuneResource', 'must be given for this cloud');
  }
  checkBaseUrl('intuneResource', value);
  return value;
}

function checkTimeout(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > longestTimeoutMs) {
    throw new IntuneArgumentError('timeoutMs', `must be a whole number of milliseconds from 1 to ${longestTimeoutMs}`);
  }
  return value;
}
