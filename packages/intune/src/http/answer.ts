import type { Call } from '../call.ts';
import { IntuneHttpError, type RequestIds } from '../errors.ts';
import { errorDetail, isObject, parseJson } from './error-detail.ts';
import type { HttpHeaders } from './exchange.ts';
import { redact, toLine, type Secrets } from './redaction.ts';
import { requestIds } from './request-ids.ts';
import { retryAfterMs } from './retry-after.ts';

const longestShownBody = 4096;
const longestShownDetail = 1000;
/** Redaction looks further than is shown, so that a secret cut at the end of what is shown is still recognised. */
const longestReadText = 4 * longestShownBody;

/** A complete HTTP answer, of any status. */
export class HttpAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly #text: string;
  readonly #secrets: Secrets;
  readonly #receivedAt: Date | undefined;

  constructor(status: number, headers: HttpHeaders, text: string, secrets: Secrets, receivedAt?: Date) {
    this.status = status;
    this.headers = headers;
    this.#text = text;
    this.#secrets = secrets;
    this.#receivedAt = receivedAt;
  }

  /** The same answer with the moment of its arrival, by which a `Retry-After` that is a date becomes a duration. */
  received(at: Date): HttpAnswer {
    return new HttpAnswer(this.status, this.headers, this.#text, this.#secrets, at);
  }

  /** The body's JSON object, or `undefined` when the body is anything else. */
  jsonObject(): Record<string, unknown> | undefined {
    const value = parseJson(this.#text);
    return isObject(value) ? value : undefined;
  }

  /** What the service says went wrong, as one line without secrets. */
  detail(): string | undefined {
    const detail = errorDetail(parseJson(this.#text));
    return detail === undefined ? undefined : this.show(detail);
  }

  /** A text of this answer as one line without secrets. */
  show(text: string): string {
    return toLine(redact(text.slice(0, longestReadText), this.#secrets), longestShownDetail);
  }

  /** The error for an answer whose status says failure. `service` names who answered, to begin the sentence. */
  statusError(service: string, call: Call): IntuneHttpError {
    const said = this.detail() ?? toLine(this.#shownBody(), 200);
    const message = `${service} answered HTTP ${this.status}${said === '' ? '' : `: ${said}`}`;
    return this.#error('intune.http', message, call);
  }

  /** The error for a 200 whose body is not what it should be. */
  badReply(service: string, problem: string, call: Call): IntuneHttpError {
    return this.#error('intune.bad_reply', `${service} answered HTTP ${this.status} ${problem}`, call);
  }

  #error(code: 'intune.http' | 'intune.bad_reply', message: string, call: Call): IntuneHttpError {
    const answer = {
      code,
      status: this.status,
      body: this.#shownBody(),
      detail: this.detail(),
      requestIds: this.#requestIds(),
      retryAfterMs: this.#receivedAt === undefined ? undefined : retryAfterMs(this.headers, this.#receivedAt),
    };
    return new IntuneHttpError(message, answer, { activityId: call.activityId });
  }

  /** Without those in which the service echoes a secret. */
  #requestIds(): RequestIds {
    const ids = Object.entries(requestIds(this.headers, parseJson(this.#text)));
    return Object.fromEntries(ids.filter(([, id]) => redact(id, this.#secrets) === id));
  }

  #shownBody(): string {
    return redact(this.#text.slice(0, longestReadText), this.#secrets).slice(0, longestShownBody);
  }
}
