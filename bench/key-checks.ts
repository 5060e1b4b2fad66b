/**
 * How long a silly key takes to be refused: `node --conditions=source bench/key-checks.ts`. Each stands in a whole message
 * that is read as the server reads it; beside it, what verifying one signature with the key would have cost. The aim is
 * 2 ms. `bench/README.md` explains how to read it.
 */
import { decodePkiMessage } from '@scepter/scep';
import { assembleCertificate, decodeCertificate, der, encodeTbsCertificate, oid, parseName } from '@scepter/x509';
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { message } from '../packages/server/test/attacks/hand-made-message.ts';
import { readRequest } from '../packages/server/src/workers/read-request.ts';
import { newAuthorities, newIdentity } from './timing-inside.ts';
import { median, percentile } from './statistics.ts';

const AIM_MS = 2;
const ROUNDS = 300;
const signer = newIdentity('device');
const authorities = newAuthorities(newIdentity('Bench RA'));

function odd(bits: number): Uint8Array {
  const bytes = randomBytes(bits / 8);
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 1;
  return bytes;
}

function even(bits: number): Uint8Array {
  const bytes = odd(bits);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) & 0xfe;
  return bytes;
}

function rsa(modulus: Uint8Array, exponent: Uint8Array = Uint8Array.of(1, 0, 1)): Uint8Array {
  const key = der.sequence(der.unsignedInteger(modulus), der.unsignedInteger(exponent));
  return der.sequence(der.sequence(der.oid(oid.rsaEncryption), der.null()), der.bitString(key));
}

function ec(curve: string, coordinateBytes: number): Uint8Array {
  const point = Buffer.concat([Uint8Array.of(4), randomBytes(2 * coordinateBytes)]);
  return der.sequence(der.sequence(der.oid(oid.ecPublicKey), der.oid(curve)), der.bitString(point));
}

const keys: readonly [name: string, publicKey: Uint8Array][] = [
  ['RSA, 512 bits', rsa(odd(512))],
  ['RSA, 16,384 bits', rsa(odd(16_384))],
  ['RSA, 16,384 bits, exponent as long', rsa(odd(16_384), odd(16_376))],
  ['RSA, 100,000 bits', rsa(odd(100_000))],
  ['RSA, 3072 bits, exponent as long', rsa(odd(3072), odd(3064))],
  ['RSA, 2048 bits, exponent of 64 bits', rsa(odd(2048), odd(64))],
  ['RSA, an even modulus', rsa(even(2048))],
  ['P-256, beside the curve', ec(oid.prime256v1, 32)],
  ['P-521, beside the curve', ec(oid.secp521r1, 66)],
  ['a curve that is not known', ec('1.3.132.0.10', 32)],
];

console.log(`Refusing a message by its signer's key, ${ROUNDS} times each, in milliseconds. The aim is ${AIM_MS}.\n`);
console.log('| key | median | 99 % | refused as | one verification with it |');
console.log('|---|---:|---:|---|---:|');
let slow = 0;
for (const [name, publicKey] of keys) {
  const bytes = messageBy(publicKey);
  const durations: number[] = [];
  let reason = '';
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    const result = readRequest(bytes, 'modern', { authorities, randomBytes });
    durations.push(performance.now() - startedAt);
    reason = result.kind === 'refused' ? `${result.problem}, ${result.reason}` : result.kind;
  }
  if (median(durations) >= AIM_MS) slow += 1;
  const cells = [median(durations).toFixed(3), percentile(durations, 0.99).toFixed(3), reason, verification(publicKey)];
  console.log(`| ${[name, ...cells].join(' | ')} |`);
}
console.log(
  slow === 0 ? `\nEvery key is refused within ${AIM_MS} ms.` : `\n${slow} keys take longer than ${AIM_MS} ms.`,
);
process.exitCode = slow === 0 ? 0 : 1;

/** A message whose signer has this key; its signature is nonsense, and nothing may get as far as to notice. */
function messageBy(publicKey: Uint8Array): Uint8Array {
  const { issuer, notBefore, notAfter, signatureAlgorithm } = signer.certificate;
  const tbs = encodeTbsCertificate({
    serialNumber: randomBytes(15),
    issuer,
    subject: parseName('CN=device'),
    publicKey,
    notBefore,
    notAfter,
    signatureAlgorithm,
    extensions: [],
  });
  const certificate = decodeCertificate(assembleCertificate(tbs, signatureAlgorithm, randomBytes(256)));
  const bytes = message({
    content: der.sequence(),
    signer: { certificate, privateKey: signer.privateKey },
    transactionId: 'silly-key',
  });
  decodePkiMessage(bytes);
  return bytes;
}

/** What it would have cost to try; a dash where OpenSSL does not take the key at all. */
function verification(publicKey: Uint8Array): string {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    const size = (key.asymmetricKeyDetails?.modulusLength ?? 512) / 8;
    const signature = Buffer.concat([Uint8Array.of(0), randomBytes(Math.ceil(size) - 1)]);
    const startedAt = performance.now();
    for (let round = 0; round < 5; round += 1) verify('sha256', Buffer.from('data'), key, signature);
    return ((performance.now() - startedAt) / 5).toFixed(3);
  } catch {
    return '-';
  }
}
