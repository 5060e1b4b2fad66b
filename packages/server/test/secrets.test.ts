/** S16: what must not be read anywhere, looked for everywhere. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { certificationRequest, Client, newKeys, selfSigned } from './device.ts';
import { openLaboratory, STATIC_CHALLENGE } from './laboratory.ts';
import type { Laboratory } from './laboratory.ts';

const keys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
const guess = 'canary-of-a-wrong-challenge';
const unasked = 'canary-of-a-challenge-where-a-person-decides';
let laboratory: Laboratory;
let haystacks: [name: string, content: string][];
let needles: [name: string, secret: string][];

before(async () => {
  laboratory = await openLaboratory({ endpoints: { manual: { authorizer: { kind: 'manual' } } } });
  const { clientSecret } = await laboratory.control.connection();
  const [released = '', withheld = '', rejected = ''] = await laboratory.control.createChallenges({
    subject: 'CN=canary',
    count: 3,
  });
  const atStatic = await Client.connect(`${laboratory.server.url}/scep/static`);
  const atIntune = await Client.connect(`${laboratory.server.url}/scep/intune`);
  let count = 0;
  const send = (client: Client, challenge: string, subject = 'CN=canary'): Promise<unknown> =>
    client.send({
      csr: certificationRequest(keys, { subject, challenge }),
      transactionId: `canary-${(count += 1)}`,
      signer,
    });
  await send(atStatic, STATIC_CHALLENGE);
  await send(atStatic, guess);
  await send(atIntune, released);
  await send(atIntune, rejected, 'CN=somebody-else');
  await laboratory.control.setFault({ operation: 'successNotification', fault: { kind: 'http', status: 500 } });
  await send(atIntune, withheld);
  assert.equal((await laboratory.server.store.summary()).pendingNotifications, 1, 'a request waits in the store');

  await send(await Client.connect(`${laboratory.server.url}/scep/manual`), unasked);
  const waiting = await laboratory.server.store.listPendingRequests({ limit: 10 }, new Date());
  assert.equal(waiting.length, 1, 'another waits for approval');

  const folder = join(laboratory.folder, 'data');
  haystacks = [
    ['the log', laboratory.log.join('')],
    ...files(folder)
      .filter((file) => !file.endsWith('master.secret'))
      .map((file): [string, string] => [file.slice(folder.length), readFileSync(file, 'latin1')]),
  ];
  const base64 = (text: string): string => Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1);
  needles = [
    ['the static challenge', STATIC_CHALLENGE],
    ['a wrong challenge', guess],
    ['the application secret', clientSecret],
    ['a challenge that was used', released.slice(0, 60)],
    ['a challenge that waits', withheld.slice(0, 60)],
    ['a challenge that was rejected', rejected.slice(0, 60)],
    ['a challenge that waits for approval', unasked],
    ['the master secret', readFileSync(join(folder, 'master.secret'), 'utf8').trim()],
    ['a challenge in base64', base64(STATIC_CHALLENGE)],
  ];
});
after(() => laboratory.close());

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

describe('no secret is written', () => {
  it('and the search can find what is there', () => {
    assert.ok(haystacks.some(([, content]) => content.includes('canary-1')));
    assert.ok(haystacks.length > 5);
    assert.ok(needles.every(([, secret]) => secret.length >= 16));
  });

  it('to the log, the database or any other file', () => {
    for (const [what, secret] of needles) {
      for (const [where, content] of haystacks) assert.ok(!content.includes(secret), `${what} is in ${where}`);
    }
  });

  it('and private keys are encrypted', () => {
    const text = haystacks.map(([, content]) => content).join('\n');
    assert.ok(text.includes('BEGIN ENCRYPTED PRIVATE KEY'));
    assert.ok(!text.includes('BEGIN PRIVATE KEY') && !text.includes('BEGIN RSA PRIVATE KEY'));
  });

  it('but the log lets an administrator follow a transaction', () => {
    const lines = laboratory.log.map((line) => JSON.parse(line) as Record<string, unknown>);
    const steps = lines.filter(({ transactionId }) => transactionId === 'canary-3').map(({ step }) => step);
    assert.deepEqual(steps, [
      'decode',
      'open',
      'recall',
      'authorize',
      'check-policy',
      'record-intent',
      'sign',
      'store',
      'tell-intune',
      'release',
      'reply',
    ]);
    const refused = lines.find(({ transactionId, outcome }) => transactionId === 'canary-4' && outcome === 'refused');
    assert.equal(refused?.['reason'], 'SubjectNameMismatch');
    assert.match(String(refused?.['activityId']), /^[0-9a-f-]{36}$/);
  });
});
