import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { getEventListeners, once } from 'node:events';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Agent, type Dispatcher } from 'undici';
import {
  IntuneError,
  IntuneHttpError,
  IntuneNetworkError,
  IntunePermissionError,
  IntuneRejectedError,
  IntuneTimeoutError,
  resultCodes,
  IntuneClient,
} from '../src/index.ts';
import { disconnect, identity, json, Microsoft, text, verdict, type Answer, type Operation } from './microsoft.ts';
import { failure, rejection, success, until, validation } from './requests.ts';
import { createServerIdentity } from './tls-certificate.ts';

const operations: Operation[] = ['token', 'discovery', 'service'];

describe('whatever is not Success is an error', () => {
  let microsoft: Microsoft;
  let client: IntuneClient;
  beforeEach(async () => {
    microsoft = await Microsoft.start();
    client = microsoft.connect();
  });
  afterEach(() => microsoft.stop());

  const failed = async (answer: Answer, operation: Operation = 'service'): Promise<unknown> => {
    microsoft.answers[operation] = answer;
    return rejection(client.validateRequest(validation));
  };

  describe('rejections', () => {
    for (const code of Object.keys(resultCodes).filter((each) => each !== 'Success')) {
      it(`throws ${code} with its description, transaction id, activity id and advice`, async () => {
        const error = await failed(verdict(code, `about ${code}`));
        assert.ok(error instanceof IntuneRejectedError);
        assert.equal(error.code, 'intune.rejected');
        assert.equal(error.resultCode, code);
        assert.equal(error.originalCode, code);
        assert.equal(error.description, `about ${code}`);
        assert.equal(error.transactionId, validation.transactionId);
        assert.equal(error.activityId, microsoft.last('service').headers['client-request-id']);
        assert.equal(error.advice, resultCodes[code as keyof typeof resultCodes].advice);
      });
    }

    it('recognises a code in any letter case and keeps the original', async () => {
      const error = await failed(verdict('challengeexpired'));
      assert.ok(error instanceof IntuneRejectedError);
      assert.equal(error.resultCode, 'ChallengeExpired');
      assert.equal(error.originalCode, 'challengeexpired');
    });

    it('keeps an unknown code', async () => {
      const error = await failed(verdict('SomethingNew', 'text'));
      assert.ok(error instanceof IntuneRejectedError);
      assert.equal(error.resultCode, 'SomethingNew');
    });

    for (const description of [null, undefined, 5]) {
      it(`takes the description ${description} for an empty one`, async () => {
        const error = await failed(json(200, { code: 'Unknown', errorDescription: description }));
        assert.ok(error instanceof IntuneRejectedError);
        assert.equal(error.description, '');
      });
    }

    it('rejects notifications as well', async () => {
      microsoft.answers.service = verdict('Unknown');
      await assert.rejects(client.notifySuccess(success), IntuneRejectedError);
      await assert.rejects(client.notifyFailure(failure), IntuneRejectedError);
    });

    for (const code of ['', 'Succes', 'Success ', 'SuccessX', 'Suc\u017Fess']) {
      it(`does not take ${JSON.stringify(code)} for Success`, async () => {
        assert.ok((await failed(verdict(code))) instanceof IntuneRejectedError);
      });
    }
  });

  const badReplies: [name: string, answer: Answer][] = [
    ['an empty 200', text(200, '')],
    ['HTML with 200', text(200, '<html>Success</html>', { 'content-type': 'text/html' })],
    ['cut JSON', text(200, '{"code":"Success"')],
    ['an array', json(200, [{ code: 'Success' }])],
    ['a string', json(200, 'Success')],
    ['null', json(200, null)],
    ['no code', json(200, { errorDescription: '' })],
    ['a code in another letter case of the member', json(200, { Code: 'Success' })],
    ['a code that is a list', verdict(['Success'])],
    ['a code that is true', verdict(true)],
    ['a nested code', json(200, { value: { code: 'Success' } })],
    ['a body over 1 MB', text(200, `{"code":"Success","pad":"${'x'.repeat(1024 * 1024)}"}`)],
  ];
  for (const [name, answer] of badReplies) {
    it(`takes ${name} for a bad reply`, async () => {
      const error = await failed(answer);
      assert.ok(error instanceof IntuneHttpError);
      assert.equal(error.code, 'intune.bad_reply');
      assert.equal(error.status, 200);
    });
  }

  const statusRows: [name: string, status: number, answer: Answer, message: RegExp][] = [
    ['204', 204, text(204, ''), /^Intune answered HTTP 204$/],
    ['201 with Success', 201, json(201, { code: 'Success' }), /HTTP 201/],
    ['202 with Success', 202, json(202, { code: 'Success' }), /HTTP 202/],
    ['400', 400, json(400, { Message: 'Bad api-version' }), /HTTP 400: Bad api-version$/],
    ['404', 404, text(404, ''), /HTTP 404$/],
    ['429', 429, json(429, { error: { code: 'TooMany', message: 'slow down' } }), /HTTP 429: TooMany: slow down$/],
    [
      'HTML 502',
      502,
      text(502, '<html>\r\n<b>Bad gateway</b></html>'),
      /HTTP 502: <html> <b>Bad gateway<\/b><\/html>$/,
    ],
    [
      '500 with JSON inside a string',
      500,
      json(500, {
        error: { code: 'InternalError', message: '{\r\n "_version": 3,\r\n "Message": "An \\"inner\\" reason"}' },
      }),
      /HTTP 500: InternalError: An "inner" reason$/,
    ],
    [
      '500 with JSON inside a string, cut off',
      500,
      json(500, { error: { code: 'InternalError', message: '{\r\n "_version": 3,\r\n "Message": "Reason"' } }),
      /HTTP 500: InternalError: Reason$/,
    ],
    [
      '500 in OData 3',
      500,
      json(500, { 'odata.error': { code: 'Broken', message: { lang: 'en', value: 'It broke.' } } }),
      /HTTP 500: Broken: It broke\.$/,
    ],
  ];
  for (const [name, status, answer, message] of statusRows) {
    it(`keeps status and text of ${name}`, async () => {
      const error = await failed(answer);
      assert.ok(error instanceof IntuneHttpError);
      assert.equal(error.code, 'intune.http');
      assert.equal(error.status, status);
      assert.match(error.message, message);
    });
  }

  it('shows the body of an error page, up to 4,096 characters', async () => {
    const error = await failed(text(502, `<html>${'x y '.repeat(5000)}`));
    assert.ok(error instanceof IntuneHttpError);
    assert.equal(error.body.length, 4096);
    assert.ok(error.body.startsWith('<html>x y'));
  });

  it('names the permission that Graph misses', async () => {
    const error = await failed(
      json(403, { error: { code: 'Authorization_RequestDenied', message: 'Insufficient privileges' } }),
      'discovery',
    );
    assert.ok(error instanceof IntunePermissionError);
    assert.equal(error.permission, 'Application.Read.All');
    assert.match(error.message, /Insufficient privileges/);
  });

  it('names the permission that Intune misses', async () => {
    const error = await failed(text(403, ''));
    assert.ok(error instanceof IntunePermissionError);
    assert.equal(error.permission, 'scep_challenge_provider');
    assert.ok(error.cause instanceof IntuneHttpError);
  });

  for (const operation of operations) {
    for (const status of [301, 302, 307, 308]) {
      it(`does not follow a ${status} of ${operation}`, async () => {
        const other = await Microsoft.start();
        try {
          const error = await failed(text(status, '', { location: other.serviceUrl }), operation);
          assert.ok(error instanceof IntuneHttpError);
          assert.equal(error.status, status);
          assert.equal(other.received.length, 0);
        } finally {
          await other.stop();
        }
      });
    }
  }

  describe('network', () => {
    for (const operation of operations) {
      it(`keeps the cause when ${operation} is cut off`, async () => {
        const error = await failed(disconnect, operation);
        assert.ok(error instanceof IntuneNetworkError);
        assert.equal(error.code, 'intune.network');
        assert.match(String((error.cause as { code?: string }).code), /UND_ERR_SOCKET|ECONNRESET/);
        assert.equal(typeof error.activityId, 'string');
      });
    }

    it('takes no answer to another request of its own, and drops the connection', async () => {
      const patient = microsoft.connect({ retry: false });
      const { activityId } = await patient.validateRequest(validation);
      const success = { code: 'Success' };
      microsoft.answerNext('service', json(200, success, { 'Client-Request-Id': activityId }));
      const before = microsoft.openSockets;
      const error = await rejection(patient.validateRequest(validation));
      assert.ok(error instanceof IntuneNetworkError);
      assert.equal(error.reason, 'cut');
      assert.match(error.message, /to another request/);
      await until(() => microsoft.openSockets < before);
      microsoft.answerNext('service', json(200, success, { 'client-request-id': randomUUID() }));
      await patient.validateRequest(validation);
    });

    const broken: [name: string, dispatch: Dispatcher['dispatch']][] = [
      ['throws', () => assert.fail('broken')],
      [
        'fails and throws',
        (_options, handler) => {
          handler.onResponseError?.({} as Dispatcher.DispatchController, new Error('first'));
          assert.fail('broken');
        },
      ],
      [
        'cannot abort',
        (_options, handler) => {
          const controller = { abort: () => assert.fail('broken') } as Partial<Dispatcher.DispatchController>;
          handler.onRequestStart?.(controller as Dispatcher.DispatchController, {});
          return true;
        },
      ],
    ];
    for (const [name, dispatch] of broken) {
      it(`reports a dispatcher of the caller that ${name}, and nothing is left unhandled`, async () => {
        const { tls: _tls, ...options } = microsoft.options({ timeoutMs: 100, retry: false });
        const dispatcher = { dispatch } as Dispatcher;
        const patient = new IntuneClient({ ...options, dispatcher });
        assert.ok((await rejection(patient.validateRequest(validation))) instanceof IntuneError);
        await patient.close();
      });
    }

    it('takes a body that is cut off for a network error', async () => {
      const error = await failed((response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"code":"Success"}', () => response.socket?.destroy());
      });
      assert.ok(error instanceof IntuneNetworkError);
    });

    it('refuses a server whose certificate is not trusted', async () => {
      const stranger = microsoft.connect({ tls: { ca: createServerIdentity().ca } });
      const error = await rejection(stranger.validateRequest(validation));
      assert.ok(error instanceof IntuneNetworkError);
      assert.match(String((error.cause as { code?: string }).code), /CERT|SIGNATURE/);
      assert.equal(microsoft.received.length, 0);
    });

    it('reports a refused connection', async () => {
      const error = await rejection(
        microsoft.connect({ authority: 'https://127.0.0.1:1' }).validateRequest(validation),
      );
      assert.ok(error instanceof IntuneNetworkError);
      assert.equal((error.cause as { code?: string }).code, 'ECONNREFUSED');
      assert.match(error.message, /127\.0\.0\.1:1/);
    });
  });

  describe('time', () => {
    const slow: [name: string, answer: Answer][] = [
      ['headers never come', () => {}],
      ['the body never ends', (response) => void response.writeHead(200).write('{"code":')],
      [
        'the body drips',
        (response) => {
          const timer = setInterval(() => response.write(' '), 20);
          response.once('close', () => clearInterval(timer));
        },
      ],
    ];
    for (const operation of operations) {
      for (const [name, answer] of slow) {
        it(`ends the call when ${name} (${operation})`, async () => {
          microsoft.answers[operation] = answer;
          const startedMs = performance.now();
          const error = await rejection(microsoft.connect({ timeoutMs: 200 }).validateRequest(validation));
          assert.ok(error instanceof IntuneTimeoutError);
          assert.equal(error.timeoutMs, 200);
          assert.equal(typeof error.activityId, 'string');
          assert.ok(performance.now() - startedMs < 2000);
        });
      }
    }

    it("ends at once with the caller's reason, and without touching the others", async () => {
      microsoft.answers.token = (...call) => void setTimeout(() => json(200, tokenBody)(...call), 150);
      const controller = new AbortController();
      const reason = new Error('The device has gone');
      const aborted = rejection(client.validateRequest({ ...validation, signal: controller.signal }));
      const other = client.validateRequest(validation);
      setTimeout(() => controller.abort(reason), 20);
      assert.equal(await aborted, reason);
      await assert.doesNotReject(other);
    });

    it('sends nothing for a signal that is already aborted', async () => {
      const error = await rejection(client.validateRequest({ ...validation, signal: AbortSignal.abort() }));
      assert.equal((error as Error).name, 'AbortError');
      assert.equal(microsoft.received.length, 0);
    });

    it('leaves no listener on the signal of the caller', async () => {
      const { signal } = new AbortController();
      await client.validateRequest({ ...validation, signal });
      assert.equal(getEventListeners(signal, 'abort').length, 0);
    });
  });

  describe('close', () => {
    it('closes the connections and refuses further calls', async () => {
      await client.validateRequest(validation);
      assert.ok(microsoft.openSockets > 0);
      await client.close();
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(microsoft.openSockets, 0);
      const error = await rejection(client.validateRequest(validation));
      assert.ok(error instanceof IntuneError);
      assert.equal(error.code, 'intune.network');
    });

    it('may be called twice', async () => {
      await client.close();
      await assert.doesNotReject(client.close());
    });

    it("leaves the caller's dispatcher open", async () => {
      const dispatcher = new Agent({ connect: { ca: identity.ca } });
      const { tls: _tls, ...options } = microsoft.options({ dispatcher });
      const { IntuneClient: Client } = await import('../src/index.ts');
      const guest = new Client(options);
      await guest.validateRequest(validation);
      await guest.close();
      assert.equal(dispatcher.closed, false);
      const closed = once(dispatcher, 'disconnect');
      await dispatcher.close();
      await closed;
    });
  });
});

const tokenBody = { token_type: 'Bearer', expires_in: 3599, access_token: 'late-token' };
