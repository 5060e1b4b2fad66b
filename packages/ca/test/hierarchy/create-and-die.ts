/*
 * A process that creates a hierarchy and kills itself (SIGKILL) when it asks for random bytes for the nth time:
 * before each serial number, each file, and the name of the temporary folder. Arguments: folder, n, and the time it is.
 */
import { randomBytes } from 'node:crypto';
import { loadOrCreateHierarchy } from '@scepter/ca';

const [folder = '', dieAt = '0', now = ''] = process.argv.slice(2);
let requests = 0;

await loadOrCreateHierarchy(folder, {
  organization: 'Example',
  secret: 'secret of the test',
  now: new Date(now),
  keyDerivationIterations: 1000,
  keyTypes: { root: 'rsa-2048' },
  randomBytes: (size) => {
    requests += 1;
    if (requests === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
    return randomBytes(size);
  },
});
process.stdout.write(`finished after ${requests}`);
