import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { Asn1Reader, decodeCertificationRequest, equalBytes, readName } from '@scepter/x509';
import { ScepClient, transactionIdOf } from '@scepter/scep';
import type { CertRepOutcome, ScepClientOptions } from '@scepter/scep';
import {
  allCapabilities,
  ca,
  clientOf,
  csr,
  device,
  enrollment,
  issued,
  pending,
  released,
  scepServer,
} from './scep-server.ts';
import type { Transaction } from './scep-server.ts';

describe('ScepClient.getCaCaps', () => {
  const bodies: [string, string, string[]][] = [
    ['LF', 'AES\nSHA-256', ['AES', 'SHA-256']],
    ['CRLF and a line at the end', 'AES\r\nSHA-256\r\n', ['AES', 'SHA-256']],
    ['unknown lines and wrong case', 'aes\nExample.com-Thing\nSHA-256\n\n', ['SHA-256']],
    ['HTML', '<html><body>AES</body></html>', []],
    ['nothing', '', []],
  ];
  for (const [name, capabilities, expected] of bodies) {
    it(name, async () => assert.deepEqual([...(await clientOf(scepServer({ capabilities })).getCaCaps())], expected));
  }

  for (const status of [400, 404, 405, 410, 500, 501]) {
    it(`HTTP ${status} means that the operation is not there`, async () => {
      const server = scepServer({ capabilities: new Response('AES', { status }) });
      assert.deepEqual([...(await clientOf(server).getCaCaps())], []);
    });
  }

  for (const status of [301, 401, 403, 429, 502, 503]) {
    it(`HTTP ${status} is an error, not a weak server`, async () => {
      const server = scepServer({ capabilities: new Response('AES', { status }) });
      await assert.rejects(clientOf(server).getCaCaps(), { name: 'ScepError', code: 'scep.http_status' });
    });
  }

  it('more than 64 KiB are refused', async () => {
    const server = scepServer({ capabilities: 'AES\n'.repeat(16 * 1024 + 1) });
    await assert.rejects(clientOf(server).getCaCaps(), { name: 'ScepError', code: 'scep.too_large' });
  });
});

describe('ScepClient addresses', () => {
  const addresses: [string, Partial<ScepClientOptions>, string][] = [
    ['as given', {}, 'http://scep.example/scep/static?operation=GetCACaps'],
    [
      'with a suffix',
      { pathSuffix: '/pkiclient.exe' },
      'http://scep.example/scep/static/pkiclient.exe?operation=GetCACaps',
    ],
    [
      'with a suffix after a slash',
      { url: 'http://scep.example/scep/', pathSuffix: '/pkiclient.exe' },
      'http://scep.example/scep/pkiclient.exe?operation=GetCACaps',
    ],
    [
      'with a query',
      { url: 'https://scep.example/x?tenant=a#top' },
      'https://scep.example/x?tenant=a&operation=GetCACaps',
    ],
    [
      'with a CA identifier',
      { caIdentifier: 'a b/ü' },
      'http://scep.example/scep/static?operation=GetCACaps&message=a%20b%2F%C3%BC',
    ],
    [
      'with an empty CA identifier',
      { caIdentifier: '' },
      'http://scep.example/scep/static?operation=GetCACaps&message=',
    ],
  ];
  for (const [name, options, expected] of addresses) {
    it(name, async () => {
      const server = scepServer();
      await clientOf(server, options).getCaCaps();
      assert.equal(server.received[0]?.url.href, expected);
    });
  }

  for (const url of ['', 'scep.example', 'ftp://scep.example/', 'file:///etc/passwd']) {
    it(`refuses ${JSON.stringify(url)}`, () => {
      assert.throws(() => clientOf(scepServer(), { url }), { name: 'ScepError', code: 'scep.bad_argument' });
    });
  }

  it('sends its user agent, and asks for no redirects', async () => {
    const server = scepServer();
    await clientOf(server, { userAgent: 'a device/1.0' }).getCaCaps();
    assert.equal(server.received[0]?.headers.get('user-agent'), 'a device/1.0');
    assert.equal(server.received[0]?.redirect, 'manual');
  });
});

