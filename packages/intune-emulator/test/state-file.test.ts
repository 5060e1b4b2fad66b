import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { EmulatorError } from '../src/errors.ts';
import { StateFile } from '../src/state-file.ts';
import { createTenantState } from '../src/state.ts';
import { applicationCertificate, applicationPublicKey } from './assertions.ts';
import { createDesk, createEnrolledDesk, partsFor, certificateRequest } from './desk.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scepter-state-'));
});
after(() => rm(folder, { recursive: true, force: true }));

describe('the state file', () => {
  it('gives back every kind of record', async () => {
    const desk = await createEnrolledDesk();
    const { control } = desk.emulator;
    await desk.validate(certificateRequest(partsFor(await desk.checkIn())));
    await control.requestRevocation({ serialNumber: '0A', issuerName: 'CN=A' });
    await control.addApplicationSecret({ endDateTime: '2026-04-01T00:00:00Z' });
    await control.addApplicationCertificate(applicationCertificate);
    await control.setFederatedCredential({ issuer: 'https://a', subject: 'b', publicKeyPem: applicationPublicKey });
    const state = desk.saved.at(-1);
    assert.ok(state !== undefined && state.certificateStates.length === 1);
    const file = new StateFile(join(folder, 'all.json'));
    await file.save(state);
    // JSON has no undefined; the records are compared as they are stored.
    assert.deepEqual(await file.load(), JSON.parse(JSON.stringify(state)));
  });

  it('of an earlier version, without revocations and credentials, is read as it is', async () => {
    const path = join(folder, 'earlier.json');
    const earlier = createTenantState(randomBytes);
    await writeFile(path, JSON.stringify(earlier));
    const loaded = await new StateFile(path).load();
    assert.deepEqual(loaded, earlier);
    const { control } = createDesk(loaded).emulator;
    assert.deepEqual(await control.revocations(), []);
    assert.deepEqual(await control.revocationSettings(), { coolDownMinutes: 60, revokeOnRemoval: false });
    assert.deepEqual(
      (await control.applicationSecrets()).map(({ id }) => id),
      ['initial'],
    );
  });

  it('holds no secret that was added, only its hash', async () => {
    const desk = createDesk();
    const { secret } = await desk.emulator.control.addApplicationSecret();
    assert.ok(!JSON.stringify(desk.saved.at(-1)).includes(secret));
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

  it('is complete when it is closed, and not written after that', async () => {
    const path = join(folder, 'closed.json');
    const file = new StateFile(path);
    const state = createTenantState(randomBytes);
    const named = (tenantName: string) => ({ ...state, tenant: { ...state.tenant, tenantName } });
    const saves = [file.save(named('first')), file.save(named('second')), file.save(named('third'))];
    await file.close();
    assert.equal((await new StateFile(path).load())?.tenant.tenantName, 'third');
    await Promise.all(saves);
    await assert.rejects(file.save(named('fourth')), { code: 'emulator.folder_unwritable' });
    assert.equal((await new StateFile(path).load())?.tenant.tenantName, 'third');
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
