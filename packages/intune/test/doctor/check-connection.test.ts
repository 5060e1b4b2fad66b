import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Fault, FaultOperation } from '@scepter/intune-emulator';
import { Agent, request } from 'undici';
import {
  checkConnection,
  type ConnectionCheckName,
  type ConnectionReport,
  type IntuneClientOptions,
  type TokenCredential,
} from '../../src/index.ts';
import { clientSecret, Microsoft, token } from '../microsoft.ts';
import { TestProxy } from '../proxy.ts';
import { rejection } from '../requests.ts';
import { createServerIdentity } from '../tls-certificate.ts';
import { findCheck, inState, openDesk, type Desk } from './examine.ts';

const everyCheck = [
  'options',
  'credential',
  'proxy',
  'tls.entra',
  'tls.graph',
  'clock',
  'token.graph',
  'roles.graph',
  'discovery',
  'pkiConnector',
  'tls.intune',
  'token.intune',
  'roles.intune',
  'validation',
] as const satisfies ConnectionCheckName[];

/** Everything from one check on. */
const from = (name: ConnectionCheckName): ConnectionCheckName[] => everyCheck.slice(everyCheck.indexOf(name));

let desk: Desk;
before(async () => {
  desk = await openDesk();
});
after(() => desk.close());
afterEach(async () => {
  await desk.host.emulator.control.clearFaults();
  await desk.host.emulator.control.setPermissions({
    graph: ['Application.Read.All'],
    intune: ['scep_challenge_provider'],
  });
});

async function examine(changes: Partial<IntuneClientOptions> = {}): Promise<ConnectionReport> {
  return checkConnection(await desk.options(changes));
}

const otherTenant = '3f2a9a3c-5a53-4c58-8f4b-6f6a4b8e1c11';

/** The desk's tokens through a credential of the caller, as `@azure/identity` would give them. */
async function tokensOfTheDesk(): Promise<TokenCredential> {
  const { authority, tenant, credential, tls } = await desk.options();
  const dispatcher = new Agent({ connect: { ca: String(tls?.ca) } });
  return {
    getToken: async (scopes) => {
      const response = await request(`${authority}/${tenant}/oauth2/v2.0/token`, {
        dispatcher,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: credential.clientId,
          client_secret: credential.clientSecret,
          scope: String(scopes),
        }).toString(),
      });
      const { access_token: token } = (await response.body.json()) as { access_token: string };
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
}

