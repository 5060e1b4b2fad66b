/** Everything that the server reports of its work, in one place: what an administrator can follow a transaction by. */
import type { CircuitEvent, DestinationName, IntuneEvent } from '@scepter/intune';
import type { IntuneFailure } from './enrollment/intune-failure.ts';
import type { StepReport } from './enrollment/steps.ts';
import { stepNumbers } from './enrollment/steps.ts';
import { describeRefusal } from './enrollment/refusals.ts';
import type { ReachedLimit } from './http/limits/guard.ts';
import type { Logger } from './logger.ts';
import type { Enrollment, PendingNotification } from './store/store.ts';

export class Events {
  readonly #logger: Logger;
  /** Services that calls are kept from, by connection. */
  readonly #away = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  stepFinished(report: StepReport): void {
    const { step, refusal, reason, ...rest } = report;
    const event = {
      message: `${stepNumbers[step]} ${step}`,
      step,
      ...rest,
      ...(reason === undefined ? {} : { reason }),
    };
    if (report.outcome === 'failed')
      this.#logger.error({ ...event, ...(reason === undefined ? {} : { errorCode: reason }) });
    else if (refusal === undefined) this.#logger.info(event);
    else
      this.#logger.warn({
        ...event,
        errorCode: refusal,
        message: `${event.message}: ${describeRefusal(refusal).explanation}`,
      });
  }

  /** An HTTP answer without a CertRep in it: nothing was read that could name a transaction. */
  requestRefused(
    { status, reason }: { readonly status: number; readonly reason?: string },
    address: string | undefined,
  ): void {
    this.#logger.warn({
      message: `HTTP ${status}`,
      ...(reason === undefined ? {} : { reason }),
      ...(address === undefined ? {} : { address }),
    });
  }

  /** Told once a minute for each limit and client. */
  limitReached(limit: ReachedLimit, address: string): void {
    this.#logger.warn({ message: limitMessages[limit], reason: `limits.${limit}`, address });
  }

  notificationAttempted(
    notification: PendingNotification,
    result: { readonly activityId: string } | IntuneFailure,
  ): void {
    const { connection, endpoint, transactionId, serialNumber, attempts } = notification;
    const event = {
      message: `outbox: ${notification.kind} notification`,
      connection,
      endpoint,
      transactionId,
      attempt: attempts + 1,
      ...(serialNumber === undefined ? {} : { serialNumber }),
    };
    if (!('reason' in result)) {
      this.#logger.info({ ...event, outcome: 'done', ...result });
      return;
    }
    const { reason, activityId, detail } = result;
    this.#logger.warn({
      ...event,
      outcome: 'failed',
      reason,
      ...(activityId === undefined ? {} : { activityId }),
      ...(detail === undefined ? {} : { detail }),
    });
  }

  /** What the Intune client tells of itself. Its calls are told by the steps and the outbox; here is what lies below. */
  connectionReported(connection: string, event: IntuneEvent): void {
    if (event.type === 'circuit') this.#circuitChanged(connection, event);
    if (event.type === 'attempt' && event.outcome !== 'success') {
      const { destination, operation, host, activityId, attempt, durationMs, status, outcome } = event;
      const answer = status === undefined ? 'no answer' : `HTTP ${status}`;
      const message = `${serviceNames[destination]}: ${operation}: ${answer}`;
      this.#logger.debug({ message, connection, outcome, activityId, attempt, durationMs, address: host });
    }
  }

  /** A service that stays away is told of once, not at each failed trial. */
  #circuitChanged(connection: string, { destination, state, retryAfterMs }: CircuitEvent): void {
    const service = serviceNames[destination];
    const key = `${connection} ${destination}`;
    if (state === 'open' && !this.#away.has(key)) {
      this.#away.add(key);
      const wait = retryAfterMs === undefined ? '' : ` It is tried again in ${seconds(retryAfterMs)} s.`;
      this.#logger.warn({ message: `${service} cannot be used; requests are refused at once.${wait}`, connection });
    }
    if (state === 'closed' && this.#away.delete(key)) {
      this.#logger.info({ message: `${service} can be used again.`, connection });
    }
  }

  challengesLimited({ endpoint, address }: { readonly endpoint: string; readonly address: string | undefined }): void {
    this.#logger.warn({
      message: 'Too many wrong challenges from one address; the configured one is not compared for a while.',
      endpoint,
      errorCode: 'authorization.challenge_rate_limited',
      ...(address === undefined ? {} : { address }),
    });
  }

  /** The audit log: who did what, to what. */
  administered({ actor, action, target, endpoint, address }: AdministeredEvent): void {
    this.#logger.info({
      message: `admin: ${action}`,
      actor,
      ...(target === undefined ? {} : { target }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(address === undefined ? {} : { address }),
    });
  }

  administrationRefused({ code, actor, address }: RefusedAdministration): void {
    this.#logger.warn({
      message: 'admin: refused',
      errorCode: code,
      ...(actor === undefined ? {} : { actor }),
      ...(address === undefined ? {} : { address }),
    });
  }

  unclaimedRevoked({ identity, serialNumber, subject }: Enrollment): void {
    this.#logger.warn({
      message: 'A withheld certificate was not claimed in time and is revoked.',
      endpoint: identity.endpoint,
      transactionId: identity.transactionId,
      serialNumber,
      subject,
    });
  }

  pendingRequestsExpired(count: number): void {
    this.#logger.info({ message: `${count} requests ended that waited too long for approval, or for their device.` });
  }

  authorityEnds(notAfter: Date): void {
    const message = `The issuing CA ends on ${notAfter.toISOString()}: stage the next one, then activate it.`;
    this.#logger.warn({ message });
  }

  registrationEnds(notAfter: Date): void {
    this.#logger.warn({
      message: `The RA certificate ends on ${notAfter.toISOString()}. A restart renews it.`,
    });
  }

  authorityChanged(what: 'staged' | 'activated', { generation, id }: { generation: number; id: string }): void {
    const message = what === 'staged' ? 'The next CA is staged.' : 'The next CA is now the current one.';
    this.#logger.warn({ message, reason: `generation ${generation}, SHA-256 ${id}` });
  }

  crlPublished(): void {
    this.#logger.info({ message: 'A new CRL is published.' });
  }

  started(url: string): void {
    this.#logger.info({ message: `Listening on ${url}` });
  }

  stopped(): void {
    this.#logger.info({ message: 'Stopped.' });
  }

  /** Something that has no refusal of its own. The message of the error stays inside: it may quote a request. */
  unexpected(message: string, error: unknown, context: { endpoint?: string; transactionId?: string } = {}): void {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
    const name = error instanceof Error ? error.name : typeof error;
    const origin = error instanceof Error ? firstFrame(error) : undefined;
    this.#logger.error({
      message,
      errorCode: code ?? name,
      ...(origin === undefined ? {} : { reason: origin }),
      ...context,
    });
  }
}

