/** What credentials, proxies and TLS are given stays out of errors and of the client as a log would show them. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { createCredential } from '../../src/credentials/create-credential.ts';
import { HttpConnections } from '../../src/http/http-connections.ts';
import { redact } from '../../src/http/redaction.ts';
import { IntuneError, type IntuneClientOptions, type IntuneCredential } from '../../src/index.ts';
import { clientId, clientSecret, disconnect, identity, json, Microsoft, tenant, type Answer } from '../microsoft.ts';
import { TestProxy } from '../proxy.ts';
import { assertShowsNoSecret, renderings } from '../renderings.ts';
import { rejection, validation } from '../requests.ts';
import { createClientIdentity } from '../tls-certificate.ts';
import { IdentityEndpoint } from './identity-endpoint.ts';

const passphrase = 'CANARY-passphrase-0123456789';
const password = 'CANARY-proxy-password-0123456789';
const header = 'CANARY-identity-header-0123456789';
const federated = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"CANARY"}').toString('base64url')}.CANARYsignature0123456789`;
const application = createClientIdentity('application');
const encryptedKey = application.encryptedKey(passphrase);
const keyLines = (pem: string): string => pem.split('\n').slice(1, -2).join('');
const secrets = {
  clientSecret,
  passphrase,
  password,
  header,
  federated,
  privateKey: keyLines(application.key),
  encryptedKey: keyLines(encryptedKey),
  proxyAuthorization: Buffer.from(`scep:${password}`).toString('base64'),
};

describe('secrets of credentials and connections', () => {
  let microsoft: Microsoft;
  let endpoint: IdentityEndpoint;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'scepter-secrets-'));
    await writeFile(join(folder, 'secret'), clientSecret);
    await writeFile(join(folder, 'token'), federated);
    await writeFile(join(folder, 'pem'), application.cert + encryptedKey);
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    [microsoft, endpoint] = await Promise.all([Microsoft.start(), IdentityEndpoint.start()]);
  });
  afterEach(async () => {
    await microsoft.stop();
    await endpoint.stop();
  });

  const environment = (): Record<string, string> => ({
    IDENTITY_ENDPOINT: `${endpoint.origin}/token`,
    IDENTITY_HEADER: header,
  });
  const kinds: [name: string, credential: () => IntuneCredential][] = [
    ['a secret', () => ({ clientId, clientSecret })],
    ['a secret in a file', () => ({ clientId, clientSecretFile: join(folder, 'secret') })],
    ['a certificate', () => ({ clientId, certificate: application.cert, privateKey: encryptedKey, passphrase })],
    ['a certificate in a file', () => ({ clientId, certificateFile: join(folder, 'pem'), passphrase })],
    ['a managed identity', () => ({ managedIdentity: true, environment: environment() })],
    ['a federated token in a file', () => ({ clientId, federatedToken: { file: join(folder, 'token') } })],
    ['a federated token of a function', () => ({ clientId, federatedToken: async () => federated })],
    [
      'a federated managed identity',
      () => ({ clientId, federatedToken: { managedIdentity: { clientId: 'identity' }, environment: environment() } }),
    ],
  ];

  /** Everything that was sent, assertions included, and the start of it, as if cut off. */
  const echoes: [name: string, answer: Answer][] = [
    ['echoes', (response, { body, headers }) => response.writeHead(500).end(`${body} ${JSON.stringify(headers)}`)],
    [
      'refuses and echoes decoded values',
      (...call) => {
        const values = [...new URLSearchParams(call[1].body).values()].join(' ');
        json(401, { error: 'invalid_client', error_description: `AADSTS700027: ${values}` })(...call);
      },
    ],
    [
      'echoes the start',
      (response, { body }) => response.writeHead(400).end(body.slice(0, body.indexOf('client_assertion=') + 100)),
    ],
    [
      'echoes the rest of the assertion',
      (response, { body }) =>
        response.writeHead(500).end(`...${new URLSearchParams(body).get('client_assertion')?.slice(70)}`),
    ],
    ['cuts the connection', disconnect],
    ['gives a token and a service that echoes', (response) => response.writeHead(200).end('{"access_token":"CANARY')],
  ];
  for (const [name, credential] of kinds) {
    it(`do not show in errors of ${name}`, async () => {
      for (const [, answer] of echoes) {
        microsoft.answers.token = answer;
        microsoft.answers.discovery = answer;
        endpoint.answer =
          name === 'a managed identity'
            ? (response, { headers }) => response.writeHead(500).end(JSON.stringify(headers))
            : endpoint.answer;
        const client = microsoft.connect({ credential: credential(), retry: false });
        const error = await rejection(client.validateRequest(validation));
        assert.ok(error instanceof IntuneError);
        const assertion = new URLSearchParams(microsoft.received.at(-1)?.body).get('client_assertion') ?? '';
        // One that MSAL has made; the others are known.
        const all = { ...secrets, ...(assertion.length > 200 && { assertion: assertion.slice(70) }) };
        assertShowsNoSecret(error, all);
        assertShowsNoSecret(client, all);
      }
    });

    it(`do not show in the credential itself: ${name}`, async () => {
      const http = new HttpConnections({
        tls: undefined,
        proxy: undefined,
        dispatcher: undefined,
        connectTimeoutMs: 1,
      });
      const signIn = {
        tenant,
        authority: new URL(microsoft.origin),
        tokenExchangeAudience: 'api://AzureADTokenExchange',
        http,
      };
      assertShowsNoSecret(createCredential(credential(), signIn), secrets);
      await http.close();
    });
  }

  it('do not show in a client with proxy and client certificate, nor in its errors', async () => {
    const proxy = await TestProxy.start({ credentials: { username: 'scep', password: 'another' } });
    try {
      const options: Partial<IntuneClientOptions> = {
        proxy: proxy.options({ password }),
        tls: { ca: identity.ca, certificate: application.cert, privateKey: encryptedKey, passphrase },
        retry: false,
      };
      const client = microsoft.connect(options);
      assertShowsNoSecret(client, secrets);
      const error = await rejection(client.validateRequest(validation));
      assert.match(renderings(error), /HTTP 407/);
      assertShowsNoSecret(error, secrets);
      assertShowsNoSecret(client, secrets);
    } finally {
      await proxy.stop();
    }
  });

  it('are recognised by their form where nobody knows them', () => {
    const form = `client_id=x&client_secret=CANARY%7E1&client_assertion=CANARY&scope=y`;
    assert.equal(redact(form, {}), 'client_id=x&client_secret=[redacted]&client_assertion=[redacted]&scope=y');
    assert.equal(redact(`key: ${application.key}!`, {}), 'key: [redacted]\n!');
    assert.equal(redact(`key: ${encryptedKey.slice(0, 300)}`, {}), 'key: [redacted]');
  });
});
