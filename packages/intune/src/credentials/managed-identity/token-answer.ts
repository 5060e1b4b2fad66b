import type { Call } from '../../call.ts';
import { IntuneAuthenticationError } from '../../errors.ts';
import type { HttpAnswer } from '../../http/answer.ts';
import type { AccessToken } from '../token-credential.ts';
import type { ManagedIdentitySource } from './sources.ts';

export interface AnswerContext {
  readonly source: ManagedIdentitySource;
  readonly now: Date;
  /** What to do when the identity is not there. */
  readonly advice: string;
}

/** Statuses that say that there is no such identity, or not for this process; others say that something is out of order. */
const refusals: ReadonlySet<number> = new Set([400, 401, 403]);

/**
 * The token in the answer of a managed identity endpoint.
 * @throws {IntuneAuthenticationError} when the endpoint refused, {IntuneHttpError} for every other answer without token
 */
export function tokenOf(answer: HttpAnswer, { source, now, advice }: AnswerContext, call: Call): AccessToken {
  const { activityId } = call;
  if (refusals.has(answer.status)) {
    const cause = answer.statusError(capitalised(source.name), call);
    throw new IntuneAuthenticationError(cause.message, { activityId, cause, advice });
  }
  if (answer.status !== 200) {
    throw answer.statusError(capitalised(source.name), call);
  }
  const body = answer.jsonObject();
  const token = body?.['access_token'];
  const expiresOnTimestamp = endOf(body ?? {}, now);
  if (typeof token !== 'string' || expiresOnTimestamp === undefined) {
    throw answer.badReply(capitalised(source.name), 'without a token and its end', call);
  }
  return { token, expiresOnTimestamp };
}

/** `expires_on` is seconds since 1970, mostly as a string, or a date; `expires_in` seconds from now. */
function endOf(body: Record<string, unknown>, now: Date): number | undefined {
  const { expires_on: end } = body;
  const expiresOn = typeof end === 'string' || typeof end === 'number' ? String(end) : '';
  const endMs = /^\d+$/.test(expiresOn) ? Number(expiresOn) * 1000 : Date.parse(expiresOn);
  if (Number.isFinite(endMs)) {
    return endMs;
  }
  const lifetimeMs = Number(body['expires_in'] ?? Number.NaN) * 1000;
  return Number.isFinite(lifetimeMs) ? now.getTime() + lifetimeMs : undefined;
}

function capitalised(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
