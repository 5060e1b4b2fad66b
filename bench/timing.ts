/**
 * Does the time of an answer tell what is behind the envelope? `npm run bench:timing`. An attacker who captured a device's
 * request changes parts of its envelope, signs it with a key of his own and measures. `bench/README.md` explains how to
 * read it, and `docs/decisions/0007-time-behind-the-envelope.md` has figures.
 *
 *     --samples N   answers measured of each class, default 2000
 *     --only TEXT   only the control and the classes whose names contain this, to look closer
 */
import { decodeCertsOnly } from '@scepter/scep';
import { createCertificationRequest, decodeCertificate, parseName } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { envelope, message, pad, seal } from '../packages/server/test/attacks/hand-made-message.ts';
import type { SealedParts } from '../packages/server/test/attacks/hand-made-message.ts';
import { startChild } from './child.ts';
import { compare } from './compare-samples.ts';
import { median, percentile } from './statistics.ts';
import { answerAfterWork, newIdentity, newReader } from './timing-inside.ts';
import type { TimingServer } from './timing-server.ts';

const { values: options } = parseArgs({
  options: { samples: { type: 'string', default: '2000' }, only: { type: 'string', default: '' } },
});
const samples = Number(options.samples);
/** Below it a difference is called none, if it is seen at all: six classes are compared, two tests each. */
const SIGNIFICANT = 0.001;
const WARM_UP = 300;

/** Far more than any two classes of messages differ by. */
const workClasses: readonly (readonly [name: string, build: () => number])[] = [
  ['control: 0.8 ms', () => 0.8],
  ['0.8 ms', () => 0.8],
  ['0.9 ms', () => 0.9],
  ['1.6 ms', () => 1.6],
  ['4 ms', () => 4],
];

const parent = join(import.meta.dirname, '..', '.scepter');
mkdirSync(parent, { recursive: true });
const folder = mkdtempSync(join(parent, 'timing-'));
const server = startChild<TimingServer>('./timing-server.ts');
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

