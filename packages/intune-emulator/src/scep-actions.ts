/**
 * Intune's `ScepRequestValidationFEService`: validateRequest, successNotification, failureNotification. What Intune
 * understands and refuses is HTTP 200 with a code; only what it cannot understand at all gets another status.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { z } from 'zod';
import { tokenProblemTexts, type AccessTokens } from './access-tokens.ts';
import { recordFailure, recordIssued, recordValidation } from './certificate-states.ts';
import type { ChallengeAuthority } from './challenge.ts';
import type { FaultOperation } from './control-types.ts';
import type { Faults } from './faults.ts';
import type { RandomBytes } from './identifiers.ts';
import {
  failureNotificationBody,
  failureRecord,
  successNotificationBody,
  successRecord,
  validateRequestBody,
} from './notifications.ts';
import { requestIdHeaders, requestIdsOf, type RequestIds } from './request-ids.ts';
import { audienceOf, requiredRoles, scepServicePath } from './resources.ts';
import { ScepRejection } from './result-codes.ts';
import type { EmulatorRecords } from './state.ts';
import { readChallengedRequest, validate } from './validate.ts';

export interface ScepActionsOptions {
  records: EmulatorRecords;
  challenges: ChallengeAuthority;
  tokens: AccessTokens;
  faults: Faults;
  now: () => Date;
  randomBytes: RandomBytes;
}

/** A request has a challenge of about 2,000 characters in it, and may have one of 8 KB. */
const maxActionBytes = 256 * 1024;

/** Does what an action is for. A refusal is thrown as {@link ScepRejection}. */
type Perform = (body: unknown, ids: RequestIds, options: ScepActionsOptions) => Promise<void>;

const actions: Readonly<Record<Exclude<FaultOperation, 'token' | 'discovery'>, Perform>> = {
  validateRequest,
  successNotification,
  failureNotification,
};

export function scepActionsApp(options: ScepActionsOptions): Hono {
  const app = new Hono();
  const limit = bodyLimit({
    maxSize: maxActionBytes,
    onError: (context) => intuneError(context.req.raw, options, 413, 'PayloadTooLarge', 'The request is too large.'),
  });
  for (const [name, perform] of Object.entries(actions)) {
    const operation = name as keyof typeof actions;
    app.post(`${scepServicePath}/ScepActions/${operation}`, limit, (context) =>
      options.faults.answer(
        operation,
        context.req.raw,
        () => answerAction(context.req.raw, perform, options),
        (code, description) => resultResponse(code, description, requestIdsOf(context.req.raw, options.randomBytes)),
      ),
    );
  }
  return app;
}

async function answerAction(request: Request, perform: Perform, options: ScepActionsOptions): Promise<Response> {
  const refused = refuseCaller(request, options);
  if (refused !== undefined) return refused;
  const ids = requestIdsOf(request, options.randomBytes);
  try {
    await perform(await readJson(request), ids, options);
    return resultResponse('Success', '', ids);
  } catch (error) {
    if (error instanceof ScepRejection) return resultResponse(error.code, error.message, ids);
    if (error instanceof BodyError) return intuneError(request, options, 400, 'BadRequest', error.message);
    throw error;
  }
}

/** The answer to a caller who may not call, or not like this. */
function refuseCaller(request: Request, options: ScepActionsOptions): Response | undefined {
  const { origin } = new URL(request.url);
  const problem = options.tokens.problemWith(
    request.headers.get('authorization'),
    options.records.tenant,
    (audience) => audienceOf(audience, origin) === 'intune',
    requiredRoles.intune,
  );
  if (problem === 'role') {
    const message = `The application does not have the role ${requiredRoles.intune}.`;
    return intuneError(request, options, 403, 'Forbidden', message);
  }
  if (problem !== undefined) {
    return intuneError(request, options, 401, 'Unauthorized', tokenProblemTexts[problem]);
  }
  if (/^\d{4}-\d{2}-\d{2}$/u.test(request.headers.get('api-version') ?? '')) return undefined;
  return intuneError(request, options, 400, 'BadRequest', 'The api-version header is missing or not a date.');
}

async function validateRequest(body: unknown, _ids: RequestIds, options: ScepActionsOptions): Promise<void> {
  const { request: sent } = parseBody(validateRequestBody, body);
  const { records } = options;
  const now = options.now();
  const challenged = readChallengedRequest(sent.certificateRequest, options.challenges);
  const rejection = validate({ ...challenged, records, now });
  if (recordValidation(records, challenged.expected.certificateRequestId, rejection, now)) await records.save();
  if (rejection !== undefined) throw rejection;
}

async function successNotification(body: unknown, ids: RequestIds, options: ScepActionsOptions): Promise<void> {
  const { notification: sent } = parseBody(successNotificationBody, body);
  const { records } = options;
  const { expected } = readChallengedRequest(sent.certificateRequest, options.challenges);
  const { certificateRequestId } = expected;
  const record = successRecord(sent, { certificateRequestId, activityId: ids.activityId, now: options.now() });
  if (records.receiveNotification(record)) recordIssued(records, record);
  await records.save();
}

async function failureNotification(body: unknown, ids: RequestIds, options: ScepActionsOptions): Promise<void> {
  const { notification: sent } = parseBody(failureNotificationBody, body);
  const { records } = options;
  const { expected } = readChallengedRequest(sent.certificateRequest, options.challenges);
  const { certificateRequestId } = expected;
  const record = failureRecord(sent, { certificateRequestId, activityId: ids.activityId, now: options.now() });
  if (records.receiveNotification(record)) recordFailure(records, record);
  await records.save();
}

/** The body of a request is not what the action takes. */
class BodyError extends Error {
  override readonly name = 'BodyError';
}

async function readJson(request: Request): Promise<unknown> {
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

function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  throw new BodyError(problems.slice(0, 5).join('; '));
}

function resultResponse(code: string, errorDescription: string, ids: RequestIds): Response {
  const body = {
    '@odata.context': '$metadata#microsoft.management.services.api.scepActionResult',
    code,
    errorDescription,
  };
  return Response.json(body, { headers: requestIdHeaders(ids) });
}

/** Intune's own form of an HTTP error: JSON as text inside the `message` of a JSON error. */
export function intuneError(
  request: Request,
  options: Pick<ScepActionsOptions, 'now' | 'randomBytes'>,
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