describe('a connection that works', () => {
  it('passes every check, in their order', async () => {
    const startedAt = new Date();
    const report = await examine();
    assert.deepEqual(
      report.checks.map(({ name }) => name),
      everyCheck,
    );
    assert.deepEqual(inState(report, 'skipped'), ['proxy']);
    assert.deepEqual([...inState(report, 'failed'), ...inState(report, 'warning')], []);
    assert.equal(report.ok, true);
    const { tenant, credential } = await desk.options();
    assert.deepEqual([report.tenant, report.cloud, report.clientId], [tenant, 'public', credential.clientId]);
    assert.ok(new Date(report.startedAt) >= startedAt);
    assert.ok(report.durationMs > 0);
  });

  it('tells what it saw in sentences and in values', async () => {
    const report = await examine();
    for (const { name, title, saw, advice = 'X.' } of report.checks) {
      for (const text of [saw, advice]) assert.match(text, /^(?:[A-Z]|127\.0).*[.]$/, name);
      assert.match(title, /^[A-Z].*[^.]$/);
    }
    const { details, saw } = findCheck(report, 'tls.entra');
    assert.equal(details['protocol'], 'TLSv1.3');
    assert.match(saw, /TLSv1\.3, certificate of .+ by .+ until \d{4}-\d\d-\d\d; its root is .+, a private CA\.$/);
    assert.deepEqual(findCheck(report, 'roles.intune').details['roles'], ['scep_challenge_provider']);
    assert.equal(findCheck(report, 'validation').details['resultCode'], 'ChallengePasswordMissing');
    assert.match(JSON.stringify(findCheck(report, 'token.graph').details['expiresAt']), /Z"$/);
  });

  it('passes over a proxy as well', async () => {
    const proxy = await TestProxy.start({ credentials: { username: 'scep', password: 'let me through' } });
    try {
      const report = await examine({ proxy: proxy.options() });
      assert.deepEqual(inState(report, 'failed'), []);
      assert.equal(findCheck(report, 'proxy').state, 'ok');
      assert.match(findCheck(report, 'proxy').saw, /opens a connection to 127\.0\.0\.1:\d+\.$/);
      assert.equal(proxy.otherRequests, 0);
    } finally {
      await proxy.stop();
    }
  });

  it('leaves what belongs to a dispatcher of the caller to the caller', async () => {
    const { tls, ...options } = await desk.options();
    const dispatcher = new Agent({ connect: { ca: String(tls?.ca) } });
    try {
      const report = await checkConnection({ ...options, dispatcher });
      assert.deepEqual(inState(report, 'skipped'), ['proxy', 'tls.entra', 'tls.graph', 'tls.intune']);
      assert.equal(report.ok, true);
    } finally {
      await dispatcher.close();
    }
  });

  it('holds no secret in its report', async () => {
    const microsoft = await Microsoft.start();
    try {
      const report = await checkConnection(microsoft.options());
      assert.ok(microsoft.count('token') >= 2);
      for (const secret of [clientSecret, token(1), token(2)]) assert.ok(!JSON.stringify(report).includes(secret));
    } finally {
      await microsoft.stop();
    }
  });
});

interface Failure {
  readonly name: string;
  readonly changes?: Partial<IntuneClientOptions>;
  readonly permissions?: { readonly graph?: string[]; readonly intune?: string[] };
  readonly fault?: readonly [FaultOperation, Fault];
  readonly check: ConnectionCheckName;
  readonly state?: 'failed' | 'warning';
  readonly saw: RegExp;
  readonly advice: RegExp;
  readonly details?: Readonly<Record<string, unknown>>;
  /** Default: everything that comes later and is not about something else. */
  readonly skipped?: readonly ConnectionCheckName[];
}

const failures: readonly Failure[] = [
  {
    name: 'a wrong client secret',
    changes: { credential: { clientId: '', clientSecret: 'not the right one' } },
    check: 'token.graph',
    saw: /AADSTS7000215/,
    advice: /secret/i,
    details: { errorCode: 'intune.authentication', entraCode: 'AADSTS7000215' },
    skipped: ['roles.graph', 'discovery', 'pkiConnector', 'tls.intune', 'roles.intune', 'validation'],
  },
  {
    name: 'an unknown tenant',
    changes: { tenant: 'nobody.example' },
    check: 'token.graph',
    saw: /AADSTS90002/,
    advice: /tenant/i,
    skipped: ['roles.graph', 'discovery', 'pkiConnector', 'tls.intune', 'roles.intune', 'validation'],
  },
  {
    name: 'a missing permission on Graph',
    permissions: { graph: ['User.Read.All'] },
    check: 'roles.graph',
    saw: /carries User\.Read\.All but not Application\.Read\.All/,
    advice:
      /Application\.Read\.All of Microsoft Graph as an application permission \(id 9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30\)/,
    skipped: ['discovery', 'pkiConnector', 'tls.intune', 'validation'],
  },
  {
    name: 'a missing consent',
    permissions: { graph: [], intune: [] },
    check: 'roles.graph',
    saw: /carries no application permission at all: .*consent/,
    advice: /Grant admin consent/,
    skipped: ['discovery', 'pkiConnector', 'tls.intune', 'validation'],
  },
  {
    name: 'a missing permission on Intune',
    permissions: { intune: ['get_device_compliance'] },
    check: 'roles.intune',
    saw: /carries get_device_compliance but not scep_challenge_provider/,
    advice: /scep_challenge_provider of the Microsoft Intune API .*39d724e8-6a34-4930-9a36-364082c35716/,
    skipped: ['validation'],
  },
  {
    name: 'more permissions than are good',
    permissions: { graph: ['Application.Read.All', 'Directory.ReadWrite.All'] },
    check: 'roles.graph',
    state: 'warning',
    saw: /beside it Directory\.ReadWrite\.All/,
    advice: /remove the others/,
    skipped: [],
  },
  {
    name: 'no licence',
    fault: ['discovery', { kind: 'emptyList' }],
    check: 'discovery',
    saw: /lists no services of Intune, and no ScepRequestValidationFEService/,
    advice: /licence/,
    skipped: ['pkiConnector', 'tls.intune', 'validation'],
  },
  {
    name: 'no service principal of Intune',
    fault: ['discovery', { kind: 'http', status: 404 }],
    check: 'discovery',
    saw: /no service principal of Intune/,
    advice: /licence/,
    details: { errorCode: 'intune.service_not_found', reason: 'licence' },
    skipped: ['pkiConnector', 'tls.intune', 'validation'],
  },
  {
    name: 'a foreign address',
    changes: { allowLoopback: false },
    check: 'discovery',
    saw: /The address of ScepRequestValidationFEService is refused: its host 127\.0\.0\.1 is not one of Intune's/,
    advice: /No token was sent there/,
    skipped: ['pkiConnector', 'tls.intune', 'validation'],
  },
  {
    name: 'another CA than the trusted one',
    changes: { tls: { ca: createServerIdentity().ca } },
    check: 'tls.entra',
    saw: /It is not trusted: it leads to no CA that is trusted here \((?:UNABLE|SELF|DEPTH)_/,
    advice: /tls\.ca/,
    skipped: from('clock'),
  },
  {
    name: 'an authority that is not there',
    changes: { authority: 'https://127.0.0.1:1' },
    check: 'tls.entra',
    saw: /No TLS connection to 127\.0\.0\.1:1/,
    advice: /Nothing listens there/,
    details: { errorCode: 'intune.network', reason: 'refused' },
    skipped: from('clock'),
  },
  {
    name: 'a clock that is two minutes ahead',
    changes: { now: () => new Date(Date.now() + 120_000) },
    check: 'clock',
    state: 'warning',
    saw: /^It is 1\d\d s ahead of 127/,
    advice: /NTP/,
    skipped: [],
  },
  {
    name: 'a clock that is ten minutes behind',
    changes: { now: () => new Date(Date.now() - 600_000) },
    check: 'clock',
    saw: /^It is (?:59\d|60\d) s behind 127/,
    advice: /NTP/,
    skipped: [],
  },
  {
    name: 'sign-in without an answer',
    changes: { timeoutMs: 400 },
    fault: ['token', { kind: 'delay', delayMs: 30_000 }],
    check: 'token.graph',
    saw: /No complete answer within \d+ ms/,
    advice: /firewall/,
    details: { errorCode: 'intune.timeout' },
    skipped: ['roles.graph', 'discovery', 'pkiConnector', 'tls.intune', 'roles.intune', 'validation'],
  },
  {
    name: 'a busy Graph, which is asked once only',
    fault: ['discovery', { kind: 'http', status: 503 }],
    check: 'discovery',
    saw: /HTTP 503/,
    advice: /try again later/,
    details: { status: 503 },
    skipped: ['pkiConnector', 'tls.intune', 'validation'],
  },
  {
    name: 'a validation that succeeds',
    fault: ['validateRequest', { kind: 'code', code: 'Success' }],
    check: 'validation',
    saw: /accepted a certificate request without any challenge/,
    advice: /^Issue nothing/,
    details: { resultCode: 'Success' },
    skipped: [],
  },
  {
    name: 'a validation that is refused for another reason',
    fault: ['validateRequest', { kind: 'code', code: 'SubjectNameMismatch' }],
    check: 'validation',
    state: 'warning',
    saw: /for another reason: SubjectNameMismatch/,
    advice: /device enroll/,
    skipped: [],
  },
  {
    name: 'a validation that is forbidden',
    fault: ['validateRequest', { kind: 'http', status: 403 }],
    check: 'validation',
    saw: /HTTP 403/,
    advice: /scep_challenge_provider/,
    details: { errorCode: 'intune.permission', permission: 'scep_challenge_provider' },
    skipped: [],
  },
];

describe('a connection with a fault', () => {
  for (const {
    name,
    changes = {},
    permissions,
    fault,
    check,
    state = 'failed',
    saw,
    advice,
    details = {},
    skipped,
  } of failures) {
    it(`names ${name}, and tries what can still be tried`, async () => {
      const { control } = desk.host.emulator;
      const { credential } = await desk.options();
      if (permissions !== undefined) {
        await control.setPermissions({
          graph: ['Application.Read.All'],
          intune: ['scep_challenge_provider'],
          ...permissions,
        });
      }
      if (fault !== undefined) await control.setFault({ operation: fault[0], fault: fault[1] });
      const wrongSecret = changes.credential && {
        credential: { ...changes.credential, clientId: credential.clientId },
      };
      const report = await examine({ ...changes, ...(wrongSecret as Partial<IntuneClientOptions>) });
      const found = findCheck(report, check);
      assert.equal(found.state, state, inspect(report.checks, { depth: 4 }));
      assert.match(found.saw, saw);
      assert.match(found.advice ?? '', advice);
      for (const [key, value] of Object.entries(details)) assert.deepEqual(found.details[key], value, key);
      assert.deepEqual(
        inState(report, 'skipped').filter((each) => each !== 'proxy'),
        skipped,
      );
      assert.equal(report.ok, state === 'warning');
    });
  }

  it('says of a skipped check which failure is the reason', async () => {
    await desk.host.emulator.control.setPermissions({ graph: [], intune: ['scep_challenge_provider'] });
    const { saw } = findCheck(await examine(), 'validation');
    assert.equal(saw, 'Not tried, because of: Permission Application.Read.All.');
  });

  it('notices a token of another tenant', async () => {
    const check = findCheck(await examine({ credential: await tokensOfTheDesk(), tenant: otherTenant }), 'roles.graph');
    assert.equal(check.state, 'failed');
    assert.match(check.saw, new RegExp(`is of the tenant [0-9a-f-]{36}, not of ${otherTenant}`));
  });

  it('takes a permission that includes the right one for less than right', async () => {
    await desk.host.emulator.control.setPermissions({
      graph: ['Directory.Read.All'],
      intune: ['scep_challenge_provider'],
    });
    const check = findCheck(await examine(), 'roles.graph');
    assert.equal(check.state, 'warning');
    assert.match(check.saw, /lacks Application\.Read\.All; Directory\.Read\.All, which it has, includes it/);
  });
});

describe('a proxy that refuses', () => {
  const rows: [name: string, credentials: boolean, behaviour: TestProxy['behaviour'], saw: RegExp, advice: RegExp][] = [
    ['a wrong password', true, 'tunnel', /HTTP 407/, /does not take this user name and password/],
    ['the host', false, { status: 403 }, /HTTP 403/, /which rule refused/],
    ['to reach the host', false, { status: 502 }, /HTTP 502/, /did not reach the host/],
    ['to speak', false, 'cut', /cannot be reached|closed the connection/, /host name, port and protocol/],
  ];
  for (const [name, credentials, behaviour, saw, advice] of rows) {
    it(`${name} is named, and nothing else is tried`, async () => {
      const proxy = await TestProxy.start(credentials ? { credentials: { username: 'scep', password: 'right' } } : {});
      proxy.behaviour = behaviour;
      try {
        const options = proxy.options(credentials ? { password: 'CANARY-wrong' } : {});
        const report = await examine({ proxy: options });
        const check = findCheck(report, 'proxy');
        assert.equal(check.state, 'failed');
        assert.match(check.saw, saw);
        assert.match(check.advice ?? '', advice);
        assert.deepEqual(inState(report, 'skipped'), from('tls.entra'));
        assert.ok(!JSON.stringify(report).includes('CANARY'));
      } finally {
        await proxy.stop();
      }
    });
  }

  it('asks for a password where none is configured', async () => {
    const proxy = await TestProxy.start({ credentials: { username: 'scep', password: 'right' } });
    try {
      const { host, port } = proxy.options();
      const { advice = '' } = findCheck(await examine({ proxy: { host, port } }), 'proxy');
      assert.match(advice, /wants a user name and a password/);
    } finally {
      await proxy.stop();
    }
  });
});

describe('what is not about the service', () => {
  it('reports options that cannot be used, and tries nothing', async () => {
    const report = await examine({ timeoutMs: -1 });
    const check = findCheck(report, 'options');
    assert.equal(check.state, 'failed');
    assert.match(check.saw, /^timeoutMs: /);
    assert.match(check.advice ?? '', /Correct the option timeoutMs/);
    assert.deepEqual(inState(report, 'skipped'), from('credential'));
    assert.equal(report.ok, false);
  });

  for (const options of [undefined, null, 5, {}, { credential: 5, tenant: {} }]) {
    it(`reports ${inspect(options)} as options`, async () => {
      const report = await checkConnection(options as unknown as IntuneClientOptions);
      assert.equal(findCheck(report, 'options').state, 'failed');
    });
  }

  it('ends when it is told to, with the reason given', async () => {
    const controller = new AbortController();
    const reason = new Error('Enough');
    await desk.host.emulator.control.setFault({ operation: 'token', fault: { kind: 'delay', delayMs: 30_000 } });
    const running = checkConnection(await desk.options(), { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 200);
    assert.equal(await rejection(running), reason);
    assert.equal(await rejection(checkConnection(await desk.options(), { signal: controller.signal })), reason);
  });

  it('uses a secret from a file, and tells when it cannot', async () => {
    const { credential } = await desk.options();
    const { clientId } = credential;
    const clientSecretFile = join(desk.folder, 'client.secret');
    await writeFile(clientSecretFile, `${credential.clientSecret}\n`);
    assert.equal((await examine({ credential: { clientId, clientSecretFile } })).ok, true);
    assert.match(await readFile(clientSecretFile, 'utf8'), /\n$/);
    const report = await examine({ credential: { clientId, clientSecretFile: `${clientSecretFile}.none` } });
    assert.equal(findCheck(report, 'credential').state, 'failed');
    assert.match(findCheck(report, 'credential').saw, /client\.secret\.none cannot be read: ENOENT/);
    assert.equal(findCheck(report, 'clock').state, 'ok', 'what does not need it is checked all the same');
    assert.equal(findCheck(report, 'token.graph').state, 'skipped');
  });
});
