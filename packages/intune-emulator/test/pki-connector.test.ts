import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Revocation } from '../src/revocation-types.ts';
import { startRealHost, type Answer, type RealHost } from './real-host.ts';

let real: RealHost;
before(async () => {
  real = await startRealHost();
});
after(() => real.stop());

/** Every test begins with an empty queue: what is open is answered, and the cool-down is over. */
beforeEach(async () => {
  await real.control.setRevocationCoolDown({ minutes: 0 });
  const open = requestsIn(await real.download({ maxRequests: 500, issuerName: null }));
  if (open.length > 0) await real.upload(open.map(({ requestContext }) => ({ requestContext, succeeded: true })));
});

function requestsIn(
  answer: Answer,
): Pick<Revocation, 'requestContext' | 'serialNumber' | 'issuerName' | 'caConfiguration'>[] {
  assert.equal(answer.status, 200, answer.body);
  return (JSON.parse(answer.body) as { value: Revocation[] }).value;
}

let serial = 0;
async function queue(certificate: { serialNumber?: string; issuerName?: string; caConfiguration?: string } = {}) {
  serial += 1;
  const defaults = { serialNumber: `0A${serial}`, issuerName: 'CN=Issuing CA' };
  return real.control.requestRevocation({ ...defaults, ...certificate });
}

async function stateOf(requestContext: string): Promise<Revocation | undefined> {
  return (await real.control.revocations()).find((revocation) => revocation.requestContext === requestContext);
}

describe('discovery', () => {
  it('lists the service beside the SCEP service', async () => {
    const { value } = JSON.parse((await real.discover()).body) as { value: { providerName: string; uri: string }[] };
    const service = value.find(({ providerName }) => providerName === 'PkiConnectorFEService');
    assert.ok(service?.uri.startsWith(`${real.host.microsoftUrl}/`));
  });
});

describe('downloadRevocationRequests', () => {
  it('hands out what is queued, in the words of whoever reported the certificate', async () => {
    const certificate = { serialNumber: '00ab', issuerName: 'CN=Größe, O="a, b"', caConfiguration: 'CA 1' };
    const { requestContext } = await queue(certificate);
    const answer = await real.download();
    // The body is read as bytes, so its UTF-8 is decoded here.
    const value = JSON.parse(Buffer.from(answer.body, 'latin1').toString()) as { value: unknown[] };
    assert.deepEqual(value.value, [{ requestContext, ...certificate }]);
    assert.ok('@odata.context' in value);
    assert.equal((await stateOf(requestContext))?.state, 'downloaded');
  });

  it('answers an empty list when nothing is queued', async () => {
    assert.deepEqual(requestsIn(await real.download()), []);
  });

  it('hands out the oldest first, and no more than were asked for', async () => {
    const queued = [await queue(), await queue(), await queue()];
    const downloaded = requestsIn(await real.download({ maxRequests: 2 }));
    assert.deepEqual(
      downloaded.map(({ requestContext }) => requestContext),
      queued.slice(0, 2).map(({ requestContext }) => requestContext),
    );
  });

  it('compares the filter with the CA configuration, after it has cut the list', async () => {
    await queue({ issuerName: 'CN=B', caConfiguration: 'CN=A' });
    const wanted = await queue({ issuerName: 'CN=A', caConfiguration: 'CN=B' });
    assert.deepEqual(requestsIn(await real.download({ maxRequests: 1, issuerName: 'CN=B' })), []);
    const all = requestsIn(await real.download({ maxRequests: 2, issuerName: 'CN=B' }));
    assert.deepEqual(
      all.map(({ requestContext }) => requestContext),
      [wanted.requestContext],
    );
  });

  it('offers a request again until it is answered', async () => {
    const { requestContext } = await queue();
    await real.download();
    assert.deepEqual(
      requestsIn(await real.download()).map((request) => request.requestContext),
      [requestContext],
    );
    await real.upload([{ requestContext, succeeded: true, errorCode: '0' }]);
    assert.deepEqual(requestsIn(await real.download()), []);
    assert.equal((await stateOf(requestContext))?.timesDownloaded, 2);
  });

  for (const [name, parameters] of [
    ['no number', {}],
    ['a number of 0', { maxRequests: 0 }],
    ['a number of 501', { maxRequests: 501 }],
    ['a fraction', { maxRequests: 1.5 }],
    ['an issuer of 257 characters', { maxRequests: 1, issuerName: 'x'.repeat(257) }],
    ['members in PascalCase', { MaxRequests: 1, IssuerName: null }],
  ] as const) {
    it(`refuses ${name} with 400`, async () => {
      assert.equal((await real.download(parameters)).status, 400);
    });
  }

  it('refuses a body in PascalCase, as the C# client sends it', async () => {
    const path = '/RACerts/PkiConnectorFEService/Gateway/StatelessPkiConnectorService/CertificateAuthorityRequests';
    const body = { DownloadParameters: { MaxRequests: 1, IssuerName: null } };
    const answer = await real.operation(`${path}/downloadRevocationRequests`, body);
    assert.equal(answer.status, 400);
    assert.match(answer.body, /downloadParameters/u);
  });

  it('refuses another api-version', async () => {
    assert.equal((await real.download(undefined, { 'api-version': '2018-02-20' })).status, 400);
  });

  it('needs no role beyond that of the SCEP service, but that one', async () => {
    await real.control.setPermissions({ graph: [], intune: ['scep_challenge_provider'] });
    assert.equal((await real.download()).status, 200);
    await real.control.setPermissions({ graph: [], intune: [] });
    assert.equal((await real.download()).status, 403);
    await real.control.setPermissions({ graph: ['Application.Read.All'], intune: ['scep_challenge_provider'] });
    assert.equal((await real.download(undefined, { authorization: 'Bearer x.y.z' })).status, 401);
  });
});

