/** Changes of text: of tokens that mean something to a reader of names, queries, PEM, JSON or HTTP. */
import { crossOver, mutateBytes } from './byte-mutations.ts';
import type { Random } from './random.ts';

/** Inputs are changed as Latin-1, one character a byte, so that any bytes pass through: this is UTF-8 seen so. */
const latin1Of = (text: string): string => Buffer.from(text).toString('latin1');

const edgeTexts: readonly [string, ...string[]] = [
  '',
  '\0',
  '\r\n',
  '\n',
  '\r',
  ' ',
  '\t',
  '%',
  '%00',
  '%0',
  '%zz',
  '%C3%28',
  '+',
  '&',
  '=',
  '==',
  '?',
  '#',
  '/',
  '//',
  '\\',
  '"',
  "'",
  ',',
  ';',
  '<',
  '>',
  '{',
  '}',
  '[',
  ']',
  ':',
  '-',
  '_',
  'null',
  'true',
  'false',
  '-1',
  '0',
  '1',
  '65535',
  '65536',
  '2147483648',
  '4294967296',
  '9007199254740993',
  '1e400',
  '-0',
  'NaN',
  'Infinity',
  '0x10',
  '""',
  '{}',
  '[]',
  '"__proto__"',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '\u00e9',
  '\u202e',
  '\u2028',
  '\ufeff',
  '\ud83d\ude00',
  '\u0301',
  'CN',
  'CN=',
  'O=a+OU=b',
  '1.2.3=#0500',
  '2.5.4.3=',
  '#0c0161',
  '#0C01FF',
  '#1E0100',
  '#30020500',
  '1.40',
  '3.1',
  '2.999',
  '\\2C',
  '\\,',
  '\\C3\\A9',
  '-----BEGIN ',
  '-----END ',
  '-----',
  'CERTIFICATE',
  'operation=',
  'message=',
  'PKIOperation',
  'GetCACaps',
  'GetCACert',
  'GetNextCACert',
  'pkioperation',
  'GET ',
  'POST ',
  'HEAD ',
  'PUT ',
  'OPTIONS ',
  'CONNECT ',
  'TRACE ',
  ' HTTP/1.1',
  ' HTTP/1.0',
  ' HTTP/0.9',
  ' HTTP/2.0',
  'Content-Length: 0',
  'Content-Length: -1',
  'Content-Length: 99999999999',
  'Content-Length: 5\r\nContent-Length: 6',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: identity',
  'Expect: 100-continue',
  'Upgrade: h2c',
  'Connection: upgrade',
  'Connection: close',
  'Host:',
  'Host: a\r\nHost: b',
  'http://x/scep/',
  '/scep/',
  '/scep/../',
  '/%2e%2e/',
  '/crl/',
  '/ca/',
  '/health',
  '/api/',
  '0\r\n\r\n',
  'ffffffffffffffff\r\n',
];

const separators = /([,+=&?/:;"'\\{}[\]\r\n \-#%.]+)/;

type TextMutation = (tokens: string[], random: Random) => void;

const mutations: readonly [TextMutation, ...TextMutation[]] = [
  (tokens, random) => void tokens.splice(random.below(tokens.length), random.between(1, 3)),
  (tokens, random) => void tokens.splice(random.below(tokens.length + 1), 0, latin1Of(random.pick(edgeTexts))),
  (tokens, random) => void tokens.splice(random.below(tokens.length), 1, latin1Of(random.pick(edgeTexts))),
  (tokens, random) => {
    const token = random.pick(tokens) ?? '';
    tokens.splice(
      random.below(tokens.length + 1),
      0,
      ...Array.from({ length: random.between(1, random.oneIn(100) ? 3000 : 8) }, () => token),
    );
  },
  (tokens, random) => {
    const [one, other] = [random.below(tokens.length), random.below(tokens.length)];
    [tokens[one], tokens[other]] = [tokens[other] ?? '', tokens[one] ?? ''];
  },
  (tokens, random) => {
    const at = random.below(tokens.length);
    tokens[at] = random.oneIn(2) ? (tokens[at] ?? '').toUpperCase() : (tokens[at] ?? '').toLowerCase();
  },
  (tokens, random) => {
    const at = random.below(tokens.length);
    tokens[at] = encodeURIComponent((tokens[at] ?? '').toWellFormed());
  },
];

const LONGEST = 40_000;

export function mutateText(bytes: Uint8Array, donor: Uint8Array, random: Random): Uint8Array {
  if (random.oneIn(4)) return mutateBytes(bytes, random);
  if (random.oneIn(12)) return crossOver(bytes, donor, random);
  const tokens = Buffer.from(bytes).toString('latin1').split(separators);
  random.pick(mutations)(tokens, random);
  return Uint8Array.from(Buffer.from(tokens.join('').slice(0, LONGEST), 'latin1'));
}