describe('ScepClient.enroll', () => {
  it('asks for capabilities and certificates, posts, and gives its own certificate first', async () => {
    const server = scepServer();
    const result = await clientOf(server).enroll(enrollment);
    assert.deepEqual(
      server.received.map(({ method, url }) => [method, url.searchParams.get('operation')]),
      [
        ['GET', 'GetCACaps'],
        ['GET', 'GetCACert'],
        ['POST', 'PKIOperation'],
      ],
    );
    assert.equal(server.received[2]?.headers.get('content-type'), 'application/x-pki-message');
    assert.equal(result.status, 'success');
    assert.ok(result.status === 'success' && equalBytes(result.certificates[0]!.encoded, issued.certificate.encoded));
    assert.equal(result.status === 'success' && result.certificates.length, 2);
    assert.equal(result.transactionId, transactionIdOf(device.certificate.publicKey.encoded));
    const [transaction] = server.transactions;
    assert.equal(transaction?.message.messageType, 'PKCSReq');
    assert.equal(transaction?.message.transactionId, result.transactionId);
    assert.deepEqual(transaction?.content, csr);
  });

  it('enrolls with what was fetched before', async () => {
    const server = scepServer();
    const client = clientOf(server);
    await client.getCaCaps();
    await client.getCaCertificates();
    await client.enroll(enrollment);
    await client.enroll(enrollment);
    assert.equal(server.received.length, 4);
    const nonces = server.transactions.map(({ message }) => message.senderNonce);
    assert.equal(nonces[0]?.length, 16);
    assert.notDeepEqual(nonces[0], nonces[1]);
  });

  const choices: [string, string, string, string, string][] = [
    ['everything', allCapabilities, 'POST', 'sha256', 'aes-128-cbc'],
    ['SCEPStandard alone', 'SCEPStandard', 'POST', 'sha256', 'aes-128-cbc'],
    ['SHA-512 but not SHA-256', 'AES\nSHA-512', 'GET', 'sha512', 'aes-128-cbc'],
    ['SHA-384 only', 'AES\nSHA-384', 'GET', 'sha384', 'aes-128-cbc'],
    ['an old server', 'DES3\nSHA-1\nPOSTPKIOperation', 'POST', 'sha1', 'des-ede3-cbc'],
    ['nothing', '', 'GET', 'sha1', 'des-ede3-cbc'],
  ];
  for (const [name, capabilities, method, digest, contentCipher] of choices) {
    it(`offered ${name}: ${method}, ${digest}, ${contentCipher}`, async () => {
      const server = scepServer({ capabilities });
      await clientOf(server).enroll(enrollment);
      assert.equal(server.received.at(-1)?.method, method);
      assert.equal(server.transactions[0]?.message.digest, digest);
      assert.equal(server.transactions[0]?.envelope.contentCipher, contentCipher);
    });
  }

  it('does as it is told instead', async () => {
    const server = scepServer();
    await clientOf(server, {
      digest: 'sha512',
      contentCipher: 'aes-256-cbc',
      keyTransport: { kind: 'oaep', digest: 'sha256' },
      framing: 'ber',
      contentType: 'application/octet-stream',
    }).enroll({ ...enrollment, messageType: 'RenewalReq', transactionId: 'my-own' });
    const [transaction] = server.transactions;
    assert.equal(transaction?.message.digest, 'sha512');
    assert.equal(transaction?.message.messageType, 'RenewalReq');
    assert.equal(transaction?.message.transactionId, 'my-own');
    assert.equal(transaction?.envelope.contentCipher, 'aes-256-cbc');
    assert.deepEqual(transaction?.envelope.recipients[0]?.keyTransport, { kind: 'oaep', digest: 'sha256' });
    assert.equal(transaction?.message.content?.[1], 0x80);
    assert.equal(server.received.at(-1)?.headers.get('content-type'), 'application/octet-stream');
  });

  it('GET: base64 with padding, all of it percent-encoded', async () => {
    const server = scepServer();
    await clientOf(server, { post: 'get' }).enroll(enrollment);
    assert.equal(server.received.at(-1)?.method, 'GET');
    assert.match(
      server.received.at(-1)?.rawQuery ?? '',
      /^\?operation=PKIOperation&message=(?:[A-Za-z0-9]|%2B|%2F|%3D)+$/,
    );
  });

  it('POST although it is not offered', async () => {
    const server = scepServer({ capabilities: '' });
    await clientOf(server, { post: 'post' }).enroll(enrollment);
    assert.equal(server.received.at(-1)?.method, 'POST');
  });

  it('a refusal is a result', async () => {
    const server = scepServer({
      outcomes: [() => ({ status: 'failure', failInfo: 'badRequest', failInfoText: 'no' })],
    });
    const result = await clientOf(server).enroll({ ...enrollment, transactionId: 't' });
    assert.deepEqual(result, { status: 'failure', failInfo: 'badRequest', failInfoText: 'no', transactionId: 't' });
  });

  it('pending without leave to poll is a result', async () => {
    const server = scepServer({ outcomes: [pending] });
    assert.equal((await clientOf(server).enroll(enrollment)).status, 'pending');
    assert.equal(server.transactions.length, 1);
  });

  it('polls with CertPoll, the same transaction, fresh nonces, and the names of CA and request', async () => {
    const server = scepServer({ outcomes: [pending, pending, released] });
    const result = await clientOf(server).enroll({ ...enrollment, pollAttempts: 5, pollIntervalMs: 1 });
    assert.equal(result.status, 'success');
    assert.deepEqual(
      server.transactions.map(({ message }) => message.messageType),
      ['PKCSReq', 'CertPoll', 'CertPoll'],
    );
    assert.equal(new Set(server.transactions.map(({ message }) => message.transactionId)).size, 1);
    assert.equal(
      new Set(server.transactions.map(({ message }) => Buffer.from(message.senderNonce!).toString('hex'))).size,
      3,
    );
    const names = Asn1Reader.of(server.transactions[1]!.content).sequence();
    assert.deepEqual(readName(names).encoded, ca.certificate.subject.encoded);
    assert.deepEqual(readName(names).encoded, decodeCertificationRequest(csr).subject.encoded);
    names.end();
  });

  it('stops polling when it may poll no more', async () => {
    const server = scepServer({ outcomes: [pending] });
    const result = await clientOf(server).enroll({ ...enrollment, pollAttempts: 2, pollIntervalMs: 1 });
    assert.equal(result.status, 'pending');
    assert.equal(server.transactions.length, 3);
  });

  it('stops waiting for the next poll when it is aborted', async () => {
    const controller = new AbortController();
    const server = scepServer({
      outcomes: [
        () => {
          setTimeout(() => controller.abort(), 5);
          return { status: 'pending' };
        },
      ],
    });
    const attempt = clientOf(server).enroll({ ...enrollment, pollAttempts: 1, signal: controller.signal });
    await assert.rejects(attempt, { name: 'ScepError', code: 'scep.aborted' });
  });

  it('refuses a certificate for another key', async () => {
    const outcome = (transaction: Transaction): CertRepOutcome => ({
      ...(released(transaction) as Extract<CertRepOutcome, { status: 'success' }>),
      certificates: [ca.certificate.encoded],
    });
    await assert.rejects(clientOf(scepServer({ outcomes: [outcome] })).enroll(enrollment), {
      name: 'ScepError',
      code: 'scep.reply_certificate',
    });
  });

  it('refuses a CSR that is none', async () => {
    const server = scepServer();
    const attempt = clientOf(server).enroll({ ...enrollment, csr: Uint8Array.of(1, 2, 3) });
    await assert.rejects(attempt, { name: 'ScepError', code: 'scep.bad_argument' });
    assert.equal(server.received.length, 0);
  });

  const answers: [string, string, () => Response][] = [
    ['HTTP 403', 'scep.http_status', () => new Response('no', { status: 403 })],
    [
      'HTTP 302',
      'scep.http_status',
      () => new Response(null, { status: 302, headers: { location: 'http://elsewhere/' } }),
    ],
    ['HTML', 'scep.bad_reply', () => new Response('<html>')],
    ['nothing', 'scep.bad_reply', () => new Response(null)],
    ['more than 1 MiB', 'scep.too_large', () => new Response(new Uint8Array(1024 * 1024 + 1))],
  ];
  for (const [name, code, answer] of answers) {
    it(`answered with ${name}: ${code}`, async () => {
      await assert.rejects(clientOf(scepServer({ answer })).enroll(enrollment), { name: 'ScepError', code });
    });
  }
});

