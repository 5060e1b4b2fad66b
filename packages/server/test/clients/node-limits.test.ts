import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { der } from '@scepter/x509';
import { certificateIn, prepare, startClientServer } from './client-server.ts';
import type { ClientServer, EndpointView, Prepared } from './client-server.ts';
import { attribute } from './message-builder.ts';
import { exchange, lines, textOf } from './raw-http.ts';
import { newKeys, request, selfSigned } from './request-builder.ts';

const keys = newKeys();
const signer = selfSigned(keys);
let running: ClientServer;
let endpoint: EndpointView;

before(async () => {
  running = await startClientServer();
  endpoint = await running.endpoint('modern');
});
after(() => running.close());

/** A message that is larger than `bytes`, by an attribute that nobody reads. */
function large(bytes: number): Prepared {
  const attributes = [attribute('1.3.6.1.4.1.311.13.2.2', der.octetString(new Uint8Array(bytes)))];
  return prepare(endpoint, request(keys, { attributes }), signer);
}

const urlOf = ({ bytes }: Prepared): string =>
  `${endpoint.path}?operation=PKIOperation&message=${encodeURIComponent(Buffer.from(bytes).toString('base64'))}`;

/** POSTs with exactly these header lines. */
const postWith = (prepared: Prepared, ...headers: string[]) =>
  exchange(
    endpoint.url,
    lines(`POST ${endpoint.path}?operation=PKIOperation HTTP/1.1`, 'Host: scep', ...headers),
    prepared.bytes,
  );

describe('Node limits that hit these clients', () => {
  it('Node limits: a GET with a URL of more than 20 KB enrolls, where Node takes 16 KB by default', async () => {
    const prepared = large(14_000);
    const url = urlOf(prepared);
    assert.ok(url.length > 20_000, `${url.length}`);
    certificateIn(prepared, await exchange(endpoint.url, lines(`GET ${url} HTTP/1.1`, 'Host: scep')), endpoint);
  });

  it('Node limits: a GET with the largest message that POST takes enrolls as well', async () => {
    const prepared = large(60_000);
    assert.ok(prepared.bytes.length > 60_000 && prepared.bytes.length < 65_536);
    certificateIn(prepared, await exchange(endpoint.url, lines(`GET ${urlOf(prepared)} HTTP/1.0`)), endpoint);
  });

  it('Node limits: a URL of more than 96 KB is 431, before its end has come', async () => {
    const answer = await exchange(endpoint.url, `GET ${endpoint.path}?message=${'A'.repeat(99_000)}`);
    assert.equal(answer.status, 431);
  });

  it('Node limits: a raw space in the request line is 400, and the next client is served', async () => {
    const head = `GET ${endpoint.path}?operation=GetCACert&message=My CA HTTP/1.1`;
    assert.equal((await exchange(endpoint.url, lines(head, 'Host: scep'))).status, 400);
    assert.equal((await exchange(endpoint.url, lines(head.replace('My CA', 'My%20CA'), 'Host: scep'))).status, 200);
  });

  it('Node limits: chunks and a Content-Length together are 400: two readers would see two requests', async () => {
    const answer = await exchange(
      endpoint.url,
      lines(
        `POST ${endpoint.path}?operation=PKIOperation HTTP/1.1`,
        'Host: scep',
        'Content-Length: 3',
        'Transfer-Encoding: chunked',
      ),
      '3\r\nabc\r\n0\r\n\r\n',
    );
    assert.equal(answer.status, 400);
  });

  it('Node limits: a body in chunks alone enrolls', async () => {
    const prepared = prepare(endpoint, request(keys), signer);
    const half = Math.floor(prepared.bytes.length / 2);
    const chunk = (bytes: Uint8Array): Buffer =>
      Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
    const answer = await exchange(
      endpoint.url,
      lines(`POST ${endpoint.path}?operation=PKIOperation HTTP/1.1`, 'Host: scep', 'Transfer-Encoding: chunked'),
      chunk(prepared.bytes.subarray(0, half)),
      chunk(prepared.bytes.subarray(half)),
      '0\r\n\r\n',
    );
    certificateIn(prepared, answer, endpoint);
  });

  const contentTypes: readonly (string | undefined)[] = [
    undefined,
    '',
    'application/x-pki-message; charset=binary',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
    'nonsense',
  ];
  for (const contentType of contentTypes) {
    const shown = contentType === undefined ? 'without Content-Type' : `of type "${contentType}"`;
    it(`Node limits: a POST ${shown} enrolls`, async () => {
      const prepared = prepare(endpoint, request(keys), signer);
      const length = `Content-Length: ${prepared.bytes.length}`;
      const headers = contentType === undefined ? [length] : [`Content-Type: ${contentType}`, length];
      certificateIn(prepared, await postWith(prepared, ...headers), endpoint);
    });
  }

  it('Node limits: the absolute form of a URL, as it is sent to proxies, enrolls', async () => {
    const prepared = prepare(endpoint, request(keys), signer);
    for (const origin of ['http://scep.contoso.com', 'HTTP://SCEP.CONTOSO.COM:8080', 'https://scep.contoso.com']) {
      const head = lines(
        `POST ${origin}${endpoint.path}?operation=PKIOperation HTTP/1.1`,
        'Host: scep.contoso.com',
        `Content-Length: ${prepared.bytes.length}`,
      );
      certificateIn(prepared, await exchange(endpoint.url, head, prepared.bytes), endpoint);
    }
  });

  it('Node limits: a POST without an operation, or with one in another case, enrolls; with another one it does not', async () => {
    const prepared = prepare(endpoint, request(keys), signer);
    const rows: readonly [string, number][] = [
      ['', 200],
      ['?operation=pkioperation', 200],
      ['?message=x&operation=PKIOperation', 200],
      ['?operation=GetCACert', 400],
    ];
    for (const [query, status] of rows) {
      const head = lines(
        `POST ${endpoint.path}${query} HTTP/1.1`,
        'Host: scep',
        `Content-Length: ${prepared.bytes.length}`,
      );
      const answer = await exchange(endpoint.url, head, prepared.bytes);
      assert.equal(answer.status, status, `${query}: ${textOf(answer).slice(0, 40)}`);
    }
  });
});
