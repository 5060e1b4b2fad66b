import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  entraCodes,
  IntuneArgumentError,
  IntuneAuthenticationError,
  type IntuneClient,
  type IntuneEvent,
  type TokenEvent,
} from '../src/index.ts';
import { clientId, clientSecret, json, Microsoft, text, token, verdict, type Answer } from './microsoft.ts';
import { rejection, success, until, validation } from './requests.ts';

const minuteMs = 60_000;
const newSecret = 'CANARY-another~secret.8Q_0123456789abcdefghij';

describe('renewal of tokens', () => {
  let microsoft: Microsoft;
  let offsetMs: number;
  let events: IntuneEvent[];
  let client: IntuneClient;
  beforeEach(async () => {
    offsetMs = 0;
    events = [];
    microsoft = await Microsoft.start();
    client = microsoft.connect({
      retry: false,
      now: () => new Date(Date.now() + offsetMs),
      onEvent: (event) => void events.push(event),
    });
    await client.validateRequest(validation);
  });
  afterEach(() => microsoft.stop());

  const tokenEvents = (): TokenEvent[] => events.filter((event) => event.type === 'token');
  const usedToken = (): string | undefined => microsoft.last('service').headers['authorization'];

  it('begins ten minutes before the end', async () => {
    offsetMs = 49 * minuteMs;
    await client.validateRequest(validation);
    assert.equal(microsoft.count('token'), 2);
    offsetMs = 50 * minuteMs;
    await client.validateRequest(validation);
    await until(() => tokenEvents().length === 3);
    await client.validateRequest(validation);
    assert.equal(usedToken(), `Bearer ${token(3)}`);
    assert.deepEqual(
      tokenEvents().map(({ destination, background }) => ({ destination, background })),
      [
        { destination: 'graph', background: false },
        { destination: 'intune', background: false },
        { destination: 'intune', background: true },
      ],
    );
  });

  it('lets no call wait while the old token is good, and happens once', async () => {
    const release = Promise.withResolvers<void>();
    const usual = microsoft.answers.token;
    microsoft.answers.token = (...call) => void release.promise.then(() => usual(...call));
    offsetMs = 55 * minuteMs;
    await Promise.all(Array.from({ length: 20 }, () => client.validateRequest(validation)));
    assert.equal(usedToken(), `Bearer ${token(2)}`);
    await until(() => microsoft.count('token') === 3);
    release.resolve();
    await until(() => tokenEvents().length === 3);
  });

  it('that fails is tried again after a while, longer each time, and the old token serves on', async () => {
    microsoft.answers.token = text(500, '');
    const seen: number[] = [];
    for (const secondsLater of [0, 5, 6, 15, 6]) {
      offsetMs = (offsetMs || 50 * minuteMs) + secondsLater * 1000;
      await client.validateRequest(validation);
      await new Promise((resolve) => setTimeout(resolve, 30));
      seen.push(microsoft.count('token'));
    }
    assert.deepEqual(seen, [3, 3, 4, 4, 5]);
    assert.equal(client.status().tokens.intune?.isRefreshFailing, true);
    assert.equal(usedToken(), `Bearer ${token(2)}`);
  });

  it('is waited for at the end of the token', async () => {
    offsetMs = 59 * minuteMs + 1000;
    await client.validateRequest(validation);
    assert.equal(usedToken(), `Bearer ${token(3)}`);
  });

  it('that is under way at the end is not made twice', async () => {
    const release = Promise.withResolvers<void>();
    const usual = microsoft.answers.token;
    microsoft.answers.token = (...call) => void release.promise.then(() => usual(...call));
    offsetMs = 55 * minuteMs;
    await client.validateRequest(validation);
    offsetMs = 60 * minuteMs;
    const waiting = client.validateRequest(validation);
    await until(() => microsoft.count('token') === 3);
    release.resolve();
    await waiting;
    assert.equal(microsoft.count('token'), 3);
  });

  it('does not keep a client from closing', async () => {
    microsoft.answers.token = () => {};
    offsetMs = 55 * minuteMs;
    await client.validateRequest(validation);
    await until(() => microsoft.count('token') === 3);
    const startedMs = performance.now();
    await client.close();
    assert.ok(performance.now() - startedMs < 1000);
  });

  it('does not begin after the client was closed', async () => {
    offsetMs = 55 * minuteMs;
    await client.close();
    await rejection(client.validateRequest(validation));
    assert.equal(microsoft.count('token'), 2);
  });
});

