import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type ContextManager,
} from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Tracing, type OpenTelemetry } from '../../src/diagnostics/tracing.ts';
import { json, Microsoft, tenant, text, verdict } from '../microsoft.ts';
import { rejection, until, validation } from '../requests.ts';

/** The least that makes a context follow asynchronous code. */
class FollowingContext implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    work: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => work.apply(thisArg, args));
  }
  bind<T>(_context: Context, target: T): T {
    return target;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    return this;
  }
}

describe('OpenTelemetry spans', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  let microsoft: Microsoft;
  before(() => {
    context.setGlobalContextManager(new FollowingContext());
    trace.setGlobalTracerProvider(provider);
  });
  after(async () => {
    trace.disable();
    context.disable();
    await provider.shutdown();
  });
  beforeEach(async () => {
    exporter.reset();
    microsoft = await Microsoft.start();
  });
  afterEach(() => microsoft.stop());

  const spans = (): ReturnType<InMemorySpanExporter['getFinishedSpans']> => exporter.getFinishedSpans();
  const callSpan = (): ReturnType<typeof spans>[number] | undefined =>
    spans().find(({ name }) => name.startsWith('IntuneClient.'));

  it('are one of the call, within that of the caller, and one of each attempt within', async () => {
    const { activityId } = await trace.getTracer('test').startActiveSpan('enroll', async (span) =>
      microsoft
        .connect()
        .validateRequest(validation)
        .finally(() => span.end()),
    );
    const enroll = spans().find(({ name }) => name === 'enroll');
    const call = callSpan();
    assert.ok(call !== undefined && enroll !== undefined);
    assert.equal(call.name, 'IntuneClient.validateRequest');
    assert.equal(call.kind, SpanKind.CLIENT);
    assert.equal(call.parentSpanContext?.spanId, enroll.spanContext().spanId);
    assert.equal(call.attributes['scepter.intune.activity_id'], activityId);
    assert.equal(call.attributes['scepter.intune.transaction_id'], validation.transactionId);
    assert.equal(call.status.code, SpanStatusCode.UNSET);
    const attempts = spans().filter(({ parentSpanContext }) => parentSpanContext?.spanId === call.spanContext().spanId);
    assert.deepEqual(
      attempts.map(({ name, attributes }) => [name, attributes['scepter.intune.operation']]),
      [
        ['POST', 'token'],
        ['GET', 'discovery'],
        ['POST', 'token'],
        ['POST', 'validateRequest'],
      ],
    );
    const { hostname, port } = new URL(microsoft.origin);
    assert.deepEqual(attempts[0]?.attributes, {
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'server.address': hostname,
      'server.port': Number(port),
      'url.full': `${microsoft.origin}/${tenant}/oauth2/v2.0/token`,
      'scepter.intune.destination': 'entra',
      'scepter.intune.operation': 'token',
      'scepter.intune.activity_id': activityId,
    });
    assert.ok(attempts.every(({ kind }) => kind === SpanKind.CLIENT));
  });

  it('tell failures of attempts and of the call', async () => {
    microsoft.answerNext('service', text(503, ''));
    const client = microsoft.connect();
    await client.validateRequest(validation);
    const [first, second] = spans().filter(
      ({ name, attributes }) => name === 'POST' && attributes['scepter.intune.operation'] === 'validateRequest',
    );
    assert.equal(first?.attributes['error.type'], '503');
    assert.equal(first.attributes['http.response.status_code'], 503);
    assert.equal(first.attributes['http.request.resend_count'], undefined);
    assert.equal(second?.attributes['http.request.resend_count'], 1);
    exporter.reset();
    microsoft.answers.service = verdict('ChallengeExpired', 'too late');
    await rejection(client.validateRequest(validation));
    assert.equal(callSpan()?.attributes['error.type'], 'intune.rejected');
    assert.deepEqual(callSpan()?.status, {
      code: SpanStatusCode.ERROR,
      message: 'Intune answered ChallengeExpired: too late',
    });
  });

  it('of the attempt are the active ones during the exchange', async () => {
    const seen: (string | undefined)[] = [];
    const credential = {
      getToken: async () => {
        seen.push(trace.getActiveSpan()?.spanContext().spanId);
        return { token: 'x', expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    };
    await microsoft.connect({ credential }).validateRequest(validation);
    const id = callSpan()?.spanContext().spanId;
    assert.deepEqual(seen, [id, id]);
  });

  it('of a renewal in the background are no part of the call that noticed the need', async () => {
    let offsetMs = 0;
    const client = microsoft.connect({ now: () => new Date(Date.now() + offsetMs) });
    await client.validateRequest(validation);
    exporter.reset();
    offsetMs = 55 * 60_000;
    await client.validateRequest(validation);
    const renewal = (): ReturnType<typeof spans>[number] | undefined =>
      spans().find(({ attributes }) => attributes['scepter.intune.operation'] === 'token');
    await until(() => renewal() !== undefined);
    assert.equal(renewal()?.parentSpanContext, undefined);
  });

  it('hold no secret', async () => {
    microsoft.answerNext('service', (response, request) =>
      json(500, { error: { code: 'x', message: request.body } })(response, request, microsoft),
    );
    await microsoft.connect().validateRequest(validation);
    const shown = spans().map(({ name, attributes, status, events }) => ({ name, attributes, status, events }));
    assert.doesNotMatch(JSON.stringify(shown), /CANARY/);
  });
});

describe('without OpenTelemetry', () => {
  it('the API is looked for once, and work is done all the same', async () => {
    let looked = 0;
    const tracing = new Tracing(async () => {
      looked += 1;
      throw Object.assign(new Error("Cannot find package '@opentelemetry/api'"), { code: 'ERR_MODULE_NOT_FOUND' });
    });
    await Promise.all([tracing.ready(), tracing.ready()]);
    await tracing.ready();
    const result = await tracing.span('x', {}, async (span) => (span.setAttributes({ a: 1 }), 5), String);
    assert.equal(result, 5);
    assert.equal(
      tracing.detached(() => 6),
      6,
    );
    assert.equal(looked, 1);
  });
});

describe('OpenTelemetry that fails', () => {
  const fail = (): never => {
    throw new Error('The exporter is broken');
  };
  const span = { setAttributes: fail, setStatus: fail, end: fail };
  const whole: OpenTelemetry = {
    SpanKind: { CLIENT: 2 },
    SpanStatusCode: { ERROR: 2 },
    ROOT_CONTEXT: {},
    trace: { getTracer: () => ({ startSpan: () => span }), setSpan: () => ({}) },
    context: { active: () => ({}), with: (_context, work) => work() },
  };
  const rows: [name: string, api: OpenTelemetry][] = [
    ['in every method of a span', whole],
    ['when a span is to begin', { ...whole, trace: { ...whole.trace, getTracer: () => ({ startSpan: fail }) } }],
    ['when a tracer is asked for', { ...whole, trace: { ...whole.trace, getTracer: fail } }],
    ['before the work', { ...whole, context: { active: () => ({}), with: fail } }],
    ['after the work', { ...whole, context: { active: () => ({}), with: (_context, work) => (work(), fail()) } }],
    ['to do the work', { ...whole, context: { active: () => ({}), with: () => undefined as never } }],
  ];
  for (const [name, api] of rows) {
    it(`${name} costs the call nothing, and its work is done once`, async () => {
      const tracing = new Tracing(async () => api);
      await tracing.ready();
      let done = 0;
      const work = async (open: { setAttributes(attributes: Record<string, string>): void }): Promise<number> => {
        open.setAttributes({ 'http.request.method': 'GET' });
        return (done += 1);
      };
      assert.equal(await tracing.span('x', {}, work, String), 1);
      assert.equal(
        tracing.detached(() => (done += 1)),
        2,
      );
      const failure = new Error('its own');
      assert.equal(await rejection(tracing.span('x', {}, async () => Promise.reject(failure), String)), failure);
      assert.equal(done, 2);
    });
  }
});
