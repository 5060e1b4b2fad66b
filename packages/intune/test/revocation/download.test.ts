import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  IntuneArgumentError,
  IntuneCoolDownError,
  IntuneHttpError,
  IntuneNetworkError,
  IntuneServiceNotFoundError,
  IntuneTimeoutError,
  type IntuneClient,
  type IntuneClientOptions,
} from '../../src/index.ts';
import { disconnect, endpoint, json, Microsoft, revocationPath, text } from '../microsoft.ts';
import { rejection, validation } from '../requests.ts';

const minuteMs = 60_000;
const request = (number: number, changes: object = {}): Record<string, unknown> => ({
  requestContext: `context-${number}`,
  serialNumber: `4F00${number}`,
  issuerName: 'CN=Issuing CA',
  caConfiguration: 'config',
  ...changes,
});
const list = (...value: unknown[]) => json(200, { '@odata.context': 'https://intune.example/$metadata', value });

describe('downloadRevocationRequests', () => {
  let microsoft: Microsoft;
  let client: IntuneClient;
  let clock: number;
  beforeEach(async () => {
    clock = Date.parse('2026-11-22T10:00:00Z');
    microsoft = await Microsoft.start();
    microsoft.nameRevocationService();
    client = connect();
  });
  afterEach(() => microsoft.stop());

  const connect = (changes: Partial<IntuneClientOptions> = {}): IntuneClient =>
    microsoft.connect({ now: () => new Date(clock), ...changes });
  const passMinutes = (minutes: number): void => {
    clock += minutes * minuteMs;
  };
  const coolDown = async (promise: Promise<unknown>): Promise<string> => {
    const error = await rejection(promise);
    assert.ok(error instanceof IntuneCoolDownError, String(error));
    assert.equal(error.code, 'intune.cool_down');
    return error.until.toISOString();
  };

  describe('on the wire', () => {
    it('asks the revocation service for 100 requests of all issuers', async () => {
      await client.downloadRevocationRequests();
      const { method, path, headers, body } = microsoft.last('revocation');
      assert.equal(
        `${method} ${path}`,
        `POST ${revocationPath}/CertificateAuthorityRequests/downloadRevocationRequests`,
      );
      assert.equal(headers['api-version'], '5019-05-05');
      assert.deepEqual(JSON.parse(body), { downloadParameters: { maxRequests: 100, issuerName: null } });
    });

    it('asks for as many, and for the issuer, as it is told', async () => {
      await client.downloadRevocationRequests({ maximumRequests: 500, issuerName: 'CN=Issuing CA' });
      assert.deepEqual(JSON.parse(microsoft.last('revocation').body), {
        downloadParameters: { maxRequests: 500, issuerName: 'CN=Issuing CA' },
      });
    });

    it('uses the configured version of the service', async () => {
      await connect({ pkiConnectorServiceVersion: '5020-01-01' }).downloadRevocationRequests();
      assert.equal(microsoft.last('revocation').headers['api-version'], '5020-01-01');
    });

    it('returns the requests with both ids and both times', async () => {
      microsoft.answers.revocation = list(request(1), request(2));
      const download = await client.downloadRevocationRequests({ transactionId: 'TRANSACTION-9' });
      assert.deepEqual(download, {
        activityId: microsoft.last('revocation').headers['client-request-id'],
        transactionId: 'TRANSACTION-9',
        requests: [request(1), request(2)],
        unreadable: [],
        mayHaveMore: false,
        downloadedAt: new Date('2026-11-22T10:00:00Z'),
        nextDownloadAt: new Date('2026-11-22T11:00:00Z'),
      });
    });

    it('gives a download without transaction id a GUID', async () => {
      assert.match(
        (await client.downloadRevocationRequests()).transactionId,
        /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
      );
    });

    const arguments_: [name: string, given: Record<string, unknown>, argument: string][] = [
      ['no request at all', { maximumRequests: 0 }, 'maximumRequests'],
      ['501 requests', { maximumRequests: 501 }, 'maximumRequests'],
      ['half a request', { maximumRequests: 1.5 }, 'maximumRequests'],
      ['a number as text', { maximumRequests: '5' }, 'maximumRequests'],
      ['an empty issuer', { issuerName: '' }, 'issuerName'],
      ['an issuer of 257 characters', { issuerName: 'x'.repeat(257) }, 'issuerName'],
      ['an empty transaction id', { transactionId: '' }, 'transactionId'],
      ['an undecided wish', { ignoreCoolDown: 'yes' }, 'ignoreCoolDown'],
      ['a signal that is none', { signal: 5 }, 'signal'],
    ];
    for (const [name, given, argument] of arguments_) {
      it(`refuses ${name}`, async () => {
        const error = await rejection(client.downloadRevocationRequests(given));
        assert.ok(error instanceof IntuneArgumentError);
        assert.equal(error.argument, argument);
        assert.equal(microsoft.received.length, 0);
      });
    }
  });

  describe('reading the answer', () => {
    const rows: [name: string, entry: unknown, unreadable: object][] = [
      ['no object', 'request', { problem: 'it is not an object' }],
      ['null', null, { problem: 'it is not an object' }],
      ['no context', request(1, { requestContext: undefined }), { problem: 'it has no usable requestContext' }],
      ['an empty context', request(1, { requestContext: '' }), { problem: 'it has no usable requestContext' }],
      ['a context that is a number', request(1, { requestContext: 5 }), { problem: 'it has no usable requestContext' }],
      [
        'a huge context',
        request(1, { requestContext: 'x'.repeat(16_385) }),
        { problem: 'it has no usable requestContext' },
      ],
      [
        'no serial number',
        request(1, { serialNumber: null }),
        { requestContext: 'context-1', problem: 'it has no usable serialNumber' },
      ],
      [
        'a huge serial number',
        request(1, { serialNumber: '4'.repeat(257) }),
        { requestContext: 'context-1', problem: 'it has no usable serialNumber' },
      ],
      [
        'an issuer that is none',
        request(1, { issuerName: {} }),
        { requestContext: 'context-1', problem: 'its issuerName or caConfiguration is not usable' },
      ],
      [
        'broken Unicode',
        request(1, { caConfiguration: '\ud800' }),
        { requestContext: 'context-1', problem: 'its issuerName or caConfiguration is not usable' },
      ],
      [
        'another request with a context that was there',
        request(2, { serialNumber: '5' }),
        { problem: 'its requestContext is that of another request' },
      ],
      [
        'an unreadable request with a context that was there',
        request(2, { serialNumber: '' }),
        { problem: 'it has no usable serialNumber' },
      ],
    ];
    for (const [name, entry, unreadable] of rows) {
      it(`keeps the others beside ${name}`, async () => {
        microsoft.answers.revocation = list(request(2), entry, request(3));
        const download = await client.downloadRevocationRequests();
        assert.deepEqual(download.requests, [request(2), request(3)]);
        assert.deepEqual(download.unreadable, [unreadable]);
      });
    }

    it('takes absent names for empty ones, and ignores further members', async () => {
      const { requestContext, serialNumber } = request(1);
      microsoft.answers.revocation = list({ requestContext, serialNumber, caConfiguration: null, more: [] });
      const { requests } = await client.downloadRevocationRequests();
      assert.deepEqual(requests, [{ requestContext, serialNumber, issuerName: '', caConfiguration: '' }]);
    });

    it('keeps the list of what nobody can answer short', async () => {
      microsoft.answers.revocation = list(request(1), ...Array.from({ length: 20_000 }, () => 0), request(2));
      const { requests, unreadable } = await client.downloadRevocationRequests();
      assert.deepEqual(requests, [request(1), request(2)]);
      assert.equal(unreadable.length, 500);
    });

    it('leaves out copies', async () => {
      microsoft.answers.revocation = list(request(1), request(1), request(2));
      const { requests, unreadable } = await client.downloadRevocationRequests();
      assert.deepEqual([requests, unreadable], [[request(1), request(2)], []]);
    });

    it('says that there may be more when the list is full or has a link, which it does not follow', async () => {
      microsoft.answers.revocation = list(request(1));
      assert.equal((await client.downloadRevocationRequests({ maximumRequests: 1 })).mayHaveMore, true);
      const value = [request(1)];
      microsoft.answers.revocation = json(200, { value, '@odata.nextLink': `${microsoft.origin}/next` });
      const linked = await client.downloadRevocationRequests({ ignoreCoolDown: true });
      assert.equal(linked.mayHaveMore, true);
      assert.equal(microsoft.count('revocation'), 2);
      assert.equal(microsoft.count('service'), 0);
    });

    it('loses none of 500 large requests', async () => {
      const all = Array.from({ length: 500 }, (_, index) =>
        request(index, { requestContext: `${index}`.padStart(4000, 'x') }),
      );
      microsoft.answers.revocation = list(...all);
      const { requests } = await client.downloadRevocationRequests({ maximumRequests: 500 });
      assert.deepEqual(requests, all);
    });

    for (const [name, answer] of [
      ['without list', json(200, { code: 'Success' })],
      ['with something else for a list', json(200, { value: { length: 1 } })],
      ['that is a bare list', json(200, [request(1)])],
      ['of HTML', text(200, '<html>', { 'content-type': 'text/html' })],
      ['of nothing', text(200, '')],
    ] as const) {
      it(`refuses an answer ${name}`, async () => {
        microsoft.answers.revocation = answer;
        const error = await rejection(client.downloadRevocationRequests());
        assert.ok(error instanceof IntuneHttpError);
        assert.equal(error.code, 'intune.bad_reply');
      });
    }
  });

  describe('cool-down', () => {
    it('lasts an hour from the answer; nothing is sent within it', async () => {
      await client.downloadRevocationRequests();
      passMinutes(59);
      assert.equal(await coolDown(client.downloadRevocationRequests()), '2026-11-22T11:00:00.000Z');
      assert.equal(microsoft.count('revocation'), 1);
      passMinutes(1);
      await client.downloadRevocationRequests();
      assert.equal(microsoft.count('revocation'), 2);
    });

    it('counts from the download of an earlier process', async () => {
      const later = connect({ lastRevocationDownload: new Date(clock - 20 * minuteMs) });
      assert.equal(await coolDown(later.downloadRevocationRequests()), '2026-11-22T10:40:00.000Z');
      passMinutes(40);
      await later.downloadRevocationRequests();
    });

    it('lasts an hour at most when the earlier process had a clock that was ahead', async () => {
      const later = connect({ lastRevocationDownload: new Date(clock + 600 * minuteMs) });
      assert.equal(await coolDown(later.downloadRevocationRequests()), '2026-11-22T11:00:00.000Z');
    });

    it('lasts no longer when the clock is set back', async () => {
      await client.downloadRevocationRequests();
      passMinutes(-24 * 60);
      assert.equal(await coolDown(client.downloadRevocationRequests()), '2026-11-21T11:00:00.000Z');
      passMinutes(60);
      await client.downloadRevocationRequests();
    });

    it('can be ignored, and then counts anew', async () => {
      await client.downloadRevocationRequests();
      passMinutes(10);
      const { nextDownloadAt } = await client.downloadRevocationRequests({ ignoreCoolDown: true });
      assert.equal(nextDownloadAt.toISOString(), '2026-11-22T11:10:00.000Z');
      assert.equal(await coolDown(client.downloadRevocationRequests()), '2026-11-22T11:10:00.000Z');
    });

    it('does not concern uploads and validations', async () => {
      await client.downloadRevocationRequests();
      microsoft.answers.revocation = json(200, { value: true });
      await client.uploadRevocationResults({ transactionId: '1', results: [{ requestContext: 'a', succeeded: true }] });
      await client.validateRequest(validation);
    });

    it('lets one of many concurrent downloads through', async () => {
      microsoft.answers.revocation = list(request(1));
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => client.downloadRevocationRequests()));
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const outcome of outcomes.filter((each) => each.status === 'rejected')) {
        assert.ok(outcome.reason instanceof IntuneCoolDownError);
      }
      assert.equal(microsoft.count('revocation'), 1);
    });

    it('lets the next of concurrent downloads through when the first was turned away', async () => {
      microsoft.answerNext('revocation', json(400, { error: { code: 'BadRequest', message: 'no' } }));
      const [first, second] = await Promise.allSettled([
        client.downloadRevocationRequests(),
        client.downloadRevocationRequests(),
      ]);
      assert.deepEqual([first?.status, second?.status], ['rejected', 'fulfilled']);
    });

    it('ends the wait for another download with the caller’s signal', async () => {
      microsoft.answers.revocation = () => {};
      const first = client.downloadRevocationRequests({ signal: AbortSignal.timeout(300) });
      const reason = new Error('enough');
      const controller = new AbortController();
      const second = rejection(client.downloadRevocationRequests({ signal: controller.signal, ignoreCoolDown: true }));
      setTimeout(() => controller.abort(reason), 50);
      assert.equal(await second, reason);
      await rejection(first);
      await setImmediate();
      assert.equal(microsoft.count('revocation'), 1);
    });

    const noCoolDown: [name: string, fail: () => void, error: new (...args: never[]) => Error][] = [
      ['the answer is an error', () => microsoft.answerNext('revocation', json(400, {})), IntuneHttpError],
      ['the answer is a failure', () => microsoft.answerNext('revocation', json(500, {})), IntuneHttpError],
      [
        'discovery names no such service',
        () => microsoft.answerNext('discovery', json(200, { value: [] })),
        IntuneServiceNotFoundError,
      ],
      [
        'nobody listens there',
        () => {
          const { answers } = microsoft; // The next test has a service of its own.
          const usual = answers.discovery;
          answers.discovery = json(200, { value: [endpoint('https://127.0.0.1:1/x', 'PkiConnectorFEService')] });
          setTimeout(() => (answers.discovery = usual), 300).unref();
        },
        IntuneNetworkError,
      ],
    ];
    for (const [name, fail, kind] of noCoolDown) {
      it(`does not begin when ${name}`, async () => {
        fail();
        assert.ok((await rejection(client.downloadRevocationRequests())) instanceof kind);
        assert.equal(client.status().nextRevocationDownloadAt, undefined);
      });
    }

    it('begins when the answer is lost, and the download is not repeated', async () => {
      microsoft.answers.revocation = disconnect;
      const error = await rejection(client.downloadRevocationRequests());
      assert.ok(error instanceof IntuneNetworkError);
      assert.equal(error.reason, 'cut');
      assert.equal(microsoft.count('revocation'), 1);
      assert.equal(await coolDown(client.downloadRevocationRequests()), '2026-11-22T11:00:00.000Z');
    });

    it('begins when the answer does not come in time', async () => {
      microsoft.answers.revocation = () => {};
      const impatient = connect({ attemptTimeoutMs: 100 });
      assert.ok((await rejection(impatient.downloadRevocationRequests())) instanceof IntuneTimeoutError);
      assert.equal(await coolDown(impatient.downloadRevocationRequests()), '2026-11-22T11:00:00.000Z');
      assert.equal(microsoft.count('revocation'), 1);
    });

    it('begins when the caller gives up while waiting for the answer', async () => {
      const controller = new AbortController();
      microsoft.answers.revocation = () => controller.abort(new Error('enough'));
      await rejection(client.downloadRevocationRequests({ signal: controller.signal }));
      await coolDown(client.downloadRevocationRequests());
    });

    it('begins when the answer is unusable', async () => {
      microsoft.answers.revocation = text(200, '<html>');
      await rejection(client.downloadRevocationRequests());
      await coolDown(client.downloadRevocationRequests());
    });

    it('is as long as Intune says with 429 and Retry-After, and the service stays open for uploads', async () => {
      microsoft.answers.revocation = json(429, { error: { code: 'TooManyRequests' } }, { 'retry-after': '1500' });
      const error = await rejection(client.downloadRevocationRequests());
      assert.ok(error instanceof IntuneHttpError);
      assert.equal(error.retryAfterMs, 1_500_000);
      assert.equal(microsoft.count('revocation'), 1);
      assert.equal(await coolDown(client.downloadRevocationRequests()), '2026-11-22T10:25:00.000Z');
      microsoft.answers.revocation = json(200, { value: true });
      await client.uploadRevocationResults({ transactionId: '1', results: [{ requestContext: 'a', succeeded: true }] });
    });

    it('is seen in the status', async () => {
      assert.equal(client.status().nextRevocationDownloadAt, undefined);
      const { nextDownloadAt } = await client.downloadRevocationRequests();
      assert.deepEqual(client.status().nextRevocationDownloadAt, nextDownloadAt);
    });
  });
});
