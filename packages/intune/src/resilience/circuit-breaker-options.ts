import { checkDurationMs, checkObject, checkWholeNumber } from '../arguments.ts';

/**
 * When the client stops asking a service that is down. Each of Entra, Graph, the SCEP and the revocation service has a
 * circuit of its own.
 */
export interface CircuitBreakerOptions {
  /**
   * So many failed requests in a row open the circuit: no answer, no answer in time, or the statuses 429 and 5xx. Any
   * other answer is a sign of life. 1 to 1,000, default: 5.
   */
  readonly failureThreshold: number;
  /** How long calls fail at once before one is let through to try, in milliseconds. Default: 30,000. */
  readonly openMs: number;
}

/** @throws {IntuneArgumentError} when one is out of range */
export function checkCircuitBreaker(
  value: Partial<CircuitBreakerOptions> | false = {},
): CircuitBreakerOptions | undefined {
  if (value === false) {
    return undefined;
  }
  const { failureThreshold, openMs } = checkObject('circuitBreaker', value);
  return {
    failureThreshold: checkWholeNumber('circuitBreaker.failureThreshold', failureThreshold ?? 5, { from: 1, to: 1000 }),
    openMs: checkDurationMs('circuitBreaker.openMs', openMs ?? 30_000),
  };
}
