/** S10, S20: slow clients and floods from one address, while a device at another address enrolls. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readCertRep } from '@scepter/scep';
import { certificationRequest, Client, newKeys, selfSigned } from '../device.ts';
import type { Message } from '../device.ts';
import { ask, needsAddresses, openRaw, sleep } from '../http/limits/listener.ts';
import type { HttpAnswer, RawConnection } from '../http/limits/listener.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const ATTACKER = '127.0.0.1';
const DEVICE = '127.0.0.2';
const keys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
const csr = certificationRequest(keys, { challenge: STATIC_CHALLENGE });
const attackers: RawConnection[] = [];
let laboratory: Laboratory;
let client: Client;
let path: string;
let port: number;
let count = 0;

before(async () => {
  laboratory = await openLaboratory({
    limits: {
      requestTimeoutMs: 60_000,
      requestsPerMinutePerAddress: 300,
      requestBurstPerAddress: 300,
      connections: 128,
      connectionsPerAddress: 96,
      concurrentRequestsPerAddress: 8,
    },
  });
  client = await Client.connect(`${laboratory.server.url}/scep/static`);
  ({ pathname: path } = new URL(client.url));
  port = Number(new URL(client.url).port);
});
after(async () => {
  for (const { socket } of attackers) socket.destroy();
  await laboratory.close();
});

function newMessage(): Message {
  return { csr, transactionId: `flood-${(count += 1)}`, signer };
}

function post(body: Uint8Array, from: string): Promise<HttpAnswer> {
  return ask({ port, path: `${path}?operation=PKIOperation`, method: 'POST', from, body });
}

/** What a device does: three requests, each on a connection of its own. */
async function enrollFrom(address: string): Promise<void> {
  for (const operation of ['GetCACaps', 'GetCACert']) {
    assert.equal((await ask({ port, path: `${path}?operation=${operation}`, from: address })).status, 200);
  }
  const message = newMessage();
  const { bytes, senderNonce } = client.build(message);
  const { status, body } = await post(bytes, address);
  assert.equal(status, 200);
  const reply = readCertRep(new Uint8Array(body), {
    recipient: signer,
    signers: [...client.authorities],
    transactionId: message.transactionId,
    senderNonce,
  });
  assert.equal(reply.status, 'success');
}

async function attack(first: string): Promise<RawConnection> {
  const connection = await openRaw(port, ATTACKER);
  attackers.push(connection);
  if (connection.isOpen()) connection.socket.write(first);
  return connection;
}

describe('PKIOperations in work of one address', () => {
  it('beyond its share get 429, all others a certificate, and whoever comes again gets one too', async () => {
    const bodies = Array.from({ length: 40 }, () => client.build(newMessage()).bytes);
    const answers = await Promise.all(bodies.map((body) => post(body, ATTACKER)));
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(answers.every(({ status }) => status === 200 || status === 429));
    assert.ok(refused.length > 0 && refused.length <= 32, `${refused.length}`);
    assert.ok(refused.every(({ headers }) => Number(headers['retry-after']) >= 2));
    const again = bodies[answers.findIndex(({ status }) => status === 429)] ?? new Uint8Array();
    assert.equal((await post(again, ATTACKER)).status, 200);
  });
});

describe('a slow body', () => {
  it('below the least speed: 408, long before the request time is over', async () => {
    const slow = await attack(
      `POST ${path}?operation=PKIOperation HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n`,
    );
    const trickle = setInterval(() => slow.socket.write('x'), 50);
    const startedAt = performance.now();
    await slow.closed;
    clearInterval(trickle);
    assert.match(slow.received(), /^HTTP\/1\.1 408 /);
    assert.ok(performance.now() - startedAt < 10_000);
  });

  it('that is slow, but fast enough, is waited for', async () => {
    const { bytes } = client.build(newMessage());
    const slow = await attack(
      `POST ${path}?operation=PKIOperation HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${bytes.length}\r\n\r\n`,
    );
    for (let sent = 0; sent < bytes.length; sent += 200) {
      slow.socket.write(bytes.subarray(sent, sent + 200));
      await sleep(200);
    }
    await slow.closed;
    assert.match(slow.received(), /^HTTP\/1\.1 200 /);
  });
});

describe('while one address attacks, another enrolls', { skip: needsAddresses }, () => {
  const attacks: readonly [name: string, start: () => Promise<unknown>][] = [
    ['200 idle connections', () => Promise.all(Array.from({ length: 200 }, () => attack('')))],
    ['200 heads that never end', () => Promise.all(Array.from({ length: 200 }, () => attack('GET / HTTP/1.1\r\nX: ')))],
    [
      '200 bodies that never end',
      () =>
        Promise.all(
          Array.from({ length: 200 }, () =>
            attack(`POST ${path}?operation=PKIOperation HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n`),
          ),
        ),
    ],
    [
      '5,000 requests in 20 pipelines',
      () =>
        Promise.all(
          Array.from({ length: 20 }, () =>
            attack(`GET ${path}?operation=GetCACert HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(250)),
          ),
        ),
    ],
    [
      '200 messages to be decrypted',
      async () => {
        const { bytes } = client.build(newMessage());
        const requests = Array.from({ length: 200 }, () => post(bytes, ATTACKER).catch(() => undefined));
        void Promise.all(requests);
      },
    ],
  ];
  for (const [name, start] of attacks) {
    it(name, async () => {
      await start();
      const durations: number[] = [];
      for (let device = 0; device < 5; device += 1) {
        const startedAt = performance.now();
        await enrollFrom(DEVICE);
        durations.push(performance.now() - startedAt);
      }
      assert.ok(Math.max(...durations) < 3_000, durations.map(Math.round).join(', '));
    });
  }

  it('steps and the log carry the addresses', () => {
    assert.ok(laboratory.steps.some(({ step, address }) => step === 'store' && address === DEVICE));
    const limits = laboratory.log.filter((line) => line.includes('"reason":"limits.'));
    assert.ok(limits.some((line) => line.includes(`"address":"${ATTACKER}"`)));
    assert.ok(limits.length < 20, `${limits.length} lines`);
    assert.ok(!limits.some((line) => line.includes(DEVICE)), 'the device met no limit');
  });
});
