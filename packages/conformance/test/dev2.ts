import { startOurServer, challenge } from './our-server.ts';
import { probe } from '../src/index.ts';
import { randomBytes } from 'node:crypto';
const s = await startOurServer();
const [ep = 'compatible', ...rest] = process.argv.slice(2);
const report = await probe({
  url: `${s.url}/scep/${ep}`,
  now: () => new Date(),
  randomBytes,
  intervalMs: 5,
  abuse: rest.includes('abuse'),
  only: rest.filter((x) => x !== 'abuse'),
  timeoutMs: 6000,
  challenge: { kind: 'static' as const, challenge },
});
for (const r of report.results)
  console.log(
    r.state.toUpperCase().padEnd(14),
    r.level.padEnd(8),
    r.id.padEnd(32),
    r.saw.slice(0, 170),
    r.durationMs > 500 ? `${Math.round(r.durationMs)}ms` : '',
  );
console.log(report.conforms, Math.round(report.durationMs));
await s.close();
