/** The certificates that Intune wants revoked: what is handed to the CA, and what it answers. */
import { EmulatorError } from './errors.ts';
import { newSecret, type RandomBytes } from './identifiers.ts';
import {
  revocationErrorCodes,
  type Revocation,
  type RevocationErrorName,
  type RevocationReason,
  type RevocationSettings,
} from './revocation-types.ts';

/** Beyond this many, the oldest request that needs no answer any more is forgotten. */
const maxRevocations = 5000;

export const defaultRevocationSettings: RevocationSettings = { coolDownMinutes: 60, revokeOnRemoval: false };

/** A certificate in the words of the success notification that reported it. */
export interface ReportedCertificate {
  readonly serialNumber: string;
  readonly issuerName: string;
  readonly caConfiguration: string;
  readonly certificateRequestId?: string | undefined;
}

/** What the CA says about one request. */
export type RevocationResult = { readonly requestContext: string } & (
  | { readonly succeeded: true }
  | { readonly succeeded: false; readonly errorCode: RevocationErrorName; readonly errorMessage?: string | undefined }
);

export type ResultProblem = 'unknown' | 'conflict';

/** The queue and its settings, in memory; whoever changes it saves the records before answering. */
export class Revocations {
  readonly #requests: Map<string, Revocation>;
  #settings: RevocationSettings;

  constructor(requests: readonly Revocation[] = [], settings: RevocationSettings = defaultRevocationSettings) {
    this.#requests = new Map(requests.map((request) => [request.requestContext, request]));
    this.#settings = settings;
  }

  list(): Revocation[] {
    return [...this.#requests.values()];
  }

  get settings(): RevocationSettings {
    return this.#settings;
  }

  changeSettings(changes: Partial<RevocationSettings>): void {
    this.#settings = { ...this.#settings, ...changes };
  }

  /** Queues a request, unless one for the same certificate is open or has succeeded: then that one is returned. */
  add(
    certificate: ReportedCertificate,
    reason: RevocationReason,
    { now, randomBytes }: { now: Date; randomBytes: RandomBytes },
  ): Revocation {
    const earlier = this.list().find((request) => isSameCertificate(request, certificate) && !hasFailed(request));
    if (earlier !== undefined) return earlier;
    const request: Revocation = {
      requestContext: newSecret(randomBytes, 24),
      ...certificate,
      reason,
      state: 'pending',
      requestedDateTime: now.toISOString(),
      timesDownloaded: 0,
      timesAnswered: 0,
    };
    this.#requests.set(request.requestContext, request);
    this.#forgetOldest();
    return request;
  }

  /** Milliseconds until the next download is allowed; 0 if it is now. */
  coolDownMs(now: Date): number {
    const { lastDownloadDateTime, coolDownMinutes } = this.#settings;
    if (lastDownloadDateTime === undefined) return 0;
    return Math.max(0, Date.parse(lastDownloadDateTime) + coolDownMinutes * 60_000 - now.getTime());
  }

  /**
   * Hands out the oldest requests that want an answer. As in the real service, the filter is applied after the number
   * is limited, and it is the CA configuration that it is compared with.
   */
  download(maximum: number, filter: string | undefined, now: Date): Revocation[] {
    this.changeSettings({ lastDownloadDateTime: now.toISOString() });
    const handedOut = this.list()
      .filter(wantsAnswer)
      .slice(0, maximum)
      .filter(({ caConfiguration }) => filter === undefined || caConfiguration === filter);
    for (const request of handedOut) {
      this.#put({
        ...request,
        state: 'downloaded',
        timesDownloaded: request.timesDownloaded + 1,
        downloadedDateTime: now.toISOString(),
      });
    }
    return handedOut;
  }

  /** What speaks against a result: nobody asked for it, or the certificate was reported as revoked before. */
  problemWith(result: RevocationResult): ResultProblem | undefined {
    const request = this.#requests.get(result.requestContext);
    if (request === undefined || request.timesDownloaded === 0) return 'unknown';
    return request.state === 'revoked' && !result.succeeded ? 'conflict' : undefined;
  }

  /** Records a result that {@link problemWith} has nothing against. The same one again only raises its count. */
  answer(result: RevocationResult, now: Date): Revocation {
    const request = this.#requests.get(result.requestContext);
    if (request === undefined) throw new EmulatorError('emulator.not_found', 'There is no such revocation request.');
    const timesAnswered = request.timesAnswered + 1;
    if (isRepeated(request, result)) return this.#put({ ...request, timesAnswered });
    return this.#put({
      ...request,
      state: result.succeeded ? 'revoked' : 'failed',
      timesAnswered,
      answeredDateTime: now.toISOString(),
      errorCode: result.succeeded ? undefined : result.errorCode,
      errorMessage: result.succeeded ? undefined : result.errorMessage,
    });
  }

  #put(request: Revocation): Revocation {
    this.#requests.set(request.requestContext, request);
    return request;
  }

  #forgetOldest(): void {
    if (this.#requests.size <= maxRevocations) return;
    const settled = this.list().find((request) => !wantsAnswer(request)) ?? this.list()[0];
    if (settled !== undefined) this.#requests.delete(settled.requestContext);
  }
}

function isSameCertificate(request: Revocation, certificate: ReportedCertificate): boolean {
  return (
    request.serialNumber === certificate.serialNumber &&
    request.issuerName === certificate.issuerName &&
    request.caConfiguration === certificate.caConfiguration
  );
}

/** Not answered yet, or answered with an error that Intune tries again after. */
function wantsAnswer({ state, errorCode }: Revocation): boolean {
  if (state === 'failed') return errorCode !== undefined && revocationErrorCodes[errorCode].retryable;
  return state !== 'revoked';
}

function hasFailed(request: Revocation): boolean {
  return request.state === 'failed' && !wantsAnswer(request);
}

function isRepeated(request: Revocation, result: RevocationResult): boolean {
  if (result.succeeded) return request.state === 'revoked';
  return (
    request.state === 'failed' && request.errorCode === result.errorCode && request.errorMessage === result.errorMessage
  );
}
