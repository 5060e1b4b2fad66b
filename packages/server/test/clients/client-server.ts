/** A running server without Intune, one endpoint for each floor, and the way a client goes: GetCACert, message, reply. */
import { decodeCertsOnly } from '@scepter/scep';
import { decodeCertificate, toHex } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, parseSettings, startServer } from '../../src/index.ts';
import type { RunningServer, StepReport } from '../../src/index.ts';
import { envelope, recipientInfo, requestAttributes, signedMessage, sorted } from './message-builder.ts';
import type { AttributeParts, EnvelopeParts, SignedParts, Signer } from './message-builder.ts';
import { exchange, lines } from './raw-http.ts';
import type { HttpAnswer } from './raw-http.ts';
import { readReply } from './reply-reader.ts';
import type { Reply } from './reply-reader.ts';
import { messageType } from './wire.ts';

export const CHALLENGE = 'a challenge for all of these devices';

export interface ClientServer {
  readonly server: RunningServer;
  readonly steps: StepReport[];
  endpoint(name: string): Promise<EndpointView>;
  /** Why the last refused request was refused, as the operator reads it. */
  lastRefusal(): string | undefined;
  /** What the log says, as JSON lines. */
  readonly log: readonly string[];
  advanceMs(durationMs: number): void;
  close(): Promise<void>;
}

/** One endpoint as GetCACert shows it. */
export interface EndpointView {
  readonly url: string;
  readonly path: string;
  readonly contentType: string | undefined;
  /** In the server's order. */
  readonly certificates: readonly Certificate[];
  readonly recipient: Certificate;
}

export const staticChallenge = { kind: 'static-challenge', challenge: { environment: 'CHALLENGE' } } as const;

export interface ClientServerOptions {
  /** Beside `modern`, `compatible` and `legacy`, which share CHALLENGE. */
  readonly endpoints?: Readonly<Record<string, object>>;
  /** Secrets, by name. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly certificateProfiles?: Readonly<Record<string, object>>;
  readonly defaultEndpoint?: string;
  /** Beside the organization. */
  readonly authority?: Readonly<Record<string, unknown>>;
}

