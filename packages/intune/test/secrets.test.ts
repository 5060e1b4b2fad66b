import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { checkConnection, IntuneError, type IntuneClient } from '../src/index.ts';
import { HttpAnswer } from '../src/http/answer.ts';
import { redact } from '../src/http/redaction.ts';
import {
  clientSecret,
  disconnect,
  endpoint,
  json,
  Microsoft,
  text,
  token,
  verdict,
  type Answer,
  type Operation,
  type ReceivedRequest,
} from './microsoft.ts';
import { assertShowsNoSecret } from './renderings.ts';
import { certificateRequest, challenge, failure, rejection, success, validation } from './requests.ts';

/** Neither the secrets nor telling parts of them. */
function assertNoSecret(value: unknown): void {
  assertShowsNoSecret(value, { clientSecret, token1: token(1), token2: token(2), certificateRequest, challenge });
}

describe('secrets stay secret', () => {
  let microsoft: Microsoft;
  let client: IntuneClient;
  beforeEach(async () => {
    microsoft = await Microsoft.start();
    client = microsoft.connect();
  });
  afterEach(() => microsoft.stop());

  /** All that the service was sent, back in its answer; only Intune was sent the challenge, within the request. */
  const sent = ({ operation, headers, body }: ReceivedRequest): string =>
    `${headers['authorization']} ${body} ${operation === 'service' ? `challenge=${challenge}` : ''}`;
  const echo =
    (status: number): Answer =>
    (response, request) =>
      response.writeHead(status).end(`You sent ${sent(request)}`);
  const echoInJson =
    (status: number): Answer =>
    (...call) =>
      json(status, { error: { code: 'Echo', message: sent(call[1]) } })(...call);
  const escaped: Answer = (response) =>
    response
      .writeHead(500)
      .end(
        JSON.stringify({ request: certificateRequest, challenge }).replaceAll('/', '\\/').replaceAll('+', '\\u002B'),
      );
  const tokenCutOff = text(200, `{"token_type":"Bearer","access_token":"${token(1)}`);

  const rows: [name: string, operation: Operation, answer: Answer][] = [
    ['the token endpoint echoes', 'token', echo(500)],
    [
      'the token endpoint refuses and echoes',
      'token',
      (...call) =>
        json(401, { error: 'invalid_client', error_description: `AADSTS7000215: ${call[1].body} ${clientSecret}` })(
          ...call,
        ),
    ],
    ['the token arrives cut off', 'token', tokenCutOff],
    ['the connection for the token breaks', 'token', disconnect],
    ['Graph echoes', 'discovery', echo(500)],
    ['Graph refuses and echoes', 'discovery', echoInJson(403)],
    ['Intune echoes', 'service', echo(500)],
    ['Intune echoes in JSON', 'service', echoInJson(500)],
    ['Intune echoes with escapes', 'service', escaped],
    ['Intune refuses and echoes', 'service', echoInJson(401)],
    ['Intune echoes with 200', 'service', echo(200)],
    [
      'a rejection quotes the challenge',
      'service',
      verdict('ChallengeExpired', `challenge=${challenge}, request=${certificateRequest}`),
    ],
    ['a rejection has the challenge for a code', 'service', verdict(challenge)],
    ['the connection to Intune breaks', 'service', disconnect],
    ['the answer is no HTTP', 'service', (response, request) => void response.socket?.end(`${request.body}\r\n\r\n`)],
    ['Intune never answers', 'service', () => {}],
  ];
  for (const [name, operation, answer] of rows) {
    it(`when ${name}`, async () => {
      microsoft.answers[operation] = answer;
      const hasty = microsoft.connect({ timeoutMs: 500 });
      const calls = [hasty.validateRequest(validation), hasty.notifySuccess(success), hasty.notifyFailure(failure)];
      for (const error of await Promise.all(calls.map(rejection))) {
        assert.ok(error instanceof IntuneError);
        assertNoSecret(error);
      }
    });
  }

  it('in the report of a check whose services echo', async () => {
    const echoAsName: Answer = (...call) => {
      const [, { headers }, { serviceUrl }] = call;
      const name = String(headers['authorization']);
      json(200, { value: [{ providerName: name, uri: `https://${name}` }, endpoint(serviceUrl)] })(...call);
    };
    microsoft.answers.discovery = echoAsName;
    microsoft.answers.service = (...call) => {
      const [, { headers, body }] = call;
      verdict(`${headers['authorization']}`, `${headers['authorization']} ${body}`)(...call);
    };
    const report = await checkConnection(microsoft.options());
    assert.equal(report.checks.find(({ name }) => name === 'discovery')?.state, 'ok');
    assertNoSecret(report);
  });

  it('in the client itself, before and after use', async () => {
    assertNoSecret(client);
    await client.validateRequest(validation);
    assertNoSecret(client);
  });

  it('in errors about arguments', async () => {
    const bad = { ...validation, certificateRequest: `${challenge}!` };
    assertNoSecret(await rejection(client.validateRequest(bad)));
    const credential = { clientId: '', clientSecret };
    assert.throws(
      () => microsoft.connect({ credential }),
      (error) => {
        assertNoSecret(error);
        return true;
      },
    );
  });

  it('in errors of a foreign credential that carries its request', async () => {
    const carrier = Object.assign(new Error('failed'), { request: { body: `client_secret=${clientSecret}` } });
    const foreign = microsoft.connect({ credential: { getToken: async () => Promise.reject(carrier) } });
    assertNoSecret(await rejection(foreign.validateRequest(validation)));
  });

  it('while what is no secret stays readable', async () => {
    const description = 'Subject CN=7b5f0c1e-6a0b-4d53-9d86-0a8f3a0d1b2c expected, found CN=other.example.contoso.com';
    microsoft.answers.service = verdict('SubjectNameMismatch', description);
    const error = await rejection(client.validateRequest(validation));
    assert.equal((error as { description?: string }).description, description);
  });
});

describe('redact', () => {
  it('hides a part of a token that was cut off', () => {
    assert.equal(redact(`at ${token(1).slice(0, 30)}`, { tokens: [token(1)] }), 'at [redacted]');
  });

  it('takes no longer the more beginnings of tokens there are', () => {
    const body = JSON.stringify({ error: { code: 'x', message: 'eyJ'.repeat(300_000) } });
    const startedMs = performance.now();
    const answer = new HttpAnswer(500, {}, body, { tokens: [token(1)], certificateRequest });
    answer.statusError('Intune', { activityId: 'a', signal: new AbortController().signal });
    assert.ok(performance.now() - startedMs < 1000);
  });

  it('leaves out the ids of an answer in which a secret is echoed', () => {
    const headers = { 'request-id': token(1), 'client-request-id': 'harmless' };
    const answer = new HttpAnswer(500, headers, '', { tokens: [token(1)] });
    const error = answer.statusError('Intune', { activityId: 'a', signal: new AbortController().signal });
    assert.deepEqual(error.requestIds, { clientRequestId: 'harmless' });
  });

  it('hides any JSON web token', () => {
    assert.equal(redact('x eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln y', {}), 'x [redacted] y');
    assert.equal(redact('a.b-eyJhbGciOiJub25lIn0.eyJhIjoxfQ. y', {}), 'a.b-[redacted] y');
  });

  it('changes nothing without a secret', () => {
    const harmless = '{"error":{"code":"InternalError","message":"https://fef.msuc02.manage.microsoft.com/RACerts"}}';
    assert.equal(redact(harmless, { tokens: [token(1)], certificateRequest }), harmless);
  });
});
