import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { IntuneClient } from '@scepter/intune';
import { intuneOptions } from '../../src/composition/intune-options.ts';
import { parseConnections } from '../../src/settings/parse-settings.ts';
import type { SettingsContext } from '../../src/settings/parse-settings.ts';
import { SettingsError } from '../../src/settings/settings.ts';
import type { ConnectionSettings } from '../../src/settings/settings.ts';

const canary = 'CANARY-0123456789';
const base = resolve('/etc/scepter');
const certificatePem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const keyPem = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
const encryptedPem = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n';
const files: Record<string, string> = {
  [join(base, 'client.secret')]: 'client secret\n',
  [join(base, 'cert.pem')]: certificatePem,
  [join(base, 'key.pem')]: keyPem,
  [join(base, 'encrypted.pem')]: encryptedPem,
  [join(base, 'both.pem')]: certificatePem + keyPem,
  [join(base, 'token.jwt')]: 'e30.e30.x',
};
const context: SettingsContext = {
  baseFolder: base,
  environment: { SECRET: canary, PASSPHRASE: 'a passphrase' },
  readFile: (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('missing'), { code: 'ENOENT' });
    return text;
  },
};

const tenantId = 'contoso.onmicrosoft.com';
const clientId = '6f1c2f0e-7d5a-4a0e-9a53-0c7d5a4f8f11';
const clientSecret = { environment: 'SECRET' };

/** Other secrets of the file are not there: the connections alone need none of them. */
function parse(connection: object): ConnectionSettings {
  const [parsed] = parseConnections(
    {
      dataFolder: 'data',
      authority: { organization: 'Contoso' },
      masterSecret: { environment: 'NOT_SET' },
      connections: { contoso: { tenantId, ...connection } },
      endpoints: { a: { authorizer: { kind: 'static-challenge', challenge: { file: 'none' } } } },
    },
    context,
  );
  assert.ok(parsed);
  return parsed;
}

describe('how a connection signs in', () => {
  const rows: [name: string, connection: object, credential: object][] = [
    ['a secret in a variable', { clientId, clientSecret }, { clientId, clientSecret: canary }],
    [
      'a secret in a file, which is read anew at each sign-in',
      { clientId, clientSecret: { file: 'client.secret' } },
      { clientId, clientSecretFile: join(base, 'client.secret') },
    ],
    [
      'a certificate with its key in the same file',
      { clientId, clientCertificate: { certificateFile: 'both.pem' } },
      {
        clientId,
        certificateFile: join(base, 'both.pem'),
        privateKeyFile: join(base, 'both.pem'),
        sendCertificateChain: false,
      },
    ],
    [
      'a certificate with an encrypted key',
      {
        clientId,
        clientCertificate: {
          certificateFile: 'cert.pem',
          privateKeyFile: 'encrypted.pem',
          passphrase: { environment: 'PASSPHRASE' },
          sendCertificateChain: true,
        },
      },
      {
        clientId,
        certificateFile: join(base, 'cert.pem'),
        privateKeyFile: join(base, 'encrypted.pem'),
        passphrase: 'a passphrase',
        sendCertificateChain: true,
      },
    ],
    ['the managed identity of the machine', { managedIdentity: true }, { managedIdentity: true }],
    ['a managed identity by its client ID', { managedIdentity: { clientId } }, { managedIdentity: { clientId } }],
    [
      'a workload identity',
      { clientId, workloadIdentity: { federatedTokenFile: 'token.jwt' } },
      { clientId, federatedToken: { file: join(base, 'token.jwt') } },
    ],
    [
      'a managed identity that stands for the application',
      { clientId, workloadIdentity: { managedIdentity: { clientId }, audience: 'api://AzureADTokenExchangeUSGov' } },
      { clientId, federatedToken: { managedIdentity: { clientId }, audience: 'api://AzureADTokenExchangeUSGov' } },
    ],
  ];
  for (const [name, connection, credential] of rows) {
    it(`is ${name}`, async () => {
      const parsed = parse(connection);
      assert.deepEqual(parsed.credential, credential);
      // What the settings let through, the library takes.
      await new IntuneClient(intuneOptions(parsed, () => new Date())).close();
    });
  }
});

describe('how a connection travels', () => {
  it('is directly, to the public cloud, unless it says otherwise', () => {
    const options = intuneOptions(parse({ clientId, clientSecret }), () => new Date());
    assert.equal(options.cloud, 'public');
    for (const key of ['proxy', 'tls', 'authority', 'graphUrl', 'attemptTimeoutMs']) assert.ok(!(key in options), key);
  });

  it('is by a proxy, with a client certificate, to another cloud', () => {
    const parsed = parse({
      clientId,
      clientSecret,
      cloud: 'usGovernment',
      proxy: { host: 'proxy.contoso.com', port: 3128, username: 'scep', password: { environment: 'SECRET' } },
      tlsCaFile: 'cert.pem',
      tls: { certificateFile: 'cert.pem', privateKeyFile: 'key.pem' },
      attemptTimeoutMs: 5000,
    });
    const options = intuneOptions(parsed, () => new Date());
    assert.deepEqual(options.proxy, {
      protocol: 'http',
      host: 'proxy.contoso.com',
      port: 3128,
      username: 'scep',
      password: canary,
    });
    assert.deepEqual(options.tls, { ca: certificatePem, certificate: certificatePem, privateKey: keyPem });
    assert.deepEqual([options.cloud, options.attemptTimeoutMs], ['usGovernment', 5000]);
  });
});

