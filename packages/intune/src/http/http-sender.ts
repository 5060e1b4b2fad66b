import type { Call } from '../call.ts';
import type { HttpAnswer } from './answer.ts';
import type { HttpRequest } from './http-connections.ts';

/**
 * Whoever can exchange one request for one answer: the connections themselves, or a `Destination` around them that
 * limits, counts and reports each exchange. An answer of any status is returned; everything else rejects.
 */
export interface HttpSender {
  send(request: HttpRequest, call: Call): Promise<HttpAnswer>;
}
