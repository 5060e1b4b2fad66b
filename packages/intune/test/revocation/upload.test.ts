import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  IntuneArgumentError,
  IntuneHttpError,
  IntuneRejectedError,
  revocationErrorCodes,
  type IntuneClient,
  type RevocationErrorCode,
  type RevocationResult,
  type UploadRevocationResultsOptions,
} from '../../src/index.ts';
import { disconnect, json, Microsoft, revocationPath, text } from '../microsoft.ts';
import { rejection } from '../requests.ts';

const transactionId = 'TRANSACTION-9';
const revoked: RevocationResult = { requestContext: 'context-1', succeeded: true };

describe('uploadRevocationResults', () => {
  let microsoft: Microsoft;
  let client: IntuneClient;
  before(async () => {
    microsoft = await Microsoft.start();
    microsoft.nameRevocationService();
    client = microsoft.connect();
  });
  after(() => microsoft.stop());
  beforeEach(() => {
    microsoft.received.splice(0);
    microsoft.answers.revocation = json(200, { '@odata.context': 'https://intune.example/$metadata', value: true });
  });

  const upload = (...results: RevocationResult[]): Promise<unknown> =>
    client.uploadRevocationResults({ transactionId, results });
  const sent = (): unknown => (JSON.parse(microsoft.last('revocation').body) as { results: unknown }).results;

  it('posts the results in camel case, whatever was called before', async () => {
    const { activityId } = await client.uploadRevocationResults({ transactionId, results: [revoked] });
    const { method, path, headers, body } = microsoft.last('revocation');
    assert.equal(`${method} ${path}`, `POST ${revocationPath}/CertificateAuthorityRequests/uploadRevocationResults`);
    assert.equal(headers['api-version'], '5019-05-05');
    assert.equal(headers['client-request-id'], activityId);
    assert.deepEqual(JSON.parse(body), {
      results: [{ requestContext: 'context-1', succeeded: true, errorCode: 'None', errorMessage: '' }],
    });
  });

  for (const errorCode of Object.keys(revocationErrorCodes) as RevocationErrorCode[]) {
    it(`sends ${errorCode} by its name`, async () => {
      await upload({ requestContext: 'context-1', succeeded: false, errorCode, errorMessage: 'why' });
      assert.deepEqual(sent(), [{ requestContext: 'context-1', succeeded: false, errorCode, errorMessage: 'why' }]);
    });
  }

  const messages: [name: string, given: string | undefined, expected: string][] = [
    ['no message is an empty one', undefined, ''],
    ['255 units stay', 'x'.repeat(255), 'x'.repeat(255)],
    ['256 units lose one', 'x'.repeat(256), 'x'.repeat(255)],
    ['a surrogate pair goes as a whole', `${'x'.repeat(254)}😀`, 'x'.repeat(254)],
  ];
  for (const [name, errorMessage, expected] of messages) {
    it(`cuts messages: ${name}`, async () => {
      const failed = { requestContext: 'context-1', succeeded: false, errorCode: 'ConflictError' } as const;
      await upload(errorMessage === undefined ? failed : { ...failed, errorMessage });
      assert.deepEqual(sent(), [{ ...failed, errorMessage: expected }]);
    });
  }

  it('takes 500 results', async () => {
    await upload(...Array.from({ length: 500 }, (_, index) => ({ ...revoked, requestContext: `${index}` })));
    assert.equal((sent() as unknown[]).length, 500);
  });

  const failed = { requestContext: 'context-1', succeeded: false };
  const rows: [name: string, request: Record<string, unknown>, argument: string][] = [
    ['no results', { results: [] }, 'results'],
    [
      '501 results',
      { results: Array.from({ length: 501 }, (_, index) => ({ ...revoked, requestContext: `${index}` })) },
      'results',
    ],
    ['results that are no list', { results: revoked }, 'results'],
    ['a result that is none', { results: [null] }, 'results[0]'],
    ['a list with a hole', { results: Object.assign(Array.from({ length: 0 }), { 1: revoked }) }, 'results[0]'],
    ['a context twice', { results: [revoked, { ...failed, errorCode: 'ConflictError' }] }, 'results[1].requestContext'],
    ['no context', { results: [{ succeeded: true }] }, 'results[0].requestContext'],
    ['no outcome', { results: [{ requestContext: 'a' }] }, 'results[0].succeeded'],
    ['a failure without code', { results: [failed] }, 'results[0].errorCode'],
    ['an unknown code', { results: [{ ...failed, errorCode: 'toString' }] }, 'results[0].errorCode'],
    ['a number for a code', { results: [{ ...failed, errorCode: 4004 }] }, 'results[0].errorCode'],
    ['None for a failure', { results: [{ ...failed, errorCode: 'None' }] }, 'results[0].errorCode'],
    ['a success with a code', { results: [{ ...revoked, errorCode: 'ConflictError' }] }, 'results[0]'],
    ['a success with a message', { results: [{ ...revoked, errorMessage: '' }] }, 'results[0]'],
    [
      'a message that is none',
      { results: [{ ...failed, errorCode: 'ConflictError', errorMessage: 5 }] },
      'results[0].errorMessage',
    ],
    ['no transaction id', { transactionId: undefined }, 'transactionId'],
  ];
  for (const [name, changes, argument] of rows) {
    it(`refuses ${name}`, async () => {
      const request = { transactionId, results: [revoked], ...changes } as UploadRevocationResultsOptions;
      const error = await rejection(client.uploadRevocationResults(request));
      assert.ok(error instanceof IntuneArgumentError);
      assert.equal(error.argument, argument);
      assert.equal(microsoft.received.length, 0);
    });
  }

  it('takes false for a rejection', async () => {
    microsoft.answers.revocation = json(200, { value: false });
    const error = await rejection(upload(revoked));
    assert.ok(error instanceof IntuneRejectedError);
    assert.equal(error.originalCode, 'false');
    assert.equal(error.transactionId, transactionId);
    assert.equal(error.activityId, microsoft.last('revocation').headers['client-request-id']);
    assert.match(error.message, /has not recorded/);
  });

  for (const [name, answer] of [
    ['true as text', json(200, { value: 'true' })],
    ['1', json(200, { value: 1 })],
    ['nothing', json(200, {})],
    ['an empty body', text(200, '')],
    ['a bare true', json(200, true)],
    ['the code Success', json(200, { code: 'Success' })],
  ] as const) {
    it(`does not take ${name} for success`, async () => {
      microsoft.answers.revocation = answer;
      const error = await rejection(upload(revoked));
      assert.ok(error instanceof IntuneHttpError);
      assert.equal(error.code, 'intune.bad_reply');
    });
  }

  it('shows no token in the error when Intune echoes it', async () => {
    microsoft.answers.revocation = (...call) =>
      json(400, { error: { message: call[1].headers['authorization'] } })(...call);
    const error = await rejection(upload(revoked));
    assert.ok(error instanceof IntuneHttpError);
    assert.ok(!inspect(error, { depth: null, showHidden: true }).includes('CANARYtoken'));
  });

  for (const [name, answer] of [
    ['a cut connection', disconnect],
    ['HTTP 500', json(500, {})],
    ['HTTP 503', json(503, {})],
    ['HTTP 429', json(429, {})],
  ] as const) {
    it(`repeats after ${name}`, async () => {
      microsoft.answerNext('revocation', answer);
      await upload(revoked);
      assert.equal(microsoft.count('revocation'), 2);
    });
  }
});

describe('revocation error codes', () => {
  it('are the twelve of the reference clients; those from 4100 on are retryable', () => {
    const entries = Object.entries(revocationErrorCodes);
    assert.deepEqual(
      entries.map(([, { number }]) => number),
      [4000, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4100, 4101, 4102, 4103],
    );
    for (const [code, { number, retryable, meaning }] of entries) {
      assert.equal(retryable, number >= 4100, code);
      assert.match(meaning, /^[A-Z].*\.$/, code);
    }
  });
});
