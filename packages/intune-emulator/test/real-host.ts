/** The emulator on real ports in a folder of its own, and a client that shows what comes over the wire. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmulatorControl } from '../src/control-client.ts';
import { startEmulatorHost, type EmulatorHost } from '../src/host.ts';
import { pkiConnectorService, scepServicePath } from '../src/resources.ts';
import { certificateRequest, graphScope, intuneScope } from './desk.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** Milliseconds from the request to the headers and to the end. */
  headersAfterMs: number;
  endAfterMs: number;
}

export interface CallOptions {
  headers?: Record<string, string>;
  body?: string;
  /** How much of the answer is read before the client leaves. */
  readAtMost?: number;
}

export interface RealHost {
  host: EmulatorHost;
  /** Over the network, as from another process. */
  control: EmulatorControl;
  folder: string;
  advanceMinutes(minutes: number): void;
  call(url: string, options?: CallOptions): Promise<Answer>;
  token(scope: string): Promise<string>;
  /** Sends JSON with a token, to an operation of either service. */
  operation(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  download(parameters?: object, headers?: Record<string, string>): Promise<Answer>;
  upload(results: unknown, headers?: Record<string, string>): Promise<Answer>;
  validate(): Promise<Answer>;
  discover(): Promise<Answer>;
  /** Starts again on the same folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const pkiPath = `${pkiConnectorService.path}/CertificateAuthorityRequests`;
const someRequest = certificateRequest({ subject: 'CN=nobody' });

export async function startRealHost(): Promise<RealHost> {
  const folder = await mkdtemp(join(tmpdir(), 'scepter-emulator-'));
  let offsetMs = 0;
  const start = () =>
    startEmulatorHost({
      microsoftPort: 0,
      controlPort: 0,
      folder,
      now: () => new Date(Date.now() + offsetMs),
      randomBytes,
    });
  let host = await start();
  const agents = { http: new Agent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  const control = () => new EmulatorControl({ url: host.controlUrl, fetch });
  const call = (url: string, options: CallOptions = {}) =>
    exchange(url.startsWith('/') ? `${host.microsoftUrl}${url}` : url, { ...options, ca: host.tlsCaPem, agents });
  const token = async (scope: string) => {
    const { tenantId, clientId, clientSecret } = await control().connection();
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope };
    const answer = await call(`/${tenantId}/oauth2/v2.0/token`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    });
    return (JSON.parse(answer.body) as { access_token: string }).access_token;
  };
  const operation = async (path: string, body: unknown, headers: Record<string, string> = {}) =>
    call(path, {
      headers: {
        authorization: `Bearer ${await token(intuneScope)}`,
        'content-type': 'application/json',
        'api-version': '5019-05-05',
        ...headers,
      },
      body: JSON.stringify(body),
    });
  const discoveryPath = '/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints';
  return {
    get host() {
      return host;
    },
    get control() {
      return control();
    },
    folder,
    advanceMinutes: (minutes) => void (offsetMs += minutes * 60_000),
    call,
    token,
    operation,
    download: (parameters = { maxRequests: 100, issuerName: null }, headers = {}) =>
      operation(`${pkiPath}/downloadRevocationRequests`, { downloadParameters: parameters }, headers),
    upload: (results, headers = {}) => operation(`${pkiPath}/uploadRevocationResults`, { results }, headers),
    validate: () =>
      operation(`${scepServicePath}/ScepActions/validateRequest`, {
        request: { transactionId: 'T', certificateRequest: someRequest, callerInfo: 'Test' },
      }),
    discover: async () => call(discoveryPath, { headers: { authorization: `Bearer ${await token(graphScope)}` } }),
    restart: async () => {
      await host.close();
      host = await start();
    },
    stop: async () => {
      agents.http.destroy();
      agents.https.destroy();
      await host.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function exchange(
  url: string,
  options: CallOptions & { ca: string; agents: { http: Agent; https: HttpsAgent } },
): Promise<Answer> {
  const started = performance.now();
  const { headers = {}, body, readAtMost = Infinity, ca } = options;
  return new Promise((resolve, reject) => {
    const isHttps = url.startsWith('https:');
    const send = isHttps ? httpsRequest : httpRequest;
    const agent = isHttps ? options.agents.https : options.agents.http;
    const init = { ca, agent, method: body === undefined ? 'GET' : 'POST', headers };
    const outgoing = send(url, init, (incoming: IncomingMessage) => {
      const headersAfterMs = performance.now() - started;
      let text = '';
      const finish = () => {
        const endAfterMs = performance.now() - started;
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: text,
          headersAfterMs,
          endAfterMs,
        });
      };
      incoming.setEncoding('latin1');
      incoming.on('data', (chunk: string) => {
        text += chunk;
        if (text.length < readAtMost) return;
        finish();
        outgoing.destroy();
      });
      incoming.on('end', finish);
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