try {
  const { url } = await server.call('start', { dataFolder: folder });
  await run(url);
} finally {
  agent.destroy();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function run(url: string): Promise<void> {
  console.log(
    `${samples} messages of each class, in microseconds, compared with the control: the first class once more.`,
  );
  const registration = newIdentity('Bench RA');
  const inside = await measure(registration.certificate, newReader(registration));
  report('Reading the message alone, which nobody outside can see', inside);

  const held = await measureClasses(workClasses, answerAfterWork);
  report('From the arrival of a message to the beginning of its refusal, for work of so long', held);

  const certificates = await fetch(`${url}?operation=GetCACert`);
  const [recipient = new Uint8Array()] = decodeCertsOnly(new Uint8Array(await certificates.arrayBuffer())).certificates;
  const outside = await measure(decodeCertificate(recipient), (message) => timeOf(url, message));
  const told = report('Until the answer, at the socket', outside);
  console.log(
    told.length === 0
      ? `\nAt the socket no class can be told from the control (p < ${SIGNIFICANT}).`
      : `\nAt the socket can be told from the control (p < ${SIGNIFICANT}): ${told.join('; ')}.`,
  );
  process.exitCode = told.length === 0 ? 0 : 1;
}

function measure(
  recipient: Certificate,
  timed: (message: Uint8Array) => number | Promise<number>,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const isWanted = ([name]: readonly [string, unknown]) => name.startsWith('control') || name.includes(options.only);
  return measureClasses(newClasses(recipient).filter(isWanted), timed);
}

async function measureClasses<T>(
  classes: readonly (readonly [name: string, build: () => T])[],
  timed: (built: T) => number | Promise<number>,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const durations = new Map(classes.map(([name]) => [name, [] as number[]]));
  for (let round = -WARM_UP; round < samples; round += 1) {
    // In another order each time: what the machine does meanwhile then hits all alike.
    for (const [name, build] of shuffled(classes)) {
      const durationMs = await timed(build());
      if (round >= 0) durations.get(name)?.push(durationMs);
    }
    if (round % 100 === 0) process.stderr.write(`\r${Math.max(0, round)} of ${samples} `);
  }
  process.stderr.write('\r');
  return durations;
}

/** Each build gives another message of the same length. */
function newClasses(recipient: Certificate): [name: string, build: () => Uint8Array][] {
  const victim = newIdentity('victim');
  const attacker = newIdentity('attacker');
  const csr = createCertificationRequest({
    subject: parseName('CN=victim'),
    ...victim,
    challengePassword: randomBytes(16).toString('hex'),
  });
  const wrongSignature = changed(csr, csr.length - 20);
  const garbage = randomBytes(csr.length);
  const brokenInside = changed(csr, Math.floor(csr.length / 2) - 8);
  const captured = seal(recipient, csr);
  const sign = (parts: SealedParts): Uint8Array =>
    message({
      content: envelope(recipient, parts),
      signer: attacker,
      transactionId: randomBytes(12).toString('hex'),
      senderNonce: randomBytes(16),
    });
  const badPadding = Buffer.from(pad(csr));
  badPadding.fill(0, badPadding.length - 1);
  return [
    ['control: nothing wrong but the signer', () => sign(captured)],
    ['nothing wrong but the signer (key mismatch)', () => sign(captured)],
    ['valid padding, no certification request', () => sign(seal(recipient, garbage))],
    ['a certification request damaged inside', () => sign(seal(recipient, brokenInside))],
    ['a certification request wrongly signed', () => sign(seal(recipient, wrongSignature))],
    ['wrong padding of the content', () => sign(seal(recipient, csr, { padded: badPadding }))],
    ['wrong length of the content key', () => sign(seal(recipient, csr, { transported: randomBytes(24) }))],
    ['another content key', () => sign(seal(recipient, csr, { transported: randomBytes(16) }))],
    ['an RSA blob of random bytes', () => sign({ ...captured, encryptedKey: randomBlob(captured) })],
  ];
}

function randomBlob({ encryptedKey }: SealedParts): Uint8Array {
  const blob = randomBytes(encryptedKey.length);
  blob[0] = 0x01;
  return blob;
}

function changed(bytes: Uint8Array, position: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[position] = (copy[position] ?? 0) ^ 0x55;
  return copy;
}

/** From the last byte sent to the first byte of the answer, on one connection. */
function timeOf(url: string, body: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    let sentAt = 0;
    const headers = { 'content-length': body.length };
    const request = httpRequest(`${url}?operation=PKIOperation`, { method: 'POST', agent, headers }, (response) => {
      const durationMs = performance.now() - sentAt;
      if (response.statusCode !== 200) reject(new Error(`HTTP ${response.statusCode}`));
      response.resume().on('end', () => resolve(durationMs));
    });
    request.on('error', reject);
    sentAt = performance.now();
    request.end(body);
  });
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, order: Math.random() }))
    .sort((one, other) => one.order - other.order)
    .map(({ value }) => value);
}

/** @returns the classes that can be told from the control */
function report(title: string, durations: ReadonlyMap<string, readonly number[]>): string[] {
  const [[, control] = ['', []], ...classes] = durations;
  console.log(`\n${title}:\n`);
  console.log(
    '| class | median | 10 % | 90 % | difference of medians (99 %) | KS distance, p | Mann-Whitney share, p |',
  );
  console.log('|---|---:|---:|---:|---:|---:|---:|');
  return classes.flatMap(([name, values]) => {
    const { ks, mannWhitney, medianDifference } = compare(values, control);
    const { value, low, high } = medianDifference;
    const cells = [
      name,
      micros(median(values)),
      micros(percentile(values, 0.1)),
      micros(percentile(values, 0.9)),
      `${micros(value)} (${micros(low)} to ${micros(high)})`,
      `${ks.distance.toFixed(3)}, ${ks.probability.toPrecision(2)}`,
      `${mannWhitney.share.toFixed(3)}, ${mannWhitney.probability.toPrecision(2)}`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
    return Math.min(ks.probability, mannWhitney.probability) < SIGNIFICANT ? [name] : [];
  });
}

function micros(durationMs: number): string {
  return (durationMs * 1000).toFixed(0);
}
