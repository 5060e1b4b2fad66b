import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDesk, graphScope, intuneScope, json, origin, type Desk } from './desk.ts';

const appId = '0000000a-0000-0000-c000-000000000000';

async function discover(desk: Desk, path: string, token?: string): Promise<Response> {
  const authorization = `Bearer ${token ?? (await desk.token(graphScope))}`;
  return desk.emulator.fetchMicrosoft(new Request(`${origin}${path}`, { headers: { authorization } }));
}

async function errorCode(response: Response): Promise<unknown> {
  const { error } = (await response.json()) as { error: { code: string } };
  return error.code;
}

describe('discovery', () => {
  for (const path of [
    `/v1.0/servicePrincipals/appId=${appId}/endpoints`,
    `/v1.0/servicePrincipals(appId='${appId}')/endpoints`,
    `/v1.0/servicePrincipals(appId=%27${appId}%27)/endpoints`,
  ]) {
    it(`finds the SCEP service at ${path}`, async () => {
      const response = await discover(createDesk(), path);
      const { value } = (await response.json()) as { value: { providerName: string; uri: string }[] };
      const service = value.find(({ providerName }) => providerName === 'ScepRequestValidationFEService');
      assert.equal(response.status, 200);
      assert.ok(service?.uri.startsWith(`${origin}/RACerts/`));
    });
  }

  it('answers 403 without the role', async () => {
    const desk = createDesk();
    await desk.emulator.control.setPermissions({ graph: [], intune: ['scep_challenge_provider'] });
    const response = await discover(desk, `/v1.0/servicePrincipals/appId=${appId}/endpoints`);
    assert.equal(response.status, 403);
    assert.equal(await errorCode(response), 'Authorization_RequestDenied');
  });

  it('answers 401 to a token for Intune', async () => {
    const desk = createDesk();
    const path = `/v1.0/servicePrincipals/appId=${appId}/endpoints`;
    const response = await discover(desk, path, await desk.token(intuneScope));
    assert.equal(response.status, 401);
    assert.equal(await errorCode(response), 'InvalidAuthenticationToken');
  });

  it('answers 404 to an unknown service principal', async () => {
    const response = await discover(
      createDesk(),
      '/v1.0/servicePrincipals/appId=22222222-2222-4222-8222-222222222222/endpoints',
    );
    assert.equal(response.status, 404);
    assert.equal(await errorCode(response), 'Request_ResourceNotFound');
  });

  it('answers 404 to another path, even one that cannot be decoded', async () => {
    assert.equal((await discover(createDesk(), '/v1.0/users')).status, 404);
    assert.equal((await discover(createDesk(), '/v1.0/%E0%A4%A')).status, 404);
  });

  it('gives back the client request id', async () => {
    const desk = createDesk();
    const headers = { authorization: `Bearer ${await desk.token(graphScope)}`, 'client-request-id': 'abc-123' };
    const url = `${origin}/v1.0/servicePrincipals/appId=${appId}/endpoints`;
    const response = await desk.emulator.fetchMicrosoft(new Request(url, { headers }));
    assert.equal((await json(response))['@odata.context'] !== undefined, true);
    assert.equal(response.headers.get('client-request-id'), 'abc-123');
  });
});
