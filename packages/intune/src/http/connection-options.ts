import type { Dispatcher } from 'undici';
import { checkObject, checkText, checkWholeNumber } from '../arguments.ts';
import { IntuneArgumentError } from '../errors.ts';
import { checkPassphrase, checkPem } from './check-pem.ts';
import { matchKeyPair, readCertificates, readPrivateKey } from './pem.ts';
import { targetContext } from './secure-context.ts';

/** TLS of every connection: sign-in, discovery and Intune; the counterpart of `SetSslSocketFactory`. */
export interface TlsOptions {
  /**
   * Certificates in PEM that are trusted *instead of* the well-known ones. Behind a proxy that opens TLS, its CA; with
   * an https proxy this also decides about the proxy's own certificate.
   */
  readonly ca?: string | Uint8Array;
  /** Client certificate in PEM, with or without its chain. Needs `privateKey`. Never shown to a proxy. */
  readonly certificate?: string | Uint8Array;
  /** The client certificate's private key in PEM; may be encrypted, then with `passphrase`. */
  readonly privateKey?: string | Uint8Array;
  /** Decrypts `privateKey`. */
  readonly passphrase?: string;
}

/**
 * An HTTP proxy (`PROXY_HOST`, `PROXY_PORT`, `PROXY_USER`, `PROXY_PASS` of Microsoft's libraries). All calls go through
 * a CONNECT tunnel of it, so that it sees host names and nothing else. It concerns this client alone, and no
 * environment variable is read.
 */
export interface ProxyOptions {
  /** Host name or IP address, without brackets; not a URL. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  /** How to speak to the proxy itself. Default: `http`. */
  readonly protocol?: 'http' | 'https';
  /** For basic authentication. Must not contain a colon (RFC 7617 section 2). */
  readonly username?: string;
  /** For basic authentication. Default: empty. */
  readonly password?: string;
}

/**
 * How every HTTP request travels, the token request included. The one exception: a managed identity's endpoint is a
 * plain http address on the machine itself, and is asked directly.
 *
 * @example
 * ```ts
 * const client = new IntuneClient({
 *   ...options,
 *   proxy: { host: 'proxy.contoso.com', port: 3128, username: 'scep', password },
 *   tls: { ca: await readFile('/etc/ssl/contoso-root.pem') },
 * });
 * ```
 */
export interface ConnectionOptions {
  /** Applies to every connection: sign-in, discovery and Intune. */
  readonly tls?: TlsOptions;
  /** Default: none. */
  readonly proxy?: ProxyOptions;
  /**
   * A dispatcher of undici 7 or later that replaces the client's own connections; `close()` leaves it open. Excludes
   * `tls` and `proxy`.
   */
  readonly dispatcher?: Dispatcher;
}

export interface CheckedTls {
  /** PEM. */
  readonly ca: string | undefined;
  /** PEM: chain, and private key that is not encrypted any more. */
  readonly client: { readonly chain: string; readonly privateKey: string } | undefined;
}

export interface CheckedProxy {
  readonly protocol: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** The value of the header `proxy-authorization`; secret. */
  readonly authorization: string | undefined;
}

export interface CheckedConnectionOptions {
  readonly tls: CheckedTls | undefined;
  readonly proxy: CheckedProxy | undefined;
  readonly dispatcher: Dispatcher | undefined;
}

/** @throws {IntuneArgumentError} for the first option that is unusable */
export function checkConnectionOptions(options: ConnectionOptions): CheckedConnectionOptions {
  const { dispatcher, tls, proxy } = options;
  if (dispatcher === undefined) {
    return {
      tls: tls === undefined ? undefined : checkTls(tls),
      proxy: proxy === undefined ? undefined : checkProxy(proxy),
      dispatcher,
    };
  }
  if (tls !== undefined || proxy !== undefined) {
    throw new IntuneArgumentError('dispatcher', 'excludes tls and proxy: configure them on the dispatcher');
  }
  if (typeof checkObject('dispatcher', dispatcher).dispatch !== 'function') {
    throw new IntuneArgumentError('dispatcher', 'must be a dispatcher of undici');
  }
  return { tls: undefined, proxy: undefined, dispatcher };
}

