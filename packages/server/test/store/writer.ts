/** A process to be killed: enrolls in a loop, and prints each serial number once its writes are acknowledged. */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createSecretBox } from '../../src/store/secret-box.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { serialNumber, withhold } from './samples.ts';

const [path = '', start = '0'] = process.argv.slice(2);
const secretBox = createSecretBox('master secret of a test', randomBytes);
const store = openSqliteStore({ path, secretBox, now: () => new Date() });

async function writeForEver(first: number): Promise<never> {
  for (let index = first; ; index += 4) {
    await withhold(store, index);
    writeSync(1, `${serialNumber(index)}\n`);
  }
}

await Promise.all([0, 1, 2, 3].map((lane) => writeForEver(Number(start) + lane)));
