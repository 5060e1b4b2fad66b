import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Agent } from 'undici';
import { classifyFailure } from '../src/http/network-failure.ts';
import { ProxyError } from '../src/http/tunnel.ts';
import { IntuneArgumentError, IntuneNetworkError, type TlsOptions } from '../src/index.ts';
import { identity, Microsoft } from './microsoft.ts';
import { TestProxy } from './proxy.ts';
import { rejection, validation } from './requests.ts';
import { createClientIdentity, createServerIdentity } from './tls-certificate.ts';

const passphrase = 'CANARY passphrase';
const client = createClientIdentity('scep.contoso.com', { keyType: 'ec' });
const stranger = createClientIdentity('stranger', { keyType: 'ec' });
const encryptedKey = client.encryptedKey(passphrase);

describe('TLS', () => {
  let microsoft: Microsoft;
  beforeEach(async () => {
    microsoft = await Microsoft.start({ requestCert: true, rejectUnauthorized: true, ca: [identity.ca, client.ca] });
  });
  afterEach(() => microsoft.stop());

  const { ca } = identity;
  const { cert: certificate, key: privateKey } = client;
  const good: [name: string, tls: TlsOptions][] = [
    ['certificate and key', { ca, certificate, privateKey }],
    ['an encrypted key', { ca, certificate, privateKey: encryptedKey, passphrase }],
    ['a passphrase that the key does not need', { ca, certificate, privateKey, passphrase }],
    ['bytes', { ca: Buffer.from(ca), certificate: Buffer.from(certificate), privateKey: Buffer.from(privateKey) }],
    ['a chain', { ca, certificate: certificate + client.ca, privateKey }],
    ['a chain that begins with the CA', { ca, certificate: client.ca + certificate, privateKey }],
    [
      'certificate and key in one text',
      { ca, certificate: privateKey + certificate, privateKey: certificate + privateKey },
    ],
    ['a CA among others and remarks', { ca: `# ours\n${stranger.ca}\n# theirs\r\n${ca}`, certificate, privateKey }],
    [
      'Windows line ends',
      { ca: ca.replaceAll('\n', '\r\n'), certificate, privateKey: privateKey.replaceAll('\n', '\r\n') },
    ],
  ];
  for (const [name, tls] of good) {
    it(`presents a client certificate in sign-in, discovery and Intune, given as ${name}`, async () => {
      await microsoft.connect({ tls }).validateRequest(validation);
      // The server lets nobody else in.
      assert.deepEqual(
        microsoft.received.map(({ operation }) => operation),
        ['token', 'discovery', 'token', 'service'],
      );
    });
  }

  for (const protocol of ['http', 'https'] as const) {
    it(`presents the client certificate to Microsoft through an ${protocol} proxy, and not to the proxy`, async () => {
      const proxyTls = { ...identity, requestCert: true, rejectUnauthorized: false };
      const proxy = await TestProxy.start(protocol === 'https' ? { identity: proxyTls } : {});
      try {
        await microsoft
          .connect({ tls: { ca, certificate, privateKey }, proxy: proxy.options() })
          .validateRequest(validation);
        assert.equal(microsoft.count('service'), 1);
        assert.ok(proxy.targets.length > 0);
        assert.deepEqual(proxy.clientCertificates, []);
      } finally {
        await proxy.stop();
      }
    });
  }

  it('leaves all of it to a dispatcher of the caller', async () => {
    const dispatcher = new Agent({ connect: { ca, cert: certificate, key: privateKey } });
    const { tls: _tls, ...options } = microsoft.options();
    const { IntuneClient } = await import('../src/index.ts');
    const guest = new IntuneClient({ ...options, dispatcher });
    await guest.validateRequest(validation);
    await guest.close();
    assert.equal(microsoft.received.length, 4);
    assert.equal(dispatcher.closed, false);
    await dispatcher.close();
  });

  const refused: [name: string, tls: TlsOptions][] = [
    ['no client certificate is given', { ca }],
    ['the client certificate is not accepted', { ca, certificate: stranger.cert, privateKey: stranger.key }],
  ];
  for (const [name, tls] of refused) {
    it(`ends with a network error when ${name}`, async () => {
      const error = await rejection(microsoft.connect({ tls, retry: false }).validateRequest(validation));
      assert.ok(error instanceof IntuneNetworkError, inspect(error));
      // Servers that say why they hang up make it `tls`; a server of Node does not say.
      assert.equal(error.reason, 'cut');
      assert.equal(microsoft.received.length, 0);
    });
  }

  describe('options', () => {
    const short = createClientIdentity('short', { keyType: 'shortRsa' });
    const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const brokenCertificate = certificate.replace(/\n.{64}\n/, `\n${'CANARY'.repeat(10)}AAAA\n`);
    const wrong: [name: string, tls: unknown, argument: string, problem: RegExp][] = [
      ['no object', 'pem', 'tls', /must be an object/],
      ['a CA that is no PEM', { ca: 'CANARY' }, 'tls.ca', /must be certificates in PEM/],
      ['an empty CA', { ca: '' }, 'tls.ca', /must not be empty/],
      ['a CA that is a number', { ca: 5 }, 'tls.ca', /must be a string/],
      ['a CA that is cut off', { ca: ca.slice(0, 200) }, 'tls.ca', /whole BEGIN CERTIFICATE/],
      ['a second CA that is cut off', { ca: ca + ca.slice(0, 200) }, 'tls.ca', /whole BEGIN CERTIFICATE/],
      ['a second CA that is garbage', { ca: ca + brokenCertificate }, 'tls.ca', /certificate 2 of 2 cannot be read/],
      ['a certificate without key', { certificate }, 'tls.certificate', /needs tls\.privateKey/],
      ['a key without certificate', { privateKey }, 'tls.privateKey', /needs tls\.certificate/],
      ['a passphrase alone', { passphrase }, 'tls.passphrase', /needs tls\.privateKey/],
      [
        'a certificate that is garbage',
        { certificate: brokenCertificate, privateKey },
        'tls.certificate',
        /cannot be read/,
      ],
      ['a key that is none', { certificate, privateKey: 'CANARY' }, 'tls.privateKey', /none was found/],
      ['a certificate for a key', { certificate, privateKey: certificate }, 'tls.privateKey', /none was found/],
      ['two keys', { certificate, privateKey: privateKey + stranger.key }, 'tls.privateKey', /several were found/],
      ["another certificate's key", { certificate, privateKey: stranger.key }, 'tls.privateKey', /does not belong to/],
      ['a key of another type', { certificate, privateKey: pem(rsaKey) }, 'tls.privateKey', /does not belong to/],
      [
        'a broken key',
        { certificate, privateKey: privateKey.replace(/\n[^-]{20}/, '\nCANARYCANARYCANARYCA') },
        'tls.privateKey',
        /cannot be read/,
      ],
      [
        'an encrypted key without passphrase',
        { certificate, privateKey: encryptedKey },
        'tls.privateKey',
        /a passphrase is needed/,
      ],
      [
        'a key that is too short for TLS',
        { certificate: short.cert, privateKey: short.key },
        'tls.certificate',
        /refused by OpenSSL: ERR_SSL_EE_KEY_TOO_SMALL/,
      ],
      [
        'a wrong passphrase',
        { certificate, privateKey: encryptedKey, passphrase: 'CANARY' },
        'tls.privateKey',
        /is the passphrase right\?/,
      ],
      [
        'an empty passphrase',
        { certificate, privateKey: encryptedKey, passphrase: '' },
        'tls.privateKey',
        /is the passphrase right\?/,
      ],
      [
        'a passphrase that is a number',
        { certificate, privateKey: encryptedKey, passphrase: 5 },
        'tls.passphrase',
        /must be a string/,
      ],
    ];
    for (const [name, tls, argument, problem] of wrong) {
      it(`refuses ${name}, without showing anything of it`, () => {
        assert.throws(
          () => microsoft.connect({ tls: tls as TlsOptions }),
          (error) => {
            assert.ok(error instanceof IntuneArgumentError, inspect(error));
            assert.equal(error.argument, argument);
            assert.match(error.message, problem);
            const shown = inspect(error, { depth: 20, showHidden: true });
            assert.doesNotMatch(shown, /CANARY/);
            assert.ok(!shown.includes(privateKey.split('\n')[1] ?? ''));
            return true;
          },
        );
      });
    }

    const dispatcher = new Agent();
    after(() => dispatcher.close());
    for (const [name, options] of [
      ['tls beside a dispatcher', { dispatcher }],
      ['a proxy beside a dispatcher', { dispatcher, tls: undefined, proxy: { host: 'proxy', port: 1 } }],
      ['a dispatcher that is none', { dispatcher: {}, tls: undefined }],
    ] as const) {
      it(`refuses ${name}`, () => {
        assert.throws(
          () => microsoft.connect(options as object),
          (error) => error instanceof IntuneArgumentError && error.argument === 'dispatcher',
        );
      });
    }
  });
});

