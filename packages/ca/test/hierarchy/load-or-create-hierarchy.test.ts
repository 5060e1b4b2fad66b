import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeCertificate, equalBytes } from '@scepter/x509';
import { CaError, loadOrCreateHierarchy, readHierarchy, writeEncryptedKey } from '@scepter/ca';
import type { Authority, CaErrorCode, HierarchyFolderOptions, StoredHierarchy } from '@scepter/ca';
import { hierarchyOptions, NOW } from '../test-authorities.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const SECRET = 'secret of the test';
const options: HierarchyFolderOptions = { ...hierarchyOptions, secret: SECRET, keyDerivationIterations: 1000 };
const parent = temporaryFolder();
const original = join(parent, 'original');
let created: StoredHierarchy;

before(async () => {
  created = await loadOrCreateHierarchy(original, options);
});

function copyOf(name: string): string {
  const copy = join(parent, name);
  cpSync(original, copy, { recursive: true });
  return copy;
}

/** Every file below a folder with its content. */
function snapshot(folder: string): [path: string, content: string][] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map((file): [string, string] => {
      const path = join(file.parentPath, file.name);
      return [path, readFileSync(path, 'latin1')];
    })
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

function failsWith(code: CaErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof CaError, String(error));
    assert.equal(error.code, code, error.message);
    assert.ok(error.path !== undefined && error.path.startsWith(parent));
    assert.match(error.hint ?? '', /^[A-Z].*\.$/);
    assert.doesNotMatch(`${error.message} ${error.hint}`, /secret of the test/);
    return true;
  };
}

function same(one: Authority, other: Authority): boolean {
  return equalBytes(one.certificate, other.certificate) && one.privateKey.equals(other.privateKey);
}

describe('loadOrCreateHierarchy', () => {
  it('creates a hierarchy once and finds it again', async () => {
    assert.equal(created.origin, 'created');
    const again = await loadOrCreateHierarchy(original, options);
    assert.equal(again.origin, 'loaded');
    assert.ok(same(created.root, again.root));
    for (const part of ['issuing', 'registration'] as const) {
      assert.ok(same(created.generations[0][part], again.generations[0][part]));
    }
    assert.deepEqual(again.generations[0].formerRegistrations, []);
  });

  it('lets only the owner look', { skip: process.platform === 'win32' }, () => {
    assert.equal(statSync(original).mode & 0o777, 0o700);
    for (const part of ['root', 'issuing', 'registration-1']) {
      assert.equal(statSync(join(original, part)).mode & 0o777, 0o700);
      assert.equal(statSync(join(original, part, 'private-key.pem')).mode & 0o777, 0o600);
    }
  });

  it('uses an empty folder and makes missing parents', async () => {
    const empty = join(parent, 'empty');
    mkdirSync(empty);
    assert.equal((await loadOrCreateHierarchy(empty, options)).origin, 'created');
    assert.equal((await loadOrCreateHierarchy(join(parent, 'deep', 'er', 'ca'), options)).origin, 'created');
  });

  it('agrees on one hierarchy when several start at once', async () => {
    const folder = join(parent, 'race');
    const [one, ...others] = await Promise.all([1, 2, 3].map(() => loadOrCreateHierarchy(folder, options)));
    assert.ok(one);
    assert.ok(
      others.every(
        (other) =>
          same(one.root, other.root) && same(one.generations[0].registration, other.generations[0].registration),
      ),
    );
    assert.deepEqual(
      readdirSync(parent).filter((entry) => entry.startsWith('.race')),
      [],
    );
  });

  it('needs the right secret', async () => {
    const before = snapshot(original);
    await assert.rejects(
      loadOrCreateHierarchy(original, { ...options, secret: 'some other secret' }),
      failsWith('ca.wrong_secret'),
    );
    assert.deepEqual(snapshot(original), before);
  });

  it('says that a place cannot be written', async () => {
    const file = join(parent, 'file');
    writeFileSync(file, 'not a folder');
    for (const folder of [file, join(file, 'ca')]) {
      await assert.rejects(loadOrCreateHierarchy(folder, options), failsWith('ca.store_unwritable'));
    }
    assert.equal(readFileSync(file, 'utf8'), 'not a folder');
  });

  it('does not settle in a folder that holds something else', async () => {
    const folder = join(parent, 'photos');
    mkdirSync(folder);
    writeFileSync(join(folder, 'holiday.jpg'), 'precious');
    await assert.rejects(loadOrCreateHierarchy(folder, options), failsWith('ca.store_damaged'));
    assert.deepEqual(readdirSync(folder), ['holiday.jpg']);
  });
});

describe('readHierarchy', () => {
  it('reads what was created and creates nothing', async () => {
    const read = await readHierarchy(original, { secret: SECRET, now: NOW });
    assert.ok(same(created.generations[0].issuing, read.generations[0].issuing));
    const missing = join(parent, 'missing');
    await assert.rejects(readHierarchy(missing, { secret: SECRET, now: NOW }), failsWith('ca.store_missing'));
    assert.equal(existsSync(missing), false);
  });
});

