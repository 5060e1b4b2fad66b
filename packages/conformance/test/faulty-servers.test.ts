import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { catalogue } from '../src/index.ts';
import { faults } from './faults/index.ts';
import { runProbe, told } from './run-probe.ts';
import { startSmallServer } from './small-server.ts';

/** They need a server of another kind: see tls.test.ts and broken-servers.test.ts. */
const elsewhere = new Set(['clients.tls-1-2', 'abuse.smuggling']);

describe('a server that gets one thing wrong', () => {
  for (const { checks, name } of catalogue) {
    describe(name, () => {
      for (const { id, title } of checks.filter((check) => !elsewhere.has(check.id))) {
        it(`${id} notices that it does not hold: ${title}`, async (test) => {
          const fault = faults[id];
          assert.ok(fault !== undefined, `there is no fault for ${id}`);
          const server = await startSmallServer(fault.server());
          test.after(() => server.close());
          const { results } = await runProbe(server.url, { only: [id], abuse: true, ...fault.probe });
          assert.deepEqual(
            results.map(({ state }) => state),
            ['fail'],
            results.map(told).join(),
          );
        });
      }
    });
  }
});
