/** A thousand devices come at once, to a server that has just started. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { IntuneEvent } from '../../src/index.ts';
import { Desk, issued } from './desk.ts';

describe('many concurrent calls', () => {
  let desk: Desk;
  before(async () => {
    desk = await Desk.start();
    await desk.request();
  });
  after(() => desk.stop());
  afterEach(() => desk.tidy());

  for (const [many, way] of [
    [1000, 'directly'],
    [200, 'through a proxy'],
  ] as const) {
    it(`share one token request for each service and one discovery: ${many} first calls, ${way}`, async () => {
      // The verdict is not what this is about, and costs the emulator more than anything else here.
      await desk.setFault('validateRequest', { kind: 'code', code: 'Success' });
      const request = await desk.request();
      const client = desk.connect({ timeoutMs: 30_000, attemptTimeoutMs: 30_000 }, way);
      const results = await Promise.all(Array.from({ length: many }, () => client.validateRequest(request)));
      assert.deepEqual(desk.traffic.counts(), { token: 2, discovery: 1, validateRequest: many });
      assert.equal(new Set(results.map(({ activityId }) => activityId)).size, many);
      assert.ok(desk.traffic.connections <= 65, `${desk.traffic.connections} connections`);
    });
  }

  it('never mix up their activity ids and tokens', async () => {
    const request = await desk.request();
    await desk.setFault('validateRequest', { kind: 'code', code: 'Success' });
    const client = desk.connect({ timeoutMs: 30_000, attemptTimeoutMs: 30_000 });
    const sent = { validateRequest: new Set<string>(), successNotification: new Set<string>() };
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const isValidation = index % 2 === 0;
        const { activityId } = await (isValidation
          ? client.validateRequest(request)
          : client.notifySuccess({ ...request, ...issued }));
        sent[isValidation ? 'validateRequest' : 'successNotification'].add(activityId);
      }),
    );
    for (const [operation, activityIds] of Object.entries(sent) as [keyof typeof sent, Set<string>][]) {
      const arrived = desk.traffic.of(operation).map(({ headers }) => headers['client-request-id']);
      assert.deepEqual(new Set(arrived), activityIds);
      assert.equal(arrived.length, 50);
    }
    const graphTokens = desk.traffic.of('discovery').map(({ headers }) => headers.authorization);
    const intuneTokens = desk.traffic
      .of('validateRequest')
      .concat(desk.traffic.of('successNotification'))
      .map(({ headers }) => headers.authorization);
    assert.equal(new Set(intuneTokens).size, 1);
    assert.ok(!intuneTokens.includes(graphTokens[0]));
  });

  it('all fail with the same reason when nobody can sign in, and ask Entra once', async () => {
    const request = await desk.request();
    const { clientId } = desk.connection;
    const client = desk.connect({ credential: { clientId, clientSecret: 'CANARY-wrong-secret' } });
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => client.validateRequest(request)));
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'none'));
    assert.deepEqual(new Set(codes), new Set(['intune.authentication']));
    assert.deepEqual(desk.traffic.counts(), { token: 1 });
  });

  it('go on while tokens and addresses are renewed in the background', async () => {
    let aheadMs = 0;
    const events: IntuneEvent[] = [];
    const client = desk.connect({
      now: () => new Date(Date.now() + aheadMs),
      locationLifetimeMs: 600_000,
      onEvent: (event) => events.push(event),
    });
    const request = await desk.request();
    await client.validateRequest(request);
    desk.traffic.clear();
    events.length = 0;
    // Ten minutes before their end tokens are renewed; until then they serve. Sign-in takes its time.
    aheadMs = 52 * 60_000;
    await desk.setFault('token', { kind: 'slowHeaders', delayMs: 300 });
    await client.validateRequest(request);
    assert.equal(events.filter(({ type }) => type === 'token').length, 0, 'The call waited for the new token');
    while (events.filter(({ type }) => type === 'token').length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const renewed = events.filter((event) => event.type === 'token');
    assert.deepEqual(new Set(renewed.map(({ background }) => background)), new Set([true]));
    await client.validateRequest(request);
    assert.equal(new Set(desk.traffic.of('validateRequest').map(({ headers }) => headers.authorization)).size, 2);
  });
});
