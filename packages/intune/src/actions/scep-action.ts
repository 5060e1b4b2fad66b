import { sendAuthorized, type AuthorizedService } from '../authorized-requests.ts';
import type { Call } from '../call.ts';
import { IntuneHttpError, IntuneNetworkError, IntuneRejectedError, IntuneTimeoutError } from '../errors.ts';
import type { HttpAnswer } from '../http/answer.ts';
import type { HttpConnections } from '../http/http-connections.ts';
import type { ServiceLocator } from '../service-locator.ts';

/** The version of the wire format, as Microsoft's reference clients send it. */
const apiVersion = '2018-02-20';

/** One operation of Intune's SCEP service with its checked arguments. */
export interface ScepAction {
  readonly name: 'validateRequest' | 'successNotification' | 'failureNotification';
  readonly transactionId: string;
  readonly certificateRequest: string;
  /** Sent as JSON. */
  readonly body: object;
}

export interface ScepService {
  readonly http: HttpConnections;
  readonly locator: ServiceLocator;
  readonly intune: AuthorizedService;
}

/**
 * Performs the action. Resolves only when Intune answered HTTP 200 with the code Success; everything else throws.
 */
export async function performAction(service: ScepService, action: ScepAction, call: Call): Promise<void> {
  const { http, locator, intune } = service;
  const location = await locator.locate(call);
  const request = {
    method: 'POST',
    url: new URL(`${location.href.replace(/\/+$/, '')}/ScepActions/${action.name}`),
    headers: { 'content-type': 'application/json; charset=utf-8', 'api-version': apiVersion },
    body: JSON.stringify(action.body),
    secrets: { certificateRequest: action.certificateRequest },
  } as const;
  try {
    const answer = await sendAuthorized(http, intune, request, call);
    checkVerdict(answer, intune.name, action, call);
  } catch (error) {
    if (mayHaveMoved(error)) {
      locator.forget(location);
    }
    throw error;
  }
}

function checkVerdict(answer: HttpAnswer, service: string, action: ScepAction, call: Call): void {
  if (answer.status !== 200) {
    throw answer.statusError(service, call);
  }
  const verdict = answer.jsonObject();
  const code = verdict?.['code'];
  if (typeof code !== 'string') {
    throw answer.badReply(service, 'without a result code', call);
  }
  if (code.toLowerCase() !== 'success') {
    const text = verdict?.['errorDescription'];
    throw new IntuneRejectedError({
      originalCode: answer.show(code),
      description: typeof text === 'string' ? answer.show(text) : '',
      transactionId: action.transactionId,
      activityId: call.activityId,
    });
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
