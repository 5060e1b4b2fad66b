import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  IntuneArgumentError,
  IntuneCircuitOpenError,
  IntuneCoolDownError,
  IntuneHttpError,
  IntuneRejectedError,
  processRevocations,
  type ProcessRevocationsOptions,
  type RevocationClient,
  type RevocationOutcome,
  type RevocationRequest,
  type RevocationResult,
  type Revoke,
  type UnreadableRevocationRequest,
} from '../../src/index.ts';
import { rejection } from '../requests.ts';

const now = new Date('2026-11-22T10:00:00Z');
const inAnHour = new Date('2026-11-22T11:00:00Z');
const inFiveMinutes = new Date('2026-11-22T10:05:00Z');

const request = (number: number): RevocationRequest => ({
  requestContext: `context-${number}`,
  serialNumber: `${number}`,
  issuerName: '',
  caConfiguration: '',
});
const requests = (count: number): RevocationRequest[] => Array.from({ length: count }, (_, index) => request(index));
const success = (requestContext: string): RevocationResult => ({ requestContext, succeeded: true });
const busy = (options: { retryAfterMs?: number } = {}): IntuneHttpError =>
  new IntuneHttpError('busy', { code: 'intune.http', status: 503, body: '', ...options });

/** Intune's part of a round, by script. */
class ScriptedClient implements RevocationClient {
  readonly uploads: { transactionId: string; results: readonly RevocationResult[] }[] = [];
  readonly steps: string[] = [];
  downloadRequest: unknown;
  download: { requests?: RevocationRequest[]; unreadable?: UnreadableRevocationRequest[] } | Error = {};
  /** Consulted for each upload, in turn; none left: success. */
  uploadErrors: (Error | undefined)[] = [];

  downloadRevocationRequests: RevocationClient['downloadRevocationRequests'] = async (asked = {}) => {
    asked.signal?.throwIfAborted();
    this.steps.push('download');
    this.downloadRequest = asked;
    if (this.download instanceof Error) {
      throw this.download;
    }
    return {
      activityId: 'activity',
      transactionId: asked.transactionId ?? '',
      requests: [],
      unreadable: [],
      mayHaveMore: false,
      downloadedAt: now,
      nextDownloadAt: inAnHour,
      ...this.download,
    };
  };

  uploadRevocationResults: RevocationClient['uploadRevocationResults'] = async ({ signal, ...upload }) => {
    signal?.throwIfAborted();
    this.steps.push(`upload ${upload.results.length}`);
    this.uploads.push(upload);
    const error = this.uploadErrors.shift();
    if (error !== undefined) {
      throw error;
    }
  };
}

const revoked: Revoke = async () => ({ succeeded: true });
const round = (client: ScriptedClient, revoke: Revoke = revoked, options: ProcessRevocationsOptions = {}) =>
  processRevocations(client, revoke, { now: () => now, ...options });

