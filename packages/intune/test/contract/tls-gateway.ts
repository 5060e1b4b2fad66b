/** A company's gateway in front of Microsoft: it opens TLS, and lets nobody in without a client certificate. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { ClientIdentity, ServerIdentity } from '../tls-certificate.ts';

export interface TlsGateway {
  readonly origin: string;
  /** The common names of the certificates that clients have shown, one for each connection. */
  readonly clients: readonly string[];
  /** Ends all connections; new ones are accepted. */
  cut(): void;
  stop(): void;
}

/** @param client whose certificates are accepted */
export async function startTlsGateway(
  target: { readonly url: string; readonly ca: string },
  identity: ServerIdentity,
  client: ClientIdentity,
): Promise<TlsGateway> {
  const clients: string[] = [];
  const sockets = new Set<TLSSocket>();
  const { hostname, port } = new URL(target.url);
  const server = createServer(
    { cert: identity.cert, key: identity.key, ca: client.ca, requestCert: true, rejectUnauthorized: true },
    (socket) => {
      clients.push(String(socket.getPeerCertificate().subject.CN));
      const onward = connect({ host: hostname, port: Number(port), ca: target.ca });
      for (const end of [socket, onward]) {
        sockets.add(end);
        end.on('error', () => end.destroy()).once('close', () => sockets.delete(end));
      }
      socket.once('close', () => onward.destroy());
      onward.once('close', () => socket.destroy());
      socket.pipe(onward).pipe(socket);
    },
  );
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clients,
    cut,
    stop: () => {
      cut();
      server.close();
    },
  };
}
