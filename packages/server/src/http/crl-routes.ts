/**
 * `/crl/*.crl` and `/ca/*.cer`: what verifiers fetch (RFC 5280 4.2.1.13, RFC 4387). The first generation's CRL is
 * `issuing.crl`, the second's `issuing-2.crl`; likewise for certificates.
 */
import type { IncomingMessage } from 'node:http';
import { textAnswer } from './exchange.ts';
import type { Answer } from './exchange.ts';

/** DER, by generation. */
export interface PublishedFiles {
  readonly crl: (generation: number) => Promise<Uint8Array | undefined>;
  readonly issuingCertificate: (generation: number) => Uint8Array | undefined;
  readonly rootCertificate: Uint8Array;
}

export async function crlRoute(request: IncomingMessage, name: string, files: PublishedFiles): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return textAnswer(405, 'Use GET.', { allow: 'GET, HEAD' });
  const generation = generationOf(name, 'crl');
  const crl = generation === undefined ? undefined : await files.crl(generation);
  if (crl === undefined) return textAnswer(404, 'Not found.');
  return { status: 200, contentType: 'application/pkix-crl', body: crl, headers: { 'cache-control': 'max-age=300' } };
}

export function certificateRoute(request: IncomingMessage, name: string, files: PublishedFiles): Answer {
  if (request.method !== 'GET' && request.method !== 'HEAD') return textAnswer(405, 'Use GET.', { allow: 'GET, HEAD' });
  const body = name === 'root.cer' ? files.rootCertificate : issuingCertificate(name, files);
  if (body === undefined) return textAnswer(404, 'Not found.');
  return { status: 200, contentType: 'application/pkix-cert', body, headers: { 'cache-control': 'max-age=3600' } };
}

function issuingCertificate(name: string, files: PublishedFiles): Uint8Array | undefined {
  const generation = generationOf(name, 'cer');
  return generation === undefined ? undefined : files.issuingCertificate(generation);
}

function generationOf(name: string, ending: 'crl' | 'cer'): number | undefined {
  const { number, ending: found } =
    /^issuing(-(?<number>[2-9]|[1-9]\d{1,3}))?\.(?<ending>crl|cer)$/.exec(name)?.groups ?? {};
  return found === ending ? Number(number ?? 1) : undefined;
}
