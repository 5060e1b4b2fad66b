/**
 * The life of one request, numbered as in `docs/enrollment.md`. The process may die between any two lines: what that
 * leaves behind is said there, step by step.
 */
import { formatName } from '@scepter/x509';
import type { CertificateIssuer } from './issue.ts';
import { authorize } from './authorize.ts';
import { awaitApproval } from './await-approval.ts';
import type { AuthorizationParts, AuthorizedRequest } from './authorize.ts';
import type { Endpoint } from './endpoint.ts';
import type { IssuingAuthorities } from './issuing-authorities.ts';
import type { FailureNotifier, SuccessNotifier } from './notify.ts';
import { checkPolicy } from './policy.ts';
import { findPolled } from './polls.ts';
import { findCertificate, findCrl } from './queries.ts';
import { RefusalError } from './refusals.ts';
import { asRefusal, refuse, reply } from './replies.ts';
import type { EnrollmentReply, ReplyParts } from './replies.ts';
import { newSealedAnswer } from './sealed-answer.ts';
import type { Sender } from './sender.ts';
import type { SingleFlight } from './single-flight.ts';
import { Trace } from './steps.ts';
import type { StepDetails, StepObserver } from './steps.ts';
import type { Enrollment, GrantedAuthorization, RequestIdentity, Store } from '../store/store.ts';
import { ownMemory } from '../workers/jobs.ts';
import type { OpenedRequest, ReadResult, ReplyAddress, ReplyContent } from '../workers/jobs.ts';
import { WorkerError } from '../workers/worker-error.ts';

export interface EnrollmentParts extends AuthorizationParts, ReplyParts {
  readonly store: Store;
  readonly issuer: CertificateIssuer;
  readonly notifier: SuccessNotifier & FailureNotifier;
  readonly authorities: IssuingAuthorities;
  readonly singleFlight: SingleFlight<Uint8Array | undefined>;
  readonly onStep: StepObserver;
}

/** From the bytes of a pkiMessage to the bytes of its CertRep. */
export async function enroll(
  message: Uint8Array,
  endpoint: Endpoint,
  sender: Sender,
  parts: EnrollmentParts,
): Promise<EnrollmentReply> {
  try {
    return await answer(message, endpoint, sender, parts);
  } catch (error) {
    if (error instanceof WorkerError) return { kind: 'unavailable', reason: error.code };
    throw error;
  }
}

async function answer(
  message: Uint8Array,
  endpoint: Endpoint,
  sender: Sender,
  parts: EnrollmentParts,
): Promise<EnrollmentReply> {
  const sealedAnswer = newSealedAnswer();
  // 1. Decode, and 2. Open, in one visit of a worker.
  const read = await parts.workers.run('read', { message: ownMemory(message), floor: endpoint.algorithms });
  if (read.kind === 'undecodable') return read;
  const { address } = read.kind === 'refused' ? read : read.request;
  const trace = new Trace({ endpoint: endpoint.name, transactionId: address.transactionId, ...sender }, parts.onStep);
  if (read.kind === 'refused') {
    trace.refused(read.step, read.durationsMs.decode + read.durationsMs.open, read.problem, read.reason);
    if (read.problem === 'message.sealed_content') await sealedAnswer();
    return refuse(new RefusalError(read.problem), address, trace, parts);
  }
  trace.passed('decode', read.durationsMs.decode);
  trace.passed('open', read.durationsMs.open, read.kind === 'opened' ? { subject: read.request.subject } : {});
  let answered: Answered;
  try {
    answered = await follow(read, { endpoint, sender, trace, parts });
  } catch (error) {
    // A query that names nothing of ours may be an envelope that somebody else sealed, tried out as a query.
    if (read.kind === 'get-cert' || read.kind === 'get-crl') await sealedAnswer();
    return refuse(asRefusal(error, endpoint.name, address, parts), address, trace, parts);
  }
  // 9. Reply, freshly signed and under the nonce of this very message.
  return reply(answered.address, answered.content, trace, parts, answered.details);
}

/** What a story ends with, and whom it is sent to. */
interface Answered {
  readonly address: ReplyAddress;
  readonly content: ReplyContent;
  readonly details?: StepDetails;
}

interface Surroundings {
  readonly endpoint: Endpoint;
  readonly sender: Sender;
  readonly trace: Trace;
  readonly parts: EnrollmentParts;
}

