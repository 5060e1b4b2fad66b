/** What every route of the admin API uses: who asks, what they sent, and the trace they leave. */
import { createMiddleware } from 'hono/factory';
import type { Context, MiddlewareHandler } from 'hono';
import type { HttpBindings } from '@hono/node-server';
import { z } from 'zod';
import { readBody } from '../exchange.ts';
import type { Administrator, Permission } from './administrators.ts';
import { AdminProblem } from './problem.ts';

/** One thing that an administrator did. Nothing in it is secret. */
export interface AdministrativeAction {
  /** Verb and noun: `create challenge`. */
  readonly action: string;
  /** Identifies what it was done to. */
  readonly target?: string;
  readonly endpoint?: string;
}

export interface AdminEnvironment {
  Bindings: HttpBindings;
  Variables: {
    administrator: Administrator;
    /** Writes to the log who did what. Each route that changes something calls it once, when it is done. */
    audit: (action: AdministrativeAction) => void;
  };
}

/** Beyond any honest request. */
const bodyLimits = { maximumBytes: 64 * 1024, minimumBytesPerSecond: 1024, patienceMs: 2000 };

export type AdminContext = Context<AdminEnvironment>;

/**
 * Lets only those on whose token has the permission.
 *
 * @example
 * routes.use(requirePermission('challenges'));
 */
export function requirePermission(permission: Permission): MiddlewareHandler<AdminEnvironment> {
  return createMiddleware<AdminEnvironment>(async (context, next) => {
    const { name, permissions } = context.var.administrator;
    if (permissions.includes(permission)) return next();
    throw new AdminProblem(
      'admin.forbidden',
      `The token "${name}" does not have the permission "${permission}" that this needs.`,
    );
  });
}

/**
 * The JSON body in the schema's form. No body at all is an empty object.
 *
 * @throws AdminProblem 400, 408, 413, 415 or 422
 */
export async function readJsonBody<Schema extends z.ZodType>(
  context: AdminContext,
  schema: Schema,
): Promise<z.output<Schema>> {
  // Straight from the socket, so that nothing beyond the limit is ever kept.
  const read = await readBody(context.env.incoming, bodyLimits);
  const headers = { connection: 'close' };
  if (read.kind === 'too-slow') throw new AdminProblem('admin.too_slow', 'The body came too slowly.', { headers });
  if (read.kind === 'too-large') {
    throw new AdminProblem('admin.too_large', `A body has at most ${bodyLimits.maximumBytes} bytes.`, { headers });
  }
  const text = decodeText(read.body);
  if (text !== '' && !/^application\/json *(;|$)/i.test(context.req.header('content-type') ?? '')) {
    throw new AdminProblem('admin.not_json_type', 'Send JSON, with Content-Type: application/json.');
  }
  return check(schema, text === '' ? {} : parseJson(text));
}

/**
 * The query's parameters in the schema's form; of a repeated one, the first.
 *
 * @throws AdminProblem 422
 */
export function readQuery<Schema extends z.ZodType>(context: AdminContext, schema: Schema): z.output<Schema> {
  return check(schema, context.req.query());
}

/** The name of an endpoint. */
export const endpointName = z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be the name of an endpoint');

/** Text of one line, without control characters: it is shown on terminals. */
export function lineOf(maximum: number): z.ZodString {
  const pattern = new RegExp(`^[^\\p{C}]{1,${maximum}}$`, 'u');
  return z.string().regex(pattern, `must be one line of up to ${maximum} characters`);
}

/** RFC 8259 8.1: JSON is UTF-8; what is not must not become other names by replacement characters. */
function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new AdminProblem('admin.not_json', 'The body is not UTF-8.');
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AdminProblem('admin.not_json', 'The body is not JSON.');
  }
}

function missing({ code, input }: z.core.$ZodRawIssue): string | undefined {
  return code === 'invalid_type' && input === undefined ? 'is missing' : undefined;
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value, { error: missing });
  if (result.success) return result.data;
  const invalid = result.error.issues.slice(0, 10).map(({ path, message }) => ({ path: path.join('.'), message }));
  const sentences = invalid.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  throw new AdminProblem('admin.invalid', `${sentences.join('; ')}.`, { invalid });
}
