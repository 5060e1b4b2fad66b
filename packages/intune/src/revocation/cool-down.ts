import { untilAborted, type Call } from '../call.ts';
import {
  IntuneAuthenticationError,
  IntuneCircuitOpenError,
  IntuneCoolDownError,
  IntuneHttpError,
  IntuneNetworkError,
  IntunePermissionError,
  IntuneServiceNotFoundError,
  type NetworkFailureReason,
} from '../errors.ts';

/** Intune asks for an hour between two downloads. */
const coolDownMs = 60 * 60_000;

export interface CoolDownOptions {
  readonly now: () => Date;
  /** When an earlier process downloaded last. */
  readonly lastDownload: Date | undefined;
}

export interface CoolDownPeriod {
  readonly startedAt: Date;
  readonly until: Date;
}

/**
 * Keeps downloads of revocation requests apart: one at a time, and an hour between them. Whoever asks while one is
 * under way waits for its end, because only then is it known whether there is a cool-down.
 */
export class RevocationCoolDown {
  readonly #now: () => Date;
  #untilMs: number;
  /** How long it is, so that it ends in time although the clock is set back. */
  #lengthMs = coolDownMs;
  #running: Promise<void> | undefined;

  constructor(options: CoolDownOptions) {
    this.#now = options.now;
    this.#untilMs = (options.lastDownload?.getTime() ?? -Infinity) + coolDownMs;
  }

  /** When the next download is allowed; `undefined` when it is now. */
  get until(): Date | undefined {
    const nowMs = this.#now().getTime();
    this.#untilMs = Math.min(this.#untilMs, nowMs + this.#lengthMs);
    return nowMs < this.#untilMs ? new Date(this.#untilMs) : undefined;
  }

  /** Intune has handed out requests just now. */
  start(): CoolDownPeriod {
    const startedAt = this.#now();
    this.#lengthMs = coolDownMs;
    this.#untilMs = startedAt.getTime() + coolDownMs;
    return { startedAt, until: new Date(this.#untilMs) };
  }

  /** A download failed. @param wasSent whether Intune may have received it */
  noteFailure(error: unknown, wasSent: boolean): void {
    if (error instanceof IntuneHttpError && error.status === 429) {
      const askedMs = error.retryAfterMs ?? 0;
      this.#lengthMs = Math.max(this.#lengthMs, askedMs);
      this.#untilMs = Math.max(this.#untilMs, this.#now().getTime() + askedMs);
    } else if (wasSent && !wasRefused(error)) {
      this.start();
    }
  }

  /**
   * Runs a download when it is its turn.
   * @param turn `ignore` leaves it to Intune to refuse a download within the cool-down
   * @throws {IntuneCoolDownError} when the cool-down is not over
   * @throws the signal's reason when the call is aborted before its turn has come
   */
  async run<T>(download: () => Promise<T>, turn: { readonly ignore: boolean; readonly call: Call }): Promise<T> {
    const { activityId, signal } = turn.call;
    while (this.#running !== undefined) {
      await untilAborted(this.#running, signal);
    }
    const { until } = this;
    if (until !== undefined && !turn.ignore) {
      throw new IntuneCoolDownError(until, { activityId });
    }
    const outcome = download();
    this.#running = outcome.then(nothing, nothing).finally(() => {
      this.#running = undefined;
    });
    return outcome;
  }
}

const notSent: ReadonlySet<NetworkFailureReason> = new Set([
  'dns',
  'refused',
  'tls',
  'connect_timeout',
  'proxy',
  'closed',
]);

/**
 * Whether Intune has handed out nothing, as far as one can know: an answer with an error, a gateway's included, is taken
 * for a refusal, since asking too early costs less than a lost hour. Otherwise the answer may have been lost on its way.
 */
function wasRefused(error: unknown): boolean {
  return (
    error instanceof IntuneAuthenticationError ||
    error instanceof IntunePermissionError ||
    error instanceof IntuneServiceNotFoundError ||
    error instanceof IntuneCircuitOpenError ||
    (error instanceof IntuneNetworkError && notSent.has(error.reason)) ||
    (error instanceof IntuneHttpError && error.code === 'intune.http')
  );
}

function nothing(): void {}
