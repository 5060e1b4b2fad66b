import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Connection } from '../src/control-types.ts';
import { startRealHost, type Answer, type RealHost } from './real-host.ts';

let real: RealHost;
let connection: Connection;
before(async () => {
  real = await startRealHost();
  connection = await real.control.connection();
});
after(() => real.stop());

const graph = 'https://graph.microsoft.com';
const intune = 'https://api.manage.microsoft.com/';
const discoveryPath = '/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints';

function imds(
  parameters: Record<string, string>,
  headers: Record<string, string> = { metadata: 'true' },
): Promise<Answer> {
  const query = new URLSearchParams({ 'api-version': '2018-02-01', ...parameters }).toString();
  return real.call(`${connection.managedIdentityUrl}/metadata/identity/oauth2/token?${query}`, { headers });
}

function appService(parameters: Record<string, string>, header = connection.identityHeader): Promise<Answer> {
  const query = new URLSearchParams({ 'api-version': '2019-08-01', ...parameters }).toString();
  return real.call(`${connection.identityEndpoint}?${query}`, { headers: { 'x-identity-header': header } });
}

function tokenIn(answer: Answer): string {
  assert.equal(answer.status, 200, answer.body);
  return (JSON.parse(answer.body) as { access_token: string }).access_token;
}

async function signInAs(assertion: string): Promise<Answer> {
  const form = {
    grant_type: 'client_credentials',
    client_id: connection.clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
    scope: `${graph}/.default`,
  };
  return real.call(`/${connection.tenantId}/oauth2/v2.0/token`, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
}

for (const [form, ask, resourceId] of [
  ['the machine', imds, 'msi_res_id'],
  ['App Service', appService, 'mi_res_id'],
] as const) {
  describe(`the managed identity of ${form}`, () => {
    it('gets a token for Graph', async () => {
      const authorization = `Bearer ${tokenIn(await ask({ resource: graph }))}`;
      assert.equal((await real.call(discoveryPath, { headers: { authorization } })).status, 200);
    });

    it('gets a token for Intune', async () => {
      const authorization = `Bearer ${tokenIn(await ask({ resource: intune }))}`;
      assert.equal((await real.upload([], { authorization })).status, 400);
      await real.control.setPermissions({ graph: ['Application.Read.All'], intune: [] });
      const withoutRole = `Bearer ${tokenIn(await ask({ resource: intune }))}`;
      assert.equal((await real.upload([], { authorization: withoutRole })).status, 403);
      await real.control.setPermissions({ graph: ['Application.Read.All'], intune: ['scep_challenge_provider'] });
    });

    it('answers with its end in seconds since 1970, as text', async () => {
      const body = JSON.parse((await ask({ resource: intune })).body) as Record<string, string>;
      const remaining = Number(body['expires_on']) - Date.now() / 1000;
      assert.ok(remaining > 3500 && remaining < 3600, body['expires_on']);
      assert.deepEqual([body['token_type'], body['resource']], ['Bearer', intune]);
    });

    it('may be named by each of its ids', async () => {
      const { clientId, objectId, resourceId: known } = connection.managedIdentity;
      for (const parameters of [{ client_id: clientId }, { object_id: objectId }, { [resourceId]: known }]) {
        assert.equal((await ask({ resource: graph, ...parameters })).status, 200);
      }
      for (const name of ['client_id', 'object_id', resourceId]) {
        const answer = await ask({ resource: graph, [name]: connection.clientId });
        assert.equal(answer.status, 400);
        assert.match(answer.body, /Identity not found/u);
      }
    });

    it('stands for the application by a token for the token exchange', async () => {
      const assertion = tokenIn(await ask({ resource: 'api://AzureADTokenExchange' }));
      assert.equal((await signInAs(assertion)).status, 200);
    });

    it('does not by another token', async () => {
      const answer = await signInAs(tokenIn(await ask({ resource: graph })));
      assert.deepEqual((JSON.parse(answer.body) as { error_codes: number[] }).error_codes, [700_211]);
    });

    it('does not by a token that somebody has changed', async () => {
      const [header, claims = '', signature] = tokenIn(await ask({ resource: 'api://AzureADTokenExchange' })).split(
        '.',
      );
      const changed = { ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as object), exp: 4e9 };
      const forged = `${header}.${Buffer.from(JSON.stringify(changed)).toString('base64url')}.${signature}`;
      const answer = await signInAs(forged);
      assert.deepEqual((JSON.parse(answer.body) as { error_codes: number[] }).error_codes, [50_013]);
    });

    for (const [name, parameters] of [
      ['another api-version', { resource: graph, 'api-version': '2017-01-01' }],
      ['no resource', {}],
      ['an unknown resource', { resource: 'https://api.example.com' }],
    ] as const) {
      it(`is refused for ${name} with 400`, async () => {
        assert.equal((await ask(parameters)).status, 400);
      });
    }

    it('fails as a fault says', async () => {
      const fault = { kind: 'http', status: 410, body: '{}' } as const;
      await real.control.setFault({ operation: 'managedIdentity', fault, times: 1 });
      assert.deepEqual([(await ask({ resource: graph })).status, (await ask({ resource: graph })).status], [410, 200]);
    });
  });
}

it('is found with a slash behind its path, as MSAL writes it', async () => {
  const url = `${connection.managedIdentityUrl}/metadata/identity/oauth2/token/?api-version=2018-02-01&resource=${graph}`;
  assert.equal((await real.call(url, { headers: { metadata: 'true' } })).status, 200);
});

describe('what comes from elsewhere is refused:', () => {
  for (const [name, headers] of [
    ['no Metadata header', {}],
    ['a forwarded request', { metadata: 'true', 'x-forwarded-for': '10.0.0.1' }],
  ] as const) {
    it(name, async () => {
      assert.equal((await imds({ resource: graph }, headers)).status, 400);
    });
  }

  it('a web page', async () => {
    assert.equal((await imds({ resource: graph }, { metadata: 'true', origin: 'https://evil.example' })).status, 403);
  });

  it('a program without the App Service header', async () => {
    assert.equal((await appService({ resource: graph }, 'guess')).status, 401);
  });
});
