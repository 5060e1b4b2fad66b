import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  entraCodes,
  IntuneAuthenticationError,
  IntuneError,
  IntuneHttpError,
  IntuneNetworkError,
  IntunePermissionError,
  IntuneServiceNotFoundError,
  type RequestIds,
} from '../src/index.ts';
import { json, jsonWebToken, Microsoft, text, tokenAnswer, type Operation } from './microsoft.ts';
import { rejection, validation } from './requests.ts';

const id = (digit: number): string => `${String(digit).repeat(8)}-0000-4000-8000-000000000000`;

describe('errors', () => {
  let microsoft: Microsoft;
  beforeEach(async () => {
    microsoft = await Microsoft.start();
  });
  afterEach(() => microsoft.stop());

  const withRoles = (...roles: string[]): void => {
    microsoft.answers.token = tokenAnswer(jsonWebToken({ roles, appid: 'CANARY' }));
  };
  const failed = async (): Promise<unknown> =>
    rejection(microsoft.connect({ retry: false }).validateRequest(validation));

  describe('of permissions name the roles in the token', () => {
    type Permission = IntunePermissionError['permission'];
    const graph = 'Application.Read.All';
    const intune = 'scep_challenge_provider';
    const rows: [
      name: string,
      operation: Operation,
      status: number,
      roles: string[],
      permission: Permission,
      says: RegExp,
    ][] = [
      [
        '403 of Intune',
        'service',
        403,
        [graph],
        intune,
        /roles Application\.Read\.All; scep_challenge_provider is missing\. Grant/,
      ],
      ['401 of Intune', 'service', 401, [graph], intune, /scep_challenge_provider is missing/],
      [
        '403 of Graph',
        'discovery',
        403,
        [intune],
        graph,
        /roles scep_challenge_provider; Application\.Read\.All is missing/,
      ],
      ['401 of Graph', 'discovery', 401, [intune], graph, /Application\.Read\.All is missing/],
      ['no role at all', 'service', 403, [], intune, /no roles at all.*consent/],
      ['all roles', 'service', 403, [graph, intune], intune, /so the permission is there.*Conditional Access/],
    ];
    for (const [name, operation, status, roles, permission, says] of rows) {
      it(name, async () => {
        withRoles(...roles);
        microsoft.answers[operation] = text(status, '');
        const error = await failed();
        assert.ok(error instanceof IntunePermissionError);
        assert.equal(error.permission, permission);
        assert.deepEqual(error.grantedRoles, roles);
        assert.match(error.message, says);
        assert.equal(error.attempts, status === 401 ? 2 : 1);
      });
    }

    it('but not of a token that cannot be read', async () => {
      microsoft.answers.service = text(403, '');
      const error = await failed();
      assert.ok(error instanceof IntunePermissionError);
      assert.equal(error.grantedRoles, undefined);
      assert.match(
        error.message,
        /Grant the application permission scep_challenge_provider of the Microsoft Intune API/,
      );
    });

    it('within bounds, whatever the token contains', async () => {
      withRoles(...Array.from({ length: 30 }, (_each, index) => `role-${index}-${'x'.repeat(200)}`), '\u001b[31m');
      microsoft.answers.service = text(403, '');
      const error = await failed();
      assert.ok(error instanceof IntunePermissionError);
      assert.ok(error.message.length < 3000);
      assert.ok((error.grantedRoles ?? []).length <= 20);
      assert.ok(!error.message.includes('\u001b'));
    });

    it('a 401 of a token that has them is no matter of permissions', async () => {
      withRoles(graph, intune);
      microsoft.answers.service = text(401, '');
      const error = await failed();
      assert.ok(error instanceof IntuneAuthenticationError);
      assert.match(error.advice, /tenant, cloud/);
    });

    it('a permission granted while an old token serves is found within the call', async () => {
      let offsetMs = 0;
      const client = microsoft.connect({ now: () => new Date(Date.now() + offsetMs) });
      withRoles(graph);
      await client.validateRequest(validation);
      const granted = jsonWebToken({ roles: [graph, intune] });
      microsoft.answers.token = tokenAnswer(granted);
      microsoft.answers.service = (response, request, self) => {
        const isGranted = request.headers['authorization'] === `Bearer ${granted}`;
        (isGranted ? json(200, { code: 'Success' }) : text(403, ''))(response, request, self);
      };
      offsetMs = 30 * 60_000;
      await assert.doesNotReject(client.validateRequest(validation));
    });

    it('a permission granted meanwhile is found with a new token', async () => {
      let offsetMs = 0;
      const client = microsoft.connect({ now: () => new Date(Date.now() + offsetMs) });
      withRoles(graph);
      microsoft.answers.service = (response, request, self) => {
        const isGranted = request.headers['authorization'] === `Bearer ${jsonWebToken({ roles: [graph, intune] })}`;
        (isGranted ? json(200, { code: 'Success' }) : text(403, ''))(response, request, self);
      };
      await rejection(client.validateRequest(validation));
      microsoft.answers.token = tokenAnswer(jsonWebToken({ roles: [graph, intune] }));
      await rejection(client.validateRequest(validation));
      assert.equal(microsoft.count('token'), 2, 'no new token every time');
      offsetMs = 60_000;
      await assert.doesNotReject(client.validateRequest(validation));
    });
  });

  describe('of a service that is not found name the reason', () => {
    const empty = json(200, { value: [] });
    const none = json(404, { error: { code: 'Request_ResourceNotFound', message: 'x' } });
    const rows: [reason: string, answer: typeof empty, roles: string[], says: RegExp][] = [
      ['licence', empty, ['Application.Read.All'], /licence of Intune/],
      ['licence', none, ['Directory.Read.All'], /licence of Intune/],
      ['permission', empty, ['User.Read.All'], /roles User\.Read\.All; Application\.Read\.All is missing/],
      ['consent', empty, [], /no roles at all.*consent/],
      ['consent', none, [], /no roles at all.*consent/],
    ];
    for (const [reason, answer, roles, says] of rows) {
      it(`${reason}, with ${roles.length === 0 ? 'no roles' : roles.join()}`, async () => {
        withRoles(...roles);
        microsoft.answers.discovery = answer;
        const error = await failed();
        assert.ok(error instanceof IntuneServiceNotFoundError);
        assert.equal(error.reason, reason);
        assert.match(error.message, says);
      });
    }
  });

  describe('of HTTP keep the ids by which Microsoft finds the request', () => {
    const nested = `{\r\n  "_version": 3,\r\n  "Message": "An error has occurred - Operation ID (for customer support): ${id(0)} - Activity ID: ${id(7)} - Url: https://fef.msuc02.manage.microsoft.com/x"`;
    const rows: [name: string, headers: Record<string, string>, body: unknown, expected: RequestIds][] = [
      ['none', {}, {}, {}],
      ['request-id', { 'request-id': id(1) }, {}, { requestId: id(1) }],
      ['x-ms-request-id', { 'x-ms-request-id': id(2) }, {}, { requestId: id(2) }],
      ['client-request-id', { 'client-request-id': id(3) }, {}, { clientRequestId: id(3) }],
      ['x-ms-correlation-request-id', { 'x-ms-correlation-request-id': id(4) }, {}, { correlationId: id(4) }],
      [
        'innerError of Graph',
        {},
        { error: { code: 'x', innerError: { date: 'd', 'request-id': id(5), 'client-request-id': id(6) } } },
        { requestId: id(5), clientRequestId: id(6) },
      ],
      [
        "Intune's activity in the nested message",
        {},
        { error: { code: 'InternalError', message: nested } },
        { activityId: id(7) },
      ],
      ['an ActivityId in nested JSON', {}, { Message: `{"ActivityId":"${id(7)}"}` }, { activityId: id(7) }],
      ['OData 3', {}, { 'odata.error': { requestId: id(8) } }, { requestId: id(8) }],
      ['Entra', {}, { error: 'x', trace_id: id(1), correlation_id: id(2) }, { requestId: id(1), correlationId: id(2) }],
      ['what is no id', { 'request-id': 'a b' }, { error: { innerError: { 'request-id': {} } } }, {}],
    ];
    for (const [name, headers, body, expected] of rows) {
      it(name, async () => {
        microsoft.answers.service = json(500, body, headers);
        const error = await failed();
        assert.ok(error instanceof IntuneHttpError);
        assert.deepEqual(error.requestIds, expected);
      });
    }
  });

  it('keep Retry-After', async () => {
    microsoft.answers.service = text(429, '', { 'retry-after': '17' });
    const error = await failed();
    assert.ok(error instanceof IntuneHttpError);
    assert.equal(error.retryAfterMs, 17_000);
  });

  it('are whole in JSON and in util.inspect', async () => {
    microsoft.answers.service = json(500, { error: { code: 'Broken', message: 'It broke.' } }, { 'request-id': id(1) });
    const error = await failed();
    assert.ok(error instanceof IntuneError);
    assert.deepEqual(JSON.parse(JSON.stringify(error)), {
      name: 'IntuneHttpError',
      message: 'Intune answered HTTP 500: Broken: It broke.',
      code: 'intune.http',
      activityId: error.activityId,
      attempts: 1,
      status: 500,
      body: '{"error":{"code":"Broken","message":"It broke."}}',
      detail: 'Broken: It broke.',
      requestIds: { requestId: id(1) },
    });
    for (const shown of ['intune.http', 'attempts: 1', 'status: 500', id(1), 'It broke.']) {
      assert.ok(inspect(error).includes(shown), shown);
    }
    const properties: string[] = [];
    for (const name in error) {
      properties.push(name); // As loggers do that copy an error.
    }
    assert.ok(['code', 'activityId', 'attempts', 'status', 'requestIds'].every((name) => properties.includes(name)));
    assert.ok(!properties.includes('retryAfterMs'), 'what is absent is absent');
  });

  it('show their causes in JSON', () => {
    const socket = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET', secret: 'CANARY' });
    const error = new IntuneNetworkError('No answer', { cause: new Error('fetch failed', { cause: socket }) });
    assert.deepEqual(JSON.parse(JSON.stringify(error)), {
      name: 'IntuneNetworkError',
      message: 'No answer',
      code: 'intune.network',
      reason: 'other',
      cause: {
        name: 'Error',
        message: 'fetch failed',
        cause: { name: 'Error', message: 'other side closed', code: 'UND_ERR_SOCKET' },
      },
    });
  });
});

describe("Entra's codes", () => {
  it('are each explained in sentences', () => {
    for (const [code, { meaning, advice }] of Object.entries(entraCodes)) {
      assert.match(code, /^AADSTS\d{5,7}$/);
      assert.match(meaning, /^[A-Z].*\.$/, code);
      assert.match(advice, /^[A-Z].*\.$/, code);
    }
  });

  it('give the advice, and an unknown one a place to look it up', () => {
    const advice = (entraCode?: string): string => new IntuneAuthenticationError('', { entraCode }).advice;
    assert.match(advice('AADSTS7000215'), /value of the secret, not its id/);
    assert.match(advice('AADSTS424242'), /Look up AADSTS424242/);
    assert.match(advice('toString'), /tenant/);
    assert.match(advice(), /tenant/);
    assert.equal(new IntuneAuthenticationError('', { advice: 'Do this.' }).advice, 'Do this.');
  });
});
