import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  entraCodes,
  IntuneAuthenticationError,
  IntuneHttpError,
  IntuneNetworkError,
  type TokenCredential,
} from '../src/index.ts';
import { clientId, clientSecret, disconnect, json, Microsoft, tenant, text, token } from './microsoft.ts';
import { rejection, success, validation } from './requests.ts';

/** With a member that cannot be asked for. */
function throwing<T extends object>(value: T, member: string): T & { token: string; expiresOnTimestamp: number } {
  const get = (): never => {
    throw new Error('it throws');
  };
  return Object.defineProperty(value, member, { get }) as ReturnType<typeof throwing<T>>;
}

const messageOf = (message: unknown): Error => Object.assign(new Error(), { message });

describe('tokens', () => {
  let microsoft: Microsoft;
  beforeEach(async () => {
    microsoft = await Microsoft.start();
  });
  afterEach(() => microsoft.stop());

  const refused = json(401, { error: { code: 'InvalidAuthenticationToken', message: 'token expired' } });

  it('signs in with the client secret for Graph and for Intune, whose scope keeps its two slashes', async () => {
    await microsoft.connect().validateRequest(validation);
    const sent = microsoft.received.filter(({ operation }) => operation === 'token');
    const forms = sent.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
    assert.deepEqual(
      forms.map((form) => (form['scope'] ?? '').split(' ')[0]),
      [`${microsoft.origin}/.default`, 'https://api.manage.microsoft.com//.default'],
    );
    for (const [index, form] of forms.entries()) {
      assert.equal(form['grant_type'], 'client_credentials');
      assert.equal(form['client_id'], clientId);
      assert.equal(form['client_secret'], clientSecret);
      assert.equal(sent[index]?.path.split('?')[0], `/${tenant}/oauth2/v2.0/token`);
    }
  });

  it('asks nobody where to sign in', async () => {
    await microsoft.connect().validateRequest(validation);
    assert.deepEqual(
      microsoft.received.map(({ operation }) => operation),
      ['token', 'discovery', 'token', 'service'],
    );
  });

  it('shares one token request per scope and one discovery among 1,000 concurrent first calls', async () => {
    const client = microsoft.connect({ timeoutMs: 20_000 });
    await Promise.all(Array.from({ length: 1000 }, () => client.validateRequest(validation)));
    assert.equal(microsoft.count('token'), 2);
    assert.equal(microsoft.count('discovery'), 1);
    assert.equal(microsoft.count('service'), 1000);
  });

  it('uses a short-lived token for most of its life', async () => {
    microsoft.answers.token = (...call) =>
      json(200, { token_type: 'Bearer', expires_in: 60, access_token: token(1) })(...call);
    const client = microsoft.connect();
    await client.validateRequest(validation);
    await client.validateRequest(validation);
    assert.equal(microsoft.count('token'), 2);
  });

  it('replaces a token that Intune refuses, once, and succeeds', async () => {
    const client = microsoft.connect();
    await client.validateRequest(validation);
    microsoft.answerNext('service', refused);
    await client.notifySuccess(success);
    assert.equal(microsoft.count('token'), 3);
    assert.equal(microsoft.last('service').headers['authorization'], `Bearer ${token(3)}`);
  });

  it('gives up when Intune refuses the fresh token as well', async () => {
    microsoft.answers.service = refused;
    const error = await rejection(microsoft.connect().validateRequest(validation));
    assert.ok(error instanceof IntuneAuthenticationError);
    assert.match(error.message, /token expired/);
    assert.ok(error.cause instanceof IntuneHttpError);
    assert.equal(error.cause.status, 401);
    assert.equal(microsoft.count('service'), 2);
  });

  it('replaces a token that Graph refuses, once', async () => {
    microsoft.answerNext('discovery', refused);
    await microsoft.connect().validateRequest(validation);
    assert.equal(microsoft.count('discovery'), 2);
    assert.equal(microsoft.count('token'), 3);
  });

  it('makes one refresh of many refusals at once', async () => {
    const client = microsoft.connect();
    await client.validateRequest(validation);
    microsoft.answers.service = (response, request, self) => {
      const stale = request.headers['authorization'] === `Bearer ${token(2)}`;
      (stale ? refused : json(200, { code: 'Success' }))(response, request, self);
    };
    await Promise.all(Array.from({ length: 20 }, () => client.validateRequest(validation)));
    assert.equal(microsoft.count('token'), 3);
  });

  it("reports Entra's reason and its number", async () => {
    microsoft.answers.token = json(401, {
      error: 'invalid_client',
      error_description: 'AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1',
    });
    const error = await rejection(microsoft.connect().validateRequest(validation));
    assert.ok(error instanceof IntuneAuthenticationError);
    assert.equal(error.code, 'intune.authentication');
    assert.equal(error.entraCode, 'AADSTS7000215');
    assert.equal(error.advice, entraCodes['AADSTS7000215']?.advice);
    assert.equal(error.attempts, 1);
    assert.match(error.message, /invalid_client: AADSTS7000215: Invalid client secret provided\. Trace ID: 1/);
    assert.ok(error.cause instanceof IntuneHttpError);
  });

  it('asks again after a failed token request', async () => {
    microsoft.answerNext('token', text(503, 'busy'));
    const client = microsoft.connect({ retry: false });
    await assert.rejects(client.validateRequest(validation), IntuneHttpError);
    await assert.doesNotReject(client.validateRequest(validation));
  });

  it('keeps the status of an HTML error page', async () => {
    microsoft.answers.token = text(502, '<html>Bad gateway</html>');
    const error = await rejection(microsoft.connect().validateRequest(validation));
    assert.ok(error instanceof IntuneHttpError);
    assert.equal(error.status, 502);
    assert.match(error.body, /Bad gateway/);
  });

  it('takes a 200 without a token for a bad reply', async () => {
    for (const body of ['', '{}', '<html>', '{"access_token":5}', '{"access_token":"']) {
      microsoft.answers.token = text(200, body);
      const error = await rejection(microsoft.connect().validateRequest(validation));
      assert.ok(error instanceof IntuneHttpError);
      assert.equal(error.code, 'intune.bad_reply');
    }
  });

  it('keeps the cause of a cut connection', async () => {
    microsoft.answers.token = disconnect;
    const error = await rejection(microsoft.connect().validateRequest(validation));
    assert.ok(error instanceof IntuneNetworkError);
    assert.match(String((error.cause as { code?: string }).code), /UND_ERR_SOCKET|ECONNRESET/);
  });

  describe('from a credential of the caller', () => {
    const lasting = Date.now() + 3_600_000;

    it('uses any object with getToken', async () => {
      const asked: unknown[] = [];
      const credential: TokenCredential = {
        async getToken(scopes) {
          asked.push(scopes);
          return { token: 'from-elsewhere', expiresOnTimestamp: lasting };
        },
      };
      await microsoft.connect({ credential }).validateRequest(validation);
      assert.deepEqual(asked, [`${microsoft.origin}/.default`, 'https://api.manage.microsoft.com//.default']);
      assert.equal(microsoft.last('service').headers['authorization'], 'Bearer from-elsewhere');
      assert.equal(microsoft.count('token'), 0);
    });

    const failures: [name: string, getToken: TokenCredential['getToken'], message: RegExp][] = [
      ['throws', async () => Promise.reject(new Error('AADSTS700016: not found')), /AADSTS700016: not found/],
      ['gives null', async () => null, /no usable token/],
      ['gives an empty token', async () => ({ token: '', expiresOnTimestamp: lasting }), /no usable token/],
      ['gives nothing in particular', async () => ({}) as never, /no usable token/],
      ['gives a token without an end', async () => ({ token: 'a', expiresOnTimestamp: Number.NaN }), /no usable token/],
      [
        'gives a token with a line break',
        async () => ({ token: 'a\r\nx: y', expiresOnTimestamp: lasting }),
        /no usable token/,
      ],
      ['gives an end in words', async () => ({ token: 'a', expiresOnTimestamp: '2999-01-01' as never }), /no usable/],
      ['gives a huge token', async () => ({ token: 'a'.repeat(1e6), expiresOnTimestamp: lasting }), /no usable token/],
      ['gives a token that throws', async () => throwing({}, 'token'), /gave no token: it throws/],
      ['throws text', async () => Promise.reject('boom \u001B[31m'), /gave no token: boom \[31m$/],
      ['throws nothing', async () => Promise.reject(undefined), /gave no token: unknown reason/],
      ['throws an error that throws', async () => Promise.reject(throwing(new Error(), 'message')), /unknown reason/],
      ['throws an error without text', async () => Promise.reject(messageOf({})), /unknown reason/],
    ];
    for (const [name, getToken, message] of failures) {
      it(`reports one that ${name}`, async () => {
        const error = await rejection(microsoft.connect({ credential: { getToken } }).validateRequest(validation));
        assert.ok(error instanceof IntuneAuthenticationError);
        assert.match(error.message, message);
        assert.equal(microsoft.received.length, 0);
      });
    }
  });
});