describe('a connection that cannot be', () => {
  const usual = { clientId, clientSecret };
  const rows: [name: string, connection: object, path: string, sentence: RegExp, code?: string][] = [
    [
      'no way to sign in',
      { clientId },
      'clientSecret',
      /needs one of clientSecret, clientCertificate, managedIdentity or workloadIdentity\.$/,
    ],
    ['two ways to sign in', { ...usual, managedIdentity: true }, 'managedIdentity', /excludes clientSecret/],
    ['no client ID', { clientSecret }, 'clientId', /is missing\.$/],
    ['a client ID beside a managed identity', { clientId, managedIdentity: true }, 'clientId', /must not stand beside/],
    ['a managed identity that is none', { managedIdentity: false }, 'managedIdentity', /must be true, or name/],
    [
      'a managed identity with two names',
      { managedIdentity: { clientId, objectId: clientId } },
      'managedIdentity',
      /one of clientId, objectId and resourceId/,
    ],
    ['a secret in the file', { clientId, clientSecret: canary }, 'clientSecret', /does not belong in this file/],
    ['an unknown cloud', { ...usual, cloud: 'germany' }, 'cloud', /must be "public", "usGovernment"/],
    ['a cloud without a known resource', { ...usual, cloud: 'china' }, 'intuneResource', /is missing/],
    ['a proxy that is a URL', { ...usual, proxy: { host: 'http://proxy', port: 1 } }, 'proxy.host', /without protocol/],
    ['a proxy without a port', { ...usual, proxy: { host: 'proxy' } }, 'proxy.port', /whole number from 1 to 65535/],
    [
      'a proxy password without a name',
      { ...usual, proxy: { host: 'proxy', port: 1, password: clientSecret } },
      'proxy.username',
      /is missing: a password needs one/,
    ],
    [
      'a misspelt setting of the proxy',
      { ...usual, proxy: { hots: 'a', port: 1 } },
      'proxy.hots',
      /did you mean "host"/,
    ],
    [
      'an attempt longer than the call',
      { ...usual, timeoutMs: 2000, attemptTimeoutMs: 3000 },
      'attemptTimeoutMs',
      /longer than timeoutMs/,
    ],
    [
      'no certificate in its file',
      { clientId, clientCertificate: { certificateFile: 'key.pem' } },
      'clientCertificate.certificateFile',
      /no PEM certificate/,
    ],
    [
      'no key in its file',
      { clientId, clientCertificate: { certificateFile: 'cert.pem' } },
      'clientCertificate.certificateFile',
      /no PEM private key/,
    ],
    [
      'no such certificate',
      { clientId, clientCertificate: { certificateFile: 'none.pem' } },
      'clientCertificate.certificateFile',
      /there is no file /,
      'settings.file_unreadable',
    ],
    [
      'no such token',
      { clientId, workloadIdentity: { federatedTokenFile: 'none' } },
      'workloadIdentity.federatedTokenFile',
      /there is no file /,
      'settings.file_unreadable',
    ],
    [
      'a workload identity of nobody',
      { clientId, workloadIdentity: {} },
      'workloadIdentity.federatedTokenFile',
      /is missing/,
    ],
    [
      'a workload identity of two',
      { clientId, workloadIdentity: { federatedTokenFile: 'token.jwt', managedIdentity: { clientId } } },
      'workloadIdentity.managedIdentity',
      /excludes federatedTokenFile/,
    ],
    [
      'a workload identity that is not user-assigned',
      { clientId, workloadIdentity: { managedIdentity: true } },
      'workloadIdentity.managedIdentity',
      /must name a user-assigned identity/,
    ],
    [
      'an audience for a file',
      { clientId, workloadIdentity: { federatedTokenFile: 'token.jwt', audience: 'api://x' } },
      'workloadIdentity.audience',
      /belongs to managedIdentity/,
    ],
    [
      'no such secret',
      { clientId, clientSecret: { environment: 'NOT_SET' } },
      'clientSecret',
      /NOT_SET is empty/,
      'settings.secret_missing',
    ],
  ];
  for (const [name, connection, path, sentence, code = 'settings.invalid'] of rows) {
    it(`has ${name}`, () => {
      assert.throws(
        () => parse(connection),
        (error: unknown) => {
          assert.ok(error instanceof SettingsError);
          assert.equal(error.path, `connections.contoso.${path}`);
          assert.match(error.message, sentence);
          assert.equal(error.code, code);
          assert.ok(!error.message.includes(canary));
          return true;
        },
      );
    });
  }
});
