/**
 * An HTTPS server that gives the answers of Entra, Graph and Intune and does nothing else, in a process of its own: what
 * a client reaches against it is the client's own limit.
 */
import { createSelfSignedCertificate, encodePem, parseName, subjectAltNameExtension } from '@scepter/x509';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { serveParent } from './child.ts';

export interface BareIntuneUrls {
  readonly origin: string;
  /** PEM. */
  readonly tlsCa: string;
}

export interface BareIntuneCounts {
  readonly openSockets: number;
  readonly connections: number;
  readonly tokenRequests: number;
  readonly discoveries: number;
}

const sockets = new Set<Socket>();
let connections = 0;
let tokenRequests = 0;
let discoveries = 0;
const { key, certificate } = createIdentity();
const server = createServer({ key, cert: certificate }, (request, response) => {
  request.resume().on('end', () => answer(request, response));
});
server.on('secureConnection', (socket: Socket) => {
  connections += 1;
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
});

function answer(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('content-type', 'application/json');
  const path = request.url ?? '';
  if (path.includes('/oauth2/')) {
    tokenRequests += 1;
    response.end(
      JSON.stringify({ token_type: 'Bearer', expires_in: 3599, access_token: `bench-token-${'x'.repeat(1200)}` }),
    );
  } else if (path.includes('/servicePrincipals/')) {
    discoveries += 1;
    response.end(
      JSON.stringify({ value: [{ providerName: 'ScepRequestValidationFEService', uri: `${origin()}/scep` }] }),
    );
  } else {
    response.end('{"code":"Success","errorDescription":""}');
  }
}

function createIdentity(): { key: string; certificate: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = Date.now();
  const certificate = createSelfSignedCertificate({
    subject: parseName('CN=Bare Intune'),
    privateKey,
    publicKey,
    serialNumber: randomBytes(16),
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + 86_400_000),
    extensions: [subjectAltNameExtension([{ kind: 'ip', value: '127.0.0.1' }])],
  });
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: encodePem('CERTIFICATE', certificate),
  };
}

function origin(): string {
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const methods = {
  start: async (_input: object): Promise<BareIntuneUrls> => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { origin: origin(), tlsCa: certificate };
  },
  counts: async (_input: object): Promise<BareIntuneCounts> => ({
    openSockets: sockets.size,
    connections,
    tokenRequests,
    discoveries,
  }),
};
export type BareIntune = typeof methods;

serveParent(methods, async () => {
  server.closeAllConnections();
  server.close();
});
