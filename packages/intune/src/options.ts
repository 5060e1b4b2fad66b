import { checkBaseUrl, checkBoolean, checkDate, checkDurationMs, checkObject, checkText, isGuid } from './arguments.ts';
import { clouds, intuneApplicationId, type CloudName } from './clouds.ts';
import { checkCredential } from './credentials/check-credential.ts';
import type { IntuneCredential } from './credentials/credential-options.ts';
import type { IntuneEvent } from './diagnostics/events.ts';
import { IntuneArgumentError } from './errors.ts';
import {
  checkConnectionOptions,
  type CheckedConnectionOptions,
  type ConnectionOptions,
} from './http/connection-options.ts';
import { checkCircuitBreaker, type CircuitBreakerOptions } from './resilience/circuit-breaker-options.ts';
import { checkRetry, type RetryOptions } from './resilience/retry-options.ts';

/** How an `IntuneClient` reaches and signs in to one tenant. */
export interface IntuneClientOptions extends ConnectionOptions {
  /** Directory (tenant) id or one of its verified domain names (`TENANT`). */
  readonly tenant: string;
  /** How the application proves who it is; any credential of the shape that `@azure/identity` has will do. */
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
  /** Version of Microsoft Graph (`MS_GRAPH_API_VERSION`). Default: `v1.0`. */
  readonly graphApiVersion?: string;
  /** Application id of Intune in the tenant (`INTUNE_APP_ID`), a GUID. Default: the same in every tenant. */
  readonly intuneApplicationId?: string;
  /** Wire format of the SCEP service (`ScepRequestValidationFEServiceVersion`). Default: `2018-02-20`. */
  readonly scepServiceVersion?: string;
  /** Wire format of the revocation service (`PkiConnectorFEServiceVersion`). Default: `5019-05-05`. */
  readonly pkiConnectorServiceVersion?: string;
  /**
   * Further domains whose hosts may receive Intune's token, each beginning with a dot, such as `.manage.example`; those
   * of Microsoft are always allowed. Default: none.
   */
  readonly endpointHostSuffixes?: readonly string[];
  /** Lets discovery name a service on this machine, as an emulator does. Default: false. */
  readonly allowLoopback?: boolean;
  /** Limit for a whole call, including sign-in, discovery, repeats and the body of the answer. Default: 30,000. */
  readonly timeoutMs?: number;
  /** Limit for one HTTP request and its answer, at most `timeoutMs`. Default: 10,000, or `timeoutMs` if that is less. */
  readonly attemptTimeoutMs?: number;
  /** When requests are repeated; `false` for never. Default: twice, see `RetryOptions`. */
  readonly retry?: Partial<RetryOptions> | false;
  /** When calls fail at once because a service is down; `false` for never. See `CircuitBreakerOptions`. */
  readonly circuitBreaker?: Partial<CircuitBreakerOptions> | false;
  /**
   * After this long the services' addresses are looked up again, in milliseconds; calls use the known ones meanwhile.
   * Default: 21,600,000 (6 hours).
   */
  readonly locationLifetimeMs?: number;
  /** Receives every event as it happens, synchronously. What it throws is ignored. */
  readonly onEvent?: (event: IntuneEvent) => void;
  /** When an earlier process last downloaded revocation requests: Intune's cool-down counts from there. */
  readonly lastRevocationDownload?: Date;
  /** The clock that decides whether a token is still good or a circuit open. Default: the system's. */
  readonly now?: () => Date;
  /** Random numbers of at least 0 and below 1, which spread repeats over time. Default: `Math.random`. */
  readonly random?: () => number;
}

/** The options with every default filled in and every value checked. */
export interface CheckedOptions {
  readonly tenant: string;
  readonly credential: IntuneCredential;
  readonly callerInfo: string;
  readonly authority: URL;
  readonly graphUrl: URL;
  readonly intuneResource: string;
  readonly tokenExchangeAudience: string;
  readonly graphApiVersion: string;
  readonly intuneApplicationId: string;
  readonly scepServiceVersion: string;
  readonly pkiConnectorServiceVersion: string;
  readonly endpointHostSuffixes: readonly string[];
  readonly allowLoopback: boolean;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly retry: RetryOptions;
  /** Absent: no circuit ever opens. */
  readonly circuitBreaker: CircuitBreakerOptions | undefined;
  readonly locationLifetimeMs: number;
  readonly onEvent: ((event: IntuneEvent) => void) | undefined;
  readonly lastRevocationDownload: Date | undefined;
  readonly connection: CheckedConnectionOptions;
  readonly now: () => Date;
  readonly random: () => number;
}

