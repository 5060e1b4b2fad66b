/** `/scep/{endpoint}` with any suffix: GetCACaps, GetCACert and PKIOperation (RFC 8894 section 4). */
import { capabilitiesFor } from '@scepter/scep';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Endpoint } from '../enrollment/endpoint.ts';
import type { EnrollmentReply } from '../enrollment/enroll.ts';
import { readBody, textAnswer } from './exchange.ts';
import type { Answer } from './exchange.ts';
import { decodeMessage, parseScepQuery } from './scep-query.ts';

export interface ScepRoutesOptions {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Degenerate CMS of the RA certificate, the issuing CA and the root, in this order. */
  readonly caCertificates: Uint8Array;
  readonly enroll: (message: Uint8Array, endpoint: Endpoint) => Promise<EnrollmentReply>;
  /** Of a POST body, and of a GET's message when decoded. */
  readonly bodyBytes: number;
  /** PKIOperations in work at once. */
  readonly concurrentRequests: number;
}

/** Seconds after which a client that came at a full moment should come again. */
const RETRY_AFTER_SECONDS = '5';

/** Pipelining would let one connection take every place. */
const PLACES_OF_A_CONNECTION = 8;

export class ScepRoutes {
  readonly #options: ScepRoutesOptions;
  readonly #inWorkOf = new WeakMap<Socket, number>();
  #inWork = 0;

  constructor(options: ScepRoutesOptions) {
    this.#options = options;
  }

  /** `suffix` is what follows `/scep/` in the path. Windows appends `/pkiclient.exe`, others whatever they like. */
  async handle(request: IncomingMessage, suffix: string, rawQuery: string): Promise<Answer> {
    const endpoint = this.#options.endpoints.get(suffix.split('/', 1)[0] ?? '');
    if (endpoint === undefined) return textAnswer(404, 'No such SCEP endpoint.');
    const query = parseScepQuery(rawQuery);
    if (request.method === 'POST') return this.#post(request, endpoint, query.operation);
    if (request.method !== 'GET') return textAnswer(405, 'SCEP uses GET and POST.', { allow: 'GET, POST' });
    switch (query.operation?.toLowerCase()) {
      // `message` names a CA or carries a client's habit ("default"): it is no data, and no reason for a 404.
      case 'getcacaps':
        return { status: 200, contentType: 'text/plain', body: capabilitiesFor(endpoint.algorithms, endpoint) };
      case 'getcacert':
        return { status: 200, contentType: 'application/x-x509-ca-ra-cert', body: this.#options.caCertificates };
      case 'pkioperation':
        return this.#pkiOperation(
          query.rawMessage === undefined ? undefined : decodeMessage(query.rawMessage),
          endpoint,
          request.socket,
        );
      default:
        return textAnswer(400, 'Unknown SCEP operation.');
    }
  }

  /** RFC 8894 4.3: servers often do not even notice a missing operation. Any other operation is an error. */
  async #post(request: IncomingMessage, endpoint: Endpoint, operation: string | undefined): Promise<Answer> {
    if (operation !== undefined && operation.toLowerCase() !== 'pkioperation')
      return textAnswer(400, 'Unknown SCEP operation.');
    const body = await readBody(request, this.#options.bodyBytes);
    if (body === undefined) return textAnswer(413, 'The message is too large.', { connection: 'close' });
    return this.#pkiOperation(body, endpoint, request.socket);
  }

  async #pkiOperation(message: Uint8Array | undefined, endpoint: Endpoint, socket: Socket): Promise<Answer> {
    if (message === undefined || message.length === 0) return textAnswer(400, 'No SCEP message.');
    if (message.length > this.#options.bodyBytes) return textAnswer(413, 'The message is too large.');
    const inWorkOfSocket = this.#inWorkOf.get(socket) ?? 0;
    if (this.#inWork >= this.#options.concurrentRequests || inWorkOfSocket >= PLACES_OF_A_CONNECTION) {
      return textAnswer(503, 'Too many requests.', { 'retry-after': RETRY_AFTER_SECONDS });
    }
    this.#inWork += 1;
    this.#inWorkOf.set(socket, inWorkOfSocket + 1);
    try {
      const reply = await this.#options.enroll(message, endpoint);
      if (reply.kind === 'undecodable') return { ...textAnswer(400, 'Not a SCEP message.'), reason: reply.reason };
      if (reply.kind === 'unavailable') {
        return { ...textAnswer(503, 'Try again later.', { 'retry-after': RETRY_AFTER_SECONDS }), reason: reply.reason };
      }
      return { status: 200, contentType: 'application/x-pki-message', body: reply.message };
    } finally {
      this.#inWork -= 1;
      this.#inWorkOf.set(socket, (this.#inWorkOf.get(socket) ?? 1) - 1);
    }
  }
}
