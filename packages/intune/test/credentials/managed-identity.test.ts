import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { ManagedIdentityCredential } from '../../src/credentials/managed-identity/managed-identity-credential.ts';
import { HttpConnections } from '../../src/http/http-connections.ts';
import {
  IntuneAuthenticationError,
  IntuneHttpError,
  IntuneNetworkError,
  type IntuneCredential,
  type ManagedIdentityId,
} from '../../src/index.ts';
import { withEnvironment } from '../environment.ts';
import { clientId, Microsoft } from '../microsoft.ts';
import { TestProxy } from '../proxy.ts';
import { rejection, validation } from '../requests.ts';
import { IdentityEndpoint, identityJson, identityToken, type IdentityAnswer } from './identity-endpoint.ts';

const header = 'CANARY-identity-header';

describe('managed identity', () => {
  let microsoft: Microsoft;
  let endpoint: IdentityEndpoint;
  beforeEach(async () => {
    [microsoft, endpoint] = await Promise.all([Microsoft.start(), IdentityEndpoint.start()]);
  });
  afterEach(async () => {
    await microsoft.stop();
    await endpoint.stop();
  });

  type Environment = Record<string, string>;
  const onMachine = (): Environment => ({ AZURE_POD_IDENTITY_AUTHORITY_HOST: endpoint.origin });
  const inAppService = (): Environment => ({
    IDENTITY_ENDPOINT: `${endpoint.origin}/msi/token`,
    IDENTITY_HEADER: header,
  });
  const inMachineLearning = (): Environment => ({
    MSI_ENDPOINT: `${endpoint.origin}/msi/token`,
    MSI_SECRET: header,
    DEFAULT_IDENTITY_CLIENT_ID: 'default-id',
  });

  const platforms: [name: string, environment: () => Environment, path: string, sent: object, headers: object][] = [
    [
      'a machine of Azure',
      onMachine,
      '/metadata/identity/oauth2/token',
      { 'api-version': '2018-02-01' },
      { metadata: 'true' },
    ],
    ['App Service', inAppService, '/msi/token', { 'api-version': '2019-08-01' }, { 'x-identity-header': header }],
    [
      'Azure Machine Learning',
      inMachineLearning,
      '/msi/token',
      { 'api-version': '2017-09-01', clientid: 'default-id' },
      { metadata: 'true', secret: header },
    ],
  ];
  for (const [name, environment, path, sent, headers] of platforms) {
    it(`signs in for Graph and Intune on ${name}`, async () => {
      const credential = { managedIdentity: true, environment: environment() } as const;
      await microsoft.connect({ credential }).validateRequest(validation);
      assert.deepEqual(
        endpoint.received.map(({ query }) => query),
        [microsoft.origin, 'https://api.manage.microsoft.com/'].map((resource) => ({ resource, ...sent })),
      );
      for (const request of endpoint.received) {
        assert.equal(request.path, path);
        assert.deepEqual({ ...request.headers, ...headers }, request.headers);
      }
      const bearer = identityToken('https://api.manage.microsoft.com/', 2);
      assert.equal(microsoft.last('service').headers['authorization'], `Bearer ${bearer}`);
      assert.equal(microsoft.count('token'), 0);
    });
  }

  const ids: [id: ManagedIdentityId, environment: () => Environment, name: string, value: string][] = [
    [{ clientId }, onMachine, 'client_id', clientId],
    [{ objectId: 'object' }, onMachine, 'object_id', 'object'],
    [{ resourceId: '/subscriptions/1' }, onMachine, 'msi_res_id', '/subscriptions/1'],
    [{ clientId }, inAppService, 'client_id', clientId],
    [{ resourceId: '/subscriptions/1' }, inAppService, 'mi_res_id', '/subscriptions/1'],
    [{ clientId }, inMachineLearning, 'clientid', clientId],
  ];
  for (const [managedIdentity, environment, name, value] of ids) {
    it(`chooses the identity by ${name} ${environment.name}`, async () => {
      await microsoft
        .connect({ credential: { managedIdentity, environment: environment() } })
        .validateRequest(validation);
      assert.equal(endpoint.received[0]?.query[name], value);
    });
  }

  it('stands for an application through its federated credential', async () => {
    const federatedToken = { managedIdentity: { clientId: 'identity' }, environment: onMachine() };
    await microsoft.connect({ credential: { clientId, federatedToken } }).validateRequest(validation);
    assert.equal(endpoint.received[0]?.query['resource'], 'api://AzureADTokenExchange');
    assert.equal(endpoint.received[0]?.query['client_id'], 'identity');
    const form = new URLSearchParams(microsoft.last('token').body);
    assert.equal(form.get('client_id'), clientId);
    assert.equal(form.get('client_assertion'), identityToken('api://AzureADTokenExchange', 2));
  });

  it('asks for the audience that its cloud takes for the exchange', async () => {
    const federatedToken = { managedIdentity: { clientId: 'identity' }, environment: onMachine() };
    const cloud = 'usGovernment';
    await microsoft.connect({ cloud, credential: { clientId, federatedToken } }).validateRequest(validation);
    assert.equal(endpoint.received[0]?.query['resource'], 'api://AzureADTokenExchangeUSGov');
  });

  it('asks its endpoint directly, whatever proxy, TLS and dispatcher are configured', async () => {
    const proxy = await TestProxy.start();
    try {
      const credential = { managedIdentity: true, environment: onMachine() } as const;
      await microsoft.connect({ credential, proxy: proxy.options() }).validateRequest(validation);
      assert.deepEqual(new Set(proxy.targets), new Set([new URL(microsoft.origin).host]));
      assert.equal(proxy.otherRequests, 0);
      assert.equal(endpoint.received.length, 2);
    } finally {
      await proxy.stop();
    }
  });

  it('replaces a token that Intune refuses', async () => {
    const client = microsoft.connect({ credential: { managedIdentity: true, environment: onMachine() } });
    await client.validateRequest(validation);
    microsoft.answerNext('service', (response) => response.writeHead(401).end());
    await client.validateRequest(validation);
    assert.equal(endpoint.received.length, 3);
  });

  it('is independent in each client of a process', async () => {
    const other = await IdentityEndpoint.start();
    try {
      for (const { origin } of [endpoint, other]) {
        const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: origin };
        await microsoft.connect({ credential: { managedIdentity: true, environment } }).validateRequest(validation);
      }
      assert.equal(endpoint.received.length, 2);
      assert.equal(other.received.length, 2);
    } finally {
      await other.stop();
    }
  });

  it("takes the process's environment unless another is given", async () => {
    await withEnvironment(onMachine(), async () => {
      await microsoft.connect({ credential: { managedIdentity: true } }).validateRequest(validation);
    });
    assert.equal(endpoint.received.length, 2);
  });

  const failed = async (credential: IntuneCredential, changes = {}): Promise<unknown> => {
    const client = microsoft.connect({ credential, retry: false, ...changes });
    const error = await rejection(client.validateRequest(validation));
    assert.equal(microsoft.received.length, 0);
    assert.doesNotMatch(inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error), /CANARY/);
    return error;
  };

  const ends: [name: string, body: object][] = [
    ['seconds in a string', { expires_on: '4102444800' }],
    ['seconds', { expires_on: 4102444800 }],
    ['a date', { expires_on: '2100-01-01T00:00:00Z' }],
    ['a lifetime', { expires_in: '3600' }],
    ['a lifetime beside an empty end', { expires_in: 3600, expires_on: '' }],
  ];
  for (const [name, body] of ends) {
    it(`understands the end of a token given as ${name}`, async () => {
      endpoint.answer = identityJson(200, { access_token: 'token', ...body });
      const client = microsoft.connect({ credential: { managedIdentity: true, environment: onMachine() } });
      await client.validateRequest(validation);
      await client.validateRequest(validation);
      assert.equal(endpoint.received.length, 2);
    });
  }

  const refusals: [status: number, body: unknown, message: RegExp][] = [
    [400, { error: 'invalid_request', error_description: 'Identity not found' }, /invalid_request: Identity not found/],
    [400, { statusCode: 400, message: 'No User Assigned identity found' }, /HTTP 400: No User Assigned/],
    [403, {}, /HTTP 403/],
  ];
  for (const [status, body, message] of refusals) {
    it(`is refused with advice on ${status} ${JSON.stringify(body)}`, async () => {
      endpoint.answer = identityJson(status, body);
      const error = await failed({ managedIdentity: { clientId }, environment: onMachine() });
      assert.ok(error instanceof IntuneAuthenticationError, inspect(error));
      assert.match(error.message, message);
      assert.match(error.advice, /has the managed identity/);
    });
  }

  const troubles: [name: string, answer: IdentityAnswer, code: string][] = [
    ['is being updated', identityJson(410, {}), 'intune.http'],
    ['is out of order', identityJson(500, { error: header }), 'intune.http'],
    ['echoes', (response, { headers }) => response.writeHead(500).end(JSON.stringify(headers)), 'intune.http'],
    ['gives no token', identityJson(200, { expires_in: 1 }), 'intune.bad_reply'],
    ['gives a token without end', identityJson(200, { access_token: 'CANARY' }), 'intune.bad_reply'],
    ['redirects', identityJson(302, {}, { location: 'http://127.0.0.1:1/' }), 'intune.http'],
  ];
  for (const [name, answer, code] of troubles) {
    it(`reports an endpoint that ${name}`, async () => {
      endpoint.answer = answer;
      const error = await failed({ managedIdentity: true, environment: inAppService() });
      assert.ok(error instanceof IntuneHttpError, inspect(error));
      assert.equal(error.code, code);
      assert.match(error.message, /^The managed identity endpoint of App Service answered/);
    });
  }

  it('ends in time although the endpoint never answers', async () => {
    endpoint.answer = () => {};
    const credential = { managedIdentity: true, environment: onMachine() } as const;
    const startedMs = performance.now();
    await assert.rejects(microsoft.connect({ credential, timeoutMs: 200 }).validateRequest(validation), {
      code: 'intune.timeout',
    });
    const signal = AbortSignal.timeout(50);
    const error = await rejection(microsoft.connect({ credential }).validateRequest({ ...validation, signal }));
    assert.equal(error, signal.reason);
    assert.ok(performance.now() - startedMs < 2000);
  });

  it('is a network error where nothing listens', async () => {
    const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:1' };
    const error = await failed({ managedIdentity: true, environment });
    assert.ok(error instanceof IntuneNetworkError);
    assert.equal(error.reason, 'refused');
  });

  const elsewhere: [name: string, environment: Environment, id: ManagedIdentityId, message: RegExp][] = [
    ['Cloud Shell', { MSI_ENDPOINT: 'http://127.0.0.1:1' }, true, /Cloud Shell has tokens of users only/],
    [
      'Service Fabric',
      { IDENTITY_ENDPOINT: 'https://127.0.0.1:1', IDENTITY_HEADER: header, IDENTITY_SERVER_THUMBPRINT: 'ab' },
      true,
      /Service Fabric are not supported/,
    ],
    ['an address that is none', { IDENTITY_ENDPOINT: 'CANARY', IDENTITY_HEADER: header }, true, /no usable address/],
    ['another protocol', { IDENTITY_ENDPOINT: 'file:///etc', IDENTITY_HEADER: header }, true, /no usable address/],
    [
      'an id that the platform does not take',
      { MSI_ENDPOINT: 'http://127.0.0.1:1', MSI_SECRET: header },
      { objectId: 'x' },
      /cannot be chosen by objectId/,
    ],
  ];
  for (const [name, environment, managedIdentity, message] of elsewhere) {
    it(`says that there is none for ${name}`, async () => {
      const error = await failed({ managedIdentity, environment });
      assert.ok(error instanceof IntuneAuthenticationError, inspect(error));
      assert.match(error.message, message);
    });
  }

  describe('on a machine of Azure Arc', () => {
    const http = new HttpConnections({
      tls: undefined,
      proxy: undefined,
      dispatcher: undefined,
      connectTimeoutMs: 1000,
    });
    let tokens: string;
    before(async () => {
      tokens = await mkdtemp(join(tmpdir(), 'scepter-arc-'));
    });
    after(async () => {
      await http.close();
      await rm(tokens, { recursive: true });
    });

    const credential = (id: ManagedIdentityId = true): ManagedIdentityCredential =>
      new ManagedIdentityCredential({
        id,
        environment: { IDENTITY_ENDPOINT: `${endpoint.origin}/arc`, IMDS_ENDPOINT: endpoint.origin },
        http,
        now: () => new Date(),
        arc: { agent: '/nonexistent', tokens },
      });
    const challengeWith = (realm: string): void => {
      const usual = endpoint.answer;
      endpoint.answer = (response, request) =>
        request.headers['authorization'] === `Basic ${header}`
          ? usual(response, request)
          : identityJson(401, {}, { 'www-authenticate': `Basic realm=${realm}` })(response, request);
    };

    it('shows the contents of the file that the agent asks for', async () => {
      const path = join(tokens, 'challenge.key');
      await writeFile(path, header);
      challengeWith(path);
      const { token } = await credential().getToken('https://graph.microsoft.com/.default');
      assert.equal(token, identityToken('https://graph.microsoft.com', 2));
      assert.equal(endpoint.received[0]?.query['api-version'], '2020-06-01');
    });

    const foreign: [name: string, path: (folder: string) => string][] = [
      ['in another folder', () => '/etc/ssl/private.key'],
      ['of another kind', (folder) => join(folder, 'challenge.txt')],
      ['by a detour', (folder) => `${folder}/../${folder.split('/').at(-1)}/challenge.key`],
      ['that is missing', (folder) => join(folder, 'missing.key')],
      ['that is too large', (folder) => join(folder, 'large.key')],
    ];
    for (const [name, path] of foreign) {
      it(`refuses to show a file ${name}`, async () => {
        await writeFile(join(tokens, 'large.key'), Buffer.alloc(5000, 0x41));
        await writeFile(join(tokens, 'challenge.txt'), header);
        challengeWith(path(tokens));
        const error = await rejection(credential().getToken('https://graph.microsoft.com/.default'));
        assert.ok(error instanceof IntuneAuthenticationError, inspect(error));
        assert.match(error.advice, /group himds/);
        assert.equal(endpoint.received.length, 1);
      });
    }

    it('has no user-assigned identities', async () => {
      await assert.rejects(credential({ clientId }).getToken('x'), IntuneAuthenticationError);
      assert.equal(endpoint.received.length, 0);
    });
  });
});
