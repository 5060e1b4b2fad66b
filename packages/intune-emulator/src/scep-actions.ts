/**
 * Intune's `ScepRequestValidationFEService`: validateRequest, successNotification, failureNotification. What Intune
 * understands and refuses is HTTP 200 with a code; only what it cannot understand at all gets another status.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { recordFailure, recordIssued, recordValidation } from './certificate-states.ts';
import type { ChallengeAuthority } from './challenge.ts';
import { faultyCall } from './faulty-call.ts';
import type { Faults } from './faults.ts';
import { BodyError, intuneError, parseBody, readJson, refuseCaller, type IntuneOptions } from './intune-http.ts';
import {
  failureNotificationBody,
  failureRecord,
  successNotificationBody,
  successRecord,
  validateRequestBody,
} from './notifications.ts';
import { requestIdHeaders, requestIdsOf, type RequestIds } from './request-ids.ts';
import { isServedHere, scepService } from './resources.ts';
import { ScepRejection } from './result-codes.ts';
import { readChallengedRequest, validate } from './validate.ts';

export interface ScepActionsOptions extends IntuneOptions {
  challenges: ChallengeAuthority;
  faults: Faults;
}

/** A request has a challenge of about 2,000 characters in it, and may have one of 8 KB. */
const maxActionBytes = 256 * 1024;

/** Does what an action is for. A refusal is thrown as {@link ScepRejection}. */
type Perform = (body: unknown, ids: RequestIds, options: ScepActionsOptions) => Promise<void>;

const actions: Readonly<Record<(typeof scepService.operations)[number], Perform>> = {
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
  for (const operation of scepService.operations) {
    app.post(`${scepService.anyPath}/ScepActions/${operation}`, limit, (context) => {
      const request = context.req.raw;
      if (!isServedHere(scepService, request, options.faults)) return context.notFound();
      return options.faults.answer(operation, faultyCall(context), {
        normal: () => answerAction(request, actions[operation], options),
        code: (code, description) => resultResponse(code, description, requestIdsOf(request, options.randomBytes)),
        error: (status, code, message) => intuneError(request, options, status, code, message),
      });
    });
  }
  return app;
}

async function answerAction(request: Request, perform: Perform, options: ScepActionsOptions): Promise<Response> {
  const refused = refuseCall(request, options);
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
function refuseCall(request: Request, options: ScepActionsOptions): Response | undefined {
  const refused = refuseCaller(request, options);
  if (refused !== undefined) return refused;
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

function resultResponse(code: string, errorDescription: string, ids: RequestIds): Response {
  const body = {
    '@odata.context': '$metadata#microsoft.management.services.api.scepActionResult',
    code,
    errorDescription,
  };
  return Response.json(body, { headers: requestIdHeaders(ids) });
}