describe('the cool-down', () => {
  it('answers 429 for 60 minutes after a download, and says how long', async () => {
    await real.control.setRevocationCoolDown({ minutes: 60 });
    real.advanceMinutes(61);
    assert.equal((await real.download()).status, 200);
    real.advanceMinutes(59);
    const refused = await real.download();
    assert.equal(refused.status, 429);
    const seconds = Number(refused.headers['retry-after']);
    assert.ok(seconds > 50 && seconds <= 60, String(seconds));
    real.advanceMinutes(1);
    assert.equal((await real.download()).status, 200);
  });

  it('can be an empty list instead', async () => {
    await queue();
    await real.control.setRevocationCoolDown({ minutes: 60, answer: 'emptyList' });
    real.advanceMinutes(61);
    await real.download();
    const early = await real.download();
    await real.control.setRevocationCoolDown({ minutes: 60, answer: 'throttled' });
    assert.equal(early.status, 200);
    assert.deepEqual(requestsIn(early), []);
  });

  it('is not begun by a download that was refused', async () => {
    await real.control.setRevocationCoolDown({ minutes: 60 });
    real.advanceMinutes(61);
    assert.equal((await real.download({ maxRequests: 0 })).status, 400);
    assert.equal((await real.download()).status, 200);
  });

  it('does not hold up uploads', async () => {
    await real.control.setRevocationCoolDown({ minutes: 60 });
    const { requestContext } = await queue();
    real.advanceMinutes(61);
    await real.download();
    assert.equal((await real.upload([{ requestContext, succeeded: true }])).status, 200);
  });

  it('and the queue outlive a restart', async () => {
    const { requestContext } = await queue();
    await real.control.setRevocationCoolDown({ minutes: 60 });
    real.advanceMinutes(61);
    await real.download();
    await real.restart();
    assert.equal((await real.download()).status, 429);
    assert.equal((await stateOf(requestContext))?.state, 'downloaded');
    assert.equal((await real.control.revocationSettings()).coolDownMinutes, 60);
  });
});