describe('classifyFailure', () => {
  const failure = (code: string): Error => Object.assign(new Error(code), { code });
  const rows: [name: string, error: unknown, wasSent: boolean, reason: string][] = [
    [
      'a client certificate that TLS 1.3 misses only after the request',
      failure('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'),
      true,
      'tls',
    ],
    ['an expired certificate', failure('CERT_HAS_EXPIRED'), false, 'tls'],
    ['a self-signed certificate', failure('DEPTH_ZERO_SELF_SIGNED_CERT'), false, 'tls'],
    ['a wrong host name', failure('ERR_TLS_CERT_ALTNAME_INVALID'), false, 'tls'],
    ['no common protocol version', failure('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'), false, 'tls'],
    ['a name server that does not answer', failure('EAI_AGAIN'), false, 'dns'],
    ['no route', failure('EHOSTUNREACH'), false, 'refused'],
    ['no answer to SYN', failure('ETIMEDOUT'), false, 'connect_timeout'],
    ['no answer to SYN, noticed by undici', failure('UND_ERR_CONNECT_TIMEOUT'), false, 'connect_timeout'],
    ['no answer to data', failure('ETIMEDOUT'), true, 'cut'],
    ['a reset before the request', failure('ECONNRESET'), false, 'refused'],
    ['a reset after it', failure('ECONNRESET'), true, 'cut'],
    ['a broken pipe', failure('EPIPE'), true, 'cut'],
    [
      'failure at each address',
      new AggregateError([failure('ECONNREFUSED'), failure('ENETUNREACH')]),
      false,
      'refused',
    ],
    ['a reply that is no HTTP', failure('HPE_INVALID_CONSTANT'), true, 'other'],
    ['an unknown code', failure('toString'), true, 'other'],
    ['no error at all', undefined, true, 'other'],
  ];
  for (const [name, error, wasSent, reason] of rows) {
    it(`takes ${name} for ${reason}`, () => {
      assert.equal(classifyFailure(error, wasSent).reason, reason);
    });
  }

  it('tells what the proxy answered', () => {
    const failed = classifyFailure(new ProxyError('refused', { status: 407 }), false);
    assert.deepEqual(failed, { reason: 'proxy', proxyStatus: 407 });
  });
});

