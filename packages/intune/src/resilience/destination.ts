import { remainingMs, runCall, type Call } from '../call.ts';
import type { Diagnostics } from '../diagnostics/diagnostics.ts';
import type { OperationName } from '../diagnostics/events.ts';
import type { DestinationName } from '../service-names.ts';
import { outcomeOf } from '../diagnostics/outcome.ts';
import { IntuneError, IntuneNetworkError, IntuneTimeoutError, noteAttempts } from '../errors.ts';
import type { HttpAnswer } from '../http/answer.ts';
import type { HttpRequest } from '../http/http-sender.ts';
import type { HttpSender } from '../http/http-sender.ts';
import type { Lifetime } from '../lifetime.ts';
import type { CircuitBreakerOptions } from './circuit-breaker-options.ts';
import { CircuitBreaker, type CircuitStatus } from './circuit-breaker.ts';
import { judgeAnswer, judgeFailure } from './judge-exchange.ts';
import type { RetryOptions } from './retry-options.ts';
import { retryDelayMs } from './retry-policy.ts';
import { wait } from './wait.ts';

/** More requests at a time than this wait for each other, since connections are limited: that is no fault of the service. */
const crowd = 64;

/** What all destinations of a client have in common. */
export interface DestinationParts {
  readonly http: HttpSender;
  readonly diagnostics: Diagnostics;
  readonly lifetime: Lifetime;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly retry: RetryOptions;
  readonly circuitBreaker: CircuitBreakerOptions | undefined;
  readonly now: () => Date;
  readonly random: () => number;
}

/** One step of a call: signing in, discovery, or an operation of Intune. */
export interface Step {
  readonly operation: OperationName;
  /** Whether it may be repeated although its answer was lost. */
  readonly idempotent: boolean;
}

/** As sentences name them. */
const names: Readonly<Record<DestinationName, string>> = {
  entra: 'Microsoft Entra',
  graph: 'Microsoft Graph',
  scep: "Intune's SCEP service",
  pkiConnector: "Intune's revocation service",
};

/** One of the services behind the client, with what the client knows about its health. */
export class Destination {
  readonly #name: DestinationName;
  readonly #parts: DestinationParts;
  readonly #breaker: CircuitBreaker;
  #running = 0;

  constructor(name: DestinationName, parts: DestinationParts) {
    this.#name = name;
    this.#parts = parts;
    this.#breaker = new CircuitBreaker({
      destination: name,
      name: names[name],
      options: parts.circuitBreaker,
      now: parts.now,
      onChange: (state, retryAfterMs) =>
        parts.diagnostics.emit({
          type: 'circuit',
          destination: name,
          state,
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        }),
    });
  }

  get status(): CircuitStatus {
    return this.#breaker.status;
  }

  /**
   * Performs a step and repeats it where that is safe and there is time. `work` sends through the sender given, each
   * request of which is limited, counted and reported.
   * @throws {IntuneCircuitOpenError} when the service is being left alone; and what `work` throws in the end
   */
  async perform<T>(step: Step, call: Call, work: (http: HttpSender) => Promise<T>): Promise<T> {
    const progress = { attempts: 0 };
    const http = {
      send: async (request: HttpRequest, exchangeCall: Call): Promise<HttpAnswer> =>
        this.#exchange(step, progress, request, exchangeCall),
    };
    this.#breaker.check(call.activityId);
    for (let retries = 0; ; retries += 1) {
      try {
        return await work(http);
      } catch (error) {
        const delayMs = isOfAnotherStep(error) ? undefined : this.#delayMs(step, retries, error, call);
        noteAttempts(error, progress.attempts);
        if (delayMs === undefined) {
          throw error;
        }
        await this.#waitToRepeat(step, progress.attempts, delayMs, error, call);
        if (!this.#breaker.isPassable) {
          throw error; // Others have seen the service fail meanwhile; what this call knows is its own failure.
        }
      } finally {
        if (call.record !== undefined) {
          call.record.attempts = progress.attempts;
        }
      }
    }
  }

  /** `undefined`: no repeat. A circuit that this very failure has opened would refuse it. */
  #delayMs({ idempotent }: Step, retries: number, error: unknown, call: Call): number | undefined {
    const { retry: options, random } = this.#parts;
    const isOpen = this.#breaker.status.state !== 'closed';
    return isOpen || call.signal.aborted
      ? undefined
      : retryDelayMs({ error, idempotent, retries, remainingMs: remainingMs(call), options, random });
  }

  async #waitToRepeat(step: Step, attempts: number, retryInMs: number, error: unknown, call: Call): Promise<void> {
    const { diagnostics, lifetime } = this.#parts;
    const { activityId, signal } = call;
    const outcome = outcomeOf(error, signal);
    const { operation } = step;
    diagnostics.emit({ type: 'retry', destination: this.#name, operation, activityId, attempts, retryInMs, outcome });
    await wait(retryInMs, [signal, lifetime.closing]);
    signal.throwIfAborted();
    if (lifetime.isOver) {
      const context = { activityId, attempts, cause: error, reason: 'closed' } as const;
      throw new IntuneNetworkError('The client was closed before the request was repeated', context);
    }
  }

  async #exchange(step: Step, progress: { attempts: number }, request: HttpRequest, call: Call): Promise<HttpAnswer> {
    const admission = this.#breaker.admit(call.activityId);
    progress.attempts += 1;
    const attempt = progress.attempts;
    const { operation } = step;
    const { diagnostics, now, timeoutMs, attemptTimeoutMs } = this.#parts;
    const startedMs = performance.now();
    const isInCrowd = this.#running >= crowd;
    this.#running += 1;
    try {
      const answer = await diagnostics.attempt(
        { destination: this.#name, operation, attempt },
        request,
        call,
        async () => (await this.#sendInTime(request, call)).received(now()),
      );
      judgeAnswer(answer, { operation, name: names[this.#name], timeoutMs }, admission, call);
      return answer;
    } catch (error) {
      // A call whose time ran out elsewhere says nothing about a service that was asked at the last moment.
      const hadTime = performance.now() - startedMs >= attemptTimeoutMs / 2;
      judgeFailure(error, { hadTime, isInCrowd }, admission);
      throw error;
    } finally {
      this.#running -= 1;
    }
  }

  /** An attempt that never got a connection was not sent, whatever ended it. */
  async #sendInTime(request: HttpRequest, call: Call): Promise<HttpAnswer> {
    const { http, attemptTimeoutMs } = this.#parts;
    const { activityId, signal } = call;
    let isSent = false;
    const onSent = (): void => {
      isSent = true;
      request.onSent?.();
    };
    try {
      return await runCall(activityId, { timeoutMs: attemptTimeoutMs, limit: 'attempt', signal }, (attempt) =>
        http.send({ ...request, onSent }, attempt),
      );
    } catch (error) {
      if (!isSent && error instanceof IntuneTimeoutError && error.limit === 'attempt') {
        const message = `No connection to ${request.url.host} within ${attemptTimeoutMs} ms`;
        throw new IntuneNetworkError(message, { activityId, reason: 'connect_timeout' });
      }
      throw error;
    }
  }
}

/** Another step, such as the sign-in before the operation, has noted its attempts, and has made its repeats. */
function isOfAnotherStep(error: unknown): boolean {
  return error instanceof IntuneError && error.attempts !== undefined;
}