interface AdministeredEvent {
  /** The name of a token. */
  readonly actor: string;
  readonly action: string;
  readonly target?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly address: string | undefined;
}

interface RefusedAdministration {
  readonly code: string;
  readonly actor: string | undefined;
  readonly address: string | undefined;
}

const limitMessages: Readonly<Record<ReachedLimit, string>> = {
  connections: 'All connections are taken; who holds the most gives up one for each new one.',
  connectionsPerAddress:
    'A client holds as many connections as it may; its oldest idle one is closed for each new one.',
  requestsPerMinute: 'All clients together send more than they may, and get HTTP 503.',
  requestsPerMinutePerAddress: 'A client sends more than it may, and gets HTTP 429.',
  concurrentRequests: 'As many requests as may are in work; more get HTTP 503.',
  concurrentRequestsPerAddress: 'A client has as many requests in work as it may; more get HTTP 429.',
};

const serviceNames: Readonly<Record<DestinationName, string>> = {
  entra: 'Microsoft Entra',
  graph: 'Microsoft Graph',
  scep: 'Intune',
  pkiConnector: "Intune's revocation service",
};

function seconds(durationMs: number): number {
  return Math.ceil(durationMs / 1000);
}

/** Where it came from: a position in our code, without the message. */
function firstFrame(error: Error): string | undefined {
  return error.stack
    ?.split('\n')
    .find((line) => line.trimStart().startsWith('at '))
    ?.trim();
}
