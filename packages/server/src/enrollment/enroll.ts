/**
 * The life of one request, numbered as in `docs/enrollment.md`. The process may die between any two lines: what that
 * leaves behind is said there, step by step.
 */
import { formatName } from '@scepter/x509';
import type { CertificateIssuer } from './issue.ts';
import { authorize } from './authorize.ts';
import type { AuthorizationParts, AuthorizedRequest } from './authorize.ts';
import type { Endpoint } from './endpoint.ts';
import type { FailureNotifier, SuccessNotifier } from './notify.ts';
import { checkPolicy } from './policy.ts';
import { describeRefusal, RefusalError } from './refusals.ts';
import type { SingleFlight } from './single-flight.ts';
import { errorCode, Trace } from './steps.ts';
import type { StepDetails, StepObserver } from './steps.ts';
import type { Enrollment, RequestIdentity, Store } from '../store/store.ts';
import { ownMemory } from '../workers/jobs.ts';
import type { CryptoWorkers, OpenedRequest, ReplyAddress, ReplyContent } from '../workers/jobs.ts';
import { WorkerError } from '../workers/worker-error.ts';

export interface EnrollmentParts extends AuthorizationParts {
  readonly store: Store;
  readonly workers: CryptoWorkers;
  readonly issuer: CertificateIssuer;
  readonly notifier: SuccessNotifier & FailureNotifier;
  readonly singleFlight: SingleFlight<Uint8Array>;
  readonly onStep: StepObserver;
  /** Hears of errors that are nobody's refusal. */
  readonly onUnexpectedError: (error: unknown, context: { endpoint: string; transactionId: string }) => void;
}

/** A CertRep, or what stands in its place where no reply can be addressed or made. */
export type EnrollmentReply =
  | { readonly kind: 'reply'; readonly message: Uint8Array }
  | { readonly kind: 'undecodable'; readonly reason: string }
  /** No worker could read the request or seal the reply. The device may ask again. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** From the bytes of a pkiMessage to the bytes of its CertRep. */
export async function enroll(
  message: Uint8Array,
  endpoint: Endpoint,
  parts: EnrollmentParts,
): Promise<EnrollmentReply> {
  try {
    return await answer(message, endpoint, parts);
  } catch (error) {
    if (error instanceof WorkerError) return { kind: 'unavailable', reason: error.code };
    throw error;
  }
}

async function answer(message: Uint8Array, endpoint: Endpoint, parts: EnrollmentParts): Promise<EnrollmentReply> {
  // 1. Decode, and 2. Open, in one visit of a worker.
  const read = await parts.workers.run('read', { message: ownMemory(message), floor: endpoint.algorithms });
  if (read.kind === 'undecodable') return read;
  const address = read.kind === 'opened' ? read.request.address : read.address;
  const trace = new Trace(endpoint.name, address.transactionId, parts.onStep);
  if (read.kind === 'refused') {
    trace.refused(read.step, read.durationsMs.decode + read.durationsMs.open, read.problem, read.reason);
    return refuse(new RefusalError(read.problem), address, trace, parts);
  }
  trace.passed('decode', read.durationsMs.decode);
  trace.passed('open', read.durationsMs.open, { subject: read.request.subject });

  const identity = identityOf(read.request, endpoint);
  let certificate: Uint8Array;
  try {
    certificate = await parts.singleFlight.run(
      JSON.stringify(identity),
      () => obtainCertificate(identity, read.request, endpoint, trace, parts),
      () => trace.passed('recall', 0, { reason: 'joined the same request, which is under way' }),
    );
  } catch (error) {
    return refuse(asRefusal(error, endpoint, address, parts), address, trace, parts);
  }
  // 9. Reply, freshly signed and under the nonce of this very message.
  return reply(address, { status: 'success', certificate }, trace, parts);
}

/** Steps 3 to 8: the certificate that this request may have. */
async function obtainCertificate(
  identity: RequestIdentity,
  request: OpenedRequest,
  endpoint: Endpoint,
  trace: Trace,
  parts: EnrollmentParts,
): Promise<Uint8Array> {
  // 3. Recall.
  const earlier = await trace.step('recall', () => recall(identity, parts), serialNumberOf);
  if (earlier !== undefined) {
    if (earlier.state === 'withheld') await release(earlier.serialNumber, request, endpoint, trace, parts);
    return earlier.certificate;
  }

  // 4. Authorize.
  const authorized = await trace.step(
    'authorize',
    () => authorize(identity, request, endpoint, parts),
    ({ authorization }) => (authorization.kind === 'intune' ? { activityId: authorization.activityId } : {}),
  );
  const { serialNumber, certificate } = await issue(authorized, request, endpoint, trace, parts);

  // 8. Tell Intune, and release.
  if (authorized.authorization.kind === 'intune') await release(serialNumber, request, endpoint, trace, parts);
  return certificate;
}

