/**
 * Fuzzes what reads bytes from outside: `npm run fuzz`, or `npm run fuzz -- --target certificate --seconds 60`.
 * `fuzz/README.md` tells how it works.
 *
 *     --target NAME,…    default: all of them, one after the other
 *     --seconds N        for each target; default 20
 *     --executions N     for each target; it ends with whichever comes first
 *     --seed N           default 1: the same seed makes the same inputs
 *     --workers N        threads; default 1
 *     --coverage         let V8 say which inputs reach new code, too; slower
 *     --list             the targets
 *
 * Every finding is made small and written to `fuzz/regressions/TARGET/`; then the exit code is 1.
 */
import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';
import type { CampaignResult } from './campaign.ts';
import { writeRegression } from './corpus.ts';
import { targetNamed, targets } from './targets/targets.ts';

const { values: options } = parseArgs({
  options: {
    target: { type: 'string' },
    seconds: { type: 'string' },
    executions: { type: 'string' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '1' },
    coverage: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

const chosen = options.target === undefined ? targets : options.target.split(',').map(targetNamed);
const executions = options.executions === undefined ? Infinity : Number(options.executions);
const seconds = options.seconds === undefined ? (executions === Infinity ? 20 : 86_400) : Number(options.seconds);
const seed = Number(options.seed);
const workers = Number(options.workers);
if (!(seconds > 0 && executions > 0 && Number.isSafeInteger(seed) && seed >= 0 && workers >= 1)) {
  throw new Error('--seconds, --executions, --seed and --workers take positive numbers.');
}

if (options.list) {
  for (const { name, description } of targets) console.log(`${name.padEnd(26)}${description}`);
} else {
  process.exitCode = (await fuzz()) === 0 ? 0 : 1;
}

async function fuzz(): Promise<number> {
  console.log(
    `seed ${seed}, ${workers} ${workers === 1 ? 'thread' : 'threads'}${options.coverage ? ', with coverage' : ''}`,
  );
  let findings = 0;
  let total = 0;
  for (const { name } of chosen) {
    const result = await runCampaign({
      target: name,
      seed,
      workers,
      executions,
      durationMs: seconds * 1000,
      coverage: options.coverage,
      onProgress: (done) => console.log(`  ${name}: ${done.toLocaleString('en')} executions so far`),
    });
    total += result.executions;
    findings += result.findings.length;
    report(name, result);
  }
  console.log(`${total.toLocaleString('en')} executions in all, ${findings} findings`);
  return findings;
}

function report(name: string, result: CampaignResult): void {
  const perSecond = Math.round((result.executions / result.durationMs) * 1000);
  console.log(
    [
      `${name}: ${result.executions.toLocaleString('en')} executions`,
      `${perSecond.toLocaleString('en')}/s`,
      `${result.accepted.toLocaleString('en')} accepted`,
      `corpus ${result.corpus}`,
      `${result.signatures} ways`,
      ...(result.blocks === undefined ? [] : [`${result.blocks} blocks`]),
      `slowest ${result.slowestMs.toFixed(1)} ms`,
    ].join(', '),
  );
  for (const { kind, message, stack, input } of result.findings) {
    console.log(`  FINDING ${kind}: ${message}\n    ${stack.split('\n').slice(0, 6).join('\n    ')}`);
    if (input.length > 0) console.log(`    ${input.length} bytes, kept as ${writeRegression(name, input)}`);
  }
}
