import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { toHex } from '@scepter/x509';
import { approveTheOnlyOne, certificateIn, prepare, replyTo, startClientServer } from './client-server.ts';
import type { ClientServer, EndpointView, Prepared } from './client-server.ts';
import { exchange, lines, textOf } from './raw-http.ts';
import type { HttpAnswer } from './raw-http.ts';
import { newKeys, request, selfSigned } from './request-builder.ts';

const keys = newKeys();
const signer = selfSigned(keys);
let running: ClientServer;
let endpoint: EndpointView;

before(async () => {
  running = await startClientServer({ endpoints: { manual: { authorizer: { kind: 'manual' } } } });
  endpoint = await running.endpoint('modern');
});
after(() => running.close());

const get = (path: string, query: string): Promise<HttpAnswer> =>
  exchange(running.server.url, lines(`GET ${path}?${query} HTTP/1.1`, 'Host: scep', 'Accept: */*'));

const pkiOperation = ({ bytes }: Prepared, view: EndpointView): Promise<HttpAnswer> =>
  get(view.path, `operation=PKIOperation&message=${encodeURIComponent(Buffer.from(bytes).toString('base64'))}`);

describe('Q-M1 certmonger: GET alone, and what it walks through', () => {
  it('Q-M1 certmonger: GetCACaps is below 1,024 bytes and under exactly text/plain', async () => {
    for (const name of ['modern', 'compatible', 'legacy']) {
      const answer = await get(`/scep/${name}`, 'operation=GetCACaps&message=0');
      assert.equal(answer.headers.get('content-type'), 'text/plain');
      assert.ok(answer.body.length > 0 && answer.body.length <= 1024);
    }
  });

  it('Q-M1 certmonger: a keyword of seven characters reads as "Renewal", so an endpoint that lists one renews', async () => {
    const listed = textOf(await get(endpoint.path, 'operation=GetCACaps')).split('\n');
    assert.ok(listed.some((each) => each.length === 7));
    assert.ok(listed.includes('Renewal'));
  });

  it('Q-M1 certmonger: GetCACert with message=0 to 32 is the same answer each time', async () => {
    const first = await get(endpoint.path, 'operation=GetCACert&message=0');
    assert.equal(first.headers.get('content-type'), 'application/x-x509-ca-ra-cert');
    for (let index = 1; index <= 32; index += 1) {
      const answer = await get(endpoint.path, `operation=GetCACert&message=${index}`);
      assert.equal(answer.status, 200);
      assert.equal(toHex(answer.body), toHex(first.body));
    }
  });

  it('Q-M1 certmonger: the obsolete GetCAChain is a short 400 in plain text', async () => {
    const answer = await get(endpoint.path, 'operation=GetCAChain&message=0');
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [400, 'text/plain']);
    assert.ok(answer.body.length < 100);
  });

  it('Q-M1 certmonger: the stored message sent again gets the same certificate, and both nonces each time', async () => {
    const prepared = prepare(endpoint, request(keys), signer);
    const answers = [await pkiOperation(prepared, endpoint), await pkiOperation(prepared, endpoint)];
    const replies = answers.map((answer) => certificateIn(prepared, answer, endpoint));
    assert.equal(new Set(replies.map(({ certificate }) => certificate.serialHex)).size, 1);
    for (const { reply } of replies) {
      assert.equal(reply.senderNonce.length, 16);
      assert.equal(toHex(reply.recipientNonce ?? assert.fail()), toHex(prepared.senderNonce ?? assert.fail()));
    }
  });

  it('Q-M1 certmonger: polls by that same message, PENDING until a person approves, then the certificate', async () => {
    const manual = await running.endpoint('manual');
    const prepared = prepare(manual, request(keys, { challenge: null }), signer);
    for (let round = 0; round < 2; round += 1) {
      const reply = replyTo(prepared, await pkiOperation(prepared, manual), manual);
      assert.equal(reply.pkiStatus, '3');
      assert.equal(toHex(reply.recipientNonce ?? assert.fail()), toHex(prepared.senderNonce ?? assert.fail()));
    }
    // Asked twice, waiting once.
    await approveTheOnlyOne(running, 'manual');
    certificateIn(prepared, await pkiOperation(prepared, manual), manual);
  });
});
