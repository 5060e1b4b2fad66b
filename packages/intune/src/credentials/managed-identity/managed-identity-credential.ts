import { randomUUID } from 'node:crypto';
import { untilAborted, type Call } from '../../call.ts';
import { IntuneAuthenticationError } from '../../errors.ts';
import type { HttpAnswer } from '../../http/answer.ts';
import { copyCause } from '../../http/foreign-cause.ts';
import type { HttpSender } from '../../http/http-sender.ts';
import type { ManagedIdentityId } from '../credential-options.ts';
import type { AccessToken, GetTokenOptions, TokenCredential } from '../token-credential.ts';
import { arcPaths, exists, readChallengeFile, type ArcPaths } from './arc-challenge.ts';
import { findSource, type Environment, type ManagedIdentitySource } from './sources.ts';
import { tokenOf } from './token-answer.ts';

export interface ManagedIdentityOptions {
  readonly id: ManagedIdentityId;
  readonly environment: Environment;
  readonly http: HttpSender;
  readonly now: () => Date;
  /** Default: where the system's installer puts them. */
  readonly arc?: ArcPaths;
}

const assignAdvice =
  'Check that this machine or app has the managed identity that is asked for, by the same client id, object id or resource id.';

/** Tokens of a managed identity. The platform caches them, and hands the same one out until shortly before its end. */
export class ManagedIdentityCredential implements TokenCredential {
  readonly #options: ManagedIdentityOptions;

  constructor(options: ManagedIdentityOptions) {
    this.#options = options;
  }

  /** @throws {IntuneAuthenticationError} and what HTTP throws; the abort signal's reason when that is aborted */
  async getToken(scopes: string | string[], options: GetTokenOptions = {}): Promise<AccessToken> {
    const { activityId = randomUUID(), abortSignal: signal = new AbortController().signal } = options;
    const call: Call = { activityId, signal };
    const source = await this.#findSource(call);
    // These endpoints want the resource, which is the scope without its end.
    const url = this.#url(source, String([scopes].flat()[0]).replace(/\/\.default$/, ''), call);
    let answer = await this.#send(source, url, {}, call);
    if (source.challenges && answer.status === 401) {
      answer = await this.#send(source, url, await this.#answerChallenge(source, answer, call), call);
    }
    return tokenOf(answer, { source, now: this.#options.now(), advice: assignAdvice }, call);
  }

  async #findSource(call: Call): Promise<ManagedIdentitySource> {
    const { environment } = this.#options;
    const hasArcAgent = await untilAborted(exists(this.#arc.agent), call.signal);
    const source = findSource(environment, hasArcAgent);
    if (typeof source === 'string') {
      throw problem(`There is no managed identity here: ${source}`, { call });
    }
    return source;
  }

  get #arc(): ArcPaths {
    return this.#options.arc ?? arcPaths(this.#options.environment);
  }

  #url(source: ManagedIdentitySource, resource: string, call: Call): URL {
    if (!URL.canParse(source.endpoint) || !/^https?:$/.test(new URL(source.endpoint).protocol)) {
      throw problem(`The environment names no usable address for ${source.name}`, { call });
    }
    const url = new URL(source.endpoint);
    url.searchParams.set('api-version', source.apiVersion);
    url.searchParams.set('resource', resource);
    const { id } = this.#options;
    const chosen = id === true ? { clientId: source.systemClientId } : id;
    for (const [kind, value] of Object.entries(chosen)) {
      if (value !== undefined) {
        url.searchParams.set(parameterFor(kind, source, call), value);
      }
    }
    return url;
  }

  async #send(
    source: ManagedIdentitySource,
    url: URL,
    authorization: Readonly<Record<string, string>>,
    call: Call,
  ): Promise<HttpAnswer> {
    const headers = { ...source.headers, ...authorization };
    const secrets = { tokens: Object.values(headers).filter((value) => value !== 'true') };
    return this.#options.http.send({ method: 'GET', url, headers, secrets, route: 'local' }, call);
  }

  async #answerChallenge(
    source: ManagedIdentitySource,
    { headers }: HttpAnswer,
    call: Call,
  ): Promise<Record<string, string>> {
    try {
      const key = await untilAborted(readChallengeFile(headers['www-authenticate'], this.#arc), call.signal);
      return { authorization: `Basic ${key}` };
    } catch (error) {
      call.signal.throwIfAborted();
      const cause = copyCause(error);
      const advice = `Add the user of this process to the group himds, so that it may read ${this.#arc.tokens}.`;
      throw problem(`${source.name} wants proof that cannot be given: ${cause?.message}`, { call, cause, advice });
    }
  }
}

function parameterFor(kind: string, { idParameters, name }: ManagedIdentitySource, call: Call): string {
  const parameter = Object.entries(idParameters).find(([each]) => each === kind)?.[1];
  if (parameter === undefined) {
    throw problem(`A managed identity cannot be chosen by ${kind} at ${name}`, { call });
  }
  return parameter;
}

function problem(
  message: string,
  context: { readonly call: Call; readonly cause?: unknown; readonly advice?: string },
): IntuneAuthenticationError {
  const { call, cause, advice = assignAdvice } = context;
  return new IntuneAuthenticationError(message, { activityId: call.activityId, cause, advice });
}
