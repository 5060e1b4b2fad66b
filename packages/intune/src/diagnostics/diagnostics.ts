import type { Call } from '../call.ts';
import { IntuneError, IntuneRejectedError, noteAttempts } from '../errors.ts';
import type { HttpAnswer } from '../http/answer.ts';
import type { HttpRequest } from '../http/http-sender.ts';
import { publish } from './channels.ts';
import type { AttemptEvent, CallEvent, IntuneEvent } from './events.ts';
import { outcomeOf } from './outcome.ts';
import { Tracing, type OpenSpan } from './tracing.ts';

type CallDescription = Pick<CallEvent, 'operation' | 'activityId' | 'transactionId'>;
type AttemptDescription = Pick<AttemptEvent, 'destination' | 'operation' | 'attempt'>;

/** What the client tells about itself: events to the hook and the diagnostics channels, spans to OpenTelemetry. */
export class Diagnostics {
  readonly tracing: Tracing;
  readonly #onEvent: ((event: IntuneEvent) => void) | undefined;

  constructor(onEvent?: (event: IntuneEvent) => void, tracing: Tracing = new Tracing()) {
    this.#onEvent = onEvent;
    this.tracing = tracing;
  }

  emit(event: IntuneEvent): void {
    try {
      const outcome: unknown = this.#onEvent?.(event);
      if (outcome instanceof Promise) {
        outcome.catch(() => {});
      }
    } catch {
      // A hook that fails must not fail the call.
    }
    publish(event);
  }

  /** Reports a call as a whole. `work` counts the requests of the step that decides in `record`. */
  async call<T>(
    description: CallDescription,
    signal: AbortSignal | undefined,
    work: (record: { attempts: number }) => Promise<T>,
  ): Promise<T> {
    const startedMs = performance.now();
    const record = { attempts: 0 };
    const end = (rest: Pick<CallEvent, 'attempts' | 'outcome' | 'resultCode'>): void =>
      this.emit({ type: 'call', ...description, durationMs: performance.now() - startedMs, ...rest });
    await this.tracing.ready();
    const { operation, activityId, transactionId } = description;
    const attributes = {
      'scepter.intune.operation': operation,
      'scepter.intune.activity_id': activityId,
      ...(transactionId === undefined ? {} : { 'scepter.intune.transaction_id': transactionId }),
    };
    try {
      const result = await this.tracing.span(
        `IntuneClient.${operation}`,
        attributes,
        () => work(record),
        (error) => outcomeOf(error, signal),
      );
      end({ ...record, outcome: 'success' });
      return result;
    } catch (error) {
      noteAttempts(error, record.attempts);
      const resultCode = error instanceof IntuneRejectedError ? { resultCode: error.resultCode } : {};
      const attempts = error instanceof IntuneError ? (error.attempts ?? 0) : record.attempts;
      end({ attempts, outcome: outcomeOf(error, signal), ...resultCode });
      throw error;
    }
  }

  /** Reports one HTTP exchange. */
  async attempt(
    description: AttemptDescription,
    request: HttpRequest,
    call: Call,
    exchange: () => Promise<HttpAnswer>,
  ): Promise<HttpAnswer> {
    const startedMs = performance.now();
    const end = (rest: Pick<AttemptEvent, 'status' | 'outcome'>): void =>
      this.emit({
        type: 'attempt',
        ...description,
        host: request.url.host,
        activityId: call.activityId,
        durationMs: performance.now() - startedMs,
        ...rest,
      });
    const within = async (span: OpenSpan): Promise<HttpAnswer> => {
      const answer = await exchange();
      span.setAttributes({
        'http.response.status_code': answer.status,
        ...(answer.status >= 400 ? { 'error.type': String(answer.status) } : {}),
      });
      return answer;
    };
    try {
      const answer = await this.tracing.span(
        request.method,
        attemptAttributes(description, request, call),
        within,
        (error) => outcomeOf(error, call.signal),
      );
      end({ status: answer.status, outcome: answer.status < 400 ? 'success' : 'intune.http' });
      return answer;
    } catch (error) {
      end({ outcome: outcomeOf(error, call.signal) });
      throw error;
    }
  }
}

function attemptAttributes(
  { destination, operation, attempt }: AttemptDescription,
  { method, url }: HttpRequest,
  { activityId }: Call,
): Record<string, string | number> {
  return {
    'http.request.method': method,
    'server.address': url.hostname,
    'server.port': url.port === '' ? 443 : Number(url.port),
    // Without the query, which may hold a continuation token.
    'url.full': `${url.origin}${url.pathname}`,
    'scepter.intune.destination': destination,
    'scepter.intune.operation': operation,
    'scepter.intune.activity_id': activityId,
    ...(attempt > 1 ? { 'http.request.resend_count': attempt - 1 } : {}),
  };
}
