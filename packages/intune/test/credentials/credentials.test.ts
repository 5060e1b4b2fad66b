import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, createHash, verify, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { IntuneAuthenticationError, type IntuneCredential } from '../../src/index.ts';
import { withEnvironment } from '../environment.ts';
import { clientId, clientSecret, Microsoft, tenant } from '../microsoft.ts';
import { rejection, validation } from '../requests.ts';
import { createClientIdentity } from '../tls-certificate.ts';

const passphrase = 'CANARY passphrase';
const application = createClientIdentity('intune-application');
const other = createClientIdentity('other-application');
const certificate = application.cert;
const privateKey = application.key;
const federated = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJDQU5BUlkifQ.CANARYsignature';

describe('credentials', () => {
  let microsoft: Microsoft;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'scepter-credentials-'));
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    microsoft = await Microsoft.start();
  });
  afterEach(() => microsoft.stop());

  const file = async (name: string, contents: string | Uint8Array): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, contents);
    return path;
  };
  /** What was sent to Entra's token endpoint. */
  const signIn = async (credential: IntuneCredential): Promise<Record<string, string>> => {
    await microsoft.connect({ credential }).validateRequest(validation);
    const form = Object.fromEntries(new URLSearchParams(microsoft.last('token').body));
    assert.equal(form['grant_type'], 'client_credentials');
    assert.equal(form['client_id'], clientId);
    return form;
  };
  const refusal = async (credential: IntuneCredential, changes = {}): Promise<IntuneAuthenticationError> => {
    const error = await rejection(microsoft.connect({ credential, ...changes }).validateRequest(validation));
    assert.ok(error instanceof IntuneAuthenticationError, inspect(error));
    assert.equal(microsoft.received.length, 0);
    assert.match(error.advice, /^[A-Z].*\.$/);
    assert.equal(typeof error.activityId, 'string');
    return error;
  };

  describe('a client secret in a file', () => {
    const contents: [name: string, contents: string][] = [
      ['alone', clientSecret],
      ['with a line end', `${clientSecret}\n`],
      ['with a Windows line end and a byte order mark', `\uFEFF${clientSecret}\r\n`],
    ];
    for (const [name, text] of contents) {
      it(`is sent as it stands there ${name}`, async () => {
        const form = await signIn({ clientId, clientSecretFile: await file('secret', text) });
        assert.equal(form['client_secret'], clientSecret);
      });
    }

    it('is found through a symbolic link, as Kubernetes mounts secrets', async () => {
      const link = join(folder, 'link');
      await symlink(await file('secret', clientSecret), link);
      assert.equal((await signIn({ clientId, clientSecretFile: link }))['client_secret'], clientSecret);
    });

    const unusable: [name: string, contents: string | Uint8Array, message: RegExp][] = [
      ['is empty', '', /is empty/],
      ['holds white space only', ' \n', /is empty/],
      ['holds two lines', `${clientSecret}\nCANARY`, /must hold the secret and nothing else/],
      ['is far too large', Buffer.alloc(1024 * 1024 + 1, 0x41), /more than 1048576 bytes/],
      ['is too long for a secret', Buffer.alloc(5000, 0x41), /nothing else/],
    ];
    for (const [name, text, message] of unusable) {
      it(`is refused with advice when the file ${name}`, async () => {
        const clientSecretFile = await file('secret', text);
        const error = await refusal({ clientId, clientSecretFile });
        assert.match(error.message, message);
        assert.ok(error.advice.includes(clientSecretFile));
        assert.doesNotMatch(inspect(error), /CANARY/);
      });
    }

    it('is refused with advice when the file is missing, and found when it appears', async () => {
      const clientSecretFile = join(folder, 'later');
      const client = microsoft.connect({ credential: { clientId, clientSecretFile } });
      const error = await rejection(client.validateRequest(validation));
      assert.ok(error instanceof IntuneAuthenticationError);
      assert.match(error.message, /later cannot be read: ENOENT/);
      assert.equal((error.cause as { code?: string }).code, 'ENOENT');
      await writeFile(clientSecretFile, clientSecret);
      await client.validateRequest(validation);
    });

    it('is refused when it is a folder', async () => {
      assert.match((await refusal({ clientId, clientSecretFile: folder })).message, /not a regular file/);
    });

    it('is refused when it never ends, or nobody writes to it', { skip: process.platform === 'win32' }, async () => {
      const pipe = join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      for (const clientSecretFile of ['/dev/zero', pipe]) {
        assert.match((await refusal({ clientId, clientSecretFile })).message, /not a regular file/);
      }
    });
  });

  describe('a certificate', () => {
    const decode = (part: string | undefined): Record<string, unknown> =>
      JSON.parse(Buffer.from(part ?? '', 'base64url').toString());

    it('signs an assertion for the token endpoint, with PS256 and its SHA-256 thumbprint', async () => {
      const form = await signIn({ clientId, certificate, privateKey });
      assert.equal(form['client_assertion_type'], 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      assert.equal(form['client_secret'], undefined);
      const [header, payload, signature] = (form['client_assertion'] ?? '').split('.');
      const der = new X509Certificate(certificate).raw;
      assert.deepEqual(decode(header), {
        alg: 'PS256',
        typ: 'JWT',
        'x5t#S256': createHash('sha256').update(der).digest('base64url'),
      });
      const claims = decode(payload);
      assert.equal(claims['aud'], `${microsoft.origin}/${tenant}/oauth2/v2.0/token`);
      assert.equal(claims['iss'], clientId);
      assert.equal(claims['sub'], clientId);
      assert.ok(Math.abs(Number(claims['exp']) - Date.now() / 1000) <= 660);
      const key = {
        key: application.publicKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      };
      const signed = Buffer.from(`${header}.${payload}`);
      assert.ok(verify('sha256', signed, key, Buffer.from(signature ?? '', 'base64url')));
    });

    it('uses an assertion once', async () => {
      const client = microsoft.connect({ credential: { clientId, certificate, privateKey } });
      await client.validateRequest(validation);
      const ids = microsoft.received
        .filter(({ operation }) => operation === 'token')
        .map(({ body }) => decode(new URLSearchParams(body).get('client_assertion')?.split('.')[1])['jti']);
      assert.equal(new Set(ids).size, 2);
    });

    it('goes along with its chain when that is asked for', async () => {
      const chain = application.ca + certificate;
      const form = await signIn({ clientId, certificate: chain, privateKey, sendCertificateChain: true });
      const { x5c } = decode(form['client_assertion']?.split('.')[0]);
      const ders = [certificate, application.ca].map((pem) => new X509Certificate(pem).raw.toString('base64'));
      assert.deepEqual(x5c, ders);
    });

    const sources: [name: string, credential: () => Promise<IntuneCredential>][] = [
      [
        'PEM with an encrypted key',
        async () => ({ clientId, certificate, privateKey: application.encryptedKey(passphrase), passphrase }),
      ],
      ['one file', async () => ({ clientId, certificateFile: await file('both.pem', privateKey + certificate) })],
      [
        'one file in the other order',
        async () => ({ clientId, certificateFile: await file('both.pem', certificate + privateKey) }),
      ],
      [
        'two files, with a chain and an encrypted key',
        async () => ({
          clientId,
          certificateFile: await file('chain.pem', certificate + application.ca),
          privateKeyFile: await file('key.pem', application.encryptedKey(passphrase)),
          passphrase,
        }),
      ],
    ];
    for (const [name, credential] of sources) {
      it(`is taken from ${name}`, async () => {
        const form = await signIn(await credential());
        const thumbprint = createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url');
        assert.equal(decode(form['client_assertion']?.split('.')[0])['x5t#S256'], thumbprint);
      });
    }

    const unusable: [name: string, contents: string, message: RegExp][] = [
      ['is half-written', (certificate + privateKey).slice(0, certificate.length + 100), /holds|none was found/],
      ['ends within the certificate', certificate.slice(0, 300), /is no good: it must be certificates in PEM/],
      ['has no key', certificate, /none was found/],
      ['has the key of another', certificate + other.key, /does not belong to the certificate/],
      ['has an encrypted key', certificate + application.encryptedKey(passphrase), /a passphrase is needed/],
      ['has an EC key', ecPair(), /must be an RSA key of at least 2048 bits/],
    ];
    for (const [name, contents, message] of unusable) {
      it(`is refused with advice when its file ${name}`, async () => {
        const certificateFile = await file('application.pem', contents);
        const error = await refusal({ clientId, certificateFile });
        assert.match(error.message, message);
        assert.ok(error.message.includes(certificateFile));
        assert.ok(!inspect(error, { depth: 9 }).includes(privateKey.slice(100, 140)));
      });
    }

    it('is refused with advice after its end, and before its beginning', async () => {
      const dayMs = 86_400_000;
      const [past, ended, soon, later] = [-9, -1, 1, 9].map((days) => new Date(Date.now() + days * dayMs));
      assert.ok(past && ended && soon && later);
      const old = createClientIdentity('old', { validity: { from: past, to: ended } });
      const end = await refusal({ clientId, certificate: old.cert, privateKey: old.key });
      assert.match(end.message, new RegExp(`certificate ended on ${ended.toISOString().slice(0, 19)}`));
      assert.match(end.advice, /Register a new certificate/);
      const next = createClientIdentity('next', { validity: { from: soon, to: later } });
      const begin = await refusal({ clientId, certificate: next.cert, privateKey: next.key });
      assert.match(begin.message, new RegExp(`not valid before ${soon.toISOString().slice(0, 19)}`));
    });
  });

  describe('workload identity', () => {
    const sources: [
      name: string,
      federatedToken: () => Promise<string> | Promise<{ file: string }>,
      isFile: boolean,
    ][] = [
      ['a file', async () => ({ file: await file('token', `${federated}\n`) }), true],
      ['a function', async () => federated, false],
    ];
    for (const [name, source, isFile] of sources) {
      it(`sends the token of ${name} as the application's assertion`, async () => {
        const federatedToken = isFile ? ((await source()) as { file: string }) : (source as () => Promise<string>);
        const form = await signIn({ clientId, federatedToken });
        assert.equal(form['client_assertion'], federated);
        assert.equal(form['client_assertion_type'], 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      });
    }

    it('asks the function for each sign-in', async () => {
      let asked = 0;
      const federatedToken = async (): Promise<string> => `${federated}${(asked += 1)}`;
      await microsoft.connect({ credential: { clientId, federatedToken } }).validateRequest(validation);
      assert.equal(asked, 2);
    });

    const failing: [name: string, federatedToken: () => Promise<string>, message: RegExp][] = [
      ['rejects', async () => Promise.reject(new Error('no network')), /federatedToken failed: no network/],
      [
        'throws',
        () => {
          throw new Error('no network');
        },
        /federatedToken failed: no network/,
      ],
      ['gives nothing', async () => undefined as unknown as string, /gave no JSON web token/],
      ['gives another text', async () => 'CANARY token', /gave no JSON web token/],
    ];
    for (const [name, federatedToken, message] of failing) {
      it(`is refused with advice when the function ${name}`, async () => {
        const error = await refusal({ clientId, federatedToken });
        assert.match(error.message, message);
        assert.doesNotMatch(inspect(error), /CANARY/);
      });
    }

    it('is refused with advice when the file holds no token, or is gone', async () => {
      const path = await file('token', federated.slice(0, 20));
      assert.match((await refusal({ clientId, federatedToken: { file: path } })).message, /must hold a JSON web token/);
      await unlink(path);
      assert.match((await refusal({ clientId, federatedToken: { file: path } })).message, /ENOENT/);
    });

    it('ends in time although the function never answers', async () => {
      const credential = { clientId, federatedToken: (): Promise<string> => new Promise(() => {}) };
      const startedMs = performance.now();
      const hasty = microsoft.connect({ credential, timeoutMs: 200 });
      await assert.rejects(hasty.validateRequest(validation), { code: 'intune.timeout' });
      const reason = new Error('The device has gone');
      const patient = microsoft.connect({ credential });
      const signal = AbortSignal.timeout(50);
      assert.equal(await rejection(patient.validateRequest({ ...validation, signal })), signal.reason);
      assert.ok(reason instanceof Error && performance.now() - startedMs < 2000);
    });
  });

  it('never sign in where an environment variable points', async () => {
    await withEnvironment({ MSAL_FORCE_REGION: 'westeurope' }, async () => {
      await signIn({ clientId, clientSecret });
    });
    assert.equal(microsoft.last('token').headers['host'], new URL(microsoft.origin).host);
  });
});

function ecPair(): string {
  const { cert, key } = createClientIdentity('elliptic', { keyType: 'ec' });
  return cert + key;
}
