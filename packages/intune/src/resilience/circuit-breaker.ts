import type { CircuitState } from '../diagnostics/events.ts';
import type { DestinationName } from '../service-names.ts';
import { IntuneCircuitOpenError } from '../errors.ts';
import type { CircuitBreakerOptions } from './circuit-breaker-options.ts';

/** What one admitted request reports back; only the first report counts. */
export interface Admission {
  /** The service answered: it is alive. */
  succeeded(): void;
  /** @param openMs how long the service is to be left alone, whatever the number of failures */
  failed(failure: unknown, openMs?: number): void;
  /** Nobody knows: the caller gave up, or the client was closed. */
  abandoned(): void;
}

export interface CircuitBreakerParts {
  readonly destination: DestinationName;
  /** As sentences name it. */
  readonly name: string;
  /** Absent: the circuit never opens. */
  readonly options: CircuitBreakerOptions | undefined;
  readonly now: () => Date;
  readonly onChange: (state: CircuitState, retryAfterMs: number | undefined) => void;
}

type State =
  | { readonly kind: 'closed' }
  | { readonly kind: 'open'; readonly sinceMs: number; readonly untilMs: number }
  | { readonly kind: 'halfOpen' };

/** How one service is doing, as its circuit breaker has it. */
export interface CircuitStatus {
  readonly state: CircuitState;
  /** Failed requests in a row. */
  readonly failures: number;
  /** While open: when a call is let through again, in milliseconds from now. */
  readonly retryAfterMs?: number;
}

/** While a probe is under way nobody knows how long; others may ask again about then. */
const probeMs = 1000;

const noBreaker: Admission = { succeeded() {}, failed() {}, abandoned() {} };

/**
 * Stops asking a service that is down. Closed: all pass. After some failures in a row it opens: nobody passes. When its
 * time is over, one request is let through; its outcome closes or reopens the circuit.
 */
export class CircuitBreaker {
  readonly #parts: CircuitBreakerParts;
  #state: State = { kind: 'closed' };
  /** Requests that were admitted before the circuit changed have nothing to say about the time after. */
  #epoch = 0;
  #failures = 0;
  #lastFailure: unknown;

  constructor(parts: CircuitBreakerParts) {
    this.#parts = parts;
  }

  /** Whether a request would be admitted now. */
  get isPassable(): boolean {
    return this.#waitMs() === 0;
  }

  /** @throws {IntuneCircuitOpenError} when a request would not be admitted now */
  check(activityId: string): void {
    const waitMs = this.#waitMs();
    if (waitMs > 0) {
      throw this.#refusal(activityId, waitMs);
    }
  }

  /**
   * Lets one request through.
   * @throws {IntuneCircuitOpenError} while the circuit is open
   */
  admit(activityId: string): Admission {
    if (this.#parts.options === undefined) {
      return noBreaker;
    }
    this.check(activityId);
    if (this.#state.kind === 'open') {
      this.#enter({ kind: 'halfOpen' });
    }
    return this.#admission(this.#parts.options);
  }

  get status(): CircuitStatus {
    const waitMs = this.#waitMs();
    const { kind } = this.#state;
    return { state: kind, failures: this.#failures, ...(kind === 'open' ? { retryAfterMs: waitMs } : {}) };
  }

  #admission({ failureThreshold, openMs }: CircuitBreakerOptions): Admission {
    const epoch = this.#epoch;
    let isReported = false;
    const report = (effect: () => void): void => {
      if (!isReported && epoch === this.#epoch) {
        effect();
      }
      isReported = true;
    };
    return {
      succeeded: () =>
        report(() => {
          this.#failures = 0;
          this.#lastFailure = undefined;
          if (this.#state.kind === 'halfOpen') {
            this.#enter({ kind: 'closed' });
          }
        }),
      failed: (failure, atLeastMs) =>
        report(() => {
          this.#failures += 1;
          this.#lastFailure = failure;
          if (this.#state.kind === 'halfOpen' || this.#failures >= failureThreshold || atLeastMs !== undefined) {
            this.#open(Math.max(openMs, atLeastMs ?? 0));
          }
        }),
      abandoned: () =>
        report(() => {
          if (this.#state.kind === 'halfOpen') {
            this.#open(0); // The next call tries instead.
          }
        }),
    };
  }

  #open(durationMs: number): void {
    const sinceMs = this.#parts.now().getTime();
    this.#enter({ kind: 'open', sinceMs, untilMs: sinceMs + durationMs });
  }

  #enter(state: State): void {
    this.#epoch += 1;
    this.#state = state;
    this.#parts.onChange(state.kind, state.kind === 'open' ? this.#waitMs() : undefined);
  }

  /** 0: a request may pass. */
  #waitMs(): number {
    if (this.#state.kind === 'open') {
      const nowMs = this.#parts.now().getTime();
      const { sinceMs, untilMs } = this.#state;
      // A clock that was put back must not keep the circuit open for longer.
      return nowMs < sinceMs ? 0 : Math.max(0, untilMs - nowMs);
    }
    return this.#state.kind === 'halfOpen' ? probeMs : 0;
  }

  #refusal(activityId: string, retryAfterMs: number): IntuneCircuitOpenError {
    const { destination, name } = this.#parts;
    const last = this.#lastFailure instanceof Error ? `, the last: ${this.#lastFailure.message}` : '';
    const seconds = Math.ceil(retryAfterMs / 1000);
    const message = `Nothing was sent: ${name} is left alone for ${seconds} s. Failed requests in a row: ${this.#failures}${last}`;
    return new IntuneCircuitOpenError(destination, message, { activityId, retryAfterMs, cause: this.#lastFailure });
  }
}
