import { randomUUID } from 'node:crypto';
import {
  downloadRevocationRequestsAction,
  performDownload,
  type DownloadRevocationRequestsOptions,
  type RevocationDownload,
} from './actions/download-revocation-requests.ts';
import { notifyFailureAction, type NotifyFailureOptions } from './actions/notify-failure.ts';
import { notifySuccessAction, type NotifySuccessOptions } from './actions/notify-success.ts';
import { performScepAction, type ScepAction } from './actions/scep-action.ts';
import {
  performUpload,
  uploadRevocationResultsAction,
  type UploadRevocationResultsOptions,
} from './actions/upload-revocation-results.ts';
import { validateRequestAction, type ValidateRequestOptions } from './actions/validate-request.ts';
import { checkObject, checkSignal } from './arguments.ts';
import { runCall, type Call } from './call.ts';
import { clientStatus, type IntuneClientStatus } from './client-status.ts';
import { connectServices, type ConnectedServices } from './connect-services.ts';
import { checkCredential } from './credentials/check-credential.ts';
import type { IntuneCredential } from './credentials/credential-options.ts';
import type { CallName } from './diagnostics/events.ts';
import { IntuneNetworkError } from './errors.ts';
import { checkOptions, type CheckedOptions, type IntuneClientOptions } from './options.ts';
import { RevocationCoolDown } from './revocation/cool-down.ts';

/** What an accepted call tells: Intune said Success. */
export interface IntuneResult {
  /** The GUID by which Microsoft's logs know the call (`client-request-id`). */
  readonly activityId: string;
}

/**
 * Intune's services for third-party certification authorities, for one tenant: the counterpart of
 * `IntuneScepServiceClient` and `IntuneRevocationClient` (Java), `IntuneScepValidator` and `IntuneRevocationClient` (C#).
 * Make one and keep it: it caches tokens, the services' addresses and connections, and shares them among concurrent
 * calls.
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
  readonly #services: ConnectedServices;
  readonly #coolDown: RevocationCoolDown;

  /** @throws {IntuneArgumentError} when an option is missing or unusable */
  constructor(options: IntuneClientOptions) {
    this.#options = checkOptions(options);
    this.#services = connectServices(this.#options);
    const { now, lastRevocationDownload: lastDownload } = this.#options;
    this.#coolDown = new RevocationCoolDown({ now, lastDownload });
  }

  /**
   * Asks Intune whether the device may have a certificate for this request. When this throws, for whatever reason,
   * no certificate may be issued, and no failure notification is due.
   * @throws {IntuneRejectedError} Intune's verdict is not Success
   * @throws {IntuneError} no verdict could be obtained
   */
  async validateRequest(request: ValidateRequestOptions): Promise<IntuneResult> {
    return this.#performScep('validateRequest', checkObject('request', request).signal, (callerInfo) =>
      validateRequestAction(request, callerInfo),
    );
  }

  /**
   * Tells Intune that a certificate was issued for a validated request. Until this has resolved, the certificate must
   * not be handed out.
   * @throws {IntuneError} Intune has not accepted the notification, or nobody knows whether it has
   */
  async notifySuccess(notification: NotifySuccessOptions): Promise<IntuneResult> {
    return this.#performScep('notifySuccess', checkObject('notification', notification).signal, (callerInfo) =>
      notifySuccessAction(notification, callerInfo),
    );
  }

  /**
   * Tells Intune that a validated request failed here, so that the administrator sees why. Not for errors that this
   * client has thrown: those Intune knows.
   * @throws {IntuneError} Intune has not accepted the notification, or nobody knows whether it has
   */
  async notifyFailure(notification: NotifyFailureOptions): Promise<IntuneResult> {
    return this.#performScep('notifyFailure', checkObject('notification', notification).signal, (callerInfo) =>
      notifyFailureAction(notification, callerInfo),
    );
  }

  /**
   * Takes certificates to be revoked from Intune's list. Intune asks for an hour between two downloads, and whether it
   * hands out a request a second time is not known; a download whose answer got lost is therefore not repeated by the
   * client.
   * @throws {IntuneCoolDownError} the hour is not over; nothing was sent
   * @throws {IntuneError} the requests could not be obtained
   */
  async downloadRevocationRequests(request: DownloadRevocationRequestsOptions = {}): Promise<RevocationDownload> {
    const action = downloadRevocationRequestsAction(checkObject('request', request));
    const { transactionId } = action;
    return this.#perform('downloadRevocationRequests', transactionId, checkSignal(request.signal), (call) =>
      performDownload(
        this.#services,
        action,
        { apiVersion: this.#options.pkiConnectorServiceVersion, coolDown: this.#coolDown },
        call,
      ),
    );
  }

  /**
   * Tells Intune what became of certificates to be revoked.
   * @throws {IntuneError} Intune has not recorded the results, or nobody knows whether it has
   */
  async uploadRevocationResults(request: UploadRevocationResultsOptions): Promise<IntuneResult> {
    const action = uploadRevocationResultsAction(checkObject('request', request));
    const { transactionId } = action;
    return this.#perform('uploadRevocationResults', transactionId, checkSignal(request.signal), async (call) => {
      await performUpload(this.#services, action, this.#options.pkiConnectorServiceVersion, call);
      return { activityId: call.activityId };
    });
  }

  /**
   * Replaces secret or certificate while calls are running: from now on sign-ins use the new credential. Tokens at hand
   * stay in use until they are renewed; a sign-in under way that is refused is repeated with the new credential.
   * @throws {IntuneArgumentError} the credential is unusable; the old one stays
   */
  replaceCredential(credential: IntuneCredential): void {
    this.#services.credential.replace(checkCredential(credential));
    this.#services.graph.tokens.retryRefresh();
    this.#services.intune.tokens.retryRefresh();
  }

  /** How the client is doing: circuits, ends of tokens, addresses of the services. Costs no request. */
  status(): IntuneClientStatus {
    return clientStatus(this.#services, this.#coolDown.until);
  }

  /**
   * Lets running requests finish, ends waits for a repeat, refuses new calls, and closes the connections. A given
   * `dispatcher` stays open.
   */
  async close(): Promise<void> {
    await this.#services.lifetime.end();
    await this.#services.http.close();
  }

  async #performScep(
    operation: CallName,
    signal: unknown,
    makeAction: (callerInfo: string) => ScepAction,
  ): Promise<IntuneResult> {
    const action = makeAction(this.#options.callerInfo);
    return this.#perform(operation, action.transactionId, checkSignal(signal), async (call) => {
      await performScepAction(this.#services, action, this.#options.scepServiceVersion, call);
      return { activityId: call.activityId };
    });
  }

  /** One call, from its activity id to its report. */
  async #perform<T>(
    operation: CallName,
    transactionId: string,
    signal: AbortSignal | undefined,
    work: (call: Call) => Promise<T>,
  ): Promise<T> {
    const activityId = randomUUID();
    const { diagnostics, lifetime } = this.#services;
    if (lifetime.isOver) {
      throw new IntuneNetworkError('The client has been closed', { activityId, reason: 'closed' });
    }
    const { timeoutMs } = this.#options;
    return lifetime.runCall(
      diagnostics.call({ operation, activityId, transactionId }, signal, (record) =>
        runCall(activityId, { timeoutMs, signal, record }, work),
      ),
    );
  }
}
