/**
 * A small, honest SCEP server in one process, with a hook wherever a server can go wrong. It exists to show that every
 * check of the probe can fail; it is no example of how to write a server.
 */
import { encodeCertsOnly } from '@scepter/scep';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { forgeMessage } from '../src/wire/forge-message.ts';
import { honestCapabilities, textAnswer } from './small-behaviour.ts';
import type { Answer, Behaviour, Received } from './small-behaviour.ts';
import { SmallCore } from './small-core.ts';

export interface SmallServer {
  readonly url: string;
  readonly issued: number;
  close(): Promise<void>;
}

async function receive(request: IncomingMessage): Promise<Received> {
  const [path = '/', ...rest] = (request.url ?? '/').split('?');
  const query = rest.join('?');
  const parameters = new Map(
    query.split('&').map((part) => [part.split('=', 1)[0] ?? '', part.slice(part.indexOf('=') + 1)]),
  );
  return {
    method: request.method ?? 'GET',
    path,
    query,
    operation: parameters.get('operation'),
    message: parameters.get('message'),
    headers: request.headers,
    httpVersion: request.httpVersion,
    body: Uint8Array.from(await buffer(request)),
  };
}

const fromQuery = (message: string): Uint8Array =>
  Uint8Array.from(
    Buffer.from(
      decodeURIComponent(message.replaceAll('+', '%2B')).replaceAll(' ', '+').replaceAll(/\s/g, ''),
      'base64',
    ),
  );

const longestBody = 65_536;

function answerHonestly(core: SmallCore, received: Received): Answer {
  const { body, message, method, operation } = received;
  if (method === 'POST') {
    if (operation !== undefined && operation !== 'PKIOperation') return textAnswer(400, 'unknown operation');
    return body.length > longestBody ? textAnswer(413, 'too large') : core.operate(body);
  }
  if (method !== 'GET') return textAnswer(405, 'GET and POST');
  const { authority, next, registration } = core.authority;
  switch (operation) {
    case 'GetCACaps':
      return textAnswer(200, core.behaviour.capabilities ?? honestCapabilities);
    case 'GetCACert':
      return {
        status: 200,
        contentType: 'application/x-x509-ca-ra-cert',
        body: encodeCertsOnly([registration.certificate.encoded, authority.certificate.encoded]),
      };
    case 'GetNextCACert':
      return {
        status: 200,
        contentType: 'application/x-x509-next-ca-cert',
        body: forgeMessage({
          content: encodeCertsOnly([next.certificate.encoded]),
          attributes: [],
          signer: authority,
          digest: 'sha256',
        }),
      };
    case 'PKIOperation':
      return core.operate(fromQuery(message ?? ''));
    default:
      return textAnswer(400, 'unknown operation');
  }
}

/** Starts it on a free port; at every path it is the same. */
export async function startSmallServer(behaviour: Behaviour = {}): Promise<SmallServer> {
  const core = new SmallCore(behaviour);
  const incomplete = new Set<IncomingMessage>();
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    incomplete.add(request);
    const received = await receive(request).finally(() => incomplete.delete(request));
    while (behaviour.oneAtATime === true && incomplete.size > 0) await sleep(20);
    const honest = answerHonestly(core, received);
    const answer = (await behaviour.http?.(received, honest)) ?? honest;
    response.writeHead(answer.status, {
      ...answer.headers,
      ...(answer.contentType === undefined ? {} : { 'content-type': answer.contentType }),
    });
    response.end(answer.body);
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch(() => response.destroy());
  };
  const options = { requireHostHeader: false, maxHeaderSize: 65_536, ...behaviour.serverOptions };
  const server =
    behaviour.tls === undefined
      ? createServer(options, listener)
      : createTlsServer({ ...options, ...behaviour.tls }, listener);
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${behaviour.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/scep`,
    get issued() {
      return core.issued.size;
    },
    close: () =>
      new Promise((settle) => {
        server.close(() => settle());
        server.closeAllConnections();
      }),
  };
}
