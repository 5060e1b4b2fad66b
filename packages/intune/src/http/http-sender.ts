import type { Call } from '../call.ts';
import type { HttpAnswer } from './answer.ts';
import type { Secrets } from './redaction.ts';

/** One request to be sent. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Never shown, should the answer echo it. */
  readonly secrets: Secrets;
  /** `local`: to an endpoint on this very machine, without proxy, TLS options and the caller's dispatcher. */
  readonly route?: 'local';
  /** Called when the first byte is about to go out; what fails before may be repeated without any risk. */
  readonly onSent?: () => void;
  /** A larger answer is refused. Default: 1 MB. */
  readonly largestBodyBytes?: number;
}

/**
 * Whoever can exchange one request for one answer: the connections themselves, or a `Destination` around them that
 * limits, counts and reports each exchange. An answer of any status is returned; everything else rejects.
 */
export interface HttpSender {
  send(request: HttpRequest, call: Call): Promise<HttpAnswer>;
}
