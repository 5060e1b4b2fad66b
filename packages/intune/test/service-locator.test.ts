import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { IntuneHttpError, IntuneServiceNotFoundError, type IntuneClient } from '../src/index.ts';
import { checkEndpointAddress } from '../src/endpoint-address.ts';
import { disconnect, endpoint, json, Microsoft, text, type Answer } from './microsoft.ts';
import { rejection, validation } from './requests.ts';

describe('discovery', () => {
  let microsoft: Microsoft;
  let client: IntuneClient;
  beforeEach(async () => {
    microsoft = await Microsoft.start();
    client = microsoft.connect();
  });
  afterEach(() => microsoft.stop());

  const listed = (...value: unknown[]): Answer => json(200, { value });

  it("asks Graph for the endpoints of Intune's application", async () => {
    await client.validateRequest(validation);
    const { method, path } = microsoft.last('discovery');
    assert.equal(
      `${method} ${path}`,
      'GET /v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints',
    );
  });

  for (const member of ['providerName', 'serviceName', 'capability']) {
    it(`finds the service by its ${member}, in any letter case`, async () => {
      microsoft.answers.discovery = listed(
        null,
        'text',
        endpoint('https://elsewhere.example', 'PkiConnectorFEService'),
        { [member]: 'sCEPrequestvalidationFEservice', uri: `${microsoft.serviceUrl}/` },
      );
      await assert.doesNotReject(client.validateRequest(validation));
      assert.equal(microsoft.count('service'), 1);
    });
  }

  it('takes the first of several entries', async () => {
    microsoft.answers.discovery = listed(endpoint(microsoft.serviceUrl), endpoint(`${microsoft.origin}/second`));
    await client.validateRequest(validation);
    assert.ok(!microsoft.last('service').path.startsWith('/second'));
  });

  const movedRows: [name: string, answer: Answer][] = [
    ['a cut connection', disconnect],
    ['404', text(404, '')],
  ];
  for (const [name, answer] of movedRows) {
    it(`asks again after ${name} of the service`, async () => {
      await client.validateRequest(validation);
      microsoft.answerNext('service', answer);
      await assert.rejects(client.validateRequest(validation));
      microsoft.answers.discovery = listed(endpoint(`${microsoft.origin}/moved`));
      await client.validateRequest(validation);
      assert.equal(microsoft.count('discovery'), 2);
      assert.equal(microsoft.last('service').path, '/moved/ScepActions/validateRequest');
    });
  }

  it('asks again after the service was silent', async () => {
    const hasty = microsoft.connect({ timeoutMs: 300 });
    await hasty.validateRequest(validation);
    microsoft.answerNext('service', () => {});
    await assert.rejects(hasty.validateRequest(validation));
    await hasty.validateRequest(validation);
    assert.equal(microsoft.count('discovery'), 2);
  });

  it('keeps the address after 500 and rejections', async () => {
    microsoft.answerNext('service', text(500, ''), json(200, { code: 'Unknown' }));
    await assert.rejects(client.validateRequest(validation));
    await assert.rejects(client.validateRequest(validation));
    await client.validateRequest(validation);
    assert.equal(microsoft.count('discovery'), 1);
  });

  it('keeps no failure', async () => {
    microsoft.answerNext('discovery', text(503, ''), listed());
    await assert.rejects(client.validateRequest(validation), IntuneHttpError);
    await assert.rejects(client.validateRequest(validation), IntuneServiceNotFoundError);
    await assert.doesNotReject(client.validateRequest(validation));
  });

  for (const [name, answer] of [
    ['an empty list', listed()],
    ['other services only', listed(endpoint('https://a.manage.microsoft.com', 'PkiConnectorFEService'))],
    ['no such application', json(404, { error: { code: 'Request_ResourceNotFound', message: 'x' } })],
  ] as const) {
    it(`reports ${name} as a service not found`, async () => {
      microsoft.answers.discovery = answer;
      const error = await rejection(client.validateRequest(validation));
      assert.ok(error instanceof IntuneServiceNotFoundError);
      assert.equal(error.code, 'intune.service_not_found');
      assert.match(error.message, /licence/);
      assert.equal(typeof error.activityId, 'string');
    });
  }

  for (const [name, body] of [
    ['HTML', '<html>'],
    ['nothing', ''],
    ['no list', '{"value":{}}'],
  ] as const) {
    it(`takes ${name} for a bad reply`, async () => {
      microsoft.answers.discovery = text(200, body);
      const error = await rejection(client.validateRequest(validation));
      assert.ok(error instanceof IntuneHttpError);
      assert.equal(error.code, 'intune.bad_reply');
    });
  }

  it('sends nothing to a foreign address', async () => {
    const other = await Microsoft.start();
    try {
      const strict = microsoft.connect({ allowLoopback: false });
      microsoft.answers.discovery = listed(endpoint(other.serviceUrl));
      const error = await rejection(strict.validateRequest(validation));
      assert.ok(error instanceof IntuneServiceNotFoundError);
      assert.equal(error.code, 'intune.endpoint_refused');
      assert.equal(other.received.length, 0);
      assert.equal(microsoft.count('token'), 1, "Intune's token is not even asked for");
    } finally {
      await other.stop();
    }
  });
});

