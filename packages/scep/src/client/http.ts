import { der } from '@scepter/x509';
import { ScepError } from '../errors.ts';
import { retryDelayMs } from './retry.ts';
import type { Patience } from './retry.ts';

/** The fetch function that the client is given. */
export type Fetch = typeof globalThis.fetch;

export interface HttpOptions {
  url: URL;
  fetch: Fetch;
  userAgent: string | undefined;
  timeoutMs: number;
  patience: Patience;
}

export interface HttpReply {
  status: number;
  /** The header, as sent. */
  retryAfter: string | null;
  body: Uint8Array;
}

interface HttpRequest {
  operation: 'GetCACaps' | 'GetCACert' | 'GetNextCACert' | 'PKIOperation';
  message?: string | undefined;
  post?: { body: Uint8Array; contentType: string };
  maximumBytes: number;
  signal?: AbortSignal | undefined;
}

/**
 * Joins the server's address and a client's path suffix.
 *
 * @throws ScepError `scep.bad_argument` for an address that is not http or https
 */
export const serviceUrl = (address: string, pathSuffix: string): URL => {
  const url = URL.parse(address);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new ScepError('scep.bad_argument', 'the SCEP address is not an http or https URL');
  }
  url.hash = '';
  if (pathSuffix !== '') url.pathname = url.pathname.replace(/\/$/, '') + pathSuffix;
  return url;
};

const requestUrl = (base: URL, request: HttpRequest): string => {
  const url = new URL(base);
  const parameters = [`operation=${request.operation}`];
  if (request.message !== undefined) parameters.push(`message=${encodeURIComponent(request.message)}`);
  url.search = [...(url.search === '' ? [] : [url.search.slice(1)]), ...parameters].join('&');
  return url.href;
};

const readBody = async (response: Response, maximumBytes: number): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    // Leaving the loop cancels the stream.
    if (length > maximumBytes) throw new ScepError('scep.too_large', `the server sent more than ${maximumBytes} bytes`);
    chunks.push(chunk);
  }
  return der.concat(...chunks);
};

const failureOf = (error: unknown, timeout: AbortSignal, caller: AbortSignal | undefined): ScepError => {
  if (error instanceof ScepError) return error;
  if (caller?.aborted === true) return new ScepError('scep.aborted', 'the operation was aborted', { cause: error });
  if (timeout.aborted) return new ScepError('scep.timeout', 'the server did not answer in time', { cause: error });
  return new ScepError('scep.network', 'the server cannot be reached', { cause: error });
};

/**
 * One exchange, bounded in time and size. Redirects are not followed: an answer from elsewhere would be no answer of this
 * server.
 */
const exchangeOnce = async (options: HttpOptions, request: HttpRequest): Promise<HttpReply> => {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
  const { post } = request;
  try {
    const response = await options.fetch(requestUrl(options.url, request), {
      method: post === undefined ? 'GET' : 'POST',
      headers: {
        ...(options.userAgent === undefined ? {} : { 'user-agent': options.userAgent }),
        ...(post === undefined ? {} : { 'content-type': post.contentType }),
      },
      ...(post === undefined ? {} : { body: Uint8Array.from(post.body) }),
      redirect: 'manual',
      signal,
    });
    const body = await readBody(response, request.maximumBytes);
    const { headers, status } = response;
    return { status, retryAfter: headers.get('retry-after'), body };
  } catch (error) {
    throw failureOf(error, timeout, request.signal);
  }
};

/**
 * An exchange, with as many repetitions as a busy server asks for and patience allows. The message stays the same: the
 * server has not looked at it.
 *
 * @throws ScepError `scep.network`, `scep.timeout`, `scep.aborted` or `scep.too_large`
 */
export const exchange = async (options: HttpOptions, request: HttpRequest): Promise<HttpReply> => {
  const { patience } = options;
  let reply = await exchangeOnce(options, request);
  for (let retry = 0; retry < patience.retries; retry += 1) {
    const delayMs = retryDelayMs(reply, patience);
    if (delayMs === undefined) return reply;
    await patience.sleep(delayMs, request.signal);
    reply = await exchangeOnce(options, request);
  }
  return reply;
};

/** @throws ScepError `scep.http_status` for anything but 200, which is all that SCEP knows */
export const requireOk = (reply: HttpReply, operation: string): HttpReply => {
  if (reply.status === 200) return reply;
  throw new ScepError('scep.http_status', `the server answered ${operation} with HTTP status ${reply.status}`);
};