describe('processRevocations', () => {
  it('downloads, revokes, uploads, and comes back when the next download is allowed', async () => {
    const client = new ScriptedClient();
    client.download = { requests: requests(3) };
    const asked: RevocationRequest[] = [];
    const result = await round(client, async (each) => {
      asked.push(each);
      return each.serialNumber === '1'
        ? { succeeded: false, errorCode: 'CertificateNotFoundError' }
        : { succeeded: true };
    });
    assert.deepEqual(asked, requests(3));
    assert.deepEqual(client.steps, ['download', 'upload 3']);
    assert.deepEqual(result.results, [
      success('context-0'),
      { requestContext: 'context-1', succeeded: false, errorCode: 'CertificateNotFoundError' },
      success('context-2'),
    ]);
    assert.deepEqual(client.uploads, [{ transactionId: result.transactionId, results: result.results }]);
    assert.equal(result.download?.transactionId, result.transactionId);
    assert.deepEqual([result.pendingResults, result.failures], [[], []]);
    assert.ok(!('downloadError' in result) && !('uploadError' in result));
    assert.deepEqual(result.nextRoundAt, inAnHour);
  });

  it('uploads nothing when there is nothing to revoke', async () => {
    const client = new ScriptedClient();
    await round(client);
    assert.deepEqual(client.steps, ['download']);
  });

  it('hands its options to the download', async () => {
    const client = new ScriptedClient();
    const { transactionId } = await round(client, revoked, {
      maximumRequests: 5,
      issuerName: 'CA',
      ignoreCoolDown: true,
    });
    assert.deepEqual(client.downloadRequest, {
      transactionId,
      maximumRequests: 5,
      issuerName: 'CA',
      ignoreCoolDown: true,
    });
  });

  it('runs as many revocations at a time as it is told, and keeps the order', async () => {
    const client = new ScriptedClient();
    client.download = { requests: requests(20) };
    let running = 0;
    let most = 0;
    const { results } = await round(
      client,
      async ({ serialNumber }) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, (Number(serialNumber) * 7) % 5));
        running -= 1;
        return { succeeded: true };
      },
      { concurrency: 3 },
    );
    assert.equal(most, 3);
    assert.deepEqual(
      results,
      requests(20).map(({ requestContext }) => success(requestContext)),
    );
  });

  const bad: [name: string, revoke: () => unknown, said: string][] = [
    [
      'throws',
      () => {
        throw new TypeError('password=CANARY');
      },
      ' (TypeError)',
    ],
    ['rejects', () => Promise.reject(new Error('CANARY'.repeat(100))), ' (Error)'],
    ['throws a text', () => Promise.reject('CANARY'), ''],
    [
      'throws an error with a telling name',
      () => Promise.reject(Object.assign(new Error('x'), { name: 'CANARY secret' })),
      '',
    ],
    ['returns nothing', () => undefined, ' (TypeError)'],
    ['returns an unknown code', () => ({ succeeded: false, errorCode: 'CANARY' }), ' (IntuneArgumentError)'],
  ];
  for (const [name, revoke, said] of bad) {
    it(`asks Intune to come again when revoke ${name}, and shows the error only here`, async () => {
      const client = new ScriptedClient();
      client.download = { requests: requests(2) };
      const result = await round(client, async ({ serialNumber }) =>
        serialNumber === '0' ? ((await revoke()) as RevocationOutcome) : { succeeded: true },
      );
      assert.deepEqual(result.results, [
        {
          requestContext: 'context-0',
          succeeded: false,
          errorCode: 'RetryableServiceException',
          errorMessage: `The CA failed to revoke the certificate${said}; its log says more.`,
        },
        success('context-1'),
      ]);
      assert.equal(result.failures.length, 1);
      assert.deepEqual(result.failures[0]?.request, request(0));
      assert.ok(!JSON.stringify(client.uploads).includes('CANARY'));
    });
  }

  it('answers unreadable requests that have a context', async () => {
    const client = new ScriptedClient();
    client.download = {
      unreadable: [{ problem: 'it is not an object' }, { requestContext: 'a', problem: 'it is odd' }],
    };
    const { results } = await round(client);
    assert.deepEqual(results, [
      {
        requestContext: 'a',
        succeeded: false,
        errorCode: 'DataSerializationError',
        errorMessage: 'The request could not be read: it is odd.',
      },
    ]);
  });

  it('uploads what is left over before it downloads, and 500 results at a time', async () => {
    const client = new ScriptedClient();
    client.download = { requests: requests(500), unreadable: [{ requestContext: 'x', problem: 'it is odd' }] };
    const pendingResults = Array.from({ length: 1001 }, (_, index) => success(`earlier-${index}`));
    const result = await round(client, revoked, { pendingResults });
    assert.deepEqual(client.steps, ['upload 500', 'upload 500', 'upload 1', 'download', 'upload 500', 'upload 1']);
    assert.deepEqual(result.pendingResults, []);
  });

  it('keeps what could not be uploaded, and comes back soon', async () => {
    const client = new ScriptedClient();
    client.download = { requests: requests(2) };
    client.uploadErrors = [undefined, busy()];
    const { pendingResults, results, uploadError, nextRoundAt } = await round(client, revoked, {
      pendingResults: [success('earlier')],
    });
    assert.deepEqual(pendingResults, results);
    assert.ok(uploadError instanceof IntuneHttpError);
    assert.deepEqual(nextRoundAt, inFiveMinutes);
  });

  it('keeps only the part that could not be uploaded', async () => {
    const client = new ScriptedClient();
    client.uploadErrors = [busy(), undefined];
    const pendingResults = Array.from({ length: 600 }, (_, index) => success(`${index}`));
    const result = await round(client, revoked, { pendingResults });
    assert.deepEqual(result.pendingResults, pendingResults.slice(0, 500));
  });

  it('finds the results that Intune refuses, and has the others accepted', async () => {
    const client = new ScriptedClient();
    client.download = { requests: requests(500) };
    const accept = client.uploadRevocationResults;
    client.uploadRevocationResults = async (upload) => {
      if (upload.results.some(({ requestContext }) => /-(?:77|300)$/.test(requestContext))) {
        throw new IntuneHttpError('refused', { code: 'intune.http', status: 400, body: '' });
      }
      await accept(upload);
    };
    const { pendingResults, uploadError } = await round(client);
    assert.deepEqual(pendingResults, [success('context-77'), success('context-300')]);
    assert.ok(uploadError instanceof IntuneHttpError);
    assert.equal(client.uploads.flatMap(({ results }) => results).length, 498);
  });

  it('gives up soon when Intune refuses everything', async () => {
    const client = new ScriptedClient();
    client.download = { requests: requests(500) };
    let uploads = 0;
    client.uploadRevocationResults = async () => {
      uploads += 1;
      throw new IntuneRejectedError({ originalCode: 'false', description: '', transactionId: '', activityId: '' });
    };
    const { pendingResults, results } = await round(client);
    assert.equal(pendingResults.length, results.length);
    assert.equal(uploads, 41);
  });

  it('lets the newer result of a request that came again count', async () => {
    const client = new ScriptedClient();
    client.download = { requests: requests(1) };
    client.uploadErrors = [busy(), busy()];
    const failed = { requestContext: 'context-0', succeeded: false, errorCode: 'ServiceTooBusyException' } as const;
    const { pendingResults } = await round(client, revoked, { pendingResults: [success('earlier'), failed] });
    assert.deepEqual(pendingResults, [success('earlier'), success('context-0')]);
  });

  it('drops an older result when the newer one is accepted', async () => {
    const client = new ScriptedClient();
    client.download = { requests: requests(1) };
    client.uploadErrors = [busy()];
    const failed = { requestContext: 'context-0', succeeded: false, errorCode: 'ServiceTooBusyException' } as const;
    const { pendingResults } = await round(client, revoked, { pendingResults: [success('earlier'), failed] });
    assert.deepEqual(pendingResults, [success('earlier')]);
  });

  it('uploads in smaller parts when Intune finds one too large', async () => {
    const client = new ScriptedClient();
    client.download = { requests: requests(8) };
    const tooLarge = new IntuneHttpError('too large', { code: 'intune.http', status: 413, body: '' });
    client.uploadErrors = [tooLarge];
    const { pendingResults } = await round(client);
    assert.deepEqual(client.steps, ['download', 'upload 8', 'upload 4', 'upload 4']);
    assert.deepEqual(pendingResults, []);
  });

  it('uploads what is left over within the cool-down as well', async () => {
    const client = new ScriptedClient();
    client.download = new IntuneCoolDownError(inAnHour);
    const result = await round(client, revoked, { pendingResults: [success('earlier')] });
    assert.deepEqual(client.steps, ['upload 1', 'download']);
    assert.deepEqual(result.pendingResults, []);
    assert.ok(!('downloadError' in result) && !('download' in result));
    assert.deepEqual(result.nextRoundAt, inAnHour);
  });

  const failures: [name: string, error: Error, nextRoundAt: Date][] = [
    ['a failure', busy(), inFiveMinutes],
    ['a failure with a short Retry-After', busy({ retryAfterMs: 1000 }), inFiveMinutes],
    ['a failure with a long Retry-After', busy({ retryAfterMs: 3_600_000 }), inAnHour],
    ['an open circuit', new IntuneCircuitOpenError('pkiConnector', 'open', { retryAfterMs: 3_600_000 }), inAnHour],
    ['an error of somebody else', new Error('x'), inFiveMinutes],
  ];
  for (const [name, error, nextRoundAt] of failures) {
    it(`tells of ${name} of the download and when to come back`, async () => {
      const client = new ScriptedClient();
      client.download = error;
      const result = await round(client);
      assert.equal(result.downloadError, error);
      assert.deepEqual(result.results, []);
      assert.deepEqual(result.nextRoundAt, nextRoundAt);
    });
  }

  describe('with a signal', () => {
    const reason = new Error('enough');

    it('does nothing when it is aborted already', async () => {
      const client = new ScriptedClient();
      const error = await rejection(round(client, revoked, { signal: AbortSignal.abort(reason) }));
      assert.equal(error, reason);
      assert.deepEqual(client.steps, []);
    });

    it('rejects when it is aborted before anything is downloaded', async () => {
      const client = new ScriptedClient();
      const controller = new AbortController();
      client.downloadRevocationRequests = async () => {
        controller.abort(reason);
        throw new Error('whatever');
      };
      assert.equal(await rejection(round(client, revoked, { signal: controller.signal })), reason);
    });

    it('waits for a download under way, and loses none of its requests', async () => {
      const client = new ScriptedClient();
      client.download = { requests: requests(2) };
      const controller = new AbortController();
      const download = client.downloadRevocationRequests;
      client.downloadRevocationRequests = async (asked) => {
        controller.abort(reason);
        return download(asked);
      };
      const { pendingResults } = await round(client, revoked, { signal: controller.signal });
      assert.deepEqual(
        pendingResults.map(({ requestContext }) => requestContext),
        ['context-0', 'context-1'],
      );
    });

    it('begins no revocation any more, waits for those that run, and loses nothing', async () => {
      const client = new ScriptedClient();
      client.download = { requests: requests(4) };
      const controller = new AbortController();
      const begun: string[] = [];
      const result = await round(
        client,
        async ({ serialNumber }) => {
          begun.push(serialNumber);
          await new Promise((resolve) => setImmediate(resolve));
          controller.abort(reason);
          return { succeeded: true };
        },
        { signal: controller.signal, concurrency: 2 },
      );
      assert.deepEqual(begun, ['0', '1']);
      assert.deepEqual(client.uploads, []);
      assert.equal(result.uploadError, reason);
      assert.deepEqual(result.pendingResults, result.results);
      assert.deepEqual(
        result.results.map((each) => (each.succeeded ? 'revoked' : each.errorCode)),
        ['revoked', 'revoked', 'RetryableServiceException', 'RetryableServiceException'],
      );
    });
  });

  const rows: [name: string, options: Record<string, unknown>, argument: string][] = [
    ['no concurrency', { concurrency: 0 }, 'concurrency'],
    ['too much of it', { concurrency: 101 }, 'concurrency'],
    ['pending results that are no list', { pendingResults: {} }, 'pendingResults'],
    ['a pending result that is none', { pendingResults: [success('a'), {}] }, 'pendingResults[1].requestContext'],
    ['a signal that is none', { signal: 5 }, 'signal'],
  ];
  for (const [name, options, argument] of rows) {
    it(`refuses ${name} before it does anything`, async () => {
      const client = new ScriptedClient();
      const error = await rejection(round(client, revoked, options));
      assert.ok(error instanceof IntuneArgumentError);
      assert.equal(error.argument, argument);
      assert.deepEqual(client.steps, []);
    });
  }

  it('passes on what the client says of an unusable argument', async () => {
    const client = new ScriptedClient();
    client.download = new IntuneArgumentError('maximumRequests', 'must be less');
    assert.equal(await rejection(round(client)), client.download);
  });
});
