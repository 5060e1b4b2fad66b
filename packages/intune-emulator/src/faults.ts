import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, FaultOperation, FaultSetting } from './control-types.ts';
import { EmulatorError } from './errors.ts';

/** The faults that are switched on, one per operation. They are not kept over a restart. */
export class Faults {
  readonly #settings = new Map<FaultOperation, FaultSetting>();

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

  /** The fault that hits the next request of this operation; counts it. */
  take(operation: FaultOperation): FaultSetting | undefined {
    const setting = this.#settings.get(operation);
    if (setting?.times === undefined) return setting;
    if (setting.times <= 1) this.#settings.delete(operation);
    else this.#settings.set(operation, { ...setting, times: setting.times - 1 });
    return setting;
  }

  /**
   * Answers one request of an operation: normally by `answer`, or as its fault says.
   *
   * @param request its signal ends a delay when the caller has gone
   * @param answer the normal answer, with all that it changes
   * @param answerWithCode the operation's own form of an error with a given code
   * @throws EmulatorError `emulator.disconnect`, upon which the host cuts the connection
   */
  async answer(
    operation: FaultOperation,
    request: Request,
    answer: () => Promise<Response>,
    answerWithCode: (code: string, description: string) => Response,
  ): Promise<Response> {
    const setting = this.take(operation);
    if (setting === undefined) return answer();
    const { fault, afterProcessing = false } = setting;
    if (fault.kind === 'delay') {
      await sleepUnlessGone(fault.delayMs, request.signal);
      return answer();
    }
    // The work is done and only the answer is spoilt: what a client must survive by asking again.
    if (afterProcessing) await answer();
    if (fault.kind === 'code') {
      return answerWithCode(fault.code, fault.errorDescription ?? `${fault.code} (set as a fault)`);
    }
    return spoiltAnswer(fault);
  }
}

async function sleepUnlessGone(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch (cause) {
    throw new EmulatorError('emulator.disconnect', 'The caller has gone.', { cause });
  }
}

/** Statuses that the Fetch standard allows no body for. */
const statusesWithoutBody = new Set([204, 205, 304]);

function spoiltAnswer(fault: Exclude<Fault, { kind: 'delay' | 'code' }>): Response {
  switch (fault.kind) {
    case 'http': {
      const body = statusesWithoutBody.has(fault.status) ? null : (fault.body ?? '');
      return new Response(body, { status: fault.status, headers: fault.headers ?? {} });
    }
    case 'html':
      return new Response(htmlErrorPage, { status: 502, headers: { 'content-type': 'text/html; charset=utf-8' } });
    case 'garbage':
      return new Response('{"code":"Succ\u0000ess', { headers: { 'content-type': 'application/json' } });
    default:
      throw new EmulatorError('emulator.disconnect', 'The connection is to be cut.');
  }
}

const htmlErrorPage = `<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title></head>
<body><h1>502 Bad Gateway</h1><p>The proxy received an invalid response from an upstream server.</p></body></html>
`;
