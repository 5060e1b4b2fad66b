/** A running server in this process, and what is looked at from outside. */
import { createLogger, parseSettings, startServer } from '@scepter/server';
import type { RunningServer } from '@scepter/server';
import { createCertificationRequest, decodeCertificate, parseName } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { createPublicKey, randomBytes as systemRandomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHALLENGE, readIdentities } from '../identities.ts';
import { seal } from '../messages.ts';
import { Finding, promise } from '../outcome.ts';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

export interface Laboratory {
  readonly server: RunningServer;
  readonly port: number;
  readonly registration: Certificate;
  readonly issuing: Certificate;
  post(body: Uint8Array): Promise<Answer>;
  /** Asks the admin API, as who may do everything. */
  administer(method: string, path: string, body: string): Promise<Answer>;
  /** Why the last request was refused, for the operator. */
  refusal(): string | undefined;
  /** Fails when the server reported an error of its own since the last time. */
  checkLog(): void;
  /** Fails when a device does not get its certificate at once. @returns how long it took */
  checkAlive(): Promise<number>;
  issued(): Promise<number>;
  close(): Promise<void>;
}

export const PATH = '/scep/fuzz';
/** What the server may say, and when. */
export const statuses: ReadonlySet<number> = new Set([
  200, 400, 404, 405, 408, 411, 413, 414, 417, 426, 429, 431, 501, 503, 505,
]);
const ALIVE_MS = 10_000;

const limits = {
  workers: 1,
  requestTimeoutMs: 1000,
  requestsPerMinute: 10_000_000,
  requestsPerMinutePerAddress: 10_000_000,
  requestBurstPerAddress: 1_000_000,
  connections: 65_536,
  connectionsPerAddress: 65_536,
  wrongChallengesPerAddress: 1000,
};

export async function openLaboratory(): Promise<Laboratory> {
  const folder = mkdtempSync(join(tmpdir(), 'scepter-fuzz-'));
  const errors: string[] = [];
  let refusal: string | undefined;
  const server = await startServer({
    settings: parseSettings(
      {
        listen: { host: '127.0.0.1', port: 0 },
        publicUrl: 'http://127.0.0.1:1',
        dataFolder: 'data',
        authority: { organization: 'Fuzz' },
        endpoints: {
          fuzz: {
            authorizer: { kind: 'static-challenge', challenge: { environment: 'CHALLENGE' } },
            algorithms: 'legacy',
          },
        },
        limits,
      },
      { baseFolder: folder, environment: { CHALLENGE } },
    ),
    now: () => new Date(),
    onStep: (step) => {
      if (step.refusal !== undefined) refusal = `${step.refusal} ${step.reason}`;
    },
    randomBytes: systemRandomBytes,
    logger: createLogger({
      destination: { write: (line: string) => errors.push(line) },
      pretty: false,
      level: 'error',
    }),
  });
  const port = Number(new URL(server.url).port);
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const post = (body: Uint8Array): Promise<Answer> =>
    send({ port, agent, method: 'POST', path: `${PATH}?operation=PKIOperation`, body });
  const record = JSON.parse(readFileSync(join(folder, 'data', 'admin.json'), 'utf8')) as { url: string; token: string };
  const adminPort = Number(new URL(record.url).port);
  const { enrolling } = readIdentities();
  const registration = decodeCertificate(server.authority.registrationCertificate);
  let alive = 0;
  return {
    server,
    port,
    registration,
    issuing: decodeCertificate(server.authority.issuingCertificate),
    post,
    administer: (method, path, body) =>
      send({
        port: adminPort,
        agent,
        method,
        path,
        headers: { authorization: `Bearer ${record.token}`, 'content-type': 'application/json' },
        body: Uint8Array.from(Buffer.from(body)),
      }),
    refusal: () => refusal,
    checkLog() {
      const [error] = errors.splice(0);
      if (error !== undefined)
        throw new Finding('broken_promise', `the server reports an error of its own: ${error.slice(0, 2000)}`);
    },
    async checkAlive() {
      alive += 1;
      const csr = createCertificationRequest({
        subject: parseName('CN=alive'),
        privateKey: enrolling.privateKey,
        publicKey: createPublicKey(enrolling.privateKey),
        challengePassword: CHALLENGE,
      });
      const message = seal(csr, {
        signer: enrolling,
        recipient: { ...enrolling, certificate: registration },
        randomBytes: systemRandomBytes,
        transactionId: `alive-${alive}`,
      });
      const startedAt = performance.now();
      const answer = await post(message);
      promise(
        answer.status === 200 && answer.body.length > 1500,
        `the server does not serve any more: ${answer.status}`,
      );
      const durationMs = performance.now() - startedAt;
      promise(durationMs < ALIVE_MS, 'the server takes long to serve');
      return durationMs;
    },
    async issued() {
      const { enrollments } = await server.store.summary();
      return enrollments.withheld + enrollments.released + enrollments.revoked;
    },
    async close() {
      agent.destroy();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Exchange {
  readonly port: number;
  readonly agent: Agent;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

function send({ port, agent, method, path, headers = {}, body }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      port,
      host: '127.0.0.1',
      agent,
      method,
      path,
      headers: { ...headers, 'content-length': body.length },
    };
    const request = httpRequest(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          contentType: response.headers['content-type'] ?? '',
          body: new Uint8Array(Buffer.concat(chunks)),
        }),
      );
      response.on('error', reject);
    });
    request.on('error', (error) => reject(new Finding('broken_promise', `no answer: ${error.message}`)));
    request.end(body);
  });
}
