import { der } from '@scepter/x509';
import { TransportError } from '../http/transport-error.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { describeTransaction } from '../transaction.ts';
import type { Transaction } from '../transaction.ts';
import type { EnvelopeSpoiler } from '../wire/forge-envelope.ts';
import { attributeText } from './reply-text.ts';

/** One way to break what is behind the signature. */
export interface Corruption {
  readonly name: string;
  readonly spoil: EnvelopeSpoiler;
}

const flipAt =
  (position: number) =>
  (bytes: Uint8Array): Uint8Array => {
    const changed = Uint8Array.from(bytes);
    const index = position < 0 ? changed.length + position : position;
    changed[index] = (changed[index] ?? 0) ^ 0x55;
    return changed;
  };

const blockBytes = 16;

/** RSA, key length, CBC padding and content: what Bleichenbacher and Vaudenay would tell apart. */
export const corruptions: readonly Corruption[] = [
  { name: 'RSA block without PKCS#1 padding', spoil: { paddedKey: (size) => new Uint8Array(size).fill(0x11, 1) } },
  { name: 'RSA block with another key', spoil: { encryptedKey: flipAt(40) } },
  { name: 'a content key of one byte', spoil: { contentKey: (key) => key.subarray(0, 1) } },
  {
    name: 'a content key of 64 bytes',
    spoil: { contentKey: (key) => der.concat(key, new Uint8Array(64 - key.length)) },
  },
  { name: 'CBC padding', spoil: { encryptedContent: flipAt(-1 - blockBytes) } },
  { name: 'the first block', spoil: { encryptedContent: flipAt(3) } },
  { name: 'a block in the middle', spoil: { encryptedContent: flipAt(blockBytes * 6) } },
  { name: 'half a block too many', spoil: { encryptedContent: (bytes) => der.concat(bytes, new Uint8Array(8)) } },
  { name: 'no content', spoil: { encryptedContent: (bytes) => bytes.subarray(0, blockBytes) } },
];

/** All that a client can see of a reply, but for what is new in every reply. */
export const visible = ({ answer, reply }: Transaction): string => {
  const headers = [...answer.headers.keys()].filter((name) => name !== 'date' && name !== 'connection').toSorted();
  const body =
    reply === undefined
      ? Buffer.from(answer.body).toString('latin1')
      : [
          attributeText(reply),
          reply.content?.length ?? 'no content',
          reply.certificates.length,
          reply.signers.length,
        ].join(' ');
  // An ECDSA signature does not always have the same length.
  const length = answer.body.length - (reply?.signers[0]?.signature.length ?? 0);
  return `HTTP ${answer.status} ${answer.contentType} [${headers.join(' ')}] ${length} bytes: ${body}`;
};

export interface OracleRow {
  readonly name: string;
  /** All that is visible; to be compared. */
  readonly seen: string;
  /** The same in a few words. */
  readonly summary: string;
  readonly durationsMs: readonly number[];
}

/** Sends every corruption so many times, in turn. */
export const tryCorruptions = async (
  server: ServerUnderTest,
  messageData: Uint8Array,
  rounds: number,
): Promise<OracleRow[]> => {
  const rows = new Map<string, OracleRow>();
  for (let round = 0; round < rounds; round += 1) {
    for (const corruption of corruptions) {
      const latest = await tryCorruption(server, messageData, corruption);
      const earlier = rows.get(corruption.name);
      rows.set(corruption.name, { ...latest, durationsMs: [...(earlier?.durationsMs ?? []), ...latest.durationsMs] });
    }
  }
  return [...rows.values()];
};

const tryCorruption = async (
  server: ServerUnderTest,
  messageData: Uint8Array,
  { name, spoil }: Corruption,
): Promise<OracleRow> => {
  const device = await server.anyDevice();
  try {
    const transaction = await server.request({ messageData, device, cipher: 'aes-128-cbc', spoilEnvelope: spoil });
    const durationsMs = [transaction.answer.durationMs];
    return { name, seen: visible(transaction), summary: describeTransaction(transaction), durationsMs };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { name, seen: error.message, summary: error.message, durationsMs: [] };
  }
};