/** Each kind of message has a story of its own. @throws RefusalError */
async function follow(read: Extract<ReadResult, { request: unknown }>, surroundings: Surroundings): Promise<Answered> {
  const { endpoint, trace, parts } = surroundings;
  switch (read.kind) {
    case 'opened':
      return answerRequest(read.request, surroundings);
    case 'poll': {
      const polled = await trace.step(
        'poll',
        () => findPolled(read.request, endpoint, parts),
        (found) => (found.kind === 'issued' ? serialNumberOf(found) : { reason: found.kind }),
      );
      // Approved: the request goes on where it waited, and the poll gets what it comes to.
      if (polled.kind === 'approved') return answerRequest(polled.request, surroundings);
      const { address } = read.request;
      if (polled.kind === 'pending') return { address, content: { status: 'pending' }, details: pendingDetails };
      refuseUnlessSealable(address);
      return { address, content: success(polled.certificate, endpoint) };
    }
    case 'get-cert': {
      const found = await trace.step('get-cert', () => findCertificate(read.request, endpoint, parts), serialNumberOf);
      return { address: read.request.address, content: success(found.certificate, endpoint) };
    }
    case 'get-crl': {
      const crl = await trace.step('get-crl', () => findCrl(read.request, parts));
      const content = { status: 'success', certificate: undefined, withIssuer: false, crl } as const;
      return { address: read.request.address, content };
    }
  }
}

/** A request for a certificate: steps 3 to 8, once for all who send it at the same time. */
async function answerRequest(request: OpenedRequest, surroundings: Surroundings): Promise<Answered> {
  const { endpoint, trace, parts } = surroundings;
  const { address } = request;
  refuseUnlessSealable(address);
  const identity = identityOf(request, endpoint);
  const certificate = await parts.singleFlight.run(
    JSON.stringify(identity),
    () => obtainCertificate(identity, request, surroundings),
    () => trace.passed('recall', 0, { reason: 'joined the same request, which is under way' }),
  );
  if (certificate === undefined) return { address, content: { status: 'pending' }, details: pendingDetails };
  return { address, content: success(certificate, endpoint) };
}

/** Before anything is issued. A poll for what is issued long since has no challenge with it to be answered under. */
function refuseUnlessSealable({ recipient }: ReplyAddress): void {
  if (recipient.kind === 'nobody') throw new RefusalError('message.recipient_key');
}

const pendingDetails: StepDetails = { reason: 'waits for approval' };

function success(certificate: Uint8Array, { replyCertificates }: Endpoint): ReplyContent {
  return { status: 'success', certificate, withIssuer: replyCertificates === 'chain', crl: undefined };
}

/** Steps 3 to 8: the certificate that this request may have; undefined while it waits for a person's decision. */
async function obtainCertificate(
  identity: RequestIdentity,
  request: OpenedRequest,
  { endpoint, sender, trace, parts }: Surroundings,
): Promise<Uint8Array | undefined> {
  // 3. Recall.
  const earlier = await trace.step('recall', () => recall(identity, parts), serialNumberOf);
  if (earlier !== undefined) {
    if (earlier.state === 'withheld') await release(earlier.serialNumber, request, endpoint, trace, parts);
    return earlier.certificate;
  }

  // 4. Authorize.
  const authorized = await trace.step(
    'authorize',
    () => authorize(identity, request, endpoint, sender, parts),
    ({ authorization }) => detailsOf(authorization),
  );
  if (authorized.authorization === undefined) {
    await trace.step('await-approval', () => awaitApproval(authorized, request, endpoint, sender, parts));
    return undefined;
  }
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
  const place = { endpoint, authority: parts.authorities.issuerFor(request.address.authority) };
  try {
    // 5. Check policy.
    const contents = await trace.step(
      'check-policy',
      () => checkPolicy(authorized, parts.issuer.policyContext(place)),
      ({ subject }) => ({ subject: formatName(subject) }),
    );
    // 6. Record the intent.
    const intent = await trace.step(
      'record-intent',
      () => parts.issuer.recordIntent(authorized, contents, request, place),
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

/** What a yes can be followed by: in Intune's portal, or to the challenge that it rests on. */
function detailsOf(authorization: GrantedAuthorization | undefined): StepDetails {
  if (authorization?.kind === 'intune') return { activityId: authorization.activityId };
  const use = authorization !== undefined && 'challengeUse' in authorization ? authorization.challengeUse : undefined;
  return use?.kind === 'issued' ? { reason: `challenge ${use.id}` } : {};
}

function activityIdOf({ activityId }: { readonly activityId?: string | undefined }): { activityId?: string } {
  return activityId === undefined ? {} : { activityId };
}
