/** S3: the challenge of the configuration: its end, its uses, its hash, and who guesses it. Over real sockets. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { hashChallenge } from '../../../src/challenge-hash.ts';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../../device.ts';
import type { Message, Sent } from '../../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../../laboratory.ts';
import type { Laboratory } from '../../laboratory.ts';
import { administer } from '../../http/admin-client.ts';

const HASHED = 'a challenge that is nowhere in the clear';
const GUESSES = 5;
const keys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
let laboratory: Laboratory;
let count = 0;

before(async () => {
  const challenge = { environment: 'STATIC_CHALLENGE' };
  const kind = 'static-challenge';
  laboratory = await openLaboratory({
    endpoints: {
      ending: { authorizer: { kind, challenge, expiresAt: new Date(Date.now() + 3_600_000).toISOString() } },
      counted: { authorizer: { kind, challenge, maximumUses: 3 } },
      hashed: { authorizer: { kind, challengeHash: await hashChallenge(HASHED, randomBytes), maximumUses: 4 } },
      guessed: { authorizer: { kind, challenge } },
    },
    limits: { wrongChallengesPerAddress: GUESSES },
  });
});
after(() => laboratory.close());

const connect = (endpoint: string): Promise<Client> => Client.connect(`${laboratory.server.url}/scep/${endpoint}`);

function request(challenge: string): Message {
  const csr = certificationRequest(keys, { subject: `CN=device-${(count += 1)}`, challenge });
  return { csr, transactionId: `configured-${count}`, signer };
}

const isSuccess = ({ reply }: Sent): boolean => reply?.status === 'success';

/** The operator's code of a refusal, which the device does not get to see. */
async function refusal(client: Client, challenge: string): Promise<string | undefined> {
  const message = request(challenge);
  const { reply } = await client.send(message);
  assert.deepEqual([reply?.status, reply?.status === 'failure' && reply.failInfo], ['failure', 'badRequest']);
  const own = laboratory.steps.filter(({ transactionId }) => transactionId === message.transactionId);
  return own.find(({ refusal: code }) => code !== undefined)?.refusal;
}

describe('a configured challenge', () => {
  it('is good for so many certificates, across a restart too', async () => {
    const counted = await connect('counted');
    const first = request(STATIC_CHALLENGE);
    const { serialHex } = issued(await counted.send(first));
    issued(await counted.send(request(STATIC_CHALLENGE)));
    await laboratory.restart();
    const again = await connect('counted');
    const answers = await Promise.all(Array.from({ length: 8 }, () => again.send(request(STATIC_CHALLENGE))));
    assert.equal(answers.filter(isSuccess).length, 1);
    assert.equal(await refusal(again, STATIC_CHALLENGE), 'authorization.challenge_used');
    assert.equal(issued(await again.send(first)).serialHex, serialHex, 'the same request is no other use');
  });

  it('given as a hash is compared, and counted, like any other', async () => {
    const hashed = await connect('hashed');
    const answers = await Promise.all(Array.from({ length: 3 }, () => hashed.send(request(HASHED))));
    assert.ok(answers.every(isSuccess), 'the first ones share the wait for the hash');
    assert.equal(await refusal(hashed, `${HASHED}!`), 'authorization.challenge_wrong');
    issued(await hashed.send(request(HASHED)));
    assert.equal(await refusal(hashed, HASHED), 'authorization.challenge_used');
  });

  it('ends when the configuration says', async () => {
    const ending = await connect('ending');
    issued(await ending.send(request(STATIC_CHALLENGE)));
    laboratory.advanceMs(3_600_001);
    assert.equal(await refusal(ending, STATIC_CHALLENGE), 'authorization.challenge_expired');
    assert.equal(await refusal(ending, 'a wrong one is told nothing else'), 'authorization.challenge_wrong');
  });
});

describe('who guesses', () => {
  it('is limited, told nothing of it, and logged once', async () => {
    const guessed = await connect('guessed');
    laboratory.log.length = 0;
    const codes: (string | undefined)[] = [];
    for (let index = 0; index < GUESSES + 3; index += 1) codes.push(await refusal(guessed, `guess number ${index}`));
    assert.deepEqual(codes, [
      ...Array.from({ length: GUESSES }, () => 'authorization.challenge_wrong'),
      ...Array.from({ length: 3 }, () => 'authorization.challenge_rate_limited'),
    ]);
    assert.equal(await refusal(guessed, STATIC_CHALLENGE), 'authorization.challenge_rate_limited');
    const told = laboratory.log.filter((line) => line.includes('Too many wrong challenges from one address'));
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /"endpoint":"guessed".*"address":"127\.0\.0\.1"/);
    assert.ok(!laboratory.log.join('').includes('guess number'));
  });

  it('does not keep out who has a challenge that was made at run time', async () => {
    const body = { endpoint: 'guessed', kind: 'one-time', validForSeconds: 600 };
    const created = await administer(laboratory, 'POST /api/challenges', { body });
    issued(await (await connect('guessed')).send(request(String(created.body['challenge']))));
  });

  it('is not limited at other endpoints, and no longer after ten minutes', async () => {
    issued(await (await connect('static')).send(request(STATIC_CHALLENGE)));
    laboratory.advanceMs(600_001);
    issued(await (await connect('guessed')).send(request(STATIC_CHALLENGE)));
  });
});