const defaultTimeoutMs = 30_000;
const defaultAttemptTimeoutMs = 10_000;
const sixHoursMs = 6 * 60 * 60_000;

/** @throws {IntuneArgumentError} for the first option that is missing or unusable */
export function checkOptions(options: IntuneClientOptions): CheckedOptions {
  const cloud = checkCloud(checkObject('options', options).cloud ?? 'public');
  const timeoutMs = checkDurationMs('timeoutMs', options.timeoutMs ?? defaultTimeoutMs);
  return {
    tenant: checkTenant(options.tenant),
    credential: checkCredential(options.credential),
    callerInfo: checkText('callerInfo', options.callerInfo, { maximumLength: 1024 }),
    authority: checkBaseUrl('authority', options.authority ?? cloud.authority),
    graphUrl: checkBaseUrl('graphUrl', options.graphUrl ?? cloud.graphUrl),
    intuneResource: checkIntuneResource(options.intuneResource ?? cloud.intuneResource),
    tokenExchangeAudience: cloud.tokenExchangeAudience,
    ...checkVersions(options),
    endpointHostSuffixes: checkHostSuffixes(options.endpointHostSuffixes ?? []),
    allowLoopback: checkBoolean('allowLoopback', options.allowLoopback ?? false),
    timeoutMs,
    attemptTimeoutMs: checkAttemptTimeout(options.attemptTimeoutMs, timeoutMs),
    retry: checkRetry(options.retry),
    circuitBreaker: checkCircuitBreaker(options.circuitBreaker),
    locationLifetimeMs: checkDurationMs('locationLifetimeMs', options.locationLifetimeMs ?? sixHoursMs),
    onEvent: checkFunction('onEvent', options.onEvent),
    lastRevocationDownload:
      options.lastRevocationDownload === undefined
        ? undefined
        : checkDate('lastRevocationDownload', options.lastRevocationDownload),
    connection: checkConnectionOptions(options),
    now: checkFunction('now', options.now) ?? (() => new Date()),
    random: checkFunction('random', options.random) ?? Math.random,
  };
}

function checkVersions(
  options: IntuneClientOptions,
): Pick<
  CheckedOptions,
  'graphApiVersion' | 'intuneApplicationId' | 'scepServiceVersion' | 'pkiConnectorServiceVersion'
> {
  return {
    graphApiVersion: checkWord('graphApiVersion', options.graphApiVersion ?? 'v1.0'),
    intuneApplicationId: checkGuid('intuneApplicationId', options.intuneApplicationId ?? intuneApplicationId),
    scepServiceVersion: checkWord('scepServiceVersion', options.scepServiceVersion ?? '2018-02-20'),
    pkiConnectorServiceVersion: checkWord(
      'pkiConnectorServiceVersion',
      options.pkiConnectorServiceVersion ?? '5019-05-05',
    ),
  };
}

/** A version becomes a header or a part of a path, so only what versions consist of. */
function checkWord(argument: string, value: unknown): string {
  const text = checkText(argument, value, { maximumLength: 64 });
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(text)) {
    throw new IntuneArgumentError(argument, 'must be a version: letters, digits, dots and hyphens');
  }
  return text;
}

function checkGuid(argument: string, value: unknown): string {
  const text = checkText(argument, value, { maximumLength: 36 });
  if (!isGuid(text)) {
    throw new IntuneArgumentError(argument, 'must be a GUID');
  }
  return text;
}

/** At least two labels each: a top-level domain would open the door to everybody in it. */
function checkHostSuffixes(value: unknown): readonly string[] {
  const label = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
  const pattern = new RegExp(`^(?:\\.${label}){2,}$`, 'i');
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string' && pattern.test(each))) {
    const problem = 'must be domain names of two labels or more, each beginning with a dot, as in .manage.example';
    throw new IntuneArgumentError('endpointHostSuffixes', problem);
  }
  return value.map((each: string) => each.toLowerCase());
}

function checkAttemptTimeout(value: number | undefined, timeoutMs: number): number {
  const attemptTimeoutMs = checkDurationMs('attemptTimeoutMs', value ?? Math.min(defaultAttemptTimeoutMs, timeoutMs));
  if (attemptTimeoutMs > timeoutMs) {
    throw new IntuneArgumentError('attemptTimeoutMs', 'must not be longer than timeoutMs');
  }
  return attemptTimeoutMs;
}

function checkFunction<T>(argument: string, value: T): T {
  if (value !== undefined && typeof value !== 'function') {
    throw new IntuneArgumentError(argument, 'must be a function');
  }
  return value;
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
