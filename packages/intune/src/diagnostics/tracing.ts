import { IntuneError } from '../errors.ts';

type Attributes = Readonly<Record<string, string | number>>;

/**
 * What is used of `@opentelemetry/api`. Written out, because the declarations of this package must be complete where
 * that package is absent.
 */
export interface OpenTelemetry {
  readonly SpanKind: { readonly CLIENT: number };
  readonly SpanStatusCode: { readonly ERROR: number };
  readonly ROOT_CONTEXT: object;
  readonly trace: {
    getTracer(name: string): Tracer;
    setSpan(context: object, span: Span): object;
  };
  readonly context: {
    active(): object;
    with<T>(context: object, work: () => T): T;
  };
}

interface Tracer {
  startSpan(name: string, options: { kind: number; attributes: Attributes }): Span;
}

interface Span {
  setAttributes(attributes: Attributes): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

/** What of a span the client fills in while it runs. */
export interface OpenSpan {
  setAttributes(attributes: Attributes): void;
}

const silent: OpenSpan = { setAttributes() {} };

/**
 * OpenTelemetry spans, when the application has `@opentelemetry/api`; it is an optional peer dependency and is looked
 * for once, at the first call. Names of attributes: OpenTelemetry semantic conventions for HTTP client spans.
 */
export class Tracing {
  readonly #load: () => Promise<OpenTelemetry>;
  #loading: Promise<void> | undefined;
  #found: { readonly api: OpenTelemetry; readonly tracer: Tracer } | undefined;

  constructor(load: () => Promise<OpenTelemetry> = async () => import('@opentelemetry/api')) {
    this.#load = load;
  }

  /** To be awaited before the first span. */
  async ready(): Promise<void> {
    this.#loading ??= this.#find();
    await this.#loading;
  }

  async #find(): Promise<void> {
    try {
      const api = await this.#load();
      this.#found = { api, tracer: api.trace.getTracer('@scepter/intune') };
    } catch {
      // The application has none: no spans.
    }
  }

  /**
   * Runs `work` within a CLIENT span that is the active one meanwhile.
   * @param errorType names a failure for `error.type`
   */
  async span<T>(
    name: string,
    attributes: Attributes,
    work: (span: OpenSpan) => Promise<T>,
    errorType: (error: unknown) => string,
  ): Promise<T> {
    if (this.#found === undefined) {
      return work(silent);
    }
    const { api, tracer } = this.#found;
    let span: Span | undefined;
    const open: OpenSpan = { setAttributes: (more) => quietly(() => span?.setAttributes(more)) };
    let outcome: Promise<T> | undefined;
    const begin = (): Promise<T> => (outcome ??= start(work, open));
    quietly(() => {
      span = tracer.startSpan(name, { kind: api.SpanKind.CLIENT, attributes });
      api.context.with(api.trace.setSpan(api.context.active(), span), () => void begin());
    });
    try {
      return await begin();
    } catch (error) {
      open.setAttributes({ 'error.type': errorType(error) });
      quietly(() => span?.setStatus({ code: api.SpanStatusCode.ERROR, ...messageOf(error) }));
      throw error;
    } finally {
      quietly(() => span?.end());
    }
  }

  /** Runs `work` outside of whichever span is active: what nobody waits for is no part of the call that noticed the need. */
  detached<T>(work: () => T): T {
    if (this.#found === undefined) {
      return work();
    }
    const { context, ROOT_CONTEXT } = this.#found.api;
    let done: { readonly result: T } | undefined;
    const begin = (): { readonly result: T } => (done ??= { result: work() });
    quietly(() => context.with(ROOT_CONTEXT, () => void begin()));
    return begin().result;
  }
}

/** Whatever is thrown becomes a rejection. */
async function start<T>(work: (span: OpenSpan) => Promise<T>, span: OpenSpan): Promise<T> {
  return work(span);
}

/** Tracing that fails, in an exporter or a processor of the application, must not fail the call. */
function quietly(trace: () => void): void {
  try {
    trace();
  } catch {
    // Nobody is there to be told.
  }
}

/** Messages of our errors hold no secret; those of others are not ours to publish. */
function messageOf(error: unknown): { message?: string } {
  return error instanceof IntuneError ? { message: error.message } : {};
}
