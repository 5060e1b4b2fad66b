import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { EmulatorError } from '../src/errors.ts';
import { StateFile } from '../src/state-file.ts';
import { createTenantState } from '../src/state.ts';
import { createEnrolledDesk, partsFor, certificateRequest } from './desk.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scepter-state-'));
});
after(() => rm(folder, { recursive: true, force: true }));

describe('the state file', () => {
  it('gives back every kind of record', async () => {
    const desk = await createEnrolledDesk();
    await desk.validate(certificateRequest(partsFor(await desk.checkIn())));
    const state = desk.saved.at(-1);
    assert.ok(state !== undefined && state.certificateStates.length === 1);
    const file = new StateFile(join(folder, 'all.json'));
    await file.save(state);
    // JSON has no undefined; the records are compared as they are stored.
    assert.deepEqual(await file.load(), JSON.parse(JSON.stringify(state)));
  });

  it('is absent at first', async () => {
    assert.equal(await new StateFile(join(folder, 'none.json')).load(), undefined);
  });

  it('is readable by its owner only, and leaves no temporary file', async () => {
    const path = join(folder, 'mode.json');
    await new StateFile(path).save(createTenantState(randomBytes));
    if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  it('holds the last of many states that are saved at once, when each save has resolved', async () => {
    const path = join(folder, 'many.json');
    const file = new StateFile(path);
    const state = createTenantState(randomBytes);
    const named = (number: number) => ({ ...state, tenant: { ...state.tenant, tenantName: `tenant-${number}` } });
    const numberOnDisk = async () => {
      const stored = JSON.parse(await readFile(path, 'utf8')) as { tenant: { tenantName: string } };
      return Number(stored.tenant.tenantName.split('-')[1]);
    };
    await Promise.all(
      Array.from({ length: 50 }, async (_, number) => {
        await file.save(named(number));
        assert.ok((await numberOnDisk()) >= number);
      }),
    );
    assert.equal(await numberOnDisk(), 49);
    await file.save(named(50));
    assert.equal(await numberOnDisk(), 50);
  });

  for (const [name, content] of [
    ['cut short', '{"formatVersion":1,"tenant":{'],
    ['empty', ''],
    ['of another shape', '{"formatVersion":1}'],
    ['of a later version', '{"formatVersion":2}'],
  ] as const) {
    it(`that is ${name} is an error with path and hint, and stays as it is`, async () => {
      const path = join(folder, 'damaged.json');
      await writeFile(path, content);
      await assert.rejects(
        new StateFile(path).load(),
        (error) =>
          error instanceof EmulatorError &&
          error.code === 'emulator.state_damaged' &&
          error.path === path &&
          error.hint !== undefined,
      );
      assert.equal(await readFile(path, 'utf8'), content);
    });
  }

  it('in a folder that is gone is an error with path and hint', async () => {
    const file = new StateFile(join(folder, 'gone', 'state.json'));
    await assert.rejects(
      file.save(createTenantState(randomBytes)),
      (error) =>
        error instanceof EmulatorError && error.code === 'emulator.folder_unwritable' && error.hint !== undefined,
    );
    await assert.rejects(file.save(createTenantState(randomBytes)), EmulatorError);
  });
});