/** Steps 5 to 7: from a yes to a stored certificate. */
async function issue(
  authorized: AuthorizedRequest,
  request: OpenedRequest,
  endpoint: Endpoint,
  trace: Trace,
  parts: EnrollmentParts,
): Promise<{ serialNumber: string; certificate: Uint8Array }> {
  try {
    // 5. Check policy.
    const contents = await trace.step(
      'check-policy',
      () => checkPolicy(authorized, parts.issuer.policyContext(endpoint)),
      ({ subject }) => ({ subject: formatName(subject) }),
    );
    // 6. Record the intent.
    const intent = await trace.step(
      'record-intent',
      () => parts.issuer.recordIntent(authorized, contents, request, endpoint),
      serialNumberOf,
    );
    // 7. Issue: sign, and store as withheld together with the notification.
    const certificate = await trace.step('sign', () => parts.issuer.sign(intent));
    await trace.step('store', () => parts.issuer.store(intent, certificate, request));
    return { serialNumber: intent.serialNumber, certificate };
  } catch (error) {
    const { authorization } = authorized;
    // What is no refusal may go well when the device asks again; if it never does, the intent's own report tells.
    if (error instanceof RefusalError && authorization.kind === 'intune') {
      await parts.notifier.queueFailure(request, endpoint.name, authorization.connection, error.code);
    }
    throw error;
  }
}

/** Step 3. The certificate that this very request was given before, if it was and may still leave. */
async function recall(
  identity: RequestIdentity,
  parts: EnrollmentParts,
): Promise<{ serialNumber: string; state: Enrollment['state']; certificate: Uint8Array } | undefined> {
  const earlier = await parts.store.findEnrollment(identity, parts.now());
  // An intent without a certificate is the trace of a crash: the request is answered from the beginning.
  if (earlier === undefined || earlier.state === 'intended') return undefined;
  const { serialNumber, state, certificate } = earlier;
  if (state === 'revoked' || certificate === undefined) throw new RefusalError('enrollment.revoked');
  return { serialNumber, state, certificate };
}

/** Step 8. Only Intune's acceptance lets a certificate go. */
async function release(
  serialNumber: string,
  request: OpenedRequest,
  endpoint: Endpoint,
  trace: Trace,
  parts: EnrollmentParts,
): Promise<void> {
  const accepted = await trace.step('tell-intune', () => parts.notifier.tellSuccess(serialNumber), activityIdOf);
  await trace.step(
    'release',
    async () => {
      const released = await parts.store.release(serialNumber, { at: parts.now(), activityId: accepted.activityId });
      if (released) return;
      // It was revoked meanwhile, for nobody had claimed it in time: the success that Intune now has is not true.
      await parts.notifier.queueFailure(request, endpoint.name, accepted.connection, 'enrollment.unclaimed');
      throw new RefusalError('enrollment.revoked');
    },
    () => ({ serialNumber }),
  );
}

async function reply(
  address: ReplyAddress,
  content: ReplyContent,
  trace: Trace,
  parts: EnrollmentParts,
  details: StepDetails = {},
): Promise<EnrollmentReply> {
  const message = await trace.step(
    'reply',
    () => parts.workers.run('reply', { address, content }),
    () => details,
  );
  return { kind: 'reply', message };
}

/** The one place where a refusal becomes an answer: the device learns the failInfo and nothing else. */
function refuse(
  { code }: RefusalError,
  address: ReplyAddress,
  trace: Trace,
  parts: EnrollmentParts,
): Promise<EnrollmentReply> {
  const { failInfo } = describeRefusal(code);
  return reply(address, { status: 'failure', failInfo }, trace, parts, { reason: `${failInfo}, ${code}` });
}

function asRefusal(error: unknown, endpoint: Endpoint, address: ReplyAddress, parts: EnrollmentParts): RefusalError {
  if (error instanceof RefusalError) return error;
  parts.onUnexpectedError(error, { endpoint: endpoint.name, transactionId: address.transactionId });
  return new RefusalError('server.internal', { reason: errorCode(error), cause: error });
}

function identityOf(request: OpenedRequest, endpoint: Endpoint): RequestIdentity {
  return {
    endpoint: endpoint.name,
    transactionId: request.address.transactionId,
    publicKeySha256: request.publicKeySha256,
    requestSha256: request.requestSha256,
  };
}

function serialNumberOf(from: { readonly serialNumber: string } | undefined): { serialNumber?: string } {
  return from === undefined ? {} : { serialNumber: from.serialNumber };
}

function activityIdOf({ activityId }: { readonly activityId?: string | undefined }): { activityId?: string } {
  return activityId === undefined ? {} : { activityId };
}
