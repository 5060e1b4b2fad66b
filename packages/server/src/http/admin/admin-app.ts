/**
 * The admin API: every request is bounded, comes from a program and not from a web page, and carries a token; then comes
 * its route. What goes wrong is answered here, in one place.
 */
import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { AttemptLimiter } from '../../attempt-limiter.ts';
import type { Administrators } from './administrators.ts';
import type { AdminEnvironment, AdministrativeAction } from './exchange.ts';
import { AdminProblem, problemResponse } from './problem.ts';
import type { ProblemCode } from './problem.ts';

/** What the log is told. */
export interface AdminReports {
  administered(done: AdministrativeAction & { readonly actor: string; readonly address: string | undefined }): void;
  administrationRefused(refused: {
    readonly code: ProblemCode;
    readonly actor: string | undefined;
    readonly address: string | undefined;
  }): void;
  unexpected(message: string, error: unknown): void;
}

export interface AdminAppOptions {
  readonly administrators: Administrators;
  /** Of wrong tokens, by address. */
  readonly wrongTokens: AttemptLimiter;
  readonly reports: AdminReports;
  /** Groups of routes by the path that they begin with, such as `/api/challenges`. */
  readonly routes: readonly (readonly [path: string, routes: Hono<AdminEnvironment>])[];
}

export function createAdminApp(options: AdminAppOptions): Hono<AdminEnvironment> {
  const { reports } = options;
  const app = new Hono<AdminEnvironment>();
  app.use(neverCached);
  app.use(refuseBrowsers);
  app.use(identify(options));
  app.get('/api/health', (context) => {
    const { name, permissions } = context.var.administrator;
    return context.json({ status: 'ok', token: name, permissions });
  });
  for (const [path, routes] of options.routes) app.route(path, routes);
  app.notFound(() => problemResponse(new AdminProblem('admin.not_found', 'There is nothing at this path.')));
  app.onError((error, context) => {
    const problem = problemOf(error, context.env, reports);
    const actor = context.var.administrator?.name;
    // Whoever tries tokens is told of once, and must not fill the log.
    if (problem.code !== 'admin.too_many_attempts') {
      reports.administrationRefused({ code: problem.code, actor, address: addressOf(context.env) });
    }
    return problemResponse(problem);
  });
  return app;
}

const neverCached = createMiddleware(async (context, next) => {
  await next();
  context.res.headers.set('cache-control', 'no-store');
  context.res.headers.set('x-content-type-options', 'nosniff');
});

/** A page of anybody's that is open on this machine could reach a port of it; browsers say where a script is from. */
const refuseBrowsers = createMiddleware(async (context, next) => {
  if (context.req.header('origin') === undefined) return next();
  throw new AdminProblem('admin.browser', 'Requests with an Origin header, which web pages send, are refused.');
});

function identify({ administrators, wrongTokens, reports }: AdminAppOptions) {
  return createMiddleware<AdminEnvironment>(async (context, next) => {
    const address = addressOf(context.env);
    const administrator = administrators.identify(context.req.header('authorization'));
    if (administrator === undefined) throw unauthorized(wrongTokens, reports, address);
    context.set('administrator', administrator);
    context.set('audit', (action) => reports.administered({ ...action, actor: administrator.name, address }));
    return next();
  });
}

/** A right token is never kept out: tokens cannot be guessed, and everybody may come from one proxy's address. */
function unauthorized(wrongTokens: AttemptLimiter, reports: AdminReports, address: string | undefined): AdminProblem {
  if (wrongTokens.isOver(address ?? '')) {
    return new AdminProblem('admin.too_many_attempts', 'Too many requests without a valid token.', {
      headers: { 'retry-after': '60' },
    });
  }
  if (wrongTokens.count(address ?? '')) {
    reports.administrationRefused({ code: 'admin.too_many_attempts', actor: undefined, address });
  }
  return new AdminProblem('admin.unauthorized', 'Send a token of the configuration: Authorization: Bearer TOKEN.', {
    headers: { 'www-authenticate': 'Bearer' },
  });
}

function problemOf(error: unknown, { incoming }: AdminEnvironment['Bindings'], reports: AdminReports): AdminProblem {
  if (error instanceof AdminProblem) return error;
  // A caller that went away is no error of ours, and reads no answer.
  if (incoming.destroyed && !incoming.complete) return new AdminProblem('admin.too_slow', 'The body did not come.');
  reports.unexpected('An administrative request failed unexpectedly.', error);
  return new AdminProblem('admin.internal', 'Something failed here; the log tells what.');
}

function addressOf({ incoming }: AdminEnvironment['Bindings']): string | undefined {
  return incoming.socket.remoteAddress;
}
