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

function assertRefused(code: DataFolderErrorCode, message: RegExp): void {
  assert.throws(
    () => open(),
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

  for (const present of ['scepter.db', 'authority']) {
    it(`refuses a folder with ${present} whose master secret is missing, and makes no new one`, () => {
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, present), '');
      assertRefused('data_folder.damaged', /master\.secret is missing/);
      assert.equal(existsSync(join(path, 'master.secret')), false);
      assert.equal(openAndRelease('given'), 'given');
    });
  }

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
    const script = fileURLToPath(new URL('lock-holder.ts', import.meta.url));
    const child = spawn(process.execPath, ['--conditions=source', script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    assertRefused('data_folder.in_use', /Another process uses/);
    child.kill('SIGKILL');
    await once(child, 'close');
    assert.match(openAndRelease(), /^[\w-]{43}$/);
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
