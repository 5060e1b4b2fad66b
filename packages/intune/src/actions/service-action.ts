import { sendAuthorized, type AuthorizedService } from '../authorized-requests.ts';
import { withoutTrailingSlash } from '../base-url.ts';
import type { Call } from '../call.ts';
import type { CallName } from '../diagnostics/events.ts';
import { IntuneError, IntuneHttpError, IntuneNetworkError, IntuneTimeoutError } from '../errors.ts';
import type { HttpAnswer } from '../http/answer.ts';
import type { HttpSender } from '../http/http-sender.ts';
import type { Destination } from '../resilience/destination.ts';
import { failureKind } from '../resilience/retry-policy.ts';
import type { ServiceLocator } from '../service-locator.ts';
import type { ServiceName } from '../service-names.ts';

/** One operation of one of Intune's services with its checked arguments. */
export interface ServiceAction {
  /** The method of the client that performs it, as events name it. */
  readonly name: CallName;
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
  /** Called whenever the first byte of the request is about to go out. */
  readonly onSent?: () => void;
  /** A larger answer is refused. Default: 1 MB. */
  readonly largestBodyBytes?: number;
}

/** Intune's services for one tenant: where they are and how to sign in to them. */
export interface IntuneServices {
  readonly destinations: Readonly<Record<ServiceName, Destination>>;
  readonly locator: ServiceLocator;
  readonly intune: AuthorizedService;
}

/**
 * Finds the service, performs the action, and returns the answer if its status is 200. A service that is not where it
 * was is looked for anew, within this very call.
 * @throws {IntuneHttpError} every other status; and what sign-in, discovery and HTTP throw
 */
export async function performAction(services: IntuneServices, action: ServiceAction, call: Call): Promise<HttpAnswer> {
  const { name: operation, idempotent, serviceName } = action;
  return services.destinations[serviceName].perform({ operation, idempotent }, call, (http) =>
    performWhereverItIs(services, action, http, call),
  );
}

/** First at the addresses known, and when nobody is there, at those that Graph names now. */
async function performWhereverItIs(
  services: IntuneServices,
  action: ServiceAction,
  http: HttpSender,
  call: Call,
): Promise<HttpAnswer> {
  const tried = new Set<string>();
  let absence: unknown;
  for (const _round of ['known', 'found anew']) {
    const locations = await services.locator.locate(action.serviceName, call);
    const untried = locations.filter(({ href }) => !tried.has(href));
    for (const location of untried) {
      tried.add(location.href);
      const outcome = await tryLocation(location, services, action, http, call);
      if ('answer' in outcome) {
        return outcome.answer;
      }
      if (!outcome.isAbsent) {
        if (outcome.mayHaveMoved) {
          services.locator.forget(action.serviceName, locations, false);
        }
        throw outcome.error;
      }
      absence = outcome.error;
    }
    if (untried.length > 0) {
      services.locator.forget(action.serviceName, locations, isNotFound(absence));
    }
  }
  throw absence;
}

type Outcome =
  | { readonly answer: HttpAnswer }
  | {
      readonly error: unknown;
      /** Nobody was there to act on the request, so that it may be sent elsewhere. */
      readonly isAbsent: boolean;
      /** Intune moves tenants between scale units: then the old address is silent or answers 404. */
      readonly mayHaveMoved: boolean;
    };

async function tryLocation(
  location: URL,
  { intune, locator }: IntuneServices,
  action: ServiceAction,
  http: HttpSender,
  call: Call,
): Promise<Outcome> {
  const request = {
    method: 'POST',
    url: new URL(`${withoutTrailingSlash(location)}/${action.path}`),
    headers: { 'content-type': 'application/json; charset=utf-8', 'api-version': action.apiVersion },
    body: JSON.stringify(action.body),
    secrets: { certificateRequest: action.certificateRequest },
    ...(action.onSent === undefined ? {} : { onSent: action.onSent }),
    ...(action.largestBodyBytes === undefined ? {} : { largestBodyBytes: action.largestBodyBytes }),
  } as const;
  try {
    const { answer } = await sendAuthorized(http, intune, request, call);
    if (answer.status !== 200) {
      throw answer.statusError(intune.name, call);
    }
    locator.prefer(action.serviceName, location);
    return { answer };
  } catch (error) {
    // Attempts are noted on failures of the sign-in, which say nothing about this address.
    const isHere = error instanceof IntuneError && error.attempts === undefined;
    const isSilent = error instanceof IntuneNetworkError || error instanceof IntuneTimeoutError;
    const isUnreachable = isSilent && (failureKind(error) === 'notSent' || isUntrusted(error));
    const isAbsent = isHere && (isUnreachable || isNotFound(error));
    return { error, isAbsent, mayHaveMoved: isHere && (isAbsent || isSilent) };
  }
}

/** Somebody else is there: nothing was sent. */
function isUntrusted(error: unknown): boolean {
  return error instanceof IntuneNetworkError && error.reason === 'tls';
}

function isNotFound(error: unknown): boolean {
  return error instanceof IntuneHttpError && error.status === 404;
}