function checkTls(tls: TlsOptions): CheckedTls {
  const { ca, certificate, privateKey, passphrase } = checkObject('tls', tls);
  const checked = {
    ca: ca === undefined ? undefined : checkPem('tls.ca', ca, readCertificates).map(toPem).join(''),
    client: checkClientCertificate(certificate, privateKey, passphrase),
  };
  checkWithOpenSsl(checked);
  return checked;
}

/** OpenSSL has rules of its own, above all against short keys and old digests. */
function checkWithOpenSsl(tls: CheckedTls): void {
  try {
    targetContext(tls);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    throw new IntuneArgumentError('tls.certificate', `is refused by OpenSSL: ${code}`);
  }
}

function checkClientCertificate(certificate: unknown, privateKey: unknown, passphrase: unknown): CheckedTls['client'] {
  if (certificate === undefined && privateKey === undefined) {
    if (passphrase !== undefined) {
      throw new IntuneArgumentError('tls.passphrase', 'needs tls.privateKey');
    }
    return undefined;
  }
  if (certificate === undefined || privateKey === undefined) {
    const [present, missing] =
      certificate === undefined ? ['privateKey', 'certificate'] : ['certificate', 'privateKey'];
    throw new IntuneArgumentError(`tls.${present}`, `needs tls.${missing}`);
  }
  const password = checkPassphrase('tls.passphrase', passphrase);
  const chain = checkPem('tls.certificate', certificate, readCertificates);
  const pair = checkPem('tls.privateKey', privateKey, (text) => matchKeyPair(chain, readPrivateKey(text, password)));
  return {
    chain: pair.certificates.map(toPem).join(''),
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function toPem(certificate: { toString(): string }): string {
  const text = certificate.toString();
  return text.endsWith('\n') ? text : `${text}\n`;
}

function checkProxy(proxy: ProxyOptions): CheckedProxy {
  const { host, port, protocol = 'http', username, password } = checkObject('proxy', proxy);
  if (protocol !== 'http' && protocol !== 'https') {
    throw new IntuneArgumentError('proxy.protocol', 'must be http or https');
  }
  return {
    protocol,
    host: checkProxyHost(host),
    port: checkWholeNumber('proxy.port', port, { from: 1, to: 65_535 }),
    authorization: basicAuthorization(username, password),
  };
}

function checkProxyHost(value: unknown): string {
  const host = checkText('proxy.host', value, { maximumLength: 253 });
  const isAddress = host.includes(':') && URL.canParse(`http://[${host}]`);
  if (!isAddress && !/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(host)) {
    throw new IntuneArgumentError('proxy.host', 'must be a host name or an IP address, without protocol and port');
  }
  return host;
}

/** RFC 7617, in UTF-8 (section 2.1). */
function basicAuthorization(username: unknown, password: unknown): string | undefined {
  if (username === undefined) {
    if (password !== undefined) {
      throw new IntuneArgumentError('proxy.password', 'needs proxy.username');
    }
    return undefined;
  }
  const user = checkText('proxy.username', username, { maximumLength: 1024 });
  const secret = checkText('proxy.password', password ?? '', { maximumLength: 4096, mayBeEmpty: true });
  for (const [argument, text] of Object.entries({ 'proxy.username': user, 'proxy.password': secret })) {
    // RFC 7617 section 2 forbids them.
    if (/\p{Cc}/u.test(text)) {
      throw new IntuneArgumentError(argument, 'must have no control characters');
    }
  }
  if (user.includes(':')) {
    throw new IntuneArgumentError('proxy.username', 'must have no colon');
  }
  return `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
}
