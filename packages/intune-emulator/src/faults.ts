import { setTimeout as sleep } from 'node:timers/promises';
import { EmulatorError } from './errors.ts';
import type { Fault, FaultOperation, FaultSetting } from './fault-types.ts';
import { cutBody, hugeBody, slowBody, type Cut } from './spoilt-bodies.ts';

/** One request to an operation, and the host's way to cut its connection. */
export interface FaultyCall {
  readonly request: Request;
  readonly cut?: Cut | undefined;
}

/** The forms in which an operation answers. */
export interface OperationAnswers {
  /** The normal answer, with all that it changes. Faults that the operation itself plays are handed on to it. */
  normal(fault: Fault | undefined): Promise<Response>;
  /** An error with a given code, in the operation's form for errors that it detects. */
  code(code: string, description: string): Response;
  /** An HTTP error in the service's form. */
  error(status: number, code: string, message: string): Response;
}

/** The faults that are switched on, one per operation. They are not kept over a restart. */
export class Faults {
  readonly #settings = new Map<FaultOperation, FaultSetting>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  list(): FaultSetting[] {
    return [...this.#settings.values()];
  }

  set(setting: FaultSetting): void {
    this.#settings.set(setting.operation, setting);
  }

  clear(operation?: FaultOperation): void {
    if (operation === undefined) this.#settings.clear();
    else this.#settings.delete(operation);
  }

  /** Whether the service of these operations is to be found at its other address. */
  hasMoved(operations: readonly FaultOperation[]): boolean {
    return operations.some((operation) => this.#settings.get(operation)?.fault.kind === 'moved');
  }

  /** The fault that hits the next request of this operation; counts it. */
  take(operation: FaultOperation): FaultSetting | undefined {
    const setting = this.#settings.get(operation);
    if (setting?.times === undefined) return setting;
    if (setting.times <= 1) this.#settings.delete(operation);
    else this.#settings.set(operation, { ...setting, times: setting.times - 1 });
    return setting;
  }

  /**
   * Answers one request of an operation: normally, or as its fault says.
   *
   * @param call its request's signal ends a delay when the caller has gone
   * @throws EmulatorError `emulator.disconnect`, upon which the host cuts the connection
   */
  async answer(operation: FaultOperation, call: FaultyCall, answers: OperationAnswers): Promise<Response> {
    const setting = this.take(operation);
    if (setting === undefined) return answers.normal(undefined);
    const { fault, afterProcessing = false } = setting;
    switch (fault.kind) {
      case 'delay':
      case 'slowHeaders':
        await sleepUnlessGone(fault.delayMs, call.request.signal);
        return answers.normal(fault);
      case 'slowBody':
        return slowBody(await answers.normal(fault), fault);
      case 'cutBody':
        return cutBody(await answers.normal(fault), call.cut);
      case 'duplicateNames':
      case 'nextLink':
      case 'moved':
        return answers.normal(fault);
      default:
        // The work is done and only the answer is spoilt: what a client must survive by asking again.
        if (afterProcessing) await answers.normal(fault);
        return otherAnswer(fault, answers, this.#now);
    }
  }
}

async function sleepUnlessGone(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch (cause) {
    throw new EmulatorError('emulator.disconnect', 'The caller has gone.', { cause });
  }
}

type OwnFault = Exclude<
  Fault,
  { kind: 'delay' | 'slowHeaders' | 'slowBody' | 'cutBody' | 'duplicateNames' | 'nextLink' | 'moved' }
>;

function otherAnswer(fault: OwnFault, answers: OperationAnswers, now: () => Date): Response {
  switch (fault.kind) {
    case 'code':
      return answers.code(fault.code, fault.errorDescription ?? `${fault.code} (set as a fault)`);
    case 'http': {
      const body = statusesWithoutBody.has(fault.status) ? null : (fault.body ?? '');
      return new Response(body, { status: fault.status, headers: fault.headers ?? {} });
    }
    case 'html':
      return new Response(htmlErrorPage, { status: 502, headers: { 'content-type': 'text/html; charset=utf-8' } });
    case 'garbage':
      return json('{"code":"Succ\u0000ess');
    case 'wrongJson':
      return json(typeof fault.body === 'string' ? fault.body : (JSON.stringify(fault.body) ?? 'null'));
    case 'emptyList':
      return json('{"value":[]}');
    case 'hugeBody':
      return hugeBody(fault);
    case 'redirect':
      return new Response(null, { status: fault.status ?? 302, headers: { location: fault.location } });
    case 'throttle':
      return throttled(fault, answers, now);
    case 'nestedError':
      return answers.error(fault.status ?? 500, 'InternalError', fault.message ?? 'An error has occurred');
    case 'disconnect':
      throw new EmulatorError('emulator.disconnect', 'The connection is to be cut.');
  }
}

function throttled(fault: Extract<Fault, { kind: 'throttle' }>, answers: OperationAnswers, now: () => Date): Response {
  const { status = 429, retryAfterSeconds, asDate = false } = fault;
  const response =
    status === 429
      ? answers.error(status, 'TooManyRequests', 'Too many requests. Try again later.')
      : answers.error(status, 'ServiceUnavailable', 'The service is temporarily unavailable.');
  const date = new Date(now().getTime() + retryAfterSeconds * 1000);
  return withRetryAfter(response, asDate ? date.toUTCString() : String(retryAfterSeconds));
}

export function withRetryAfter(response: Response, retryAfter: string): Response {
  response.headers.set('retry-after', retryAfter);
  return response;
}

function json(body: string): Response {
  return new Response(body, { headers: { 'content-type': 'application/json' } });
}

/** Statuses that the Fetch standard allows no body for. */
const statusesWithoutBody = new Set([204, 205, 304]);

const htmlErrorPage = `<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title></head>
<body><h1>502 Bad Gateway</h1><p>The proxy received an invalid response from an upstream server.</p></body></html>
`;
