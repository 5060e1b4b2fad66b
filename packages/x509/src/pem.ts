import { bufferOf, plainBytes, TextEncodingError } from './bytes.ts';

// PEM, RFC 7468: base64 in lines of 64 characters between `-----BEGIN label-----` and `-----END label-----`.

export interface PemBlock {
  /** What stands after BEGIN: `CERTIFICATE`, `CERTIFICATE REQUEST`, `PRIVATE KEY`. */
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** One block of PEM, with a line feed at its end. */
export function encodePem(label: string, bytes: Uint8Array): string {
  const lines =
    bufferOf(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/**
 * All blocks of a text, in order. What stands between blocks is ignored.
 *
 * @throws TextEncodingError `bad_pem` for a block without end, with another label at its end, or with anything but base64
 *   inside, such as the headers of keys encrypted in the old OpenSSL manner
 * @example
 * const [certificate] = decodePem(text).filter(({ label }) => label === 'CERTIFICATE');
 */
export function decodePem(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let label: string | undefined;
  let base64: string[] = [];
  for (const line of text.split(/\r\n|[\r\n]/)) {
    const boundary = /^-----(BEGIN|END) ([\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?)-----[ \t]*$/.exec(line);
    const [, kind, boundaryLabel = ''] = boundary ?? [];
    if (kind === undefined) {
      if (label !== undefined) base64.push(line);
    } else if (kind === 'BEGIN' && label === undefined) {
      label = boundaryLabel;
      base64 = [];
    } else if (kind === 'END' && label === boundaryLabel) {
      blocks.push({ label, bytes: decodeBase64(base64.join('')) });
      label = undefined;
    } else {
      throw new TextEncodingError('bad_pem', 'the boundaries of PEM blocks do not match');
    }
  }
  if (label !== undefined) throw new TextEncodingError('bad_pem', 'a PEM block without end');
  return blocks;
}

function decodeBase64(text: string): Uint8Array {
  const compact = text.replaceAll(/[ \t]/g, '');
  const bytes = Buffer.from(compact, 'base64');
  // Buffer skips what is not base64; encoding again shows whether it did.
  if (bytes.toString('base64') !== compact) throw new TextEncodingError('bad_pem', 'a PEM block that is not base64');
  return plainBytes(bytes);
}
