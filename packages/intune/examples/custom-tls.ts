/**
 * TLS of one's own, for every connection: the counterpart of `SetSslSocketFactory`. Here a gateway of the company opens
 * TLS with certificates of its own CA, and asks for a client certificate.
 */
import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { IntuneClient, type IntuneClientOptions } from '@scepter/intune';

export interface TlsFiles {
  /** The company's CA. */
  readonly ca: string;
  /** The client certificate with its chain, and its private key. */
  readonly certificate: string;
  readonly privateKey: string;
}

export async function connectWithOwnTls(tenant: IntuneClientOptions, files: TlsFiles): Promise<IntuneClient> {
  const [ca, certificate, privateKey] = await Promise.all([
    readFile(files.ca, 'utf8'),
    readFile(files.certificate),
    readFile(files.privateKey),
  ]);
  // `ca` takes the place of the well-known roots: whoever wants both says both.
  const tls = { ca: [ca, ...rootCertificates].join('\n'), certificate, privateKey };
  return new IntuneClient({ ...tenant, tls });
}
