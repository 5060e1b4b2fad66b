/** A server in a process of its own, which kills itself behind the step it is told: `killable-server.ts SETTINGS STEP`. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createLogger, parseSettings, startServer } from '../src/index.ts';

const [, , settingsFile = '', killAfter = 'never'] = process.argv;
const settings = parseSettings(JSON.parse(readFileSync(settingsFile, 'utf8')), {
  baseFolder: dirname(settingsFile),
  environment: process.env,
});
const server = await startServer({
  settings,
  now: () => new Date(),
  randomBytes,
  logger: createLogger({ destination: { write: () => true }, pretty: false, level: 'silent' }),
  onStep: ({ step }) => {
    if (step === killAfter) process.kill(process.pid, 'SIGKILL');
  },
});
process.on('SIGTERM', () => void server.close().then(() => process.exit(0)));
console.log(server.url);
