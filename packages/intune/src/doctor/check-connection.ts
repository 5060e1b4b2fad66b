import { checkSignal } from '../arguments.ts';
import { connectServices } from '../connect-services.ts';
import { createCredential } from '../credentials/create-credential.ts';
import type { AccessToken, TokenCredential } from '../credentials/token-credential.ts';
import { isObject } from '../http/error-detail.ts';
import { HttpConnections } from '../http/http-connections.ts';
import { checkOptions, type CheckedOptions, type IntuneClientOptions } from '../options.ts';
import type { Check, Finding } from './check.ts';
import { clockCheck } from './checks/clock.ts';
import { credentialCheck } from './checks/credential.ts';
import { discoveryCheck, pkiConnectorCheck } from './checks/discovery.ts';
import { proxyCheck } from './checks/proxy.ts';
import { rolesCheck } from './checks/roles.ts';
import { entraTlsCheck, graphTlsCheck, intuneTlsCheck } from './checks/tls.ts';
import { tokenCheck } from './checks/token.ts';
import { validationCheck } from './checks/validation.ts';
import { explainFailure } from './explain-failure.ts';
import type { Patient } from './patient.ts';
import type { ConnectionCheck, ConnectionReport } from './report.ts';
import { runChecks, skipAll, toResult } from './run-checks.ts';

/** From what is on this machine to what Intune answers. */
const checks: readonly Check[] = [
  credentialCheck,
  proxyCheck,
  entraTlsCheck,
  graphTlsCheck,
  clockCheck,
  tokenCheck('graph', 'Microsoft Graph'),
  rolesCheck('graph', 'Application.Read.All'),
  discoveryCheck,
  pkiConnectorCheck,
  intuneTlsCheck,
  tokenCheck('intune', 'Intune'),
  rolesCheck('intune', 'scep_challenge_provider'),
  validationCheck,
];

const optionsCheck = { name: 'options', title: 'Options' } as const;

/** How to check a connection. */
export interface CheckConnectionOptions {
  /** Ends the check early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Examines a connection to Intune step by step, from the options to a validation, and says for each step what it saw,
 * what is wrong and what to do about it. It changes nothing: the one request that it lets Intune validate has no
 * challenge, so that Intune has to refuse it.
 *
 * A step that depends on one that failed is skipped. Each step may take as long as `timeoutMs` of the options; nothing
 * is repeated.
 *
 * @param options those of the client that is to be made, or has trouble
 * @param limits when to stop
 * @returns a report without secrets; wrong options are reported in it, too
 * @throws the signal's reason when it is aborted
 *
 * @example
 * ```ts
 * const report = await checkConnection(options);
 * for (const { title, state, saw, advice } of report.checks) console.log(state, title, saw, advice ?? '');
 * ```
 */
export async function checkConnection(
  options: IntuneClientOptions,
  limits: CheckConnectionOptions = {},
): Promise<ConnectionReport> {
  const { signal } = limits;
  checkSignal(signal)?.throwIfAborted();
  const startedAt = performance.now();
  const checked = tryOptions(options);
  if ('finding' in checked) {
    const failed = toResult(optionsCheck, checked.finding, performance.now() - startedAt);
    const results = [failed, ...skipAll(checks, optionsCheck.title)];
    return toReport(options, results, { startedAt: new Date(), durationMs: performance.now() - startedAt });
  }
  const beganAt = checked.options.now();
  const patient = admit(checked.options);
  try {
    const { timeoutMs } = checked.options;
    const results = [toResult(optionsCheck, describeOptions(checked.options), performance.now() - startedAt)];
    results.push(...(await runChecks(checks, patient, { timeoutMs, signal })));
    const durationMs = performance.now() - startedAt;
    return toReport(options, results, { startedAt: beganAt, durationMs }, patient.learnt.clientId);
  } finally {
    await discharge(patient);
  }
}

function tryOptions(
  options: IntuneClientOptions,
): { readonly options: CheckedOptions } | { readonly finding: Finding } {
  try {
    return { options: checkOptions(options) };
  } catch (error) {
    return { finding: explainFailure(error) };
  }
}

/** The parts of a client, put together as the client does it, but nothing is repeated. */
function admit(options: CheckedOptions): Patient {
  const { connection, attemptTimeoutMs, tenant, authority, tokenExchangeAudience, now } = options;
  const http = new HttpConnections({ ...connection, connectTimeoutMs: attemptTimeoutMs });
  const learnt: Patient['learnt'] = {};
  const credential = keepTokens(
    createCredential(options.credential, { tenant, authority, tokenExchangeAudience, http, now }),
  );
  const services = connectServices({ ...options, ...withoutRepeats, credential });
  return { options, http, learnt, services };
}

const withoutRepeats = {
  retry: { maximumRetries: 0, initialDelayMs: 1, maximumDelayMs: 1 },
  circuitBreaker: undefined,
  onEvent: undefined,
} as const;

/** Whatever is still under way, after an abort, is wanted by nobody. */
async function discharge({ http, services }: Patient): Promise<void> {
  await Promise.all([http.abandon(), services.http.abandon()]);
  await services.lifetime.end();
}

/** One sign-in for each scope: every step works with the token that was looked at. */
function keepTokens(credential: TokenCredential): TokenCredential {
  const tokens = new Map<string, AccessToken>();
  return {
    getToken: async (scopes, options) => {
      const scope = [scopes].flat().join(' ');
      const token = tokens.get(scope) ?? (await credential.getToken(scopes, options));
      if (token !== null) {
        tokens.set(scope, token);
      }
      return token;
    },
  };
}

function describeOptions(options: CheckedOptions): Finding {
  const { tenant, authority, graphUrl, intuneResource, allowLoopback, timeoutMs } = options;
  return {
    state: 'ok',
    saw: `Complete: tenant ${tenant}, sign-in at ${authority.host}, Microsoft Graph at ${graphUrl.host}.`,
    details: { authority: authority.href, graphUrl: graphUrl.href, intuneResource, allowLoopback, timeoutMs },
  };
}

/** The options may be anything, where they were found wanting. */
function toReport(
  options: Partial<Record<'tenant' | 'cloud' | 'credential', unknown>> | null,
  checks: readonly ConnectionCheck[],
  times: { readonly startedAt: Date; readonly durationMs: number },
  learntClientId?: string,
): ConnectionReport {
  const { tenant, cloud = 'public', credential } = options ?? {};
  const named = isObject(credential) ? credential['clientId'] : undefined;
  const clientId = typeof named === 'string' ? named : learntClientId;
  return {
    ok: checks.every(({ state }) => state !== 'failed'),
    checks,
    startedAt: times.startedAt.toISOString(),
    durationMs: Math.round(times.durationMs * 10) / 10,
    tenant: String(tenant),
    cloud: String(cloud),
    ...(clientId === undefined ? {} : { clientId }),
  };
}
