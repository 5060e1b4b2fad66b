/** Where the small server can be told to go wrong, and the words for it. */
import type { Envelope, PkiMessage } from '@scepter/scep';
import type { CertificationRequest, TbsCertificateFields } from '@scepter/x509';
import type { IncomingMessage, ServerOptions } from 'node:http';
import type { ServerOptions as TlsServerOptions } from 'node:https';
import type { EnvelopeOptions } from '../src/wire/forge-envelope.ts';
import type { MessageOptions } from '../src/wire/forge-message.ts';
import type { Tweak } from './small-authority.ts';

export const rightChallenge = 'the challenge of the small server';

export const honestCapabilities =
  'AES\nDES3\nGetNextCACert\nPOSTPKIOperation\nRenewal\nSCEPStandard\nSHA-1\nSHA-256\nSHA-384\nSHA-512';
export interface Answer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Received {
  readonly method: string;
  readonly path: string;
  /** Raw, without the question mark. */
  readonly query: string;
  readonly operation: string | undefined;
  readonly message: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly httpVersion: string;
  readonly body: Uint8Array;
}

/** A decoded request, as far as it was decoded when a hook is asked. */
export interface Asked {
  readonly bytes: Uint8Array;
  readonly message: PkiMessage;
  readonly type: string;
  readonly envelope: Envelope | undefined;
  readonly content: Uint8Array;
  readonly csr: CertificationRequest | undefined;
}

export type Status = 'SUCCESS' | 'FAILURE' | 'PENDING';

/** What the server verifies, and can be told not to. */
export type Verification =
  | 'type'
  | 'message signature'
  | 'algorithms'
  | 'request signature'
  | 'signer key'
  | 'challenge'
  | 'challenge use'
  | 'renewal signer'
  | 'key'
  | 'addressee'
  | 'memory'
  | 'request of a transaction';

export interface Behaviour {
  readonly capabilities?: string;
  readonly skip?: readonly Verification[];
  /** Rewrites any HTTP answer. */
  readonly http?: (received: Received, answer: Answer) => Answer | Promise<Answer>;
  /** Types of message that are answered by an HTTP error. */
  readonly unserved?: readonly string[];
  /** Refuses what an honest server grants. */
  readonly refuse?: (asked: Asked) => string | undefined;
  /** Rewrites a reply before it is signed. */
  readonly reply?: (options: MessageOptions, status: Status, asked: Asked) => MessageOptions;
  readonly envelope?: (options: EnvelopeOptions) => EnvelopeOptions;
  /** Rewrites a certificate before it is signed. */
  readonly certificate?: (fields: TbsCertificateFields, csr: CertificationRequest) => TbsCertificateFields;
  /** Rewrites the certificates-only content of a SUCCESS. */
  readonly contents?: (certificates: readonly Uint8Array[], crls: readonly Uint8Array[], asked: Asked) => Uint8Array;
  readonly authority?: Tweak;
  /** Every challenge that begins with `once-` serves one certificate. */
  readonly oneTime?: boolean;
  /** How many polls until a request is approved. */
  readonly pendingPolls?: number;
  /** Answers a poll for what is pending. */
  readonly pollAnswer?: (honest: Outcome) => Outcome;
  readonly serverOptions?: ServerOptions;
  readonly tls?: TlsServerOptions;
  /** Requests whose body is not there yet keep others waiting. */
  readonly oneAtATime?: boolean;
}

export interface Outcome {
  readonly status: Status;
  readonly failInfo?: string;
  readonly certificates?: readonly Uint8Array[];
  readonly crls?: readonly Uint8Array[];
}

export const textAnswer = (status: number, text: string): Answer => ({
  status,
  contentType: 'text/plain',
  body: new TextEncoder().encode(text),
});