describe('ScepClient over a network', () => {
  const listening = async (handler: Parameters<typeof createServer>[1]) => {
    const server = createServer(handler);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return {
      url,
      [Symbol.asyncDispose]: async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  };

  it('a silent server: scep.timeout', async () => {
    await using server = await listening(() => undefined);
    const client = new ScepClient({ url: server.url, fetch, timeoutMs: 50 });
    await assert.rejects(client.getCaCaps(), { name: 'ScepError', code: 'scep.timeout' });
  });

  it('a server that stops in the middle: scep.timeout', async () => {
    await using server = await listening((_request, response) => {
      response.write('AES\n');
    });
    const client = new ScepClient({ url: server.url, fetch, timeoutMs: 50 });
    await assert.rejects(client.getCaCaps(), { name: 'ScepError', code: 'scep.timeout' });
  });

  it('a connection that breaks: scep.network, with its cause', async () => {
    await using server = await listening((request) => request.socket.destroy());
    const client = new ScepClient({ url: server.url, fetch });
    await assert.rejects(
      client.getCaCaps(),
      (error: unknown) =>
        error instanceof Error && 'code' in error && error.code === 'scep.network' && error.cause instanceof Error,
    );
  });

  it('an aborted operation: scep.aborted', async () => {
    await using server = await listening(() => undefined);
    const client = new ScepClient({ url: server.url, fetch });
    await assert.rejects(client.getCaCaps(AbortSignal.timeout(20)), { name: 'ScepError', code: 'scep.aborted' });
  });

  it('does not follow a redirect', async () => {
    const paths: (string | undefined)[] = [];
    await using server = await listening((request, response) => {
      paths.push(request.url);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    const client = new ScepClient({ url: server.url, fetch });
    await assert.rejects(client.getCaCaps(), { name: 'ScepError', code: 'scep.http_status' });
    assert.deepEqual(paths, ['/?operation=GetCACaps']);
  });
});
