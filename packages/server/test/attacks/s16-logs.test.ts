/**
 * S16: what comes with a request over HTTP gets into the log only where it is meant to, and then as harmless text. Secrets
 * of requests, connections and keys: `../secrets.test.ts`.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { der } from '@scepter/x509';
import { openLaboratory } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { AttackLaboratory, newPerson, senderNonce } from './attack-laboratory.ts';
import { attribute, attributes, message, usualAttributes } from './hand-made-message.ts';

const transactionIdAttribute = '2.16.840.1.113733.1.9.7';
const forged = '\r\n{"level":"info","message":"forged"}\u001b[2J\u202e\u0000';
const device = newPerson();
let laboratory: Laboratory;
let attack: AttackLaboratory;

before(async () => {
  laboratory = await openLaboratory({ trustedProxies: ['127.0.0.1'] });
  attack = await AttackLaboratory.at(laboratory, 'static');
  const { hostname, port, pathname } = new URL(attack.client.url);
  const path = `${pathname}/canary-path`;
  const headers =
    'User-Agent: canary-agent\r\nX-Forwarded-For: canary-forwarded, 1.2.3.4canary\r\nCookie: canary-cookie\r\nConnection: close';
  const requests = [
    `GET ${path}?operation=PKIOperation&message=canary-message%0d%0a HTTP/1.1\r\nHost: canary-host\r\n${headers}`,
    `GET ${path}?operation=canary-operation HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer canary-token\r\n${headers}`,
    `GET /canary-route?canary-query HTTP/1.1\r\nHost: x\r\n${headers}`,
    `POST ${path}?operation=PKIOperation HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n${headers}\r\n\r\ncanary-body`,
    `CANARYMETHOD ${path} HTTP/1.1\r\nHost: x`,
  ];
  for (const request of requests) await raw(hostname, Number(port), `${request}\r\nConnection: close\r\n\r\n`);
  const content = attack.sealed(device);
  const usual = { content, signer: device, transactionId: 'unused', senderNonce };
  const hostile = [
    ...usualAttributes(usual).slice(0, 4),
    attribute(transactionIdAttribute, der.utf8String(`id${forged}`)),
  ];
  await fetch(`${attack.client.url}?operation=PKIOperation`, {
    method: 'POST',
    headers: { 'x-forwarded-for': '2001:DB8::0:7' },
    body: Buffer.from(message({ ...usual, signedAttributes: hostile, messageType: [attributes.messageType('19')] })),
  });
});
after(() => laboratory.close());

function raw(host: string, port: number, request: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => socket.write(request));
    socket.on('data', () => undefined);
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
}

describe('S16: the log', () => {
  it('tells of the refused requests', () => {
    assert.ok(laboratory.log.filter((line) => line.includes('HTTP 4')).length >= 4);
  });

  it('repeats nothing of path, query, headers and body', () => {
    const { control: _control, log } = laboratory;
    assert.deepEqual(
      log.filter((line) => /canary/i.test(line)),
      [],
    );
  });

  it('has one line for each event, and no control or direction characters, whatever a device calls itself', () => {
    const told = laboratory.log.filter((line) => line.includes('forged'));
    assert.ok(told.length > 0, 'the transaction identifier is told');
    for (const line of laboratory.log) {
      assert.match(line, /^\{[^\n\r]*\}\n$/);
      assert.doesNotMatch(line.trimEnd(), /[\p{Cc}\u202e]/u);
      assert.notEqual((JSON.parse(line) as { message: string }).message, 'forged');
    }
  });

  it('carries the address that a trusted proxy named, in its one spelling', () => {
    assert.ok(laboratory.log.some((line) => line.includes('"address":"2001:db8::7"')));
    assert.ok(laboratory.steps.every(({ address }) => address === '2001:db8::7'));
  });
});

it('S16: neither does any file of the data folder', () => {
  const folder = join(laboratory.folder, 'data');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(files.length > 5);
  for (const file of files) {
    assert.doesNotMatch(readFileSync(join(file.parentPath, file.name), 'latin1'), /canary/i, file.name);
  }
});
