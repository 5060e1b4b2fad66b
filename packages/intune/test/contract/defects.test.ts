/**
 * The defects of Microsoft's reference clients (Java and C#), one test each that shows that this client does not have it.
 * The README's table cites the titles.
 */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { getGlobalDispatcher } from 'undici';
import {
  IntuneArgumentError,
  IntuneAuthenticationError,
  IntuneClient,
  IntuneHttpError,
  IntuneRejectedError,
  IntuneTimeoutError,
  intuneOptionsFromProperties,
  type IntuneClientOptions,
  type IntuneEvent,
} from '../../src/index.ts';
import { json, Microsoft, type ReceivedRequest } from '../microsoft.ts';
import { TestProxy } from '../proxy.ts';
import { certificateRequest, failure, rejection, success, validation } from '../requests.ts';
import { createClientIdentity, createServerIdentity } from '../tls-certificate.ts';
import { Desk, issued } from './desk.ts';
import { calls } from './fault-rows.ts';
import { startTlsGateway } from './tls-gateway.ts';

describe('defects of the reference clients', () => {
  let desk: Desk;
  let microsoft: Microsoft;
  const clients: IntuneClient[] = [];
  before(async () => {
    desk = await Desk.start();
    await desk.control.setRevocationCoolDown({ minutes: 0 });
    await desk.request();
    microsoft = await Microsoft.start();
  });
  after(async () => {
    await microsoft.stop();
    await desk.stop();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await desk.tidy();
    microsoft.received.length = 0;
  });

  /** As the reference clients are configured. */
  const properties = (changes: Record<string, string> = {}): Record<string, string> => ({
    AAD_APP_ID: desk.connection.clientId,
    AAD_APP_KEY: desk.connection.clientSecret,
    TENANT: desk.connection.tenantId,
    PROVIDER_NAME_AND_VERSION: 'Contoso CA 3.1',
    AUTH_AUTHORITY: desk.connection.authorityUrl,
    MS_GRAPH_RESOURCE_URL: desk.connection.graphUrl,
    TLS_CA_FILE: desk.connection.tlsCaFile,
    ...changes,
  });
  const connectByProperties = (changes: Record<string, string>): IntuneClient => {
    const client = new IntuneClient(intuneOptionsFromProperties(properties(changes), { allowLoopback: true }));
    clients.push(client);
    return client;
  };
  const bodies = (requests: readonly ReceivedRequest[]): unknown[] =>
    requests
      .filter(({ operation }) => operation !== 'token' && operation !== 'discovery')
      .map(({ body }) => JSON.parse(body));
  /** A client of a server that answers every call with `answer`, and shows what it was sent. */
  const connectToStub = (answer: unknown, changes: Partial<IntuneClientOptions> = {}): IntuneClient => {
    microsoft.nameRevocationService();
    microsoft.answers.revocation = json(200, answer);
    microsoft.answers.service = json(200, answer);
    return microsoft.connect({ retry: false, ...changes });
  };

  it('the configured service versions are sent', async () => {
    const client = connectByProperties({
      ScepRequestValidationFEServiceVersion: '2030-01-02',
      PkiConnectorFEServiceVersion: '5030-03-04',
    });
    await calls.validateRequest(client, desk);
    await desk.failure(client.downloadRevocationRequests()); // The emulator knows no such version.
    assert.equal(desk.traffic.of('validateRequest')[0]?.headers['api-version'], '2030-01-02');
    assert.equal(desk.traffic.of('downloadRevocationRequests')[0]?.headers['api-version'], '5030-03-04');
  });

  it('an HTML 502, an empty 200 and a 204 keep their HTTP status and body', async () => {
    const client = desk.connect({ retry: false });
    const failed = async (status: number, body?: string): Promise<unknown[]> => {
      await desk.setFault('validateRequest', { kind: 'http', status, ...(body === undefined ? {} : { body }) });
      const error = await desk.failure(calls.validateRequest(client, desk));
      assert.ok(error instanceof IntuneHttpError);
      return [error.code, error.status, error.body];
    };
    assert.deepEqual(await failed(502, '<h1>Bad</h1>'), ['intune.http', 502, '<h1>Bad</h1>']);
    assert.deepEqual(await failed(200), ['intune.bad_reply', 200, '']);
    assert.deepEqual(await failed(204), ['intune.http', 204, '']);
  });

  it('a hanging answer is not waited for without limit, be it before its headers or amid its body', async () => {
    const client = desk.connect({ timeoutMs: 800 });
    await calls.validateRequest(client, desk);
    await desk.setFault('validateRequest', { kind: 'slowHeaders', delayMs: 60_000 });
    await desk.setFault('successNotification', { kind: 'slowBody', delayMs: 600, chunks: 64 });
    const startedMs = performance.now();
    const hanging = [calls.validateRequest(client, desk), calls.notifySuccess(client, desk)];
    for (const error of await Promise.all(hanging.map((call) => desk.failure(call)))) {
      assert.ok(error instanceof IntuneTimeoutError);
    }
    assert.ok(performance.now() - startedMs < 5000);
  });

  it('a service that has moved is found again, within the same call', async () => {
    const client = desk.connect();
    await calls.validateRequest(client, desk);
    await desk.setFault('validateRequest', { kind: 'moved' });
    await calls.validateRequest(client, desk);
    await calls.validateRequest(client, desk);
    assert.equal(desk.traffic.count('discovery'), 2);
  });

  it('connections are kept from call to call', async () => {
    const client = desk.connect();
    for (let call = 0; call < 20; call += 1) {
      await calls.validateRequest(client, desk);
    }
    assert.ok(desk.traffic.connections <= 2, `${desk.traffic.connections} connections`);
  });

  it('tokens are kept from call to call', async () => {
    const client = desk.connect();
    for (let call = 0; call < 5; call += 1) {
      await calls.validateRequest(client, desk);
    }
    assert.deepEqual(desk.traffic.counts(), { token: 2, discovery: 1, validateRequest: 5 });
  });

  it('names in any script arrive unharmed', async () => {
    const request = await desk.newRequest('SCRIPTS');
    const issuingCertificateAuthority = 'CN=Łódź 漢字 😀 Ω,O=Zürich';
    await desk.connect().notifySuccess({ ...request, ...issued, issuingCertificateAuthority });
    const notification = (await desk.control.notifications()).find(({ transactionId }) => transactionId === 'SCRIPTS');
    assert.ok(notification?.kind === 'success');
    assert.equal(notification.issuingCertificateAuthority, issuingCertificateAuthority);
    assert.equal(notification.caConfiguration, issuingCertificateAuthority);
  });

  it('a proxy and its password belong to one client, not to the process', async () => {
    const environment = { ...process.env };
    const dispatcher = getGlobalDispatcher();
    const credentials = ['one', 'other'].map((name) => ({ username: name, password: `CANARY-${name}` }));
    const proxies = await Promise.all(credentials.map((each) => TestProxy.start({ credentials: each })));
    try {
      await Promise.all([
        ...proxies.map((proxy) => calls.validateRequest(desk.connect({ proxy: proxy.options() }), desk)),
        calls.validateRequest(desk.connect(), desk),
      ]);
      // A client that took the other's password would have been refused.
      assert.ok(proxies.every(({ targets }) => targets.length > 0));
      const tunnels = proxies.reduce((sum, { targets }) => sum + targets.length, 0);
      assert.ok(desk.traffic.connections > tunnels, 'The third client took a proxy as well');
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    }
    assert.deepEqual({ ...process.env }, environment);
    assert.equal(getGlobalDispatcher(), dispatcher);
  });

  it('an answer without a description is as good as one with it', async () => {
    for (const answer of [{ code: 'Success' }, { code: 'Success', errorDescription: null }]) {
      await assert.doesNotReject(connectToStub(answer).validateRequest(validation));
    }
    for (const answer of [{ code: 'Unknown' }, { code: 'Unknown', errorDescription: null }]) {
      const error = await rejection(connectToStub(answer).validateRequest(validation));
      assert.ok(error instanceof IntuneRejectedError);
      assert.equal(error.description, '');
    }
  });

  it('TLS of its own holds for every call, not for the first alone', async () => {
    const identity = createServerIdentity();
    const client = createClientIdentity('scep.contoso.com', { keyType: 'ec' });
    const gateway = await startTlsGateway({ url: desk.origin, ca: desk.emulator.tlsCaPem }, identity, client);
    try {
      const tls = { ca: identity.ca, certificate: client.cert, privateKey: client.key };
      const own = desk.connect({ authority: gateway.origin, graphUrl: gateway.origin, tls });
      for (let call = 1; call <= 10; call += 1) {
        await calls.validateRequest(own, desk);
        if (call % 3 === 0) gateway.cut();
      }
      assert.ok(gateway.clients.length >= 4);
      assert.deepEqual(new Set(gateway.clients), new Set(['scep.contoso.com']));
    } finally {
      gateway.stop();
    }
  });

  it('a redirect is not followed, so that the token goes nowhere else', async () => {
    let visits = 0;
    const elsewhere = createServer((socket) => {
      visits += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const location = `https://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
    try {
      for (const operation of ['token', 'discovery', 'validateRequest'] as const) {
        await desk.control.clearFaults();
        await desk.setFault(operation, { kind: 'redirect', location });
        const error = await desk.failure(calls.validateRequest(desk.connect(), desk));
        assert.equal((error as { status?: number }).status, 302);
      }
      assert.equal(visits, 0);
    } finally {
      elsewhere.close();
    }
  });

  it('401, 429, 503 and cut connections are repeated, and a download only when none can be lost', async () => {
    const throttle = { kind: 'throttle', retryAfterSeconds: 0 } as const;
    for (const fault of [
      { kind: 'http', status: 401 },
      throttle,
      { ...throttle, status: 503 },
      { kind: 'disconnect' },
      { kind: 'cutBody' },
    ] as const) {
      for (const [operation, call] of [
        ['validateRequest', 'validateRequest'],
        ['downloadRevocationRequests', 'downloadRevocationRequests'],
      ] as const) {
        const isLost = operation === 'downloadRevocationRequests' && ['disconnect', 'cutBody'].includes(fault.kind);
        desk.traffic.clear();
        await desk.setFault(operation, fault, 1);
        const outcome = calls[call](desk.connect(), desk);
        await (isLost ? desk.failure(outcome) : outcome);
        assert.equal(desk.traffic.count(operation), isLost ? 1 : 2, `${operation} after ${JSON.stringify(fault)}`);
      }
    }
  });

  it('success in another letter case is success', async () => {
    for (const code of ['Success', 'success', 'SUCCESS']) {
      await assert.doesNotReject(connectToStub({ code, errorDescription: '' }).validateRequest(validation));
    }
  });

  it('a service on a later page of the discovery is found', async () => {
    await desk.setFault('discovery', { kind: 'nextLink', pages: 3 });
    await calls.validateRequest(desk.connect(), desk);
    assert.equal(desk.traffic.count('discovery'), 3);
  });

  it('a dead address beside a live one of the same name does no harm, in whichever order', async () => {
    for (const deadFirst of [true, false]) {
      for (const dead of ['refused', 'notFound'] as const) {
        await desk.setFault('discovery', { kind: 'duplicateNames', deadFirst, dead });
        const client = desk.connect();
        await calls.validateRequest(client, desk);
        desk.traffic.clear();
        await calls.validateRequest(client, desk);
        assert.deepEqual(desk.traffic.counts(), { validateRequest: 1 });
      }
    }
  });

  it('addresses may end in a slash, and need not', async () => {
    const { authorityUrl, graphUrl, tenantId } = desk.connection;
    for (const end of ['', '/']) {
      desk.traffic.clear();
      const client = connectByProperties({ AUTH_AUTHORITY: authorityUrl + end, MS_GRAPH_RESOURCE_URL: graphUrl + end });
      await calls.validateRequest(client, desk);
      assert.equal(desk.traffic.of('token')[0]?.path.split('?')[0], `/${tenantId}/oauth2/v2.0/token`);
      assert.match(desk.traffic.of('discovery')[0]?.path ?? '', /^\/v1\.0\/servicePrincipals\//);
    }
  });

  it('descriptions are cut to the 255 characters that Intune takes', async () => {
    const request = await desk.newRequest('LONG');
    await desk.connect().notifyFailure({ ...request, hResult: 0x80004005, errorDescription: 'x'.repeat(1000) });
    const notification = (await desk.control.notifications()).find(({ transactionId }) => transactionId === 'LONG');
    assert.equal(notification?.kind === 'failure' && notification.errorDescription, 'x'.repeat(255));
  });

  it('a result code that is not known is kept, with its description', async () => {
    await desk.setFault('validateRequest', {
      kind: 'code',
      code: 'DeviceOnVacation',
      errorDescription: 'until Monday',
    });
    const error = await desk.failure(calls.validateRequest(desk.connect(), desk));
    assert.ok(error instanceof IntuneRejectedError);
    assert.deepEqual([error.resultCode, error.originalCode], ['DeviceOnVacation', 'DeviceOnVacation']);
    assert.equal(error.description, 'until Monday');
    assert.equal(error.transactionId, 'TRANSACTION-1');
  });

  it('concurrent calls have headers of their own', async () => {
    await desk.setFault('validateRequest', { kind: 'code', code: 'Success' });
    const client = desk.connect();
    const request = await desk.request();
    const results = await Promise.all(Array.from({ length: 100 }, () => client.validateRequest(request)));
    const arrived = desk.traffic.of('validateRequest').map(({ headers }) => String(headers['client-request-id']));
    const sent = results.map(({ activityId }) => activityId);
    assert.deepEqual(arrived.toSorted(), sent.toSorted());
    assert.equal(new Set(sent).size, 100);
  });

  it('an error of the service does not cost the knowledge of its address', async () => {
    const client = desk.connect({ retry: false });
    await calls.validateRequest(client, desk);
    for (const status of [400, 429, 500, 502, 503]) {
      await desk.setFault('validateRequest', { kind: 'http', status }, 1);
      await desk.failure(calls.validateRequest(client, desk));
      await calls.validateRequest(client, desk);
    }
    assert.equal(desk.traffic.count('discovery'), 1);
  });

  it('revocation results are sent in camelCase, whether or not there was a download before', async () => {
    const client = connectToStub({ value: true });
    await client.uploadRevocationResults({
      transactionId: 'REVOCATION-1',
      results: [
        { requestContext: 'one', succeeded: true },
        { requestContext: 'two', succeeded: false, errorCode: 'CertificateNotFoundError', errorMessage: 'Unknown.' },
      ],
    });
    const [body] = bodies(microsoft.received);
    assert.deepEqual(body, {
      results: [
        { requestContext: 'one', succeeded: true, errorCode: 'None', errorMessage: '' },
        { requestContext: 'two', succeeded: false, errorCode: 'CertificateNotFoundError', errorMessage: 'Unknown.' },
      ],
    });
  });

  it("Entra's own error is shown, and nobody else is asked", async () => {
    const { clientId } = desk.connection;
    const client = desk.connect({ credential: { clientId, clientSecret: 'CANARY-wrong' } });
    const error = await desk.failure(calls.validateRequest(client, desk));
    assert.ok(error instanceof IntuneAuthenticationError);
    assert.equal(error.entraCode, 'AADSTS7000215');
    assert.match(error.message, /Invalid client secret provided/);
    assert.match(error.advice, /secret/);
    assert.deepEqual(desk.traffic.counts(), { token: 1 });
  });

  it('the product names itself in the body, and no header is called UserAgent', async () => {
    const client = connectToStub({ code: 'Success', errorDescription: '' });
    await client.validateRequest(validation);
    await client.notifySuccess(success);
    await client.notifyFailure(failure);
    assert.ok(microsoft.received.every(({ headers }) => !('useragent' in headers)));
    const callers = bodies(microsoft.received).flatMap((body) => Object.values(body as object));
    assert.deepEqual(
      callers.map(({ callerInfo }: { callerInfo: unknown }) => callerInfo),
      ['Test CA 1.0', 'Test CA 1.0', 'Test CA 1.0'],
    );
  });

  it('nothing secret shows in errors, events and diagnostics channels', async () => {
    const events: IntuneEvent[] = [];
    const published: unknown[] = [];
    const channels = ['call', 'attempt', 'retry', 'token', 'location', 'circuit'].map(
      (type) => `scepter:intune:${type}`,
    );
    const listener = (message: unknown): void => void published.push(message);
    for (const name of channels) subscribe(name, listener);
    try {
      const client = desk.connect({ onEvent: (event) => events.push(event), proxy: desk.proxy.options() });
      await calls.validateRequest(client, desk);
      await desk.setFault('validateRequest', { kind: 'disconnect' }, 1);
      await calls.validateRequest(client, desk);
      const { challenge } = await desk.request();
      await desk.setFault('validateRequest', {
        kind: 'code',
        code: 'ChallengeExpired',
        errorDescription: challenge.slice(0, 2000),
      });
      await desk.failure(calls.validateRequest(client, desk));
      desk.assertShowsNoSecret(client);
      desk.assertShowsNoSecret(client.status());
    } finally {
      for (const name of channels) unsubscribe(name, listener);
    }
    assert.ok(events.length > 8);
    assert.deepEqual(published, events);
    desk.assertShowsNoSecret(events);
  });

  it('only the word Success is success, not its number and not a list that holds it', async () => {
    for (const code of ['1', 'Success, Unknown', 'Unknown,Success', ' Success', '0x1']) {
      const error = await rejection(connectToStub({ code, errorDescription: '' }).validateRequest(validation));
      assert.ok(error instanceof IntuneRejectedError);
      assert.equal(error.originalCode, code.trim() === code ? code : error.originalCode);
    }
    for (const code of [1, true, ['Success'], null]) {
      const error = await rejection(connectToStub({ code }).validateRequest(validation));
      assert.ok(error instanceof IntuneHttpError);
      assert.equal(error.code, 'intune.bad_reply');
    }
  });

  it('a download asks for what it says, and for nothing that Intune does not know', async () => {
    const client = connectToStub({ value: [] });
    await client.downloadRevocationRequests({ transactionId: 'REVOCATION-1', maximumRequests: 500 });
    assert.deepEqual(bodies(microsoft.received), [{ downloadParameters: { maxRequests: 500, issuerName: null } }]);
  });

  it('a slow discovery keeps nobody longer than the caller is willing to wait', async () => {
    await desk.setFault('discovery', { kind: 'slowHeaders', delayMs: 400 }, 1);
    const client = desk.connect();
    const request = await desk.request();
    let isAnswered = false;
    const patient = client.validateRequest(request).then(() => (isAnswered = true));
    const hasty = await desk.failure(client.validateRequest({ ...request, signal: AbortSignal.timeout(100) }));
    assert.equal((hasty as Error).name, 'TimeoutError');
    assert.equal(isAnswered, false);
    await patient;
    assert.equal(desk.traffic.count('discovery'), 1);
  });

  it('a property that must say something is not accepted empty', () => {
    for (const name of ['AAD_APP_ID', 'AAD_APP_KEY', 'TENANT', 'PROVIDER_NAME_AND_VERSION']) {
      for (const value of ['', '   ']) {
        assert.throws(
          () => intuneOptionsFromProperties(properties({ [name]: value })),
          (error) => error instanceof IntuneArgumentError && error.argument === name,
        );
      }
    }
  });

  it('an empty service version is none, not one that fails at every call', async () => {
    const client = connectByProperties({
      ScepRequestValidationFEServiceVersion: '',
      PkiConnectorFEServiceVersion: ' ',
    });
    await calls.validateRequest(client, desk);
    await client.downloadRevocationRequests();
    assert.equal(desk.traffic.of('validateRequest')[0]?.headers['api-version'], '2018-02-20');
    assert.equal(desk.traffic.of('downloadRevocationRequests')[0]?.headers['api-version'], '5019-05-05');
  });

  it('revocation results that contradict themselves are refused before anything is sent', async () => {
    const client = connectToStub({ value: true });
    for (const result of [
      { requestContext: 'one', succeeded: false },
      { requestContext: 'one', succeeded: false, errorCode: 'None' },
      { requestContext: 'one', succeeded: false, errorCode: null },
      { requestContext: 'one', succeeded: true, errorCode: 'CertificateNotFoundError' },
      { requestContext: 'one', succeeded: true, errorMessage: 'done' },
      { requestContext: '', succeeded: true },
    ]) {
      const results = [result] as unknown as Parameters<typeof client.uploadRevocationResults>[0]['results'];
      const error = await rejection(client.uploadRevocationResults({ transactionId: 'REVOCATION-1', results }));
      assert.ok(error instanceof IntuneArgumentError, JSON.stringify(result));
    }
    assert.deepEqual(microsoft.received, []);
  });

  it('a revocation request without serial number or context is told apart, and not handed on', async () => {
    const good = { requestContext: 'good', serialNumber: '4F00A1', issuerName: null, caConfiguration: null };
    const client = connectToStub({
      value: [good, { requestContext: 'no serial number' }, { serialNumber: '01' }, { ...good, serialNumber: 5 }, null],
    });
    const { requests, unreadable } = await client.downloadRevocationRequests();
    assert.deepEqual(requests, [
      { requestContext: 'good', serialNumber: '4F00A1', issuerName: '', caConfiguration: '' },
    ]);
    assert.equal(unreadable.length, 4);
    assert.equal(unreadable[0]?.requestContext, 'no serial number');
    for (const value of [null, {}, 'none', undefined]) {
      const error = await rejection(connectToStub({ value }).downloadRevocationRequests());
      assert.equal((error as { code?: string }).code, 'intune.bad_reply');
    }
  });

  it('a certificate request in the wrong form is refused before anything is sent', async () => {
    const client = connectToStub({ code: 'Success' });
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${certificateRequest}\n-----END CERTIFICATE REQUEST-----\n`;
    for (const wrong of [pem, '', 'AAAA', `${certificateRequest.slice(0, 64)}\n${certificateRequest.slice(64)}`]) {
      const error = await rejection(client.validateRequest({ ...validation, certificateRequest: wrong }));
      assert.ok(error instanceof IntuneArgumentError);
    }
    assert.deepEqual(microsoft.received, []);
  });
});