describe('why no answer came', () => {
  const reasonOf = async (microsoft: Microsoft, changes: Parameters<Microsoft['connect']>[0]): Promise<string> => {
    const error = await rejection(microsoft.connect({ retry: false, ...changes }).validateRequest(validation));
    assert.ok(error instanceof IntuneNetworkError, inspect(error));
    return error.reason;
  };
  let microsoft: Microsoft;
  beforeEach(async () => {
    microsoft = await Microsoft.start();
  });
  afterEach(() => microsoft.stop());

  it('is dns for a host that does not exist', async () => {
    assert.equal(await reasonOf(microsoft, { authority: 'https://login.invalid' }), 'dns');
  });

  it('is refused where nobody listens', async () => {
    assert.equal(await reasonOf(microsoft, { authority: 'https://127.0.0.1:1' }), 'refused');
  });

  it('is refused where nobody listens at any address of the host', async () => {
    assert.equal(await reasonOf(microsoft, { authority: 'https://localhost:1' }), 'refused');
  });

  it('is tls for a certificate of a CA that is not trusted', async () => {
    assert.equal(await reasonOf(microsoft, { tls: { ca: createServerIdentity().ca } }), 'tls');
  });

  it('is tls for a certificate of another host', async () => {
    const elsewhere = createServerIdentity(['login.contoso.com']);
    const other = await Microsoft.start(elsewhere);
    try {
      assert.equal(await reasonOf(microsoft, { authority: other.origin, tls: { ca: elsewhere.ca } }), 'tls');
    } finally {
      await other.stop();
    }
  });

  it('is tls where another protocol is spoken', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const authority = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    assert.equal(await reasonOf(microsoft, { authority }), 'tls');
    server.close();
  });

  it('is refused when the connection is cut before it stands, since nothing was sent', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const authority = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    assert.equal(await reasonOf(microsoft, { authority }), 'refused');
    server.close();
  });

  it('is connect_timeout when the other side does not shake hands', async () => {
    const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const authority = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    assert.equal(await reasonOf(microsoft, { authority, timeoutMs: 2000, attemptTimeoutMs: 300 }), 'connect_timeout');
    server.close();
  });

  it('is cut when the connection breaks after the request, on a fresh connection and on a kept one', async () => {
    const client = microsoft.connect({ retry: false });
    for (const round of ['fresh', 'kept']) {
      microsoft.answerNext('service', (response) => response.socket?.destroy());
      const error = await rejection(client.validateRequest(validation));
      assert.ok(error instanceof IntuneNetworkError, `${round}: ${inspect(error)}`);
      assert.equal(error.reason, 'cut');
      await client.validateRequest(validation);
    }
  });

  it('is closed after close', async () => {
    const client = microsoft.connect();
    await client.close();
    const error = await rejection(client.validateRequest(validation));
    assert.ok(error instanceof IntuneNetworkError);
    assert.equal(error.reason, 'closed');
  });
});

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
