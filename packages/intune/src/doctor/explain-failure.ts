import {
  IntuneArgumentError,
  IntuneAuthenticationError,
  IntuneError,
  IntuneHttpError,
  IntuneNetworkError,
  IntunePermissionError,
  IntuneRejectedError,
  IntuneServiceNotFoundError,
  IntuneTimeoutError,
} from '../errors.ts';
import { copyCause } from '../http/foreign-cause.ts';
import type { Finding } from './check.ts';
import { permissions, type PermissionName } from '../permissions.ts';
import { sentence } from '../sentence.ts';
import type { ConnectionCheckDetail } from './report.ts';

/** A failure of the library as a finding: what it says, what to do, and what programs and Microsoft's support ask for. */
export function explainFailure(error: unknown): Finding {
  if (!(error instanceof IntuneError)) {
    return {
      state: 'failed',
      saw: sentence(`Something unexpected failed: ${copyCause(error)?.message ?? 'unknown reason'}`),
      advice: 'This is a defect of the check itself: please report it, with what led to it.',
    };
  }
  return { state: 'failed', saw: sentence(error.message), advice: adviceFor(error), details: detailsOf(error) };
}

function detailsOf(error: IntuneError): Record<string, ConnectionCheckDetail> {
  return {
    errorCode: error.code,
    ...(error.activityId === undefined ? {} : { activityId: error.activityId }),
    ...(error instanceof IntuneAuthenticationError && error.entraCode !== undefined
      ? { entraCode: error.entraCode }
      : {}),
    ...(error instanceof IntuneHttpError ? { status: error.status, requestIds: { ...error.requestIds } } : {}),
    ...(error instanceof IntuneNetworkError || error instanceof IntuneServiceNotFoundError
      ? { reason: error.reason }
      : {}),
    ...(error instanceof IntunePermissionError ? { permission: error.permission } : {}),
    ...(error instanceof IntuneRejectedError ? { resultCode: error.resultCode } : {}),
  };
}

function adviceFor(error: IntuneError): string {
  if (error instanceof IntuneArgumentError) {
    return `Correct the option ${error.argument}.`;
  }
  if (error instanceof IntuneAuthenticationError || error instanceof IntuneRejectedError) {
    return error.advice;
  }
  if (error instanceof IntunePermissionError) {
    return grantAdvice(error.permission);
  }
  if (error instanceof IntuneServiceNotFoundError) {
    return serviceAdvice[error.reason];
  }
  if (error instanceof IntuneNetworkError) {
    return networkAdvice[error.reason];
  }
  if (error instanceof IntuneTimeoutError) {
    return 'A firewall that drops packets, a slow proxy or an overloaded service: see whether the host can be reached from this machine at all, and try again.';
  }
  return error instanceof IntuneHttpError ? httpAdvice(error.status) : 'Try again later.';
}

/** How to grant an application permission, in the names that the Entra admin center has. */
export function grantAdvice(permission: PermissionName): string {
  const { api, id } = permissions[permission];
  return `In the Entra admin center, open App registrations > your application > API permissions, add ${permission} of ${api} as an application permission (id ${id}), then choose "Grant admin consent". It takes effect within minutes.`;
}

/** What to do when discovery leads nowhere. */
export const serviceAdvice: Readonly<Record<IntuneServiceNotFoundError['reason'], string>> = {
  permission: grantAdvice('Application.Read.All'),
  licence: 'The tenant needs an Intune licence, and somebody must have opened Intune in it once.',
  consent: 'Choose "Grant admin consent" for the permissions of the application in the Entra admin center.',
  address:
    'No token was sent there. If the address is Intune\'s own, name the end of its host in endpointHostSuffixes; "allowLoopback" is for emulators only.',
};

const networkAdvice: Readonly<Record<IntuneNetworkError['reason'], string>> = {
  dns: 'The name cannot be resolved: check the DNS servers of this machine, and whether a proxy is needed to get out.',
  refused:
    'Nothing listens there, or a firewall refuses: check address and port, and the rules for outgoing connections.',
  tls: 'The certificate is not trusted, or the two sides agree on no version of TLS: see the check of TLS.',
  connect_timeout: 'A firewall drops the packets, or a proxy is needed to get out: allow outgoing HTTPS to this host.',
  cut: 'The connection was cut half-way, as firewalls and proxies do: look at their logs at this time.',
  proxy: 'The proxy did not let the connection through: check its address, user name and password, and its rules.',
  closed: 'The client was closed meanwhile.',
  other: 'Check that the host can be reached from this machine.',
};

function httpAdvice(status: number): string {
  if (status === 407) return networkAdvice.proxy;
  if (status === 429 || status >= 500) return 'The service is busy or broken at the moment: try again later.';
  return "Microsoft's services do not answer like this: check the addresses in the options, and whether a proxy or firewall answers in their place.";
}
