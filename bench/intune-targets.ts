/** What `intune-client.ts` puts under load: our client, and the same exchange without it. */
import { IntuneClient } from '@scepter/intune';
import { EmulatorControl } from '@scepter/intune-emulator';
import { createCertificationRequest, parseName } from '@scepter/x509';
import { generateKeyPairSync } from 'node:crypto';
import { Agent, fetch, request } from 'undici';
import type { BareIntuneUrls } from './bare-intune.ts';
import type { BenchEmulator } from './bench-emulator.ts';
import type { Child } from './child.ts';

export interface Target {
  readonly label: string;
  /** One validation, numbered. */
  readonly call: (number: number) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

const callerInfo = 'Scepter bench';
const deviceKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** Base64 of a PKCS #10 request of the usual size. */
export function newCertificateRequest(challengePassword = 'x'.repeat(2000)): string {
  const subject = parseName('CN=Bench');
  return Buffer.from(createCertificationRequest({ subject, ...deviceKeys, challengePassword })).toString('base64');
}

export async function emulatorTarget(emulator: Child<BenchEmulator>, folder: string): Promise<Target> {
  const { connection, controlUrl, tlsCa } = await emulator.call('start', { folder });
  const [challenge] = await new EmulatorControl({ url: controlUrl, fetch: globalThis.fetch }).createChallenges({
    subject: 'CN=Bench',
  });
  const certificateRequest = newCertificateRequest(challenge);
  const client = new IntuneClient({
    tenant: connection.tenantId,
    credential: { clientId: connection.clientId, clientSecret: connection.clientSecret },
    callerInfo,
    authority: connection.authorityUrl,
    graphUrl: connection.graphUrl,
    tls: { ca: tlsCa },
    allowLoopback: true,
  });
  return {
    label: 'Scepter, to the emulator',
    call: (number) => client.validateRequest({ transactionId: `BENCH-${number}`, certificateRequest }),
    close: () => client.close(),
  };
}

export function newClient({ origin, tlsCa }: BareIntuneUrls): IntuneClient {
  return new IntuneClient({
    tenant: 'contoso.onmicrosoft.com',
    credential: { clientId: '8d1b6f52-7c6e-4f0e-9b5a-0d4f6a1f2e33', clientSecret: 'bench-client-secret' },
    callerInfo,
    authority: origin,
    graphUrl: origin,
    tls: { ca: tlsCa },
    allowLoopback: true,
  });
}

export function clientTarget(bare: BareIntuneUrls): Target {
  const client = newClient(bare);
  const certificateRequest = newCertificateRequest();
  return {
    label: 'Scepter, to a bare server',
    call: (number) => client.validateRequest({ transactionId: `BENCH-${number}`, certificateRequest }),
    close: () => client.close(),
  };
}

/** What integrations do that build the client for each request. */
export function clientPerCallTarget(bare: BareIntuneUrls): Target {
  const certificateRequest = newCertificateRequest();
  return {
    label: '… a new client each call',
    call: async (number) => {
      const client = newClient(bare);
      try {
        await client.validateRequest({ transactionId: `BENCH-${number}`, certificateRequest });
      } finally {
        await client.close();
      }
    },
    close: async () => {},
  };
}

interface BareRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: (number: number) => string;
}

function bareRequest({ origin }: BareIntuneUrls): BareRequest {
  const certificateRequest = newCertificateRequest();
  return {
    url: `${origin}/scep/ScepActions/validateRequest`,
    headers: {
      accept: 'application/json',
      'content-type': 'application/json; charset=utf-8',
      'api-version': '2018-02-20',
      authorization: `Bearer bench-token-${'x'.repeat(1200)}`,
    },
    body: (number) => JSON.stringify({ request: { transactionId: `BENCH-${number}`, certificateRequest, callerInfo } }),
  };
}

/** The same exchange and nothing around it: the limit. */
export function undiciTarget(bare: BareIntuneUrls): Target {
  const agent = new Agent({ connect: { ca: bare.tlsCa } });
  const { url, headers, body } = bareRequest(bare);
  return {
    label: 'limit: undici alone',
    call: async (number) => {
      const answer = await request(url, { dispatcher: agent, method: 'POST', headers, body: body(number) });
      if (JSON.parse(await answer.body.text()).code !== 'Success') throw new Error('not Success');
    },
    close: () => agent.close(),
  };
}

export function fetchTarget(bare: BareIntuneUrls): Target {
  const agent = new Agent({ connect: { ca: bare.tlsCa } });
  const { url, headers, body } = bareRequest(bare);
  return {
    label: 'peer: fetch, else the same',
    call: async (number) => {
      const answer = await fetch(url, { method: 'POST', headers, body: body(number), dispatcher: agent });
      const { code } = (await answer.json()) as { code: string };
      if (code !== 'Success') throw new Error('not Success');
    },
    close: () => agent.close(),
  };
}
