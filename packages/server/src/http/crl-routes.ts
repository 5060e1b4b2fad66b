/** `/crl/issuing.crl` and `/ca/*.cer`: what verifiers fetch (RFC 5280 4.2.1.13, RFC 4387). */
import type { IncomingMessage } from 'node:http';
import { textAnswer } from './exchange.ts';
import type { Answer } from './exchange.ts';

export interface PublishedFiles {
  /** DER. */
  readonly crl: () => Promise<Uint8Array | undefined>;
  readonly issuingCertificate: Uint8Array;
  readonly rootCertificate: Uint8Array;
}

export async function crlRoute(request: IncomingMessage, name: string, files: PublishedFiles): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return textAnswer(405, 'Use GET.', { allow: 'GET, HEAD' });
  const crl = name === 'issuing.crl' ? await files.crl() : undefined;
  if (crl === undefined) return textAnswer(404, 'Not found.');
  return { status: 200, contentType: 'application/pkix-crl', body: crl, headers: { 'cache-control': 'max-age=300' } };
}

export function certificateRoute(request: IncomingMessage, name: string, files: PublishedFiles): Answer {
  if (request.method !== 'GET' && request.method !== 'HEAD') return textAnswer(405, 'Use GET.', { allow: 'GET, HEAD' });
  const certificates: Readonly<Record<string, Uint8Array>> = {
    'issuing.cer': files.issuingCertificate,
    'root.cer': files.rootCertificate,
  };
  const body = Object.hasOwn(certificates, name) ? certificates[name] : undefined;
  if (body === undefined) return textAnswer(404, 'Not found.');
  return { status: 200, contentType: 'application/pkix-cert', body, headers: { 'cache-control': 'max-age=3600' } };
}
