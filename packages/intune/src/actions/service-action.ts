import { sendAuthorized, type AuthorizedService } from '../authorized-requests.ts';
import type { Call } from '../call.ts';
import { IntuneHttpError, IntuneNetworkError, IntuneTimeoutError } from '../errors.ts';
import type { HttpAnswer } from '../http/answer.ts';
import type { HttpConnections } from '../http/http-connections.ts';
import type { ServiceLocator, ServiceName } from '../service-locator.ts';

/** One operation of one of Intune's services with its checked arguments. */
export interface ServiceAction {
  /** The service as discovery lists it. */
  readonly serviceName: ServiceName;
  /** What follows the service's address. */
  readonly path: string;
  /** The version of the wire format. */
  readonly apiVersion: string;
  /** Sent as JSON. */
  readonly body: object;
  /** Whether Intune may be asked twice, so that the request is repeated although its answer was lost. */
  readonly idempotent: boolean;
  /** Base64 of the PKCS #10 request in the body, which must not be shown; absent where there is none. */
  readonly certificateRequest?: string;
}

/** Intune's services for one tenant: where they are and how to sign in to them. */
export interface IntuneServices {
  readonly http: HttpConnections;
  readonly locator: ServiceLocator;
  readonly intune: AuthorizedService;
}

/**
 * Finds the service, performs the action, and returns the answer if its status is 200.
 * @throws {IntuneHttpError} every other status; and what sign-in, discovery and HTTP throw
 */
export async function performAction(services: IntuneServices, action: ServiceAction, call: Call): Promise<HttpAnswer> {
  const { http, locator, intune } = services;
  const location = await locator.locate(action.serviceName, call);
  const request = {
    method: 'POST',
    url: new URL(`${location.href.replace(/\/+$/, '')}/${action.path}`),
    headers: { 'content-type': 'application/json; charset=utf-8', 'api-version': action.apiVersion },
    body: JSON.stringify(action.body),
    secrets: { certificateRequest: action.certificateRequest },
  } as const;
  try {
    const answer = await sendAuthorized(http, intune, request, call);
    if (answer.status !== 200) {
      throw answer.statusError(intune.name, call);
    }
    return answer;
  } catch (error) {
    if (mayHaveMoved(error)) {
      locator.forget(action.serviceName, location);
    }
    throw error;
  }
}

/** Intune moves tenants between scale units: then the old address is silent or answers 404. */
function mayHaveMoved(error: unknown): boolean {
  return (
    error instanceof IntuneNetworkError ||
    error instanceof IntuneTimeoutError ||
    (error instanceof IntuneHttpError && error.status === 404)
  );
}
