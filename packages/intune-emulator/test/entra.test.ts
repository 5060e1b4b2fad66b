import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDesk, graphScope, intuneScope, json, origin, secrets } from './desk.ts';

const rows: {
  name: string;
  overrides?: Record<string, string>;
  tenant?: string;
  status: number;
  error: string;
  number: number;
}[] = [
  {
    name: 'a wrong secret',
    overrides: { client_secret: 'wrong' },
    status: 401,
    error: 'invalid_client',
    number: 7_000_215,
  },
  { name: 'no secret', overrides: { client_secret: '' }, status: 401, error: 'invalid_client', number: 7_000_216 },
  {
    name: 'an unknown application',
    overrides: { client_id: '11111111-1111-4111-8111-111111111111' },
    status: 400,
    error: 'unauthorized_client',
    number: 700_016,
  },
  { name: 'no client id', overrides: { client_id: '' }, status: 400, error: 'invalid_request', number: 900_144 },
  { name: 'an unknown tenant', tenant: 'fabrikam.com', status: 400, error: 'invalid_request', number: 90_002 },
  {
    name: 'another grant type',
    overrides: { grant_type: 'password' },
    status: 400,
    error: 'unsupported_grant_type',
    number: 70_003,
  },
  { name: 'no grant type', overrides: { grant_type: '' }, status: 400, error: 'invalid_request', number: 900_144 },
  { name: 'no scope', overrides: { scope: '' }, status: 400, error: 'invalid_request', number: 900_144 },
  {
    name: 'a scope other than .default',
    overrides: { scope: 'https://graph.microsoft.com/Application.Read.All' },
    status: 400,
    error: 'invalid_scope',
    number: 1_002_012,
  },
  {
    name: 'an unknown resource',
    overrides: { scope: 'https://api.example.com/.default' },
    status: 400,
    error: 'invalid_resource',
    number: 500_011,
  },
];

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

describe('the token endpoint refuses', () => {
  for (const { name, overrides, tenant, status, error, number } of rows) {
    it(`${name} with AADSTS${number}`, async () => {
      const response = await createDesk().tokenResponse(overrides, tenant);
      const body = await json(response);
      assert.equal(response.status, status);
      assert.equal(body['error'], error);
      assert.deepEqual(body['error_codes'], [number]);
      assert.match(String(body['error_description']), new RegExp(`^AADSTS${number}: `, 'u'));
      assert.ok(!JSON.stringify(body).includes(secrets.clientSecret));
    });
  }

  it('a body over 64 KB', async () => {
    const response = await createDesk().tokenResponse({ padding: 'x'.repeat(70_000) });
    assert.equal(response.status, 400);
  });

  it('credentials in JSON', async () => {
    const desk = createDesk();
    const { tenantId } = await desk.emulator.control.connection();
    const response = await desk.emulator.fetchMicrosoft(
      new Request(`${origin}/${tenantId}/oauth2/v2.0/token`, { method: 'POST', body: '{}' }),
    );
    assert.deepEqual((await json(response))['error_codes'], [900_144]);
  });
});

describe('the token endpoint issues', () => {
  const accepted = [
    { name: 'a Graph token', scope: graphScope, aud: 'https://graph.microsoft.com', role: 'Application.Read.All' },
    {
      name: 'an Intune token for the double slash of older clients',
      scope: intuneScope,
      aud: 'https://api.manage.microsoft.com/',
      role: 'scep_challenge_provider',
    },
    {
      name: 'an Intune token for the single slash',
      scope: 'https://api.manage.microsoft.com/.default',
      aud: 'https://api.manage.microsoft.com',
      role: 'scep_challenge_provider',
    },
    {
      name: "a Graph token for the emulator's own address",
      scope: `${origin}/.default`,
      aud: origin,
      role: 'Application.Read.All',
    },
  ];
  for (const { name, scope, aud, role } of accepted) {
    it(name, async () => {
      const claims = claimsOf(await createDesk().token(scope));
      assert.equal(claims['aud'], aud);
      assert.deepEqual(claims['roles'], [role]);
      assert.equal(Number(claims['exp']) - Number(claims['iat']), 3599);
    });
  }

  it('a token to a client that authenticates with HTTP Basic', async () => {
    const desk = createDesk();
    const { tenantId, clientId, clientSecret } = await desk.emulator.control.connection();
    const response = await desk.emulator.fetchMicrosoft(
      new Request(`${origin}/${tenantId}/oauth2/v2.0/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: graphScope }),
      }),
    );
    assert.equal(response.status, 200);
  });

  it('a token under the name of the tenant', async () => {
    assert.equal((await createDesk().tokenResponse({}, 'contoso.onmicrosoft.com')).status, 200);
  });
});

describe('metadata', () => {
  it('names the token endpoint under the address that was called', async () => {
    const desk = createDesk();
    const { tenantId } = await desk.emulator.control.connection();
    const url = `${origin}/${tenantId}/v2.0/.well-known/openid-configuration`;
    const body = await json(await desk.emulator.fetchMicrosoft(new Request(url)));
    assert.equal(body['token_endpoint'], `${origin}/${tenantId}/oauth2/v2.0/token`);
    assert.equal(body['issuer'], `${origin}/${tenantId}/v2.0`);
  });

  it('of the instance names the host as its own alias', async () => {
    const url = `${origin}/common/discovery/instance?api-version=1.1`;
    const body = await json(await createDesk().emulator.fetchMicrosoft(new Request(url)));
    assert.deepEqual(body['metadata'], [
      { preferred_network: '127.0.0.1:8443', preferred_cache: '127.0.0.1:8443', aliases: ['127.0.0.1:8443'] },
    ]);
  });
});