describe('uploadRevocationResults', () => {
  for (const [name, result, expected] of [
    ['a success without a code', { succeeded: true }, { state: 'revoked' }],
    ['a success with the number of none', { succeeded: true, errorCode: '0' }, { state: 'revoked' }],
    ['a success with the name of none', { succeeded: true, errorCode: 'None', errorMessage: '' }, { state: 'revoked' }],
    ['a success with null', { succeeded: true, errorCode: null, errorMessage: null }, { state: 'revoked' }],
    [
      'a failure by number as text',
      { succeeded: false, errorCode: '4004', errorMessage: 'unknown' },
      { state: 'failed', errorCode: 'CertificateNotFoundError', errorMessage: 'unknown' },
    ],
    [
      'a failure by number',
      { succeeded: false, errorCode: 4101 },
      { state: 'failed', errorCode: 'ServiceUnavailableException' },
    ],
    [
      'a failure by name',
      { succeeded: false, errorCode: 'PayloadTooLargeError' },
      { state: 'failed', errorCode: 'PayloadTooLargeError' },
    ],
  ] as const) {
    it(`takes ${name}`, async () => {
      const { requestContext } = await queue();
      await real.download();
      const answer = await real.upload([{ requestContext, ...result }]);
      assert.equal(answer.status, 200, answer.body);
      assert.equal((JSON.parse(answer.body) as { value: unknown }).value, true);
      const { state, errorCode, errorMessage } = (await stateOf(requestContext)) ?? {};
      assert.deepEqual(
        { state, errorCode, errorMessage },
        { errorCode: undefined, errorMessage: undefined, ...expected },
      );
    });
  }

  for (const [name, result] of [
    ['a code that does not exist', { succeeded: false, errorCode: '4999' }],
    ['a name that does not exist', { succeeded: false, errorCode: 'Oops' }],
    ['a failure without a code', { succeeded: false }],
    ['a success with an error', { succeeded: true, errorCode: '4000' }],
    ['members in PascalCase', { Succeeded: true, ErrorCode: 'None' }],
  ] as const) {
    it(`refuses ${name} with 400`, async () => {
      const { requestContext } = await queue();
      await real.download();
      assert.equal((await real.upload([{ requestContext, ...result }])).status, 400);
      assert.equal((await stateOf(requestContext))?.state, 'downloaded');
    });
  }

  it('refuses results for requests that nobody downloaded, and records none of the others', async () => {
    const downloaded = await queue();
    await real.download();
    const pending = await queue();
    for (const requestContext of ['nonsense', pending.requestContext]) {
      const results = [downloaded.requestContext, requestContext].map((context) => ({
        requestContext: context,
        succeeded: true,
      }));
      const answer = await real.upload(results);
      assert.equal(answer.status, 400);
      assert.match(answer.body, /results\.1\.requestContext/u);
    }
    assert.equal((await stateOf(downloaded.requestContext))?.state, 'downloaded');
  });

  it('refuses two results for one request, and records neither', async () => {
    const { requestContext } = await queue();
    await real.download();
    const answer = await real.upload([
      { requestContext, succeeded: true },
      { requestContext, succeeded: false, errorCode: '4000' },
    ]);
    assert.equal(answer.status, 400);
    assert.equal((await stateOf(requestContext))?.state, 'downloaded');
  });

  it('refuses an empty list, and more than 500', async () => {
    assert.equal((await real.upload([])).status, 400);
    const many = Array.from({ length: 501 }, () => ({ requestContext: 'x', succeeded: true }));
    assert.equal((await real.upload(many)).status, 400);
  });

  it('takes the same result again, and counts it', async () => {
    const { requestContext } = await queue();
    await real.download();
    const results = [{ requestContext, succeeded: true, errorCode: '0' }];
    assert.deepEqual([(await real.upload(results)).status, (await real.upload(results)).status], [200, 200]);
    assert.equal((await stateOf(requestContext))?.timesAnswered, 2);
  });

  it('does not take back a revocation', async () => {
    const { requestContext } = await queue();
    await real.download();
    await real.upload([{ requestContext, succeeded: true }]);
    assert.equal((await real.upload([{ requestContext, succeeded: false, errorCode: '4000' }])).status, 400);
    assert.equal((await stateOf(requestContext))?.state, 'revoked');
  });

  it('offers a request again after an error that is retryable, and only then', async () => {
    const retryable = await queue();
    const final = await queue();
    await real.download();
    await real.upload([
      { requestContext: retryable.requestContext, succeeded: false, errorCode: '4102' },
      { requestContext: final.requestContext, succeeded: false, errorCode: '4004' },
    ]);
    assert.deepEqual(
      requestsIn(await real.download()).map(({ requestContext }) => requestContext),
      [retryable.requestContext],
    );
    await real.upload([{ requestContext: retryable.requestContext, succeeded: true }]);
    assert.equal((await stateOf(retryable.requestContext))?.state, 'revoked');
  });
});
