/**
 * The devices, in a process of their own. All messages are built before the clock runs; each connection sends one after
 * the other and takes a reply for a success when its pkiStatus says so. A sample is verified and decrypted afterwards.
 */
import { EmulatorControl } from '@scepter/intune-emulator';
import { readCertRep, ScepClient } from '@scepter/scep';
import { decodeCertificate } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { Worker } from 'node:worker_threads';
import { serveParent } from './child.ts';
import type { BuildAnswer, BuildOrder, BuiltMessage } from './message-builder.ts';
import { percentile } from './statistics.ts';

export interface LoadOrder {
  readonly url: string;
  readonly connections: number;
  readonly messages: number;
  /** A challenge for all, or the emulator's control API that mints one for each. */
  readonly challenge: { readonly static: string } | { readonly controlUrl: string };
}

export interface LoadResult {
  /** Successes only. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly successes: number;
  readonly failures: number;
  /** Processor time of the load generator while it sent. */
  readonly cpuMs: number;
  /** What the first failure was. */
  readonly failure?: string;
}

interface Device {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

interface Prepared extends BuiltMessage {
  readonly owner: Device;
}

interface Builder {
  readonly worker: Worker;
  readonly devices: readonly Device[];
}

const BUILDERS = 2;
const SAMPLE = 4;
/** Of the emulator: challenges minted in one call. */
const MINT_BATCH = 500;

/**
 * The pkiStatus attribute of a CertRep with the value SUCCESS, in DER (RFC 8894 section 3.2.1.3): the object identifier
 * 2.16.840.1.113733.1.9.3 and a SET of the PrintableString "0".
 */
const successAttribute = Buffer.from('060a6086480186f8450109033103130130', 'hex');

let builders: Promise<Builder[]> | undefined;

const methods = {
  run: async (order: LoadOrder): Promise<LoadResult> => {
    const client = new ScepClient({ url: order.url, fetch, randomBytes });
    const { recipient, signers } = await client.getCaCertificates();
    const messages = await prepare(order, recipient);
    return send(order, messages, signers);
  },
};
export type LoadGenerator = typeof methods;

serveParent(methods);

async function startBuilders(): Promise<Builder[]> {
  return Promise.all(
    Array.from({ length: BUILDERS }, async () => {
      const worker = new Worker(new URL('./message-builder.ts', import.meta.url));
      const [{ devices }] = (await once(worker, 'message')) as [{ devices: Device[] }];
      return { worker, devices };
    }),
  );
}

async function prepare(order: LoadOrder, recipient: Certificate): Promise<Prepared[]> {
  builders ??= startBuilders();
  const ready = await builders;
  const requests = await requestsOf(order);
  const share = Math.ceil(requests.length / ready.length);
  const built = await Promise.all(
    ready.map(async ({ worker, devices }, index) => {
      worker.postMessage({
        id: index,
        recipient: recipient.encoded,
        requests: requests.slice(index * share, (index + 1) * share),
      } satisfies BuildOrder);
      const [{ messages }] = (await once(worker, 'message')) as [BuildAnswer];
      return messages.map((message) => ({ ...message, owner: devices[message.device]! }));
    }),
  );
  return built.flat();
}

async function requestsOf({ challenge, messages }: LoadOrder): Promise<BuildOrder['requests']> {
  if ('static' in challenge) {
    return Array.from({ length: messages }, () => ({
      subject: `CN=bench-${randomBytes(8).toString('hex')}`,
      challenge: challenge.static,
    }));
  }
  const control = new EmulatorControl({ url: challenge.controlUrl, fetch, timeoutMs: 120_000 });
  const subject = 'CN=bench-device';
  const minted: string[] = [];
  while (minted.length < messages) {
    minted.push(
      ...(await control.createChallenges({ subject, count: Math.min(MINT_BATCH, messages - minted.length) })),
    );
  }
  return minted.map((challenge) => ({ subject, challenge }));
}

async function send(order: LoadOrder, messages: readonly Prepared[], signers: Certificate[]): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: order.connections });
  const durations: number[] = [];
  const sample: { sent: Prepared; reply: Buffer }[] = [];
  let next = 0;
  let failures = 0;
  let failure: string | undefined;

  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: order.connections }, async () => {
      for (let sent = messages[next++]; sent !== undefined; sent = messages[next++]) {
        const sentAt = performance.now();
        try {
          const { status, body } = await post(order.url, sent.body, agent);
          if (status !== 200 || !body.includes(successAttribute)) throw new Error(describe(status, body));
          durations.push(performance.now() - sentAt);
          if (sample.length < SAMPLE) sample.push({ sent, reply: body });
        } catch (error) {
          failures += 1;
          failure ??= error instanceof Error ? error.message : String(error);
        }
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  agent.destroy();

  for (const { sent, reply } of sample) readSample(sent, reply, signers);
  return {
    perSecond: durations.length / seconds,
    p50Ms: percentile(durations, 0.5),
    p99Ms: percentile(durations, 0.99),
    successes: durations.length,
    failures,
    cpuMs: (user + system) / 1000,
    ...(failure === undefined ? {} : { failure }),
  };
}

function post(url: string, body: Uint8Array, agent: Agent): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${url}?operation=PKIOperation`,
      {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/x-pki-message', 'content-length': body.length },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }));
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** @throws when a reply that claimed success is none */
function readSample({ owner, transactionId, senderNonce }: Prepared, reply: Buffer, signers: Certificate[]): void {
  const { certificate, privateKey } = owner;
  const recipient = { certificate: decodeCertificate(certificate), privateKey };
  const { status } = readCertRep(reply, { recipient, signers, transactionId, senderNonce });
  if (status !== 'success') throw new Error(`A reply that said success is a ${status}.`);
}

function describe(status: number, body: Buffer): string {
  return status === 200 ? 'a CertRep without success' : `HTTP ${status}: ${body.toString('latin1').slice(0, 100)}`;
}
