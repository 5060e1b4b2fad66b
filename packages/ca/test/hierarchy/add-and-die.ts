/*
 * A process that adds a generation to the hierarchy of a folder and kills itself (SIGKILL) when it asks for random bytes
 * for the nth time. Arguments: folder, n, and the time it is.
 */
import { randomBytes } from 'node:crypto';
import { addGeneration, readHierarchy } from '@scepter/ca';

const [folder = '', dieAt = '0', time = ''] = process.argv.slice(2);
const secret = 'secret of the test';
const now = new Date(time);
let requests = 0;

const hierarchy = await readHierarchy(folder, { secret, now });
await addGeneration(folder, hierarchy, {
  organization: 'Example',
  secret,
  now,
  keyDerivationIterations: 1000,
  randomBytes: (size) => {
    requests += 1;
    if (requests === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
    return randomBytes(size);
  },
});
process.stdout.write(`finished after ${requests}`);