describe('replacing the credential', () => {
  let microsoft: Microsoft;
  let goodSecret: string;
  beforeEach(async () => {
    goodSecret = clientSecret;
    microsoft = await Microsoft.start();
    const usual = microsoft.answers.token;
    const refused = json(401, { error: 'invalid_client', error_description: 'AADSTS7000222: expired' });
    microsoft.answers.token = (response, request, self) =>
      (new URLSearchParams(request.body).get('client_secret') === goodSecret ? usual : refused)(
        response,
        request,
        self,
      );
  });
  afterEach(() => microsoft.stop());

  const replacement = { clientId, clientSecret: newSecret };

  it('leaves the tokens at hand in use and signs in with the new one next time', async () => {
    let offsetMs = 0;
    const client = microsoft.connect({ now: () => new Date(Date.now() + offsetMs) });
    await client.validateRequest(validation);
    goodSecret = newSecret;
    client.replaceCredential(replacement);
    await client.notifySuccess(success);
    assert.equal(microsoft.count('token'), 2);
    offsetMs = 2 * 60 * minuteMs;
    await client.validateRequest(validation);
    assert.equal(new URLSearchParams(microsoft.last('token').body).get('client_secret'), newSecret);
  });

  it('repeats a sign-in under way that is refused with the old one', async () => {
    const client = microsoft.connect();
    goodSecret = newSecret;
    const release = Promise.withResolvers<void>();
    const usual = microsoft.answers.token;
    const held: Answer = (...call) => void release.promise.then(() => usual(...call));
    microsoft.answerNext('token', held);
    const calls = Promise.all(Array.from({ length: 10 }, () => client.validateRequest(validation)));
    await until(() => microsoft.count('token') === 1);
    client.replaceCredential(replacement);
    release.resolve();
    await assert.doesNotReject(calls);
    assert.equal(microsoft.count('token'), 3, 'old, new, and new for Intune');
  });

  it('drops no call while calls are running', async () => {
    const client = microsoft.connect();
    const calls: Promise<unknown>[] = [];
    for (let call = 0; call < 50; call += 1) {
      calls.push(client.validateRequest(validation));
      if (call === 25) {
        client.replaceCredential(replacement);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await assert.doesNotReject(Promise.all(calls));
  });

  it('may be by a credential of another kind', async () => {
    const client = microsoft.connect();
    const expiresOnTimestamp = Date.now() + 3_600_000;
    client.replaceCredential({ getToken: async () => ({ token: 'from-elsewhere', expiresOnTimestamp }) });
    await client.validateRequest(validation);
    assert.equal(microsoft.last('service').headers['authorization'], 'Bearer from-elsewhere');
  });

  it('ends the wait after renewals that failed', async () => {
    let offsetMs = 0;
    const client = microsoft.connect({ now: () => new Date(Date.now() + offsetMs) });
    await client.validateRequest(validation);
    goodSecret = newSecret;
    offsetMs = 51 * minuteMs;
    await client.validateRequest(validation);
    await until(() => client.status().tokens.intune?.isRefreshFailing === true);
    client.replaceCredential(replacement);
    await client.validateRequest(validation);
    await until(() => microsoft.count('token') === 4);
  });

  it('refuses one that is unusable and keeps the old', async () => {
    const client = microsoft.connect();
    assert.throws(() => client.replaceCredential({ clientId, clientSecret: '' }), IntuneArgumentError);
    await assert.doesNotReject(client.validateRequest(validation));
  });

  it('by another bad one reports the refusal', async () => {
    goodSecret = 'none';
    const client = microsoft.connect();
    const call = rejection(client.validateRequest(validation));
    client.replaceCredential(replacement);
    const error = await call;
    assert.ok(error instanceof IntuneAuthenticationError);
    assert.equal(error.advice, entraCodes['AADSTS7000222']?.advice);
  });
});

describe('status', () => {
  it('tells circuits, ends of tokens and locations, and no secret', async (test) => {
    const microsoft = await Microsoft.start();
    test.after(() => microsoft.stop());
    const client = microsoft.connect({ now: () => new Date('2026-11-22T10:00:00Z') });
    const before = client.status();
    assert.deepEqual(before.tokens, {});
    assert.deepEqual(before.locations.hosts, {});
    assert.equal(before.isClosed, false);
    await client.validateRequest(validation);
    microsoft.answers.service = verdict('Unknown');
    const { circuits, tokens, locations } = client.status();
    assert.deepEqual(Object.keys(circuits), ['entra', 'graph', 'scep', 'pkiConnector']);
    assert.deepEqual(circuits.scep, { state: 'closed', failures: 0 });
    assert.ok(tokens.graph?.expiresAt instanceof Date && tokens.intune?.expiresAt instanceof Date);
    assert.deepEqual(locations.hosts, { ScepRequestValidationFEService: [new URL(microsoft.origin).host] });
    assert.doesNotMatch(JSON.stringify(client.status()), /CANARY/);
    await client.close();
    assert.equal(client.status().isClosed, true);
  });
});