describe('a damaged folder is refused and left as it is', () => {
  const damage: [name: string, inflict: (folder: string) => Promise<void> | void][] = [
    ['no root', (folder) => rmSync(join(folder, 'root'), { recursive: true })],
    ['no issuing key', (folder) => rmSync(join(folder, 'issuing', 'private-key.pem'))],
    ['no registration', (folder) => rmSync(join(folder, 'registration-1'), { recursive: true })],
    ['an empty certificate', (folder) => writeFileSync(join(folder, 'issuing', 'certificate.pem'), '')],
    ['a cut key', (folder) => writeFileSync(join(folder, 'root', 'private-key.pem'), '-----BEGIN ENCRYPTED')],
    [
      "another CA's issuing folder",
      (folder) => cpSync(join(parent, 'other', 'issuing'), join(folder, 'issuing'), { recursive: true }),
    ],
    [
      "another CA's registration",
      (folder) => cpSync(join(parent, 'other', 'registration-1'), join(folder, 'registration-1'), { recursive: true }),
    ],
    [
      "another CA's issuing key",
      (folder) =>
        cpSync(join(parent, 'other', 'issuing', 'private-key.pem'), join(folder, 'issuing', 'private-key.pem')),
    ],
    [
      'certificates exchanged',
      (folder) => cpSync(join(folder, 'root', 'certificate.pem'), join(folder, 'issuing', 'certificate.pem')),
    ],
    [
      'a device in the place of the issuing CA',
      (folder) => cpSync(join(folder, 'registration-1'), join(folder, 'issuing'), { recursive: true }),
    ],
    [
      'one key under another secret',
      async (folder) => {
        const path = join(folder, 'root', 'private-key.pem');
        rmSync(path);
        await writeEncryptedKey(path, created.root.privateKey, 'another secret', options);
      },
    ],
    [
      'a key of nobody',
      async (folder) => {
        const path = join(folder, 'root', 'private-key.pem');
        rmSync(path);
        const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
        await writeEncryptedKey(path, privateKey, SECRET, options);
      },
    ],
  ];

  before(async () => {
    await loadOrCreateHierarchy(join(parent, 'other'), options);
  });

  for (const [name, inflict] of damage) {
    it(name, async () => {
      const folder = copyOf(`damaged-${name.replaceAll(/\W/g, '-')}`);
      await inflict(folder);
      const before = snapshot(folder);
      await assert.rejects(loadOrCreateHierarchy(folder, options), failsWith('ca.store_damaged'));
      await assert.rejects(readHierarchy(folder, { secret: SECRET, now: NOW }), failsWith('ca.store_damaged'));
      assert.deepEqual(snapshot(folder), before);
    });
  }

  it('a flipped bit anywhere in a file never yields another CA', async () => {
    const folder = copyOf('flipped');
    for (const [path, content] of snapshot(folder)) {
      for (let position = 3; position < content.length; position += 149) {
        const bytes = Buffer.from(content, 'latin1');
        bytes[position] = (bytes[position] ?? 0) ^ (1 << (position % 7));
        writeFileSync(path, bytes);
        const outcome = await readHierarchy(folder, { secret: SECRET, now: NOW }).catch((error: unknown) => error);
        if (outcome instanceof Error)
          assert.ok(
            outcome instanceof CaError && outcome.code === 'ca.store_damaged',
            `${path} ${position}: ${String(outcome)}`,
          );
        else assert.ok(same((outcome as StoredHierarchy).root, created.root), `${path} ${position}`);
      }
      writeFileSync(path, content, 'latin1');
    }
  });
});

