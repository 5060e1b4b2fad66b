import type { INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node';
import type { Call } from '../call.ts';
import { entraCodeIn } from '../entra-codes.ts';
import { IntuneAuthenticationError } from '../errors.ts';
import type { HttpAnswer } from '../http/answer.ts';
import type { HttpSender } from '../http/http-sender.ts';
import type { Secrets } from '../http/redaction.ts';

const entra = 'Microsoft Entra';

/**
 * Carries MSAL's token request over the client's own connections, and keeps the failure: MSAL replaces whatever goes
 * wrong on the network by an error of its own without status, body or cause.
 */
export class MsalNetwork implements INetworkModule {
  readonly #http: HttpSender;
  readonly #call: Call;
  readonly #secrets: Secrets;
  #failure: unknown;

  constructor(http: HttpSender, call: Call, secrets: Secrets) {
    this.#http = http;
    this.#call = call;
    this.#secrets = secrets;
  }

  /** Why the exchange failed; `undefined` when it did not. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Only discovery of the authority uses GET, and its result is configured. */
  async sendGetRequestAsync<T>(url: string): Promise<NetworkResponse<T>> {
    throw new Error(`Unexpected GET of ${new URL(url).host}`);
  }

  async sendPostRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    try {
      const answer = await this.#http.send(
        {
          method: 'POST',
          url: new URL(url),
          headers: options?.headers ?? {},
          body: options?.body ?? '',
          secrets: { ...this.#secrets, tokens: [...(this.#secrets.tokens ?? []), ...assertionsIn(options?.body)] },
        },
        this.#call,
      );
      return { status: 200, headers: flatHeaders(answer), body: tokenResponse(answer, this.#call) as T };
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

/** MSAL makes the assertion that a certificate signs, so it is first seen here. */
function assertionsIn(form: string | undefined): string[] {
  return new URLSearchParams(form ?? '').getAll('client_assertion');
}

/** The JSON of a successful token response (RFC 6749 5.1); everything else throws. */
function tokenResponse(answer: HttpAnswer, call: Call): Record<string, unknown> {
  const body = answer.jsonObject();
  if (answer.status === 200) {
    if (typeof body?.['access_token'] !== 'string') {
      throw answer.badReply(entra, 'without a token', call);
    }
    return body;
  }
  // RFC 6749 5.2: refusals are 400 or 401 with an `error` member.
  if ((answer.status === 400 || answer.status === 401) && typeof body?.['error'] === 'string') {
    const detail = answer.detail() ?? 'unknown reason';
    const entraCode = entraCodeIn(detail);
    const context = { activityId: call.activityId, entraCode, cause: answer.statusError(entra, call) };
    throw new IntuneAuthenticationError(`${entra} refused to sign in: ${detail}`, context);
  }
  throw answer.statusError(entra, call);
}

function flatHeaders(answer: HttpAnswer): Record<string, string> {
  return Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}
