import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { der } from '@scepter/x509';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../device.ts';
import type { Message } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const keys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
let laboratory: Laboratory;
let client: Client;
let valid: { bytes: Uint8Array; senderNonce: Uint8Array };
const message: Message = {
  csr: certificationRequest(keys, { challenge: STATIC_CHALLENGE }),
  transactionId: 'hostile',
  signer,
};

before(async () => {
  laboratory = await openLaboratory();
  client = await Client.connect(`${laboratory.server.url}/scep/static`);
  valid = client.build(message);
});
after(() => laboratory.close());

async function post(body: Uint8Array): Promise<{ status: number; contentType: string | null; text: string }> {
  const response = await fetch(`${client.url}?operation=PKIOperation`, { method: 'POST', body: Buffer.from(body) });
  return { status: response.status, contentType: response.headers.get('content-type'), text: await response.text() };
}

async function isStillServing(): Promise<void> {
  const own: Message = { ...message, transactionId: `alive-${randomBytes(4).toString('hex')}` };
  issued(await client.send(own));
}

/** SEQUENCE in SEQUENCE, as deep as told, with lengths that fit. */
function nested(depth: number): Uint8Array {
  let bytes = new Uint8Array([0x05, 0x00]);
  for (let level = 0; level < depth; level += 1) bytes = new Uint8Array(der.sequence(bytes));
  return bytes;
}

describe('what cannot be parsed gets a short 4xx text', () => {
  const rows: readonly [string, () => Uint8Array][] = [
    ['an empty body', () => new Uint8Array()],
    ['one byte', () => new Uint8Array([0x30])],
    ['text', () => Buffer.from('GET / HTTP/1.1')],
    ['10,000-deep ASN.1', () => nested(10_000)],
    ['10,000 indefinite lengths', () => Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from([0x30, 0x80])))],
    [
      '30,000 empty elements',
      () => der.sequence(new Uint8Array(60_000).fill(0x05).map((byte, index) => (index % 2 === 0 ? byte : 0))),
    ],
    ['a length of 2^63', () => Buffer.from('3088ffffffffffffffff', 'hex')],
    ['a certification request without a message around it', () => message.csr],
  ];
  for (const [name, body] of rows) {
    it(name, async () => {
      const startedAt = performance.now();
      const answer = await post(body());
      assert.ok(answer.status === 400 || answer.status === 413, `${answer.status}`);
      assert.equal(answer.contentType, 'text/plain');
      assert.ok(answer.text.length < 100);
      assert.ok(performance.now() - startedAt < 5_000);
    });
  }

  it('a message cut anywhere', async () => {
    const { bytes } = valid;
    for (let length = 1; length < bytes.length; length += 29) {
      const { status } = await post(bytes.subarray(0, length));
      assert.ok(status === 400, `cut at ${length}: ${status}`);
    }
    await isStillServing();
  });

  it('200 random bodies', async () => {
    for (let round = 0; round < 200; round += 1) {
      const { status } = await post(randomBytes(1 + Math.floor(Math.random() * 4000)));
      assert.equal(status, 400);
    }
    await isStillServing();
  });

  it('300 messages with a changed byte never crash it, and get no certificate that says something else', async () => {
    const subjects = async (): Promise<string[]> => [
      ...new Set((await laboratory.server.store.listEnrollments(1000)).map(({ subject }) => subject)),
    ];
    for (let round = 0; round < 300; round += 1) {
      const changed = Uint8Array.from(valid.bytes);
      const position = Math.floor((round / 300) * changed.length);
      changed[position] = (changed[position] ?? 0) ^ (1 + Math.floor(Math.random() * 255));
      const { status } = await post(changed);
      assert.ok(status === 200 || status === 400, `byte ${position}: ${status}`);
    }
    assert.deepEqual(
      laboratory.steps.filter(({ outcome }) => outcome === 'failed'),
      [],
      'no step fails in a way that is not a refusal',
    );
    assert.ok((await subjects()).every((subject) => subject === 'CN=device'));
    await isStillServing();
  });
});

