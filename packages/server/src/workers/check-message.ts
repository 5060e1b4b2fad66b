/** Step 1: everything that can be said about a message from its outside. */
import { decodeEnvelope, floorAllows, verifyPkiMessage } from '@scepter/scep';
import type { AlgorithmFloor, Envelope, MessageType, PkiMessage } from '@scepter/scep';
import type { MessageProblem } from './jobs.ts';
import { keyProblem } from './key-problem.ts';

/** What devices send. */
export type RequestType = Exclude<MessageType, 'CertRep'>;

export type CheckedMessage =
  | { readonly problem: MessageProblem; readonly reason: string; readonly envelope: Envelope | undefined }
  | { readonly problem: undefined; readonly messageType: RequestType; readonly envelope: Envelope };

/**
 * The type comes first, as a closed list: an unknown one that slipped through would be issued without a challenge
 * (CVE-2026-30836). The signer's key comes before its signature: a silly one must not get to cost anything.
 */
export function checkMessage(message: PkiMessage, floor: AlgorithmFloor): CheckedMessage {
  const against = (problem: MessageProblem, reason: string, envelope?: Envelope): CheckedMessage => ({
    problem,
    reason,
    envelope,
  });
  const { messageType } = message;
  if (messageType === undefined || messageType === 'CertRep') return against('message.unknown_type', 'message type');
  if (message.digest === undefined || !floorAllows(floor, { digest: message.digest })) {
    return against('message.weak_algorithm', message.digest ?? 'unknown digest');
  }
  const keyReason = keyProblem(message.signer.publicKey);
  if (keyReason !== undefined) return against('message.signer_key', keyReason);
  if (!verifyPkiMessage(message)) return against('message.bad_signature', 'signature');
  const envelope = tryDecodeEnvelope(message.content);
  if (envelope === undefined) return against('message.sealed_content', 'envelope');
  const { contentCipher } = envelope;
  if (contentCipher === undefined || !floorAllows(floor, { contentCipher })) {
    return against('message.weak_algorithm', contentCipher ?? 'unknown cipher', envelope);
  }
  return { problem: undefined, messageType, envelope };
}

function tryDecodeEnvelope(content: Uint8Array | undefined): Envelope | undefined {
  if (content === undefined) return undefined;
  try {
    return decodeEnvelope(content);
  } catch {
    // Why it does not decode is nobody's business outside: one answer for everything behind the envelope.
    return undefined;
  }
}