describe('addresses that may receive a token', () => {
  const rows: [address: unknown, allowLoopback: boolean, problem: RegExp | undefined][] = [
    ['https://fef.msuc02.manage.microsoft.com/RACerts/Gateway', false, undefined],
    ['https://FEF.Manage.Microsoft.COM/x', false, undefined],
    ['https://fef.manage.microsoft.us/x', false, undefined],
    ['https://fef.manage.microsoftonline.cn/x', false, undefined],
    ['http://fef.manage.microsoft.com/x', false, /not https/],
    ['https://manage.microsoft.com/x', false, /not one of/],
    ['https://evilmanage.microsoft.com/x', false, /not one of/],
    ['https://fef.manage.microsoft.com.evil.example/x', false, /not one of/],
    ['https://fef.manage.microsoft.com./x', false, /not one of/],
    ['https://evil.example/.manage.microsoft.com', false, /not one of/],
    ['https://evil.example#.manage.microsoft.com', false, /fragment/],
    ['https://evil.example\\.manage.microsoft.com/', false, /not one of/],
    ['https://fef.manage.microsoft.com@evil.example/', false, /credentials/],
    ['https://user:pass@fef.manage.microsoft.com/', false, /credentials/],
    ['https://fef.manage.microsoft.com/x?to=y', false, /query/],
    ['http://169.254.169.254/latest', true, /not https/],
    ['https://169.254.169.254/latest', true, /not one of/],
    ['https://10.0.0.1/', true, /not one of/],
    ['https://0.0.0.0/', true, /not one of/],
    ['https://127.0.0.1:8443/x', true, undefined],
    ['https://localhost:8443/x', true, undefined],
    ['https://[::1]:8443/x', true, undefined],
    ['https://2130706433/', true, undefined],
    ['http://127.0.0.1:8443/x', true, /not https/],
    ['https://127.0.0.1.evil.example/', true, /not one of/],
    ['https://localhost.evil.example/', true, /not one of/],
    ['https://127.0.0.1:8443/x', false, /not one of/],
    ['https://localhost/x', false, /not one of/],
    ['https://[::1]/x', false, /not one of/],
    ['file:///etc/passwd', true, /not https/],
    ['/relative', true, /not a URL/],
    [undefined, true, /not a URL/],
    [5, true, /not a URL/],
  ];
  for (const [address, allowLoopback, problem] of rows) {
    it(`${problem === undefined ? 'allows' : 'refuses'} ${String(address)}${allowLoopback ? ' with loopback' : ''}`, () => {
      const checked = checkEndpointAddress(address, { allowLoopback });
      if (problem === undefined) {
        assert.ok('url' in checked);
      } else {
        assert.ok('problem' in checked);
        assert.match(checked.problem, problem);
      }
    });
  }
});