describe('hostile content inside an envelope for our RA', () => {
  const rows: readonly [string, () => Uint8Array][] = [
    ['nothing', () => new Uint8Array()],
    ['10,000-deep ASN.1', () => nested(10_000)],
    ['a certification request cut in the middle', () => message.csr.subarray(0, message.csr.length / 2)],
    ['40 KB of random bytes', () => randomBytes(40_000)],
    ['a certificate', () => signer.certificate.encoded],
    ['indefinite lengths', () => Buffer.concat(Array.from({ length: 5_000 }, () => Buffer.from([0x30, 0x80])))],
  ];
  for (const [name, content] of rows) {
    it(`${name}: the one answer`, async () => {
      laboratory.steps.length = 0;
      const { reply } = await client.send({ ...message, csr: content(), transactionId: `inside-${name}` });
      assert.deepEqual(reply, { status: 'failure', failInfo: 'badRequest' });
      assert.equal(laboratory.steps.find(({ outcome }) => outcome === 'refused')?.refusal, 'message.sealed_content');
    });
  }
});

describe('limits', () => {
  it('refuses a body above 64 KB with 413, announced or not', async () => {
    assert.equal((await post(new Uint8Array(65_537))).status, 413);
    const path = new URL(client.url).pathname;
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const head = `POST ${path}?operation=PKIOperation HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`;
    assert.match(await raw(head + chunk.repeat(5)), /^HTTP\/1\.1 413 /, 'answered without waiting for the end');
    await isStillServing();
  });

  it('takes a request of just under 64 KB', async () => {
    // An attribute that nobody reads, as Windows sends several.
    const attributes = [{ oid: '1.3.6.1.4.1.311.13.2.2', values: [der.octetString(new Uint8Array(60_000))] }];
    const csr = certificationRequest(keys, { challenge: STATIC_CHALLENGE, attributes });
    const big: Message = { csr, transactionId: 'big', signer };
    const { bytes } = client.build(big);
    assert.ok(bytes.length > 62_000 && bytes.length < 65_536, `${bytes.length}`);
    issued(await client.send(big));
  });
});

describe('what clients do to HTTP', () => {
  it('serves HTTP/1.0 without Host, as Cisco sends it', async () => {
    const path = new URL(client.url).pathname;
    const answer = await raw(`GET ${path}/pkiclient.exe?operation=GetCACaps&message=trustpoint HTTP/1.0\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.match(answer, /POSTPKIOperation/);
  });

  const encodings: readonly [string, (base64: string) => string][] = [
    ['percent-encoded', encodeURIComponent],
    ['plus and slash raw, as macOS', (base64) => base64.replaceAll('=', '%3D')],
    ['plus as a space', (base64) => base64.replaceAll('+', '%20').replaceAll('=', '%3D')],
    [
      'a line break every 64, as Cisco and strongSwan',
      (base64) => encodeURIComponent(base64.replace(/.{64}/g, '$&\n')),
    ],
    ['without padding', (base64) => encodeURIComponent(base64.replaceAll('=', ''))],
  ];
  for (const [name, encode] of encodings) {
    it(`takes a message by GET: ${name}`, async () => {
      const own: Message = { ...message, transactionId: `get-${name}` };
      const { bytes } = client.build(own);
      const response = await fetch(
        `${client.url}?operation=PKIOperation&message=${encode(Buffer.from(bytes).toString('base64'))}`,
      );
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'application/x-pki-message');
      assert.ok(
        laboratory.steps.some(
          ({ transactionId, step, outcome }) =>
            transactionId === own.transactionId && step === 'store' && outcome === 'done',
        ),
      );
    });
  }

  const questions: readonly [string, string, number][] = [
    ['any value of message', '/pkiclient.exe?operation=GetCACert&message=default', 200],
    ['an empty message', '?operation=GetCACaps&message=', 200],
    ['any suffix', '/cgi-bin/whatever/pkiclient.exe?operation=GetCACaps', 200],
    ['the obsolete GetCAChain', '?operation=GetCAChain', 400],
    ['no operation', '', 400],
  ];
  for (const [name, suffix, status] of questions) {
    it(`answers ${status} to ${name}`, async () => {
      assert.equal((await fetch(`${client.url}${suffix}`)).status, status);
    });
  }

  it('knows no endpoint by another name, nor by a property of every object', async () => {
    for (const name of ['nothing', 'constructor', '__proto__', '']) {
      assert.equal((await fetch(`${laboratory.server.url}/scep/${name}?operation=GetCACaps`)).status, 404);
    }
  });

  it('answers GetCACaps without a blank line, which strongSwan takes for every capability', async () => {
    const body = await (await fetch(`${client.url}?operation=GetCACaps`)).text();
    assert.ok(!/\n\n|^\n|\r\n\r\n/.test(body));
    assert.ok(body.split('\n').includes('SCEPStandard'));
  });
});

/** What nobody's HTTP library would send. */
function raw(request: string): Promise<string> {
  const { hostname, port } = new URL(client.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(request));
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (answer += chunk));
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
  });
}
