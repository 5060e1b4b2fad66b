import { CheckStopped, fail, notApplicable } from './check.ts';
import type { Device } from './device/device.ts';
import type { HttpAnswer } from './http/transport.ts';
import type { EnvelopeSpoiler, ForgedCipher, ForgedTransport } from './wire/forge-envelope.ts';
import type { ForgedAttribute, MessageSpoiler } from './wire/forge-message.ts';
import { readReply, statusText } from './wire/read-reply.ts';
import type { Reply } from './wire/read-reply.ts';
import type { Certificate, DigestName } from '@scepter/x509';

/** A request as it is to be made; what is left out is as an honest client has it. */
export interface RequestPlan {
  /** The messageType as text. Default `19`, PKCSReq. */
  readonly messageType?: string;
  /** What goes into the envelope. */
  readonly messageData: Uint8Array;
  readonly device: Device;
  readonly transactionId?: string;
  readonly senderNonce?: Uint8Array;
  readonly cipher?: ForgedCipher;
  readonly transport?: ForgedTransport;
  readonly digest?: DigestName;
  /** Default: the certificate that clients choose. */
  readonly recipients?: readonly Certificate[];
  /** In place of the three that every request has. */
  readonly attributes?: readonly ForgedAttribute[];
  readonly spoilEnvelope?: EnvelopeSpoiler;
  readonly spoilMessage?: MessageSpoiler;
}

export interface BuiltRequest {
  readonly bytes: Uint8Array;
  readonly device: Device;
  readonly transactionId: string;
  readonly senderNonce: Uint8Array;
}

/** One request and what came of it. */
export interface Transaction {
  readonly request: BuiltRequest;
  readonly answer: HttpAnswer;
  /** `undefined` when the answer's body is no signed message. */
  readonly reply: Reply | undefined;
}

export const transactionOf = (request: BuiltRequest, answer: HttpAnswer): Transaction => {
  try {
    return { request, answer, reply: readReply(answer.body) };
  } catch {
    return { request, answer, reply: undefined };
  }
};

/** `HTTP 200, text/plain, 12 bytes` */
export const describeAnswer = ({ body, contentType, status }: HttpAnswer): string =>
  `HTTP ${status}, ${contentType === '' ? 'no content type' : contentType.slice(0, 80)}, ${body.length} bytes`;

/** What a server did with a request, in a few words. */
export const describeTransaction = ({ answer, reply }: Transaction): string =>
  reply === undefined ? `no CertRep: ${describeAnswer(answer)}` : statusText(reply);

/** The reply; without one the check has failed. */
export const requireReply = (transaction: Transaction): Reply => {
  if (transaction.reply === undefined) throw new CheckStopped(fail(describeTransaction(transaction)));
  return transaction.reply;
};

export const isFailure = ({ reply }: Transaction): boolean => reply?.status === 'FAILURE';
export const isSuccess = ({ reply }: Transaction): boolean => reply?.status === 'SUCCESS';

/** Neither issued nor put up for a decision. How it was refused, the group `http` judges. */
export const isRefused = (transaction: Transaction): boolean =>
  transaction.reply === undefined ? transaction.answer.status >= 400 : isFailure(transaction);

/** Ends the check where the server does not know this type of message: by an HTTP error instead of a CertRep. */
export const requireServed = (transaction: Transaction): Reply => {
  if (transaction.reply === undefined && transaction.answer.status >= 400) {
    throw new CheckStopped(notApplicable(`not served, ${describeTransaction(transaction)}`));
  }
  return requireReply(transaction);
};
