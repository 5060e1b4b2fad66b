import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { challenge, startOurServer } from './our-server.ts';
import type { OurServer } from './our-server.ts';
import { runProbe, told } from './run-probe.ts';

const source = { kind: 'static', challenge } as const;
const notPassed = (results: Awaited<ReturnType<typeof runProbe>>['results']): string[] =>
  results.filter(({ state }) => state === 'fail' || state === 'inconclusive').map(told);

describe('our server', () => {
  let server: OurServer;
  before(async () => {
    const authorizer = { kind: 'static-challenge', challenge: { environment: 'CHALLENGE' } };
    server = await startOurServer({ endpoints: { issuer: { authorizer, caCertificates: 'issuer' } } });
  });
  after(() => server.close());

  const endpoints = [
    ['modern', { abuse: true }],
    ['compatible', { algorithms: 'compatible' }],
    ['legacy', { algorithms: 'legacy' }],
    ['issuer', {}],
  ] as const;
  for (const [endpoint, options] of endpoints) {
    it(`fails nothing on the endpoint ${endpoint}`, async () => {
      const { results } = await runProbe(`${server.url}/scep/${endpoint}`, { challenge: source, ...options });
      assert.deepEqual(notPassed(results), []);
      assert.ok(results.filter(({ state }) => state === 'pass').length > 90);
    });
  }

  it('does not serve single DES and MD5 outside of the endpoint legacy', async () => {
    const options = { challenge: source, algorithms: 'legacy', only: ['enroll.success'] } as const;
    const { results } = await runProbe(`${server.url}/scep/modern`, options);
    assert.match(results.map(told).join(), /^fail enroll.success: FAILURE badAlg/);
  });
});

const authorities = [
  ['with EC keys', { keys: { root: 'ec-p384', issuing: 'ec-p256' } }, {}],
  ['that decrypts itself', { registration: 'none' }, { caCertificates: 'single' }],
] as const;

for (const [name, authority, endpoint] of authorities) {
  describe(`our server, a CA ${name}`, () => {
    it('fails nothing', async (test) => {
      const authorizer = { kind: 'static-challenge', challenge: { environment: 'CHALLENGE' } };
      const server = await startOurServer({ authority, endpoints: { only: { authorizer, ...endpoint } } });
      test.after(() => server.close());
      const { results } = await runProbe(`${server.url}/scep/only`, { challenge: source });
      assert.deepEqual(notPassed(results), []);
    });
  });
}
