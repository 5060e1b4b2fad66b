/** Faults as they come over the wire; what a response alone can show is in faults.test.ts. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Fault, FaultOperation } from '../src/fault-types.ts';
import { scepService } from '../src/resources.ts';
import { graphScope, intuneScope } from './desk.ts';
import { startRealHost, type Answer, type RealHost } from './real-host.ts';

let real: RealHost;
before(async () => {
  real = await startRealHost();
  await real.control.setRevocationCoolDown({ minutes: 0 });
});
after(() => real.stop());
afterEach(() => real.control.clearFaults());

const calls: Record<FaultOperation, () => Promise<Answer>> = {
  token: async () => {
    const { tenantId } = await real.control.connection();
    return real.call(`/${tenantId}/oauth2/v2.0/token`, { body: 'grant_type=x' });
  },
  managedIdentity: () => real.call(`${real.host.controlUrl}/metadata/identity/oauth2/token`),
  discovery: () => real.discover(),
  validateRequest: () => real.validate(),
  successNotification: () => real.operation(`${scepService.path}/ScepActions/successNotification`, {}),
  failureNotification: () => real.operation(`${scepService.path}/ScepActions/failureNotification`, {}),
  downloadRevocationRequests: () => real.download(),
  uploadRevocationResults: () => real.upload([]),
};
const operations = Object.keys(calls) as FaultOperation[];

async function withFault(operation: FaultOperation, fault: Fault): Promise<Answer> {
  await real.control.setFault({ operation, fault });
  try {
    return await calls[operation]();
  } finally {
    await real.control.clearFaults();
  }
}

describe('on every operation', () => {
  const rows: { name: string; fault: Fault; check: (answer: Answer) => void }[] = [
    {
      name: 'redirect',
      fault: { kind: 'redirect', location: 'https://elsewhere.example/', status: 307 },
      check: ({ status, headers }) => assert.deepEqual([status, headers.location], [307, 'https://elsewhere.example/']),
    },
    {
      name: 'throttle in seconds',
      fault: { kind: 'throttle', retryAfterSeconds: 7 },
      check: ({ status, headers, body }) => {
        assert.deepEqual([status, headers['retry-after']], [429, '7']);
        assert.ok('error' in (JSON.parse(body) as object));
      },
    },
    {
      name: 'throttle with a date',
      fault: { kind: 'throttle', status: 503, retryAfterSeconds: 120, asDate: true },
      check: ({ status, headers }) => {
        assert.equal(status, 503);
        const inSeconds = (Date.parse(headers['retry-after'] ?? '') - Date.now()) / 1000;
        assert.ok(inSeconds > 100 && inSeconds <= 121, String(inSeconds));
      },
    },
    {
      name: 'nestedError',
      fault: { kind: 'nestedError' },
      check: ({ status, body }) => {
        assert.equal(status, 500);
        assert.ok('error' in (JSON.parse(body) as object));
      },
    },
    {
      name: 'emptyList',
      fault: { kind: 'emptyList' },
      check: ({ status, body }) => assert.deepEqual([status, body], [200, '{"value":[]}']),
    },
    {
      name: 'wrongJson as text',
      fault: { kind: 'wrongJson', body: '[1,' },
      check: ({ status, body }) => assert.deepEqual([status, body], [200, '[1,']),
    },
    {
      name: 'wrongJson as a value',
      fault: { kind: 'wrongJson', body: { value: 'none' } },
      check: ({ status, body, headers }) =>
        assert.deepEqual([status, headers['content-type'], body], [200, 'application/json', '{"value":"none"}']),
    },
    {
      name: 'hugeBody',
      fault: { kind: 'hugeBody', bytes: 300_000 },
      check: ({ status, body, headers }) => {
        assert.deepEqual([status, body.length, headers['content-length']], [200, 300_000, undefined]);
        assert.ok('value' in (JSON.parse(body) as object));
      },
    },
    {
      name: 'slowHeaders',
      fault: { kind: 'slowHeaders', delayMs: 60 },
      check: ({ headersAfterMs }) => assert.ok(headersAfterMs >= 59, String(headersAfterMs)),
    },
    {
      name: 'slowBody',
      fault: { kind: 'slowBody', delayMs: 30, chunks: 3 },
      check: ({ body, headersAfterMs, endAfterMs, headers }) => {
        assert.equal(Number(headers['content-length']), body.length);
        assert.ok(endAfterMs - headersAfterMs >= 55, `${headersAfterMs} ${endAfterMs}`);
        JSON.parse(body);
      },
    },
  ];
  for (const { name, fault, check } of rows) {
    it(`${name} answers as it says`, async () => {
      for (const operation of operations) check(await withFault(operation, fault));
    });
  }

  it('cutBody sends half of the body, then cuts the connection', async () => {
    for (const operation of operations) {
      await assert.rejects(withFault(operation, { kind: 'cutBody' }), /aborted|ECONNRESET|socket hang up/u, operation);
    }
  });

  it('disconnect cuts the connection without an answer', async () => {
    for (const operation of operations) {
      await assert.rejects(withFault(operation, { kind: 'disconnect' }), /ECONNRESET|socket hang up/u, operation);
    }
  });
});

describe('a body that is spoilt on its way', () => {
  it('belongs to a request that was processed', async () => {
    const { requestContext } = await real.control.requestRevocation({ serialNumber: '01', issuerName: 'CN=A' });
    await assert.rejects(withFault('downloadRevocationRequests', { kind: 'cutBody' }));
    const revocation = (await real.control.revocations()).find((known) => known.requestContext === requestContext);
    assert.equal(revocation?.state, 'downloaded');
  });

  it('can announce its size', async () => {
    const fault = { kind: 'hugeBody', bytes: 1024 * 1024 * 1024, announced: true } as const;
    await real.control.setFault({ operation: 'validateRequest', fault });
    const token = await real.token(intuneScope);
    const answer = await real.call(`${scepService.path}/ScepActions/validateRequest`, {
      headers: { authorization: `Bearer ${token}` },
      body: '{}',
      readAtMost: 100_000,
    });
    assert.equal(answer.headers['content-length'], String(fault.bytes));
  });

  it('is not made any further when its reader leaves', async () => {
    const before = process.memoryUsage().rss;
    await real.control.setFault({ operation: 'discovery', fault: { kind: 'hugeBody', bytes: 1024 * 1024 * 1024 } });
    const token = await real.token(graphScope);
    const url = '/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints';
    for (let reader = 0; reader < 10; reader += 1) {
      await real.call(url, { headers: { authorization: `Bearer ${token}` }, readAtMost: 200_000 });
    }
    await sleep(50);
    assert.ok(process.memoryUsage().rss - before < 300_000_000);
  });

  for (const fault of [
    { kind: 'slowBody', delayMs: 100_000 },
    { kind: 'delay', delayMs: 100_000 },
    { kind: 'hugeBody', bytes: 1024 * 1024 * 1024 },
  ] as const) {
    it(`does not hold up the stop of the emulator (${fault.kind})`, async () => {
      const own = await startRealHost();
      await own.control.setFault({ operation: 'validateRequest', fault, times: 1 });
      const cut = assert.rejects(own.validate(), /aborted|ECONNRESET|socket hang up/u);
      while ((await own.control.faults()).length > 0) await sleep(5);
      const started = performance.now();
      await own.stop();
      assert.ok(performance.now() - started < 2000);
      await cut;
    });
  }
});

interface Page {
  '@odata.nextLink'?: string;
  value: { providerName: string; uri: string }[];
}

async function page(url?: string): Promise<Page> {
  const headers = { authorization: `Bearer ${await real.token(graphScope)}` };
  const answer = url === undefined ? await real.discover() : await real.call(url, { headers });
  assert.equal(answer.status, 200, answer.body);
  return JSON.parse(answer.body) as Page;
}

function addressesIn({ value }: Page, name: string): string[] {
  return value.filter(({ providerName }) => providerName === name).map(({ uri }) => uri);
}

describe('discovery', () => {
  for (const deadFirst of [true, false]) {
    it(`names each service twice, the dead one ${deadFirst ? 'first' : 'last'}`, async () => {
      await real.control.setFault({ operation: 'discovery', fault: { kind: 'duplicateNames', deadFirst } });
      for (const name of ['ScepRequestValidationFEService', 'PkiConnectorFEService']) {
        const addresses = addressesIn(await page(), name);
        const [dead = '', alive = ''] = deadFirst ? addresses : addresses.toReversed();
        assert.ok(alive.startsWith(real.host.microsoftUrl));
        await assert.rejects(real.call(`${dead}/x`), /ECONNREFUSED/u);
      }
    });
  }

  it('can name a dead address that answers 404', async () => {
    const fault = { kind: 'duplicateNames', deadFirst: true, dead: 'notFound' } as const;
    await real.control.setFault({ operation: 'discovery', fault });
    const [dead = ''] = addressesIn(await page(), 'ScepRequestValidationFEService');
    assert.equal((await real.operation(`${dead}/ScepActions/validateRequest`, {})).status, 404);
  });

  it('comes in pages, with the services on the last one', async () => {
    await real.control.setFault({ operation: 'discovery', fault: { kind: 'nextLink', pages: 3 }, times: 1 });
    let current = await page();
    const pages = [current];
    while (current['@odata.nextLink'] !== undefined) {
      current = await page(current['@odata.nextLink']);
      pages.push(current);
    }
    assert.deepEqual(
      pages.map((one) => addressesIn(one, 'PkiConnectorFEService').length),
      [0, 0, 1],
    );
  });

  it('can send its reader to another server', async () => {
    const fault = { kind: 'nextLink', location: 'https://elsewhere.example/v1.0/next' } as const;
    await real.control.setFault({ operation: 'discovery', fault });
    assert.equal((await page())['@odata.nextLink'], fault.location);
  });
});

describe('a service that has moved', () => {
  it('is found by discovery at its new address only, and back when the fault is cleared', async () => {
    await real.control.setFault({ operation: 'downloadRevocationRequests', fault: { kind: 'moved' } });
    const [moved = ''] = addressesIn(await page(), 'PkiConnectorFEService');
    const body = { downloadParameters: { maxRequests: 1 } };
    const atNewAddress = () => real.operation(`${moved}/CertificateAuthorityRequests/downloadRevocationRequests`, body);
    assert.deepEqual([(await real.download()).status, (await atNewAddress()).status], [404, 200]);
    assert.equal((await real.validate()).status, 200);
    await real.control.clearFaults();
    assert.deepEqual([(await real.download()).status, (await atNewAddress()).status], [200, 404]);
  });
});

describe('a fault that would do nothing is refused:', () => {
  for (const [name, setting] of [
    ['pages of something else than discovery', { operation: 'token', fault: { kind: 'nextLink' } }],
    ['a token endpoint that moves', { operation: 'token', fault: { kind: 'moved' } }],
    ['a move for some requests', { operation: 'validateRequest', fault: { kind: 'moved' }, times: 1 }],
    ['a status that is no redirect', { operation: 'token', fault: { kind: 'redirect', location: '/', status: 200 } }],
    ['a header with a line break', { operation: 'token', fault: { kind: 'redirect', location: '/\r\nX: y' } }],
    ['a body of 2 GB', { operation: 'token', fault: { kind: 'hugeBody', bytes: 2 ** 31 } }],
    ['an unknown operation', { operation: 'tokens', fault: { kind: 'html' } }],
  ] as const) {
    it(name, async () => {
      await assert.rejects(real.control.setFault(setting as Parameters<typeof real.control.setFault>[0]), {
        code: 'emulator.invalid',
      });
    });
  }
});
