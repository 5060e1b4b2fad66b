/** `/scep/{endpoint}` with any suffix: GetCACaps, GetCACert and PKIOperation (RFC 8894 section 4). */
import { capabilitiesFor, nextCaCertificatesType } from '@scepter/scep';
import type { IncomingMessage } from 'node:http';
import type { Endpoint } from '../enrollment/endpoint.ts';
import type { Sender } from '../enrollment/sender.ts';
import type { EnrollmentReply } from '../enrollment/replies.ts';
import { readBody, textAnswer } from './exchange.ts';
import type { Answer } from './exchange.ts';
import type { ClientAddress } from './limits/client-address.ts';
import type { Guard } from './limits/guard.ts';
import { Places } from './limits/places.ts';
import { decodeMessage, parseScepQuery } from './scep-query.ts';

export interface ScepRoutesOptions {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** The answer to GetCACert. */
  readonly caCertificates: (endpoint: Endpoint) => { readonly contentType: string; readonly body: Uint8Array };
  /** The answer to GetNextCACert while a next CA is staged. */
  readonly nextCaCertificates: () => Uint8Array | undefined;
  readonly enroll: (message: Uint8Array, endpoint: Endpoint, sender: Sender) => Promise<EnrollmentReply>;
  /** Of a POST body, and of a GET's message when decoded. */
  readonly bodyBytes: number;
  /** PKIOperations in work at once, of all clients and of one. */
  readonly concurrentRequests: number;
  readonly concurrentRequestsPerAddress: number;
  /** A body that comes in more slowly is not waited for. */
  readonly minimumBytesPerSecond: number;
  readonly guard: Pick<Guard, 'busy' | 'report'>;
}

/** After which a client that came at a full moment should come again: what is in work now is done by then. */
const RETRY_AFTER_MS = 2_000;
/** Until the speed of a body counts: slow networks start slowly. */
const BODY_PATIENCE_MS = 3_000;

export class ScepRoutes {
  readonly #options: ScepRoutesOptions;
  readonly #places: Places;

  constructor(options: ScepRoutesOptions) {
    this.#options = options;
    this.#places = new Places({
      overall: options.concurrentRequests,
      perClient: options.concurrentRequestsPerAddress,
    });
  }

  /** `suffix` is what follows `/scep/` in the path. Windows appends `/pkiclient.exe`, others whatever they like. */
  async handle(request: IncomingMessage, suffix: string, rawQuery: string, client: ClientAddress): Promise<Answer> {
    const endpoint = this.#options.endpoints.get(suffix.split('/', 1)[0] ?? '');
    if (endpoint === undefined) return textAnswer(404, 'No such SCEP endpoint.');
    const query = parseScepQuery(rawQuery);
    if (request.method === 'POST') return this.#post(request, endpoint, query.operation, client);
    if (request.method !== 'GET') return textAnswer(405, 'SCEP uses GET and POST.', { allow: 'GET, POST' });
    switch (query.operation?.toLowerCase()) {
      // `message` names a CA or carries a client's habit ("default"): it is no data, and no reason for a 404.
      case 'getcacaps':
        return { status: 200, contentType: 'text/plain', body: this.#capabilities(endpoint) };
      case 'getcacert':
        return { status: 200, ...this.#options.caCertificates(endpoint) };
      case 'getnextcacert':
        return this.#nextCaCertificates();
      case 'pkioperation':
        return this.#pkiOperation(
          query.rawMessage === undefined ? undefined : decodeMessage(query.rawMessage),
          endpoint,
          client,
        );
      default:
        return textAnswer(400, 'Unknown SCEP operation.');
    }
  }

  /** RFC 8894 4.7 is announced while there is something to get: clients ask for it on their own then. */
  #capabilities(endpoint: Endpoint): string {
    const nextCaCertificates = this.#options.nextCaCertificates() !== undefined;
    return capabilitiesFor(endpoint.algorithms, { renewal: endpoint.renewal, nextCaCertificates });
  }

  #nextCaCertificates(): Answer {
    const body = this.#options.nextCaCertificates();
    if (body === undefined) return textAnswer(404, 'No next CA is staged.');
    return { status: 200, contentType: nextCaCertificatesType, body };
  }

  /** RFC 8894 4.3: servers often do not even notice a missing operation. Any other operation is an error. */
  async #post(
    request: IncomingMessage,
    endpoint: Endpoint,
    operation: string | undefined,
    client: ClientAddress,
  ): Promise<Answer> {
    if (operation !== undefined && operation.toLowerCase() !== 'pkioperation')
      return textAnswer(400, 'Unknown SCEP operation.');
    const { bodyBytes, minimumBytesPerSecond } = this.#options;
    const read = await readBody(request, {
      maximumBytes: bodyBytes,
      minimumBytesPerSecond,
      patienceMs: BODY_PATIENCE_MS,
    });
    if (read.kind === 'too-large') return textAnswer(413, 'The message is too large.', { connection: 'close' });
    if (read.kind === 'too-slow') return textAnswer(408, 'The message comes too slowly.', { connection: 'close' });
    return this.#pkiOperation(read.body, endpoint, client);
  }

  async #pkiOperation(message: Uint8Array | undefined, endpoint: Endpoint, client: ClientAddress): Promise<Answer> {
    if (message === undefined || message.length === 0) return textAnswer(400, 'No SCEP message.');
    if (message.length > this.#options.bodyBytes) return textAnswer(413, 'The message is too large.');
    const { guard } = this.#options;
    const full = this.#places.enter(client.group);
    if (full !== undefined) {
      guard.report(full === 'client' ? 'concurrentRequestsPerAddress' : 'concurrentRequests', client);
      return guard.busy(full, RETRY_AFTER_MS);
    }
    try {
      const reply = await this.#options.enroll(message, endpoint, { address: client.text });
      if (reply.kind === 'undecodable') return { ...textAnswer(400, 'Not a SCEP message.'), reason: reply.reason };
      if (reply.kind === 'unavailable') {
        return { ...guard.busy('overall', RETRY_AFTER_MS), limited: false, reason: reply.reason };
      }
      return { status: 200, contentType: 'application/x-pki-message', body: reply.message };
    } finally {
      this.#places.leave(client.group);
    }
  }
}
