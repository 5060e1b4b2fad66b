/** Servers that get one thing wrong, put together from few words. */
import { equalBytes, keyUsageExtension } from '@scepter/x509';
import type { ProbeOptions } from '../../src/index.ts';
import type { ForgedAttribute, MessageOptions, MessageSpoiler } from '../../src/wire/forge-message.ts';
import type { Answer, Asked, Behaviour, Received } from '../small-behaviour.ts';

export interface Fault {
  readonly server: () => Behaviour;
  /** What the probe is told besides. */
  readonly probe?: Partial<ProbeOptions>;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const dayMs = 86_400_000;

/** Answers that a condition picks, rewritten. */
export const http = (
  picks: (received: Received, answer: Answer) => boolean,
  rewrite: (answer: Answer) => Partial<Answer>,
): Fault => ({
  server: () => ({
    http: (received, answer) => (picks(received, answer) ? { ...answer, ...rewrite(answer) } : answer),
  }),
});
export const status =
  (code: number, text = 'wrong') =>
  (): Answer => ({ status: code, contentType: 'text/plain', body: bytes(text) });
export const asks = (operation: string) => (received: Received) => received.operation === operation;

export const capabilities = (text: string): Fault => ({ server: () => ({ capabilities: text }) });
export const skipping = (...skip: NonNullable<Behaviour['skip']>): Fault => ({ server: () => ({ skip }) });
export const refusing = (refuse: (asked: Asked) => boolean, failInfo = '2'): Fault => ({
  server: () => ({ refuse: (asked) => (refuse(asked) ? failInfo : undefined) }),
});
export const spoiling = (spoil: (options: MessageOptions) => MessageSpoiler): Fault => ({
  server: () => ({ reply: (options) => ({ ...options, spoil: spoil(options) }) }),
});
/** Every reply with an attribute in another form. */
export const attribute = (type: string, values: () => readonly Uint8Array[]): Fault => ({
  server: () => ({
    reply: (options) => ({ ...options, attributes: withAttribute(options.attributes, type, values()) }),
  }),
});
export const withAttribute = (
  attributes: readonly ForgedAttribute[],
  type: string,
  values: readonly Uint8Array[],
): ForgedAttribute[] => [
  ...attributes.filter((each) => each.type !== type),
  ...(values.length === 0 ? [] : [{ type, values }]),
];
export const certificate = (tweak: NonNullable<Behaviour['certificate']>): Fault => ({
  server: () => ({ certificate: tweak }),
});
export const copyExtensions = certificate((fields, csr) => ({ ...fields, extensions: csr.extensions }));
export const registrationUsage = (usage: 'digitalSignature' | 'keyEncipherment'): Fault => ({
  server: () => ({
    authority: (fields, role) =>
      role === 'registration' ? { ...fields, extensions: [keyUsageExtension([usage])] } : fields,
  }),
});
export const isRenewal = ({ csr, message }: Asked): boolean =>
  csr !== undefined && !equalBytes(message.signer.publicKey.encoded, csr.publicKey.encoded);