export async function startClientServer(options: ClientServerOptions = {}): Promise<ClientServer> {
  const folder = mkdtempSync(join(tmpdir(), 'scepter-clients-'));
  const steps: StepReport[] = [];
  const log: string[] = [];
  let offsetMs = 0;
  const settings = parseSettings(
    {
      listen: { host: '127.0.0.1', port: 0 },
      publicUrl: 'http://127.0.0.1:1',
      dataFolder: 'data',
      // As little as these tests need: each of their files starts a server.
      authority: { organization: 'Clients', keys: { root: 'rsa-2048' }, ...options.authority },
      limits: { workers: 1 },
      endpoints: {
        modern: { authorizer: staticChallenge },
        compatible: { authorizer: staticChallenge, algorithms: 'compatible' },
        legacy: { authorizer: staticChallenge, algorithms: 'legacy' },
        ...options.endpoints,
      },
      ...(options.defaultEndpoint === undefined ? {} : { defaultEndpoint: options.defaultEndpoint }),
      certificateProfiles: options.certificateProfiles ?? {},
    },
    { baseFolder: folder, environment: { CHALLENGE, ...options.environment } },
  );
  const server = await startServer({
    settings,
    now: () => new Date(Date.now() + offsetMs),
    randomBytes,
    logger: createLogger({ destination: { write: (line) => log.push(line) }, pretty: false, level: 'info' }),
    onStep: (report) => steps.push(report),
  });
  return {
    server,
    steps,
    log,
    endpoint: (name) => viewEndpoint(`${server.url}/scep/${name}`),
    lastRefusal: () => steps.findLast(({ outcome }) => outcome === 'refused')?.refusal,
    advanceMs: (durationMs) => {
      offsetMs += durationMs;
    },
    close: async () => {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function viewEndpoint(url: string): Promise<EndpointView> {
  const path = new URL(url).pathname;
  const answer = await exchange(url, lines(`GET ${path}?operation=GetCACert HTTP/1.1`, 'Host: test'));
  assert.equal(answer.status, 200);
  const contentType = answer.headers.get('content-type');
  const encoded =
    contentType === 'application/x-x509-ca-cert' ? [answer.body] : decodeCertsOnly(answer.body).certificates;
  const certificates = encoded.map((each) => decodeCertificate(each));
  const [recipient] = certificates;
  assert.ok(recipient !== undefined);
  return { url, path, contentType, certificates, recipient };
}

/** The one request that waits at an endpoint is approved. */
export async function approveTheOnlyOne({ server }: ClientServer, endpoint: string): Promise<void> {
  const waiting = await server.store.listPendingRequests({ state: 'pending', endpoint, limit: 10 }, new Date());
  const [only] = waiting;
  assert.ok(only !== undefined && waiting.length === 1, `${waiting.length} requests wait`);
  assert.ok(await server.store.decidePendingRequest(only.id, { decision: 'approved', at: new Date(), by: 'the test' }));
}

/** What a client may do in its own way. */
export interface Habits
  extends
    Partial<Omit<EnvelopeParts, 'content'>>,
    Partial<Omit<AttributeParts, 'content'>>,
    Partial<Omit<SignedParts, 'content' | 'attributes'>> {
  /** Default: the order of DER. */
  readonly order?: (attributes: readonly Uint8Array[]) => Uint8Array[];
  readonly extraAttributes?: readonly Uint8Array[];
}

export interface Prepared {
  readonly bytes: Uint8Array;
  readonly senderNonce: Uint8Array | undefined;
  readonly transactionId: string | Uint8Array;
  readonly signer: Signer;
}

/** A message; without habits it is a plain PKCSReq in DER. */
export function prepare(endpoint: EndpointView, content: Uint8Array, signer: Signer, habits: Habits = {}): Prepared {
  const senderNonce = 'senderNonce' in habits ? habits.senderNonce : randomBytes(16);
  const transactionId = habits.transactionId ?? toHex(randomBytes(16)).toUpperCase();
  const enveloped = envelope({
    content,
    recipients: habits.recipients ?? [recipientInfo(endpoint.recipient)],
    cipher: habits.cipher,
    layout: habits.layout,
  });
  const { digest } = habits;
  const attributes = [
    ...requestAttributes({
      content: enveloped,
      digest,
      messageType: habits.messageType ?? messageType.pkcsReq,
      transactionId,
      senderNonce,
    }),
    ...(habits.extraAttributes ?? []),
  ];
  const bytes = signedMessage({
    content: enveloped,
    attributes: (habits.order ?? sorted)(attributes),
    signer,
    digest,
    layout: habits.layout,
    signatureOid: habits.signatureOid,
    certificates: habits.certificates,
  });
  return { bytes, senderNonce, transactionId, signer };
}

/** POSTs as RFC 8894 section 4.3 has it; other ways are the tests' own. */
export function post(endpoint: EndpointView, { bytes }: Prepared): Promise<HttpAnswer> {
  return exchange(
    endpoint.url,
    lines(
      `POST ${endpoint.path}?operation=PKIOperation HTTP/1.1`,
      'Host: test',
      'Content-Type: application/x-pki-message',
      `Content-Length: ${bytes.length}`,
    ),
    bytes,
  );
}

/** Reads a reply and checks that it answers this message, by this endpoint's RA. */
export function replyTo(prepared: Prepared, answer: HttpAnswer, endpoint: EndpointView): Reply {
  assert.equal(answer.statusLine, 'HTTP/1.1 200 OK', Buffer.from(answer.body).toString('latin1').slice(0, 100));
  assert.equal(answer.headers.get('content-type'), 'application/x-pki-message');
  const reply = readReply(answer.body, prepared.signer.privateKey);
  assert.equal(reply.messageType, '3');
  if (typeof prepared.transactionId === 'string') assert.equal(reply.transactionId, prepared.transactionId);
  assert.deepEqual(
    reply.recipientNonce && toHex(reply.recipientNonce),
    prepared.senderNonce && toHex(prepared.senderNonce),
  );
  assert.ok(
    endpoint.certificates.some((each) => toHex(each.encoded) === toHex(reply.signer.encoded)),
    'signed by a certificate of GetCACert',
  );
  return reply;
}

/** The whole trip: the issued certificate, of the key that was asked for. */
export async function enroll(
  endpoint: EndpointView,
  csr: Uint8Array,
  signer: Signer,
  habits: Habits = {},
): Promise<{ certificate: Certificate; reply: Reply }> {
  const prepared = prepare(endpoint, csr, signer, habits);
  return certificateIn(prepared, await post(endpoint, prepared), endpoint);
}

/** The certificate in the answer to a message; fails with what came instead. */
export function certificateIn(
  prepared: Prepared,
  answer: HttpAnswer,
  endpoint: EndpointView,
): { certificate: Certificate; reply: Reply } {
  const reply = replyTo(prepared, answer, endpoint);
  assert.equal(reply.pkiStatus, '0', `pkiStatus ${reply.pkiStatus}, failInfo ${reply.failInfo}`);
  const [certificate] = reply.envelope?.certificates ?? [];
  assert.ok(certificate !== undefined);
  return { certificate, reply };
}

/** The failInfo of a refusal. */
export async function refused(
  endpoint: EndpointView,
  csr: Uint8Array,
  signer: Signer,
  habits: Habits = {},
): Promise<string | undefined> {
  const prepared = prepare(endpoint, csr, signer, habits);
  const reply = replyTo(prepared, await post(endpoint, prepared), endpoint);
  assert.equal(reply.pkiStatus, '2');
  assert.equal(reply.envelope, undefined);
  return reply.failInfo;
}
