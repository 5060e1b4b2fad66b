/**
 * What the client does, for a log and for metrics. No event holds a secret. Spans of OpenTelemetry need nothing of this:
 * they appear when `@opentelemetry/api` is installed and an SDK is registered.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { IntuneClient, type CallEvent, type IntuneClientOptions } from '@scepter/intune';

/** One line for each call, and one for everything that is out of the ordinary. */
export function connectWithLog(tenant: IntuneClientOptions, log: (line: string) => void): IntuneClient {
  return new IntuneClient({
    ...tenant,
    onEvent: (event) => {
      switch (event.type) {
        case 'call':
          log(
            `${event.operation} ${event.transactionId ?? '-'}: ${event.resultCode ?? event.outcome} ` +
              `in ${Math.round(event.durationMs)} ms, activity ${event.activityId}`,
          );
          break;
        case 'retry':
          log(`${event.operation} is repeated in ${event.retryInMs} ms after ${event.outcome}`);
          break;
        case 'circuit':
          log(`The circuit to ${event.destination} is ${event.state}`);
          break;
        default: // Attempts, tokens and locations are of interest while one looks for a fault.
      }
    },
  });
}

/** Of all clients in the process, wherever they were made. @returns ends it */
export function measureCalls(measure: (operation: string, outcome: string, durationMs: number) => void): () => void {
  const channel = 'scepter:intune:call';
  const listener = (message: unknown): void => {
    const { operation, outcome, durationMs } = message as CallEvent;
    measure(operation, outcome, durationMs);
  };
  subscribe(channel, listener);
  return () => unsubscribe(channel, listener);
}
