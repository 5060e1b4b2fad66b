import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  IntuneHttpError,
  IntuneNetworkError,
  IntuneRejectedError,
  IntuneServiceNotFoundError,
  IntuneTimeoutError,
  type IntuneClient,
  type IntuneEvent,
} from '../src/index.ts';
import { checkEndpointAddress } from '../src/endpoint-address.ts';
import { deadAddress, disconnect, endpoint, json, Microsoft, text, token, verdict, type Answer } from './microsoft.ts';
import { rejection, until, validation } from './requests.ts';
import { createServerIdentity } from './tls-certificate.ts';

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
    ['cuts connections', disconnect],
    ['answers 404', text(404, '')],
  ];
  for (const [name, answer] of movedRows) {
    it(`finds the service within the same call when the old address ${name}`, async () => {
      await client.validateRequest(validation);
      microsoft.answers.service = (response, request, self) =>
        (request.path.startsWith('/moved/') ? verdict('Success') : answer)(response, request, self);
      microsoft.answers.discovery = listed(endpoint(`${microsoft.origin}/moved`));
      await client.validateRequest(validation);
      assert.equal(microsoft.count('discovery'), 2);
      assert.equal(microsoft.last('service').path, '/moved/ScepActions/validateRequest');
      assert.equal(microsoft.count('service'), 3, 'the old address is tried once');
    });
  }

  it('finds the service within the same call when nobody listens at the old address', async () => {
    microsoft.answerNext('discovery', listed(endpoint(await deadAddress())));
    await client.validateRequest(validation);
    assert.equal(microsoft.count('discovery'), 2);
    assert.equal(microsoft.count('service'), 1);
  });

  it('reports the 404 of the service when Graph still names the same address', async () => {
    microsoft.answers.service = text(404, '');
    const error = await rejection(client.validateRequest(validation));
    assert.ok(error instanceof IntuneHttpError);
    assert.equal(error.status, 404);
    assert.equal(microsoft.count('service'), 1);
    assert.equal(microsoft.count('discovery'), 2);
  });

  it('keeps using the address after a cut connection when Graph is down', async () => {
    await client.validateRequest(validation);
    microsoft.answers.discovery = text(503, 'down');
    microsoft.answerNext('service', disconnect);
    await assert.doesNotReject(client.validateRequest(validation));
  });

  it('does not take a failed sign-in for a moved service', async () => {
    microsoft.answers.token = (...call) => {
      const isFirst = microsoft.count('token') === 1;
      (isFirst ? json(200, { token_type: 'Bearer', expires_in: 3599, access_token: token(1) }) : disconnect)(...call);
    };
    await assert.rejects(client.validateRequest(validation), IntuneNetworkError);
    await assert.rejects(client.validateRequest(validation), IntuneNetworkError);
    assert.equal(microsoft.count('discovery'), 1);
  });

  describe('with several addresses under one name', () => {
    const withDeadFirst = async (): Promise<void> => {
      microsoft.answers.discovery = listed(endpoint(await deadAddress()), endpoint(microsoft.serviceUrl));
    };

    it('goes on to the next when nobody listens at the first, without waiting', async () => {
      await withDeadFirst();
      const slow = microsoft.connect({ retry: { initialDelayMs: 60_000, maximumDelayMs: 60_000 } });
      await assert.doesNotReject(slow.validateRequest(validation));
    });

    it('goes on to the next when the first answers 404', async () => {
      microsoft.answers.discovery = listed(endpoint(`${microsoft.origin}/gone`), endpoint(microsoft.serviceUrl));
      microsoft.answers.service = (response, request, self) =>
        (request.path.startsWith('/gone/') ? text(404, '') : verdict('Success'))(response, request, self);
      await client.validateRequest(validation);
      await client.validateRequest(validation);
      const gone = microsoft.received.filter(({ path }) => path.startsWith('/gone/'));
      assert.equal(gone.length, 1, 'the one that answered is remembered');
      assert.equal(microsoft.count('discovery'), 1);
    });

    it('goes on to the next when the first has a certificate that is not trusted', async () => {
      const stranger = await Microsoft.start({ ...createServerIdentity() });
      try {
        microsoft.answers.discovery = listed(endpoint(stranger.serviceUrl), endpoint(microsoft.serviceUrl));
        await assert.doesNotReject(client.validateRequest(validation));
        assert.equal(stranger.received.length, 0);
      } finally {
        await stranger.stop();
      }
    });

    it('does not go on after an answer', async () => {
      microsoft.answers.discovery = listed(endpoint(microsoft.serviceUrl), endpoint(`${microsoft.origin}/second`));
      microsoft.answers.service = verdict('Unknown');
      await assert.rejects(client.validateRequest(validation), IntuneRejectedError);
      assert.equal(microsoft.count('service'), 1);
    });

    it('passes over one that must not be given a token', async () => {
      microsoft.answers.discovery = listed(endpoint('https://evil.example/x'), endpoint(microsoft.serviceUrl));
      await assert.doesNotReject(client.validateRequest(validation));
    });
  });

  describe('in several pages', () => {
    const paged = (pages: number, next: (page: number) => unknown): void => {
      microsoft.answers.discovery = (response, request, self) => {
        const page = Number(new URL(request.path, microsoft.origin).searchParams.get('page') ?? 1);
        const value = page === pages ? [endpoint(microsoft.serviceUrl)] : [endpoint('https://a.example', 'Other')];
        const link = page === pages ? {} : { '@odata.nextLink': next(page + 1) };
        json(200, { value, ...link })(response, request, self);
      };
    };
    const path = '/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints';

    it('reads up to ten', async () => {
      paged(10, (page) => `${microsoft.origin}${path}?page=${page}`);
      await client.validateRequest(validation);
      assert.equal(microsoft.count('discovery'), 10);
    });

    const badLinks: [name: string, link: () => unknown][] = [
      ['more than ten', () => `${microsoft.origin}${path}?page=2`],
      ['one at another host', () => 'https://evil.example/v1.0/next'],
      ['one at another port', () => 'https://127.0.0.1:1/v1.0/next'],
      ['one by http', () => microsoft.origin.replace('https', 'http')],
      ['one with a password', () => microsoft.origin.replace('://', '://a:b@')],
      ['one that is no text', () => 5],
      ['one that is relative', () => path],
    ];
    for (const [name, link] of badLinks) {
      it(`refuses ${name}`, async () => {
        paged(100, link);
        const error = await rejection(client.validateRequest(validation));
        assert.ok(error instanceof IntuneHttpError);
        assert.equal(error.code, 'intune.bad_reply');
        assert.ok(microsoft.count('discovery') <= 10);
      });
    }
  });

  describe('after the lifetime of a location', () => {
    it('asks again without letting calls wait, and uses the old address meanwhile', async () => {
      let offsetMs = 0;
      const now = (): Date => new Date(Date.now() + offsetMs);
      const aging = microsoft.connect({ now, locationLifetimeMs: 60_000, onEvent: (event) => events.push(event) });
      const events: IntuneEvent[] = [];
      await aging.validateRequest(validation);
      const release = Promise.withResolvers<void>();
      microsoft.answers.discovery = (...call) =>
        void release.promise.then(() => listed(endpoint(`${microsoft.origin}/new`))(...call));
      offsetMs = 61_000;
      await aging.validateRequest(validation);
      await aging.validateRequest(validation);
      assert.equal(microsoft.count('service'), 3);
      release.resolve();
      await until(() => events.filter(({ type }) => type === 'attempt').length === 7);
      await aging.validateRequest(validation);
      assert.equal(microsoft.count('discovery'), 2);
      assert.equal(microsoft.last('service').path, '/new/ScepActions/validateRequest');
      const location = events.findLast(({ type }) => type === 'location');
      assert.deepEqual(location, {
        type: 'location',
        serviceName: 'ScepRequestValidationFEService',
        host: new URL(microsoft.origin).host,
        background: true,
      });
    });

    it('keeps the old address when Graph fails, and asks again only after a while', async () => {
      let offsetMs = 0;
      const aging = microsoft.connect({
        now: () => new Date(Date.now() + offsetMs),
        locationLifetimeMs: 60_000,
        retry: false,
      });
      await aging.validateRequest(validation);
      microsoft.answers.discovery = text(500, '');
      offsetMs = 61_000;
      await aging.validateRequest(validation);
      await until(() => aging.status().locations.isRefreshFailing);
      await aging.validateRequest(validation);
      assert.equal(microsoft.count('discovery'), 2);
      offsetMs += 20_000;
      await aging.validateRequest(validation);
      await until(() => microsoft.count('discovery') === 3);
    });

    it('does not bring back an address by an answer that was asked for before it failed', async () => {
      let offsetMs = 0;
      const aging = microsoft.connect({
        now: () => new Date(Date.now() + offsetMs),
        locationLifetimeMs: 60_000,
      });
      await aging.validateRequest(validation);
      const release = Promise.withResolvers<void>();
      const old = listed(endpoint(microsoft.serviceUrl));
      microsoft.answers.discovery = listed(endpoint(`${microsoft.origin}/new`));
      microsoft.answerNext('discovery', (...call) => void release.promise.then(() => old(...call)));
      microsoft.answers.service = (response, request, self) =>
        (request.path.startsWith('/new/') ? verdict('Success') : text(404, ''))(response, request, self);
      offsetMs = 61_000;
      await aging.validateRequest(validation);
      assert.equal(microsoft.count('discovery'), 3, 'the renewal under way and the new question');
      release.resolve();
      await until(() => microsoft.count('discovery') === 3);
      await new Promise((resolve) => setTimeout(resolve, 30));
      await aging.validateRequest(validation);
      const old404 = microsoft.received.filter(({ path }) => path.startsWith('/RACerts/'));
      assert.equal(old404.length, 2);
    });
  });

  it('asks Graph once for both services', async () => {
    microsoft.answers.discovery = listed(
      endpoint(microsoft.serviceUrl),
      endpoint(`${microsoft.origin}/pki`, 'PkiConnectorFEService'),
    );
    await client.validateRequest(validation);
    microsoft.answers.revocation = json(200, { value: [] });
    await client.downloadRevocationRequests();
    assert.equal(microsoft.count('discovery'), 1);
    assert.match(microsoft.last('revocation').path, /^\/pki\//);
  });

  it('asks again after the service was silent', async () => {
    const hasty = microsoft.connect({ timeoutMs: 300 });
    await hasty.validateRequest(validation);
    microsoft.answerNext('service', () => {});
    await assert.rejects(hasty.validateRequest(validation), IntuneTimeoutError);
    await hasty.validateRequest(validation);
    assert.equal(microsoft.count('discovery'), 2);
  });

  it('keeps the address after 500 and rejections', async () => {
    microsoft.answerNext('service', text(500, ''), json(200, { code: 'Unknown' }));
    await assert.rejects(client.validateRequest(validation), IntuneRejectedError);
    await client.validateRequest(validation);
    assert.equal(microsoft.count('discovery'), 1);
  });

  it('keeps no failure', async () => {
    const once = microsoft.connect({ retry: false });
    microsoft.answerNext('discovery', text(503, ''), listed());
    await assert.rejects(once.validateRequest(validation), IntuneHttpError);
    await assert.rejects(once.validateRequest(validation), IntuneServiceNotFoundError);
    await assert.doesNotReject(once.validateRequest(validation));
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
      assert.equal(error.reason, 'licence');
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
      assert.equal(error.reason, 'address');
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
    ['https://fef.manage.microsoft.com/x?', false, /query/],
    ['https://fef.manage.microsoft.com/x#', false, /fragment/],
    ['https://evil.manage.microsoft.com.attacker.example/', false, /not one of/],
    ['https://evil\u3002manage\u3002microsoft\u3002com.attacker.example/', false, /not one of/],
    ['https://evil.manage.micros\u043Eft.com/', false, /its host evil\.manage\.xn--/],
    [`https://${'a'.repeat(1e5)}.example/`, false, /^its host a{252}… is not one of/],
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
  it('are also those of further domains that are named', () => {
    const rules = { allowLoopback: false, endpointHostSuffixes: ['.manage.example'] };
    assert.ok('url' in checkEndpointAddress('https://fef.manage.example/x', rules));
    assert.ok('url' in checkEndpointAddress('https://fef.manage.microsoft.com/x', rules));
    assert.ok('problem' in checkEndpointAddress('https://evilmanage.example/x', rules));
    assert.ok('problem' in checkEndpointAddress('https://manage.example/x', rules));
  });

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
