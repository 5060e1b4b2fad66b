/** S20: plain HTTP as old clients and verifiers speak it: no redirect, no Host, no content type, no TLS tricks. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { openLaboratory } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { AttackLaboratory, newPerson, senderNonce } from './attack-laboratory.ts';
import { message } from './hand-made-message.ts';

const device = newPerson();
let laboratory: Laboratory;
let attack: AttackLaboratory;

before(async () => {
  laboratory = await openLaboratory();
  attack = await AttackLaboratory.at(laboratory, 'static');
});
after(() => laboratory.close());

interface RawAnswer {
  readonly head: string;
  readonly body: Buffer;
}

function raw(...parts: (string | Uint8Array)[]): Promise<RawAnswer> {
  const { hostname, port } = new URL(laboratory.server.url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => parts.forEach((part) => socket.write(part)));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('end', () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      resolve({ head: all.subarray(0, end).toString('latin1'), body: all.subarray(end + 4) });
    });
  });
}

function assertPlain({ head }: RawAnswer, contentType: string): void {
  assert.match(head, /^HTTP\/1\.1 200 /);
  assert.match(head, new RegExp(`^content-type: ${contentType}$`, 'im'));
  assert.doesNotMatch(head, /^(location|strict-transport-security|upgrade|set-cookie|transfer-encoding):/im);
}

describe('S20: what clients and verifiers fetch', () => {
  const rows: readonly [path: string, contentType: string][] = [
    ['/crl/issuing.crl', 'application/pkix-crl'],
    ['/ca/issuing.cer', 'application/pkix-cert'],
    ['/ca/root.cer', 'application/pkix-cert'],
    ['/scep/static?operation=GetCACaps', 'text/plain'],
    ['/scep/static/pkiclient.exe?operation=GetCACert&message=ca', 'application/x-x509-ca-ra-cert'],
  ];
  const requests: readonly [name: string, head: (path: string) => string][] = [
    ['HTTP/1.0 without Host', (path) => `GET ${path} HTTP/1.0\r\n\r\n`],
    ['HTTP/1.1 without Host', (path) => `GET ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`],
    ['any Host', (path) => `GET ${path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`],
    [
      'the absolute form of a proxy',
      (path) => `GET http://scep.example${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    ],
    [
      'an upgrade to TLS',
      (path) =>
        `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: TLS/1.0\r\nUpgrade-Insecure-Requests: 1\r\nConnection: close\r\n\r\n`,
    ],
    [
      'a wish for https',
      (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n`,
    ],
  ];
  for (const [path, contentType] of rows) {
    for (const [name, head] of requests) {
      it(`${path}, ${name}: 200, directly`, async () => {
        const answer = await raw(head(path));
        assertPlain(answer, contentType);
        assert.ok(answer.body.length > 0);
      });
    }
  }
});

describe('S20: an enrollment', () => {
  const heads: readonly [name: string, head: string][] = [
    ['HTTP/1.0 without Host and content type', 'HTTP/1.0'],
    ['HTTP/1.1 without Host and content type', 'HTTP/1.1\r\nConnection: close'],
    ['HTTP/1.1 that expects 100-continue', 'HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue'],
  ];
  for (const [name, version] of heads) {
    it(`${name}: a reply`, async () => {
      const body = message({
        content: attack.sealed(device),
        signer: device,
        transactionId: attack.newTransactionId(),
        senderNonce,
      });
      const head = `POST ${new URL(attack.client.url).pathname}?operation=PKIOperation ${version}\r\nContent-Length: ${body.length}\r\n\r\n`;
      const { head: first, body: rest } = await raw(head, body);
      const text = first.includes(' 100 ') ? rest.toString('latin1') : first;
      assert.match(text, /^HTTP\/1\.1 200 /);
      assert.match(text, /application\/x-pki-message/);
    });
  }

  const smuggled: readonly [name: string, head: string][] = [
    ['both lengths', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6'],
    ['a length that is none', 'Content-Length: +5'],
  ];
  for (const [name, lengths] of smuggled) {
    it(`two readers could read differently (${name}): 400`, async () => {
      const { head } = await raw(`POST /scep/static HTTP/1.1\r\nHost: x\r\n${lengths}\r\n\r\n0\r\n\r\n`);
      assert.match(head, /^HTTP\/1\.1 400 /);
    });
  }
});
