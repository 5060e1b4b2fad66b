/** The faults of the Intune client's contract suite, as they look through a forward proxy that others wrote. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { run } from './command.ts';
import { startTinyproxy } from './tinyproxy.ts';

const root = join(import.meta.dirname, '..');
const user = { username: 'scepter', password: 'contract' };

describe("the Intune client's contract through tinyproxy", () => {
  for (const file of ['faults', 'first-calls', 'story', 'credentials']) {
    it(`${file}.test.ts`, async () => {
      const proxy = await startTinyproxy(user);
      try {
        const test = `packages/intune/test/contract/${file}.test.ts`;
        const { exitCode, output } = await run(process.execPath, ['--conditions=source', '--test', test], {
          folder: root,
          environment: {
            INTUNE_CONTRACT_PROXY: `http://${user.username}:${user.password}@${proxy.host}:${proxy.port}`,
          },
          timeoutMs: 120_000,
        });
        assert.equal(exitCode, 0, output);
        const tunnels = await proxy.tunnels();
        assert.ok(tunnels.length > 0);
        assert.ok(tunnels.every((target) => target.startsWith('127.0.0.1:')));
      } finally {
        await proxy.stop();
      }
    });
  }
});
