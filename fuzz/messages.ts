/** Messages made valid again after a change: signatures over whatever now stands there, envelopes around it. */
import { digest, der, signData } from '@scepter/x509';
import type { DigestName } from '@scepter/x509';
import { createPkiRequest } from '@scepter/scep';
import type { KeyObject } from 'node:crypto';
import type { Identity } from './identities.ts';
import { element, parseBer, replaceNode } from './mutation/ber-tree.ts';
import type { BerNode } from './mutation/ber-tree.ts';

const childrenOf = (nodes: readonly BerNode[], parent: number): number[] =>
  nodes.flatMap((node, index) => (node.parent === parent ? [index] : []));

const TOP = -1;
const NOWHERE = -2;

/** The element at the end of a path of positions among siblings, negative ones from the end. */
function descend(nodes: readonly BerNode[], from: number, ...path: readonly number[]): number {
  let index = from;
  for (const step of path) {
    index = childrenOf(nodes, index).at(step) ?? NOWHERE;
    if (index === NOWHERE) return NOWHERE;
  }
  return index;
}

/** SignedData's first SignerInfo, and its parts. */
const signerInfoPath = [0, 1, 0, -1, 0] as const;
const signerInfoParts = { digestAlgorithm: 2, attributes: 3, signature: 5 } as const;
const contentPath = [0, 1, 0, 2, 1, 0] as const;

const MESSAGE_DIGEST = Buffer.from('06092a864886f70d010904', 'hex');
const digestNames: readonly [string, DigestName][] = [
  ['2a864886f70d0205', 'md5'],
  ['2b0e03021a', 'sha1'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
];

function digestNameOf(algorithm: Uint8Array): DigestName {
  const hex = Buffer.from(algorithm).toString('hex');
  return digestNames.find(([object]) => hex.includes(object))?.[1] ?? 'sha256';
}

/** The content octets of an octet string, in one piece or in several. */
function octets(bytes: Uint8Array, nodes: readonly BerNode[], index: number): Uint8Array {
  const node = nodes[index];
  if (node === undefined) return new Uint8Array();
  if (node.tag === 0x04) return bytes.subarray(node.contentStart, node.contentEnd);
  return der.concat(...childrenOf(nodes, index).map((child) => octets(bytes, nodes, child)));
}

const slice = (bytes: Uint8Array, { start, end }: BerNode): Uint8Array => bytes.subarray(start, end);

/** A SignedData whose one signer has signed what is there. As it was, where there is nothing to sign. */
export function signAgain(message: Uint8Array, privateKey: KeyObject): Uint8Array {
  const digested = withDigest(message);
  const nodes = parseBer(digested.bytes);
  const attributes = nodes[descend(nodes, TOP, ...signerInfoPath, signerInfoParts.attributes)];
  const signature = nodes[descend(nodes, TOP, ...signerInfoPath, signerInfoParts.signature)];
  if (attributes?.tag !== 0xa0 || signature?.tag !== 0x04) return digested.bytes;
  const { bytes } = digested;
  const encoded = slice(bytes, attributes).slice();
  encoded[0] = 0x31;
  const signed = attributes.indefinite
    ? element(0x31, bytes.subarray(attributes.contentStart, attributes.contentEnd))
    : encoded;
  return replaceNode(bytes, nodes, signature, element(0x04, signData(privateKey, digested.name, signed)));
}

/** The message with the digest of its content in its attributes. */
function withDigest(message: Uint8Array): { bytes: Uint8Array; name: DigestName } {
  const nodes = parseBer(message);
  const algorithm = nodes[descend(nodes, TOP, ...signerInfoPath, signerInfoParts.digestAlgorithm)];
  const name = algorithm === undefined ? 'sha256' : digestNameOf(slice(message, algorithm));
  const attributes = descend(nodes, TOP, ...signerInfoPath, signerInfoParts.attributes);
  for (const attribute of childrenOf(nodes, attributes)) {
    const value = nodes[descend(nodes, attribute, 1, 0)];
    const type = nodes[descend(nodes, attribute, 0)];
    if (value === undefined || type === undefined || !MESSAGE_DIGEST.equals(slice(message, type))) continue;
    const content = octets(message, nodes, descend(nodes, TOP, ...contentPath));
    return { bytes: replaceNode(message, nodes, value, element(0x04, digest(name, content))), name };
  }
  return { bytes: message, name };
}

/** A certification request, or anything SIGNED, with a signature over what is there. */
export function signRequestAgain(request: Uint8Array, privateKey: KeyObject): Uint8Array {
  const nodes = parseBer(request);
  const info = nodes[descend(nodes, TOP, 0, 0)];
  const signature = nodes[descend(nodes, TOP, 0, 2)];
  if (info === undefined || signature?.tag !== 0x03) return request;
  return replaceNode(request, nodes, signature, der.bitString(signData(privateKey, 'sha256', slice(request, info))));
}

export interface Sealing {
  readonly signer: Identity;
  readonly recipient: Identity;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly messageType?: Parameters<typeof createPkiRequest>[0]['messageType'];
  readonly transactionId?: string;
}

/** A valid message around content that need not be. */
export function seal(
  content: Uint8Array,
  { signer, recipient, randomBytes, messageType = 'PKCSReq', transactionId = 'transaction-1' }: Sealing,
): Uint8Array {
  return createPkiRequest({
    messageType,
    content,
    transactionId,
    senderNonce: randomBytes(16),
    recipients: [recipient.certificate],
    contentCipher: 'aes-128-cbc',
    keyTransport: { kind: 'pkcs1' },
    digest: 'sha256',
    signer,
    randomBytes,
  });
}
