/** What Intune's services have in common: who may call, how bodies are read, how HTTP errors look. */
import type { z } from 'zod';
import { tokenProblemTexts, type AccessTokens } from './access-tokens.ts';
import type { RandomBytes } from './identifiers.ts';
import { requestIdHeaders, requestIdsOf } from './request-ids.ts';
import { audienceOf, requiredRoles } from './resources.ts';
import type { EmulatorRecords } from './state.ts';

export interface IntuneOptions {
  records: EmulatorRecords;
  tokens: AccessTokens;
  now: () => Date;
  randomBytes: RandomBytes;
}

/** The answer to a caller whose token does not let him in. */
export function refuseCaller(request: Request, options: IntuneOptions): Response | undefined {
  const { origin } = new URL(request.url);
  const problem = options.tokens.problemWith(
    request.headers.get('authorization'),
    options.records.tenant,
    (audience) => audienceOf(audience, origin) === 'intune',
    requiredRoles.intune,
  );
  if (problem === undefined) return undefined;
  if (problem === 'role') {
    const message = `The application does not have the role ${requiredRoles.intune}.`;
    return intuneError(request, options, 403, 'Forbidden', message);
  }
  return intuneError(request, options, 401, 'Unauthorized', tokenProblemTexts[problem]);
}

/** The body of a request is not what the action takes. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
}

/** @throws BodyError */
export async function readJson(request: Request): Promise<unknown> {
  if (!/^application\/json\b/iu.test(request.headers.get('content-type') ?? '')) {
    throw new BodyError('The content type must be application/json.');
  }
  const text = await request.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new BodyError('The request body is not JSON.');
  }
}

/** @throws BodyError */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  throw new BodyError(problems.slice(0, 5).join('; '));
}

/** Intune's own form of an HTTP error: JSON as text inside the `message` of a JSON error. */
export function intuneError(
  request: Request,
  options: Pick<IntuneOptions, 'now' | 'randomBytes'>,
  status: number,
  code: string,
  message: string,
): Response {
  const ids = requestIdsOf(request, options.randomBytes);
  const inner = {
    _version: 3,
    Message: `${message} - Operation ID (for customer support): ${ids.requestId} - Activity ID: ${ids.activityId}`,
    CustomApiErrorPhrase: '',
    RetryAfter: null,
    ErrorSourceService: '',
    HttpHeaders: '{}',
  };
  const innerError = {
    date: options.now().toISOString().slice(0, 19),
    'request-id': ids.requestId,
    'client-request-id': ids.activityId,
  };
  const error = { code, message: JSON.stringify(inner, undefined, 2).replaceAll('\n', '\r\n'), innerError };
  return Response.json({ error }, { status, headers: requestIdHeaders(ids) });
}
