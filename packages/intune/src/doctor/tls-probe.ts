import type { Duplex } from 'node:stream';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect, rootCertificates, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import type { CheckedTls } from '../http/connection-options.ts';
import { toLine } from '../http/redaction.ts';
import { targetContext } from '../http/secure-context.ts';

/** What a handshake showed. */
export interface TlsPicture {
  /** As in `TLSv1.3`. */
  readonly protocol: string;
  readonly certificate: X509Certificate;
  /** Who issued the last certificate of the path: the root, which issued itself, or whoever is missing above it. */
  readonly top: string;
  /** Whether the path ends in one of the roots that Node.js and browsers know. */
  readonly isPublic: boolean;
  /** Why the client would not speak to this host, as OpenSSL or Node calls it; `undefined` when it would. */
  readonly problem: string | undefined;
}

/**
 * Shakes hands with a host and sends nothing. A certificate that is not trusted is no error here, since it is what an
 * administrator has to see.
 *
 * @param tls what the client itself would use
 * @param through a connection to the host, by way of a proxy; absent: a new one
 * @throws Node's error when there is no connection or no handshake
 */
export async function probeTls(
  url: URL,
  tls: CheckedTls | undefined,
  signal: AbortSignal,
  through?: Duplex,
): Promise<TlsPicture> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    host,
    port: Number(url.port || 443),
    ...(through === undefined ? {} : { socket: through }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(tls === undefined ? {} : { secureContext: targetContext(tls) }),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: false,
  });
  try {
    await once(socket, 'secureConnect', { signal });
    return picture(socket);
  } finally {
    socket.on('error', () => {}); // Whatever comes after the handshake is of no interest.
    socket.destroy();
  }
}

function picture(socket: TLSSocket): TlsPicture {
  const path = pathOf(socket.getPeerCertificate(true));
  const [certificate] = path;
  const top = path.at(-1);
  if (certificate === undefined || top === undefined) {
    throw new Error('The server presented no certificate');
  }
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    certificate,
    top: commonName(top.issuer),
    isPublic: publicRoots().has(top.fingerprint256),
    problem: socket.authorized ? undefined : problemOf(socket),
  };
}

/** Node gives an `Error` where it declares one, and a code where it declares an `Error`. */
function problemOf({ authorizationError }: TLSSocket): string {
  const problem: unknown = authorizationError;
  return problem instanceof Error && 'code' in problem ? String(problem.code) : String(problem);
}

/** From the host's certificate upwards. A root is its own issuer; a path that is not complete just ends. */
function pathOf(presented: DetailedPeerCertificate): X509Certificate[] {
  const path: X509Certificate[] = [];
  let next: Partial<DetailedPeerCertificate> | undefined = presented;
  while (next?.raw !== undefined && next.fingerprint256 !== path.at(-1)?.fingerprint256 && path.length < 20) {
    path.push(new X509Certificate(next.raw));
    next = next.issuerCertificate;
  }
  return path;
}

/** SHA-256 fingerprints of Mozilla's roots, which come with Node.js, whatever else the system trusts. */
function publicRoots(): ReadonlySet<string> {
  return new Set(rootCertificates.map((pem) => new X509Certificate(pem).fingerprint256));
}

/** The common name in a name of several lines as Node prints it, or the whole; in one line without control characters. */
export function commonName(name: string): string {
  return toLine(/^CN=(.+)$/m.exec(name)?.[1] ?? name.replaceAll('\n', ', '), 200);
}
