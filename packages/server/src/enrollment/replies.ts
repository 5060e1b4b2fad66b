/** Step 9: what a story ended with becomes bytes; and the one place where a refusal becomes an answer. */
import type { CryptoWorkers, ReplyAddress, ReplyContent } from '../workers/jobs.ts';
import { describeRefusal, RefusalError } from './refusals.ts';
import { errorCode } from './steps.ts';
import type { StepDetails, Trace } from './steps.ts';

/** A CertRep, or what stands in its place where no reply can be addressed or made. */
export type EnrollmentReply =
  | { readonly kind: 'reply'; readonly message: Uint8Array }
  | { readonly kind: 'undecodable'; readonly reason: string }
  /** No worker could read the request or seal the reply. The device may ask again. */
  | { readonly kind: 'unavailable'; readonly reason: string };

export interface ReplyParts {
  readonly workers: CryptoWorkers;
  /** Hears of errors that are nobody's refusal. */
  readonly onUnexpectedError: (error: unknown, context: { endpoint: string; transactionId: string }) => void;
}

/** `details` go into the log. */
export async function reply(
  address: ReplyAddress,
  content: ReplyContent,
  trace: Trace,
  { workers }: ReplyParts,
  details: StepDetails = {},
): Promise<EnrollmentReply> {
  const message = await trace.step(
    'reply',
    () => workers.run('reply', { address, content }),
    () => details,
  );
  return { kind: 'reply', message };
}

/** The device learns the failInfo and what the table of refusals lets it read, and nothing else. */
export function refuse(
  { code }: RefusalError,
  address: ReplyAddress,
  trace: Trace,
  parts: ReplyParts,
): Promise<EnrollmentReply> {
  const { failInfo, failInfoText } = describeRefusal(code);
  return reply(address, { status: 'failure', failInfo, failInfoText }, trace, parts, {
    reason: `${failInfo}, ${code}`,
  });
}

/** What is no refusal is one to the device, and an error to the operator. */
export function asRefusal(
  error: unknown,
  endpoint: string,
  { transactionId }: ReplyAddress,
  parts: ReplyParts,
): RefusalError {
  if (error instanceof RefusalError) return error;
  parts.onUnexpectedError(error, { endpoint, transactionId });
  return new RefusalError('server.internal', { reason: errorCode(error), cause: error });
}
