/**
 * Intune's `PkiConnectorFEService`: a CA downloads the revocation requests that are meant for it and uploads how each
 * of them ended.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { recordRevocation } from './certificate-states.ts';
import { faultyCall } from './faulty-call.ts';
import { withRetryAfter, type Faults } from './faults.ts';
import { BodyError, intuneError, parseBody, readJson, refuseCaller, type IntuneOptions } from './intune-http.ts';
import { requestIdHeaders, requestIdsOf } from './request-ids.ts';
import { isServedHere, pkiConnectorService } from './resources.ts';
import {
  revocationErrorCodes,
  revocationErrorNames,
  type Revocation,
  type RevocationErrorName,
} from './revocation-types.ts';
import type { ResultProblem, RevocationResult } from './revocations.ts';

export interface PkiConnectorOptions extends IntuneOptions {
  faults: Faults;
}

/** The only version that this service has been seen with. */
const apiVersion = '5019-05-05';

/** 500 results with a message each. */
const maxBytes = 1024 * 1024;

const maxRequests = 500;

type Operation = (typeof pkiConnectorService.operations)[number];
type Perform = (body: unknown, options: PkiConnectorOptions) => Promise<object>;

const operations: Readonly<Record<Operation, Perform>> = { downloadRevocationRequests, uploadRevocationResults };

export function pkiConnectorApp(options: PkiConnectorOptions): Hono {
  const app = new Hono();
  const limit = bodyLimit({
    maxSize: maxBytes,
    onError: (context) => intuneError(context.req.raw, options, 413, 'PayloadTooLarge', 'The request is too large.'),
  });
  for (const operation of pkiConnectorService.operations) {
    app.post(`${pkiConnectorService.anyPath}/CertificateAuthorityRequests/${operation}`, limit, (context) => {
      const request = context.req.raw;
      if (!isServedHere(pkiConnectorService, request, options.faults)) return context.notFound();
      return options.faults.answer(operation, faultyCall(context), {
        normal: () => answer(request, operations[operation], options),
        code: (code, description) => intuneError(request, options, 400, code, description),
        error: (status, code, message) => intuneError(request, options, status, code, message),
      });
    });
  }
  return app;
}

async function answer(request: Request, perform: Perform, options: PkiConnectorOptions): Promise<Response> {
  const refused = refuseCaller(request, options);
  if (refused !== undefined) return refused;
  if (request.headers.get('api-version') !== apiVersion) {
    return intuneError(request, options, 400, 'BadRequest', `The api-version header must be ${apiVersion}.`);
  }
  try {
    const body = await perform(await readJson(request), options);
    return Response.json(body, { headers: requestIdHeaders(requestIdsOf(request, options.randomBytes)) });
  } catch (error) {
    if (error instanceof BodyError) return intuneError(request, options, 400, 'BadRequest', error.message);
    if (error instanceof CoolDownError) {
      const refusal = intuneError(request, options, 429, 'TooManyRequests', error.message);
      return withRetryAfter(refusal, String(error.retryAfterSeconds));
    }
    throw error;
  }
}

/** The application has downloaded less than the cool-down ago. */
class CoolDownError extends Error {
  override readonly name = 'CoolDownError';
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('Revocation requests were downloaded a short time ago. Wait before the next download.');
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const downloadBody = z.object({
  downloadParameters: z.object({
    maxRequests: z.number().int().min(1).max(maxRequests),
    issuerName: z.string().max(256).nullish(),
  }),
});

async function downloadRevocationRequests(body: unknown, options: PkiConnectorOptions): Promise<object> {
  const { downloadParameters } = parseBody(downloadBody, body);
  const { records } = options;
  const now = options.now();
  const waitMs = records.revocations.coolDownMs(now);
  if (waitMs > 0) {
    if (records.revocations.settings.coolDownAnswer === 'emptyList') return requestList([]);
    throw new CoolDownError(Math.ceil(waitMs / 1000));
  }
  const filter = downloadParameters.issuerName || undefined;
  const requests = records.revocations.download(downloadParameters.maxRequests, filter, now);
  await records.save();
  return requestList(requests);
}

function requestList(requests: readonly Revocation[]): object {
  return {
    '@odata.context': '$metadata#Collection(microsoft.management.services.api.caRevocationRequest)',
    value: requests.map(({ requestContext, serialNumber, issuerName, caConfiguration }) => ({
      requestContext,
      serialNumber,
      issuerName,
      caConfiguration,
    })),
  };
}

/** A name, or its number as text (Java and its descendants) or as a number; absent or null: no error. */
const errorCode = z
  .union([z.enum(revocationErrorNames), z.string().regex(/^\d{1,5}$/u), z.number().int()])
  .nullish()
  .transform((value, context): RevocationErrorName => {
    const name = revocationErrorNames.find((known) => value === known || errorNumber(known) === Number(value ?? 0));
    if (name !== undefined) return name;
    context.addIssue({ code: 'custom', message: 'is not an error code of this service' });
    return z.NEVER;
  });

function errorNumber(name: RevocationErrorName): number {
  return revocationErrorCodes[name].number;
}

const uploadedResult = z
  .object({
    requestContext: z.string().min(1).max(1024),
    succeeded: z.boolean(),
    errorCode,
    errorMessage: z.string().max(4096).nullish(),
  })
  .refine((result) => result.succeeded === (result.errorCode === 'None'), {
    message: 'must be None for a success and another code for a failure',
    path: ['errorCode'],
  })
  .transform(({ requestContext, succeeded, errorCode: code, errorMessage }): RevocationResult =>
    succeeded
      ? { requestContext, succeeded }
      : { requestContext, succeeded, errorCode: code, errorMessage: errorMessage || undefined },
  );

const uploadBody = z.object({
  results: z
    .array(uploadedResult)
    .min(1)
    .max(maxRequests)
    .refine((results) => new Set(results.map(({ requestContext }) => requestContext)).size === results.length, {
      message: 'must have one result for each request',
    }),
});

const problemTexts: Readonly<Record<ResultProblem, string>> = {
  unknown: 'is of no request that was downloaded',
  conflict: 'was reported as revoked before',
};

/** All of the results are recorded, or none. */
async function uploadRevocationResults(body: unknown, options: PkiConnectorOptions): Promise<object> {
  const { results } = parseBody(uploadBody, body);
  const { records } = options;
  for (const [index, result] of results.entries()) {
    const problem = records.revocations.problemWith(result);
    if (problem !== undefined) throw new BodyError(`results.${index}.requestContext: ${problemTexts[problem]}`);
  }
  const now = options.now();
  for (const result of results) recordRevocation(records, records.revocations.answer(result, now), now);
  await records.save();
  return { '@odata.context': '$metadata#Edm.Boolean', value: true };
}
