/**
 * What fuzzing started from and what it found, replayed: `fuzz/corpus` holds what clients really send, `fuzz/regressions`
 * the inputs that once showed a fault, with what is to become of them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { corpusFolders, readCorpus } from '../../../fuzz/corpus.ts';
import { Fuzzer } from '../../../fuzz/fuzzer.ts';
import { Random } from '../../../fuzz/mutation/random.ts';
import { attempt, promise } from '../../../fuzz/outcome.ts';
import type { OpenTarget, Target } from '../../../fuzz/targets/target.ts';
import { targetNamed, targets } from '../../../fuzz/targets/targets.ts';

interface Regression {
  readonly file: string;
  readonly accepted: boolean;
  readonly finding: string;
}

const regressions = JSON.parse(
  readFileSync(new URL('../../../fuzz/regressions/regressions.json', import.meta.url), 'utf8'),
) as readonly Regression[];

/** Requests that are refused on purpose are part of what clients send. */
const refusedSeeds: ReadonlySet<string> = new Set([
  'chunked.bin',
  'expect.bin',
  'next-ca.bin',
  'approve.bin',
  'deny.bin',
  'revoke.bin',
]);
/** Of this thread alone, so that a busy machine does not matter. */
const SLOWEST_CPU_MS = 500;

async function opened(name: string, use: (open: OpenTarget) => Promise<void>): Promise<void> {
  const open = await targetNamed(name).open();
  try {
    await use(open);
    await open.check?.();
  } finally {
    await open.close?.();
  }
}

describe('inputs that fuzzing found', () => {
  it('are all described, and all there', () => {
    const files = corpusFolders('regressions').flatMap((folder) =>
      readCorpus('regressions', folder).map(({ name }) => `${folder}/${name}`),
    );
    assert.ok(files.length > 0);
    assert.deepEqual(files.toSorted(), regressions.map(({ file }) => file).toSorted());
  });

  for (const { file, accepted, finding } of regressions) {
    const [folder = '', name = ''] = file.split('/');
    it(`${file}: ${finding}`, () =>
      opened(folder, async (open) => {
        const input = readCorpus('regressions', folder).find((candidate) => candidate.name === name);
        assert.ok(input);
        const before = process.threadCpuUsage();
        const outcome = await open.execute(input.bytes);
        const { user, system } = process.threadCpuUsage(before);
        assert.equal(outcome.accepted, accepted);
        assert.ok((user + system) / 1000 < SLOWEST_CPU_MS, `${(user + system) / 1000} ms`);
      }));
  }
});

describe('what clients send', () => {
  it('has a target for every folder', () => {
    const used = new Set(targets.flatMap(({ name, corpora = [name] }) => corpora));
    const unused = corpusFolders('corpus').filter((folder) => !used.has(folder) && folder !== 'cert-rep-password');
    assert.deepEqual(unused, []);
    assert.ok(corpusFolders('corpus').length > 10);
  });

  for (const target of targets) {
    it(`is taken by ${target.name}`, () => opened(target.name, (open) => replay(target, open)));
  }

  async function replay({ name, corpora = [name] }: Target, open: OpenTarget): Promise<void> {
    const files = corpora.flatMap((folder) => readCorpus('corpus', folder).map((file) => ({ folder, ...file })));
    assert.ok(files.length > 0 || (open.seeds ?? []).length > 0);
    for (const { folder, name: file, bytes } of files) {
      const outcome = await open.execute(bytes);
      // What is in a folder of a target's own is what it is for.
      if (folder === name) assert.ok(outcome.accepted || refusedSeeds.has(file), `${file}: ${outcome.signature}`);
    }
    for (const seed of open.seeds ?? []) await open.execute(seed);
  }
});

describe('the fuzzer', () => {
  const open: OpenTarget = {
    execute(input) {
      const text = attempt(() => Buffer.from(input).toString('latin1'), RangeError);
      const depth = text.accepted ? text.value.split('0').length : 0;
      promise(!(input[0] === 0x30 && input.includes(0x2a) && input.length > 40), 'a planted fault');
      return { accepted: input[0] === 0x30, signature: `${Math.min(depth, 20)} ${Math.min(input.length, 60)}` };
    },
  };
  const target: Target = { name: 'planted', description: '', inputKind: 'asn1', open: () => open };
  const run = (seed: number) =>
    new Fuzzer({
      target,
      open,
      seeds: [Uint8Array.of(0x30, 3, 2, 1, 5)],
      random: new Random(seed),
      maximumExecutions: 20_000,
      stopsAt: Infinity,
      coverage: false,
      onExecution: () => undefined,
    }).run();
  let first: Awaited<ReturnType<typeof run>>;
  before(async () => {
    first = await run(1);
  });
  after(() => undefined);

  it('finds a planted fault, and makes its input as small as it can be', () => {
    const [finding] = first.findings;
    assert.equal(finding?.message, 'a planted fault');
    assert.equal(finding.input.length, 41);
    assert.deepEqual(
      [...finding.input].filter((byte) => byte !== 0).toSorted((one, other) => one - other),
      [0x2a, 0x30],
    );
  });

  it('does the same with the same seed, and something else with another', async () => {
    const again = await run(1);
    assert.deepEqual(
      [again.signatures, again.accepted, again.corpus],
      [first.signatures, first.accepted, first.corpus],
    );
    const other = await run(2);
    assert.notDeepEqual([other.accepted, other.corpus], [first.accepted, first.corpus]);
  });
});