describe('the registration authority', () => {
  const inDays = (days: number): Date =>
    new Date(decodeCertificate(created.generations[0].registration.certificate).notAfter.getTime() + days * 86_400_000);

  it('is followed by a new one, with a new key, when less than 30 days remain', async () => {
    const folder = copyOf('renewal');
    const before = snapshot(folder);
    assert.equal((await loadOrCreateHierarchy(folder, { ...options, now: inDays(-31) })).origin, 'loaded');
    const renewed = await loadOrCreateHierarchy(folder, { ...options, now: inDays(-29) });
    assert.equal(renewed.origin, 'registration-renewed');
    assert.ok(!renewed.generations[0].registration.privateKey.equals(created.generations[0].registration.privateKey));
    assert.deepEqual(
      decodeCertificate(renewed.generations[0].registration.certificate).subject.encoded,
      decodeCertificate(created.generations[0].registration.certificate).subject.encoded,
    );
    assert.ok(same(renewed.generations[0].issuing, created.generations[0].issuing));
    // What devices may still encrypt to is kept, and nothing was rewritten.
    assert.ok(
      renewed.generations[0].formerRegistrations[0] &&
        same(renewed.generations[0].formerRegistrations[0], created.generations[0].registration),
    );
    const after = new Map(snapshot(folder));
    assert.ok(before.every(([path, content]) => after.get(path) === content));

    const again = await loadOrCreateHierarchy(folder, { ...options, now: inDays(-28) });
    assert.equal(again.origin, 'loaded');
    assert.ok(same(again.generations[0].registration, renewed.generations[0].registration));
    assert.equal(again.generations[0].formerRegistrations.length, 1);
    const later = await readHierarchy(folder, { secret: SECRET, now: inDays(1) });
    assert.deepEqual(later.generations[0].formerRegistrations, []);
  });

  it('is the same for all when several renew at once', async () => {
    const folder = copyOf('renewal-race');
    const now = inDays(-10);
    const [one, ...others] = await Promise.all([1, 2, 3].map(() => loadOrCreateHierarchy(folder, { ...options, now })));
    assert.ok(one && !same(one.generations[0].registration, created.generations[0].registration));
    assert.ok(others.every((other) => same(one.generations[0].registration, other.generations[0].registration)));
    assert.deepEqual(readdirSync(folder).sort(), ['issuing', 'registration-1', 'registration-2', 'root']);
  });

  it('is not renewed for the sake of days that its CA does not have', async () => {
    const folder = copyOf('ending');
    const end = decodeCertificate(created.generations[0].issuing.certificate).notAfter.getTime();
    const now = new Date(end - 10 * 86_400_000);
    assert.equal((await loadOrCreateHierarchy(folder, { ...options, now })).origin, 'loaded');
    assert.deepEqual(readdirSync(folder).sort(), ['issuing', 'registration-1', 'root']);
  });

  it('goes on when the new one cannot be written, as long as it is valid', async () => {
    const folder = copyOf('renewal-problem');
    const failing = (size: number): Uint8Array => {
      if (size === 4) throw new Error('no temporary name today');
      return randomBytes(size);
    };
    const problem = await loadOrCreateHierarchy(folder, { ...options, now: inDays(-5), randomBytes: failing });
    assert.equal(problem.origin, 'loaded');
    assert.equal(problem.generations[0].renewalProblem?.code, 'ca.store_unwritable');
    assert.ok(same(problem.generations[0].registration, created.generations[0].registration));
    await assert.rejects(
      loadOrCreateHierarchy(folder, { ...options, now: inDays(1), randomBytes: failing }),
      failsWith('ca.store_unwritable'),
    );
  });
});

describe('kill -9 while a hierarchy is written', () => {
  const program = fileURLToPath(new URL('create-and-die.ts', import.meta.url));

  async function run(folder: string, dieAt: number, now = NOW): Promise<{ signal: string | null; output: string }> {
    const child = spawn(process.execPath, ['--conditions=source', program, folder, String(dieAt), now.toISOString()]);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [, signal] = (await once(child, 'close')) as [number | null, string | null];
    return { signal, output };
  }

  // Three serial numbers, the temporary name, then salt and initialization vector of three keys: ten in all.
  for (const dieAt of [1, 5, 8, 10]) {
    it(`at request ${dieAt} for random bytes leaves nothing that the next start stumbles over`, async () => {
      const folder = join(parent, `killed-${dieAt}`, 'ca');
      assert.equal((await run(folder, dieAt)).signal, 'SIGKILL');
      assert.equal(existsSync(folder), false);
      const leftovers = existsSync(join(folder, '..')) ? readdirSync(join(folder, '..')).length : 0;
      assert.equal(leftovers, dieAt > 4 ? 1 : 0);
      assert.equal((await loadOrCreateHierarchy(folder, options)).origin, 'created');
      assert.deepEqual(readdirSync(join(folder, '..')), ['ca']);
    });
  }

  it('while the RA is renewed leaves the CA as it was, and the next start renews', async () => {
    const folder = copyOf('killed-renewal');
    const before = snapshot(folder);
    const now = new Date('2028-02-20T00:00:00Z');
    assert.equal((await run(folder, 4, now)).signal, 'SIGKILL');
    assert.equal(readdirSync(folder).filter((entry) => entry.startsWith('.registration-2.unfinished-')).length, 1);
    assert.ok(
      same(
        (await readHierarchy(folder, { secret: SECRET, now })).generations[0].registration,
        created.generations[0].registration,
      ),
    );
    assert.equal((await loadOrCreateHierarchy(folder, { ...options, now })).origin, 'registration-renewed');
    assert.deepEqual(readdirSync(folder).sort(), ['issuing', 'registration-1', 'registration-2', 'root']);
    const after = new Map(snapshot(folder));
    assert.ok(before.every(([path, content]) => after.get(path) === content));
  });

  it('asks ten times when it is left alone', async () => {
    const { signal, output } = await run(join(parent, 'alive', 'ca'), 0);
    assert.equal(signal, null);
    assert.equal(output, 'finished after 10');
  });

  it('a leftover of the same process id from an earlier run is removed, one of a running process is not', async () => {
    const inner = join(parent, 'leftovers');
    mkdirSync(join(inner, `.ca.unfinished-${process.ppid}-00000000`), { recursive: true });
    mkdirSync(join(inner, '.ca.unfinished-999999999-00000000'));
    await loadOrCreateHierarchy(join(inner, 'ca'), { ...options, randomBytes });
    assert.deepEqual(readdirSync(inner).sort(), [`.ca.unfinished-${process.ppid}-00000000`, 'ca']);
  });
});
