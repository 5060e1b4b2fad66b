/** JSON Web Tokens in compact form (RFC 7519 §3, RFC 7515 §7.1), encoded and taken apart; nothing is verified here. */
import { z } from 'zod';

const maxTokenLength = 32 * 1024;

const headerOf = z.object({
  alg: z.string(),
  kid: z.string().optional(),
  /** Base64url SHA-1 and SHA-256 thumbprints of the signer's certificate (RFC 7515 §4.1.7, §4.1.8). */
  x5t: z.string().optional(),
  'x5t#S256': z.string().optional(),
  /** Base64 certificates, the signer's first (RFC 7515 §4.1.6); Entra also takes one as plain text. */
  x5c: z.union([z.array(z.string()).min(1).max(10), z.string().transform((one) => [one])]).optional(),
});

export interface DecodedToken {
  readonly header: z.infer<typeof headerOf>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What the signature is over. */
  readonly signedText: string;
  readonly signature: Uint8Array;
}

/** The token's parts, or undefined when it is none. */
export function decodeToken(token: string): DecodedToken | undefined {
  if (token.length > maxTokenLength || !/^[\w-]+\.[\w-]+\.[\w-]+$/u.test(token)) return undefined;
  const [headerPart = '', claimsPart = '', signaturePart = ''] = token.split('.');
  const header = headerOf.safeParse(decodePart(headerPart));
  const claims = z.record(z.string(), z.unknown()).safeParse(decodePart(claimsPart));
  if (!header.success || !claims.success) return undefined;
  return {
    header: header.data,
    claims: claims.data,
    signedText: `${headerPart}.${claimsPart}`,
    signature: Buffer.from(signaturePart, 'base64url'),
  };
}

/** The token around claims; `sign` signs the text of its first two parts. */
export function encodeToken(header: object, claims: object, sign: (text: string) => Uint8Array): string {
  const signedText = `${encodePart(header)}.${encodePart(claims)}`;
  return `${signedText}.${Buffer.from(sign(signedText)).toString('base64url')}`;
}

function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decodePart(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
