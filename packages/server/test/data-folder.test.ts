import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDataFolder } from '../src/data-folder.ts';
import type { DataFolderErrorCode } from '../src/data-folder.ts';

let parent: string;
let path: string;
let folders = 0;
before(() => {
  parent = mkdtempSync(join(tmpdir(), 'scepter-folder-'));
});
beforeEach(() => {
  path = join(parent, String((folders += 1)), 'data');
});
after(() => rmSync(parent, { recursive: true }));

const open = (masterSecret?: string) => openDataFolder(path, { masterSecret, randomBytes });
const openAndRelease = (masterSecret?: string): string => {
  const folder = open(masterSecret);
  folder.release();
  return folder.masterSecret;
};

/** Part of what a server leaves in the folder. */
function create(part: string): void {
  mkdirSync(part === 'authority' ? join(path, part) : path, { recursive: true });
  writeFileSync(part === 'authority' ? join(path, part, 'root.cer') : join(path, part), '');
}

/** What a process of its own makes of the folder: `held`, or the code of its error. The caller kills it. */
async function openElsewhere(): Promise<{ readonly outcome: string; readonly kill: () => Promise<void> }> {
  const script = fileURLToPath(new URL('lock-holder.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=source', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const [output] = (await once(child.stdout, 'data')) as [Buffer];
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await closed;
  };
  return { outcome: output.toString(), kill };
}

function assertRefused(code: DataFolderErrorCode, message: RegExp, masterSecret?: string): void {
  assert.throws(
    () => open(masterSecret),
    (error: Error & { code?: string; hint?: string }) => {
      assert.equal(error.name, 'DataFolderError');
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.ok(error.message.includes(path), error.message);
      assert.match(error.hint ?? '', /^[A-Z].{20,}\.$/);
      return true;
    },
  );
}

describe('openDataFolder', () => {
  it('creates the folder and a master secret, for their owner alone', () => {
    const folder = open();
    assert.equal(folder.path, path);
    assert.equal(folder.databasePath, join(path, 'scepter.db'));
    assert.equal(folder.authorityFolder, join(path, 'authority'));
    assert.match(folder.masterSecret, /^[A-Za-z0-9_-]{43}$/);
    assert.deepEqual(readdirSync(path).sort(), ['lock', 'master.secret']);
    assert.equal(readFileSync(join(path, 'master.secret'), 'utf8'), `${folder.masterSecret}\n`);
    if (process.platform !== 'win32') {
      assert.equal(statSync(path).mode & 0o777, 0o700);
      for (const file of readdirSync(path)) assert.equal(statSync(join(path, file)).mode & 0o777, 0o600, file);
    }
    folder.release();
  });

  it('finds the same master secret again', () => {
    assert.equal(openAndRelease(), openAndRelease());
  });

  it('creates another master secret in each folder', () => {
    const first = openAndRelease();
    path = `${path}-other`;
    assert.notEqual(openAndRelease(), first);
  });

  it('uses a master secret that is given, and writes it nowhere', () => {
    assert.equal(openAndRelease('given'), 'given');
    assert.deepEqual(readdirSync(path), ['lock']);
  });

  it('takes over what a process left that was killed while it wrote the master secret', () => {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'master.secret.tmp'), 'half');
    writeFileSync(join(path, 'write-test.tmp'), 'half');
    assert.match(openAndRelease(), /^[A-Za-z0-9_-]{43}$/);
    assert.deepEqual(readdirSync(path).sort(), ['lock', 'master.secret']);
  });

  for (const parts of [['scepter.db'], ['scepter.db', 'authority']]) {
    it(`refuses a folder with ${parts.join(' and ')} whose master secret is missing, and makes no new one`, () => {
      for (const part of parts) create(part);
      assertRefused('data_folder.damaged', /master\.secret is missing/);
      assert.equal(existsSync(join(path, 'master.secret')), false);
      assert.equal(openAndRelease('given'), 'given');
    });
  }

  for (const masterSecret of ['of the folder', 'of the configuration', 'missing']) {
    it(`refuses an authority whose database is missing, with a master secret ${masterSecret}`, () => {
      create('authority');
      if (masterSecret === 'of the folder') writeFileSync(join(path, 'master.secret'), `${'s'.repeat(43)}\n`);
      const before = readdirSync(path);
      const given = masterSecret === 'of the configuration' ? 'given' : undefined;
      assertRefused('data_folder.damaged', /scepter\.db is missing.*revoked/, given);
      assert.deepEqual(readdirSync(path).sort(), [...before, 'lock'].sort());
      assert.deepEqual(readdirSync(join(path, 'authority')), ['root.cer']);
    });
  }

  it('refuses an authority that it cannot look into', () => {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'authority'), 'a file');
    assertRefused('data_folder.damaged', /authority can't be read/);
  });

  it('tells whether there is an authority already', () => {
    const hasAuthority = (): boolean => {
      const folder = open();
      folder.release();
      return folder.hasAuthority;
    };
    assert.equal(hasAuthority(), false);
    create('scepter.db');
    assert.equal(hasAuthority(), false, 'left by a process that was killed before it made the authority');
    mkdirSync(join(path, 'authority'));
    assert.equal(hasAuthority(), false);
    create('authority');
    assert.equal(hasAuthority(), true);
  });

  for (const [what, content] of [
    ['empty', ''],
    ['cut short', 'abc'],
    ['garbage', '\u0000'.repeat(43)],
  ] as const) {
    it(`refuses a master secret that is ${what}, and leaves it as it is`, () => {
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, 'master.secret'), content);
      assertRefused('data_folder.damaged', /is damaged/);
      assert.equal(readFileSync(join(path, 'master.secret'), 'utf8'), content);
    });
  }

  it('refuses a folder that it did not lock, when the lock file is something else', () => {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'lock'), 'x'.repeat(4096));
    assertRefused('data_folder.damaged', /lock/);
    assert.equal(readFileSync(join(path, 'lock'), 'utf8'), 'x'.repeat(4096));
  });

  it('refuses a path that is a file, or below one', () => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, 'a file');
    assertRefused('data_folder.unwritable', /can't be written to/);
    path = join(path, 'below');
    assertRefused('data_folder.unwritable', /can't be written to/);
  });

  it(
    'refuses a place where no folder can be made, and comes back',
    { skip: process.platform !== 'linux' && 'no /proc' },
    () => {
      assert.throws(() => openDataFolder('/proc/scepter/data', { randomBytes }), { code: 'data_folder.unwritable' });
    },
  );

  it('refuses a folder without write permission', () => {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o500);
    asOrdinaryUser(path, () => assertRefused('data_folder.unwritable', /\(EACCES\)/));
    chmodSync(path, 0o700);
    assert.deepEqual(readdirSync(path), []);
  });

  it('is for one user at a time, also within a process', () => {
    const folder = open();
    assertRefused('data_folder.in_use', /Another process uses/);
    folder.release();
    folder.release();
    assert.equal(openAndRelease(), folder.masterSecret);
  });

  it('lets go when opening fails', () => {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'master.secret'), 'damaged');
    assertRefused('data_folder.damaged', /is damaged/);
    rmSync(join(path, 'master.secret'));
    assert.match(openAndRelease(), /^[\w-]{43}$/);
  });

  it('is locked against other processes until they are killed', async () => {
    const elsewhere = await openElsewhere();
    assert.equal(elsewhere.outcome, 'held');
    assertRefused('data_folder.in_use', /Another process uses/);
    await elsewhere.kill();
    assert.match(openAndRelease(), /^[\w-]{43}$/);
  });

  it('stays locked against other processes when it was refused within this one', async () => {
    const folder = open();
    assertRefused('data_folder.in_use', /Another process uses/);
    const refused = await openElsewhere();
    await refused.kill();
    assert.equal(refused.outcome, 'data_folder.in_use');
    folder.release();
    const elsewhere = await openElsewhere();
    await elsewhere.kill();
    assert.equal(elsewhere.outcome, 'held');
  });
});

/** Permissions do not bind root: it becomes nobody, as the owner of the folder, for as long as `work` takes. */
function asOrdinaryUser(folder: string, work: () => void): void {
  if (process.geteuid?.() !== 0) return work();
  const nobody = 65_534;
  chownSync(folder, nobody, nobody);
  chmodSync(dirname(folder), 0o755);
  process.seteuid?.(nobody);
  try {
    work();
  } finally {
    process.seteuid?.(0);
  }
}
