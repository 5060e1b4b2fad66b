import { randomUUID } from 'node:crypto';
import { notifyFailureAction, type NotifyFailureRequest } from './actions/notify-failure.ts';
import { notifySuccessAction, type NotifySuccessRequest } from './actions/notify-success.ts';
import { performScepAction, type ScepAction } from './actions/scep-action.ts';
import type { IntuneServices } from './actions/service-action.ts';
import { validateRequestAction, type ValidateRequest } from './actions/validate-request.ts';
import { checkObject, checkSignal } from './arguments.ts';
import type { AuthorizedService } from './authorized-requests.ts';
import { runCall } from './call.ts';
import { createCredential } from './credentials/create-credential.ts';
import { IntuneNetworkError } from './errors.ts';
import { HttpConnections } from './http/http-connections.ts';
import { checkOptions, type CheckedOptions, type IntuneClientOptions } from './options.ts';
import { ServiceLocator } from './service-locator.ts';
import { TokenSource } from './token-source.ts';

/** The version of the SCEP service's wire format, as Microsoft's reference clients send it. */
const apiVersion = '2018-02-20';

/** What an accepted call tells: Intune said Success. */
export interface IntuneResult {
  /** The GUID by which Microsoft's logs know the call (`client-request-id`). */
  readonly activityId: string;
}

/**
 * Intune's SCEP validation service for one tenant: the counterpart of `IntuneScepServiceClient` (Java) and
 * `IntuneScepValidator` (C#). Make one and keep it: it caches the token, the service's address and connections.
 *
 * Every method resolves only when Intune answered Success, and throws an `IntuneError` otherwise; when its `signal`
 * is aborted, the signal's reason. After a time-out, an abort or a network error Intune may have acted nevertheless.
 *
 * @example
 * ```ts
 * const client = new IntuneClient({
 *   tenant: 'contoso.onmicrosoft.com',
 *   credential: { clientId, clientSecret },
 *   callerInfo: 'Contoso CA 3.1',
 * });
 * await client.validateRequest({ transactionId, certificateRequest }); // Throws: do not issue.
 * ```
 */
export class IntuneClient {
  readonly #options: CheckedOptions;
  readonly #services: IntuneServices;
  #closed = false;

  /** @throws {IntuneArgumentError} when an option is missing or unusable */
  constructor(options: IntuneClientOptions) {
    this.#options = checkOptions(options);
    this.#services = connectServices(this.#options);
  }

  /**
   * Asks Intune whether the device may have a certificate for this request. When this throws, for whatever reason,
   * no certificate may be issued, and no failure notification is due.
   * @throws {IntuneRejectedError} Intune's verdict is not Success
   * @throws {IntuneError} no verdict could be obtained
   */
  async validateRequest(request: ValidateRequest): Promise<IntuneResult> {
    return this.#perform(checkObject('request', request).signal, (callerInfo) =>
      validateRequestAction(request, callerInfo),
    );
  }

  /**
   * Tells Intune that a certificate was issued for a validated request. Until this has resolved, the certificate must
   * not be handed out.
   * @throws {IntuneError} Intune has not accepted the notification, or nobody knows whether it has
   */
  async notifySuccess(notification: NotifySuccessRequest): Promise<IntuneResult> {
    return this.#perform(checkObject('notification', notification).signal, (callerInfo) =>
      notifySuccessAction(notification, callerInfo),
    );
  }

  /**
   * Tells Intune that a validated request failed here, so that the administrator sees why. Not for errors that this
   * client has thrown: those Intune knows.
   * @throws {IntuneError} Intune has not accepted the notification, or nobody knows whether it has
   */
  async notifyFailure(notification: NotifyFailureRequest): Promise<IntuneResult> {
    return this.#perform(checkObject('notification', notification).signal, (callerInfo) =>
      notifyFailureAction(notification, callerInfo),
    );
  }

  /** Lets running calls finish, refuses new ones, and closes the connections. A given `dispatcher` stays open. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#services.http.close();
  }

  async #perform(signal: unknown, makeAction: (callerInfo: string) => ScepAction): Promise<IntuneResult> {
    const action = makeAction(this.#options.callerInfo);
    const limits = { timeoutMs: this.#options.timeoutMs, signal: checkSignal(signal) };
    const activityId = randomUUID();
    if (this.#closed) {
      throw new IntuneNetworkError('The client has been closed', { activityId });
    }
    await runCall(activityId, limits, (call) => performScepAction(this.#services, action, apiVersion, call));
    return { activityId };
  }
}

/** Puts the parts together: connections, credential, a token source for each service, and the locator. */
function connectServices(options: CheckedOptions): IntuneServices {
  const { connection, timeoutMs, now, graphUrl, intuneResource, allowLoopback } = options;
  const http = new HttpConnections({ ...connection, connectTimeoutMs: timeoutMs });
  const { tenant, authority } = options;
  const credential = createCredential(options.credential, { tenant, authority, http });
  const graph: AuthorizedService = {
    name: 'Microsoft Graph',
    tokens: new TokenSource({ credential, scope: `${graphUrl.href.replace(/\/+$/, '')}/.default`, timeoutMs, now }),
    permission: 'Application.Read.All',
  };
  const intune: AuthorizedService = {
    name: 'Intune',
    tokens: new TokenSource({ credential, scope: `${intuneResource}/.default`, timeoutMs, now }),
    permission: 'scep_challenge_provider',
  };
  return { http, intune, locator: new ServiceLocator({ http, graph, graphUrl, allowLoopback, timeoutMs }) };
}
