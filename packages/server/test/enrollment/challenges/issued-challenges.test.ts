/** Challenges made at run time, as an MDM and its devices meet them: real sockets, real SQLite. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { administer } from '../../http/admin-client.ts';
import type { AdminAnswer } from '../../http/admin-client.ts';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../../device.ts';
import type { Message, RequestOptions, Sent } from '../../device.ts';
import { openLaboratory } from '../../laboratory.ts';
import type { Laboratory } from '../../laboratory.ts';

const MDM_TOKEN = 'a-token-of-the-mdm-that-is-long-enough';
const keys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
let laboratory: Laboratory;
let oneTime: Client;
let shared: Client;
let count = 0;

before(async () => {
  laboratory = await openLaboratory({
    endpoints: {
      'one-time': { authorizer: { kind: 'one-time-challenge' } },
      shared: { authorizer: { kind: 'static-challenge' } },
    },
    admin: { tokens: { mdm: { secret: { environment: 'MDM_TOKEN' }, permissions: ['challenges'] } } },
    environment: { MDM_TOKEN },
    limits: { requestsPerMinutePerAddress: 100_000, requestBurstPerAddress: 100_000 },
  });
  oneTime = await Client.connect(`${laboratory.server.url}/scep/one-time`);
  shared = await Client.connect(`${laboratory.server.url}/scep/shared`);
});
after(() => laboratory.close());

interface Created {
  readonly id: string;
  readonly challenge: string;
  readonly expiresAt: string;
}

function order(changes: Record<string, unknown> = {}): Promise<AdminAnswer> {
  const body = { endpoint: 'one-time', kind: 'one-time', validForSeconds: 3600, ...changes };
  return administer(laboratory, 'POST /api/challenges', { body, token: MDM_TOKEN });
}

async function create(changes: Record<string, unknown> = {}): Promise<Created> {
  const { status, body } = await order(changes);
  assert.equal(status, 201, JSON.stringify(body));
  return body as unknown as Created;
}

async function listed(id: string): Promise<Record<string, unknown>> {
  const { body } = await administer(laboratory, 'GET /api/challenges');
  const found = (body['challenges'] as Record<string, unknown>[]).find((each) => each['id'] === id);
  assert.ok(found !== undefined);
  return found;
}

function request(challenge: string, options: RequestOptions = {}): Message {
  return {
    csr: certificationRequest(keys, { subject: `CN=device-${(count += 1)}`, challenge, ...options }),
    transactionId: `challenge-${count}`,
    signer,
  };
}

/** The operator's code of a refusal. */
async function refusal(client: Client, message: Message): Promise<string | undefined> {
  laboratory.steps.length = 0;
  const { status, reply } = await client.send(message);
  assert.equal(status, 200);
  assert.deepEqual([reply?.status, reply?.status === 'failure' && reply.failInfo], ['failure', 'badRequest']);
  assert.equal(reply?.status === 'failure' && 'failInfoText' in reply && reply.failInfoText !== undefined, false);
  return laboratory.steps.find(({ refusal: code }) => code !== undefined)?.refusal;
}

const isSuccess = ({ reply }: Sent): boolean => reply?.status === 'success';

describe('a one-time challenge', () => {
  it('is 32 random bytes, told once, and never shown again', async () => {
    const { id, challenge, expiresAt } = await create({ label: 'printer 7' });
    assert.match(challenge, /^[A-Za-z0-9_-]{43}$/);
    assert.match(id, /^[0-9a-f]{16}$/);
    const { createdAt, ...shown } = await listed(id);
    assert.deepEqual(shown, {
      id,
      endpoint: 'one-time',
      kind: 'one-time',
      label: 'printer 7',
      subject: null,
      subjectAltNames: null,
      createdBy: 'mdm',
      expiresAt,
      maximumUses: 1,
      uses: 0,
      revokedAt: null,
      revokedBy: null,
    });
    assert.equal(Date.parse(expiresAt) - Date.parse(String(createdAt)), 3_600_000);
    assert.notEqual((await create()).challenge, challenge);
  });

  it('gives one certificate, and the same one to the same request', async () => {
    const { id, challenge } = await create();
    const message = request(challenge);
    const certificate = issued(await oneTime.send(message));
    assert.equal(issued(await oneTime.send(message)).serialHex, certificate.serialHex);
    assert.equal((await listed(id))['uses'], 1);
    const enrollment = await laboratory.server.store.findBySerialNumber(certificate.serialHex);
    assert.deepEqual(enrollment?.authorization, { kind: 'one-time-challenge', issuedChallenge: id });
    assert.equal(await refusal(oneTime, request(challenge)), 'authorization.challenge_used');
    assert.equal((await listed(id))['uses'], 1);
  });

  it('S4: used by 50 devices at once, gives exactly one certificate', { timeout: 60_000 }, async () => {
    const { id, challenge } = await create();
    const otherKeys = newKeys();
    const messages = Array.from({ length: 50 }, (_, index): Message => {
      const device = index % 2 === 0 ? keys : otherKeys;
      const csr = certificationRequest(device, { subject: `CN=thief-${index}`, challenge });
      return {
        csr,
        transactionId: `parallel-${index}`,
        signer: { certificate: selfSigned(device), privateKey: device.privateKey },
      };
    });
    const before = await laboratory.server.store.summary();
    const answers = await Promise.all(messages.map((message) => oneTime.send(message)));
    assert.equal(answers.filter(isSuccess).length, 1);
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal((await listed(id))['uses'], 1);
    const after = await laboratory.server.store.summary();
    assert.equal(after.enrollments.released, before.enrollments.released + 1);
    assert.equal(after.enrollments.intended, before.enrollments.intended);
  });

  it('serves no other endpoint', async () => {
    const { challenge } = await create();
    assert.equal(await refusal(shared, request(challenge)), 'authorization.challenge_wrong');
    issued(await oneTime.send(request(challenge)));
  });

  it('is not used up by a request that policy refuses', async () => {
    const { id, challenge } = await create();
    const weak = newKeys(1024);
    const refused: Message = { ...request(challenge), csr: certificationRequest(weak, { challenge }) };
    const message = { ...refused, signer: { certificate: selfSigned(weak), privateKey: weak.privateKey } };
    assert.notEqual((await oneTime.send(message)).reply?.status, 'success');
    assert.equal((await listed(id))['uses'], 0);
    issued(await oneTime.send(request(challenge)));
  });

  it('serves nobody once it has expired', async () => {
    const { id, challenge } = await create({ validForSeconds: 60 });
    laboratory.advanceMs(60_001);
    assert.equal(await refusal(oneTime, request(challenge)), 'authorization.challenge_expired');
    assert.equal((await listed(id))['uses'], 0);
  });

  it('serves nobody once it is revoked', async () => {
    const { id, challenge } = await create();
    const revoke = () => administer(laboratory, `DELETE /api/challenges/${id}`, { token: MDM_TOKEN });
    assert.deepEqual([(await revoke()).status, (await revoke()).status], [204, 204], 'asked twice, done once');
    assert.equal(await refusal(oneTime, request(challenge)), 'authorization.challenge_revoked');
    const { revokedAt, revokedBy } = await listed(id);
    assert.deepEqual([typeof revokedAt, revokedBy], ['string', 'mdm']);
    const nobody = await administer(laboratory, 'DELETE /api/challenges/0000000000000000');
    assert.deepEqual([nobody.status, nobody.body['code']], [404, 'admin.not_found']);
  });
});

describe('S2: a challenge that is bound to a name', () => {
  const subjectAltNames = ['DNS:printer.example', 'upn:anna@contoso.example', 'IP:2001:DB8:0::1'];
  const bound = () => create({ subject: 'cn=Anna, o=Contoso', subjectAltNames });
  const subject = 'CN=anna,O=contoso';
  const rows: { name: string; options: RequestOptions; accepted: boolean }[] = [
    { name: 'the name alone', options: { subject }, accepted: true },
    {
      name: 'the name with alternative names that it was made for',
      options: {
        subject,
        subjectAltNames: [
          { kind: 'dns', value: 'printer.example' },
          { kind: 'ip', value: '2001:db8::1' },
        ],
      },
      accepted: true,
    },
    { name: 'another subject', options: { subject: 'CN=administrator,O=contoso' }, accepted: false },
    { name: 'a longer subject', options: { subject: 'CN=anna,O=contoso,C=NO' }, accepted: false },
    { name: 'no subject', options: { subject: '' }, accepted: false },
    {
      name: 'a subject in characters that are compatible, which others read as another name',
      options: { subject: 'CN=\uFF41nna,O=contoso' },
      accepted: false,
    },
    { name: 'a subject with a space in front', options: { subject: String.raw`CN=\ anna,O=contoso` }, accepted: false },
    {
      name: 'another alternative name',
      options: { subject, subjectAltNames: [{ kind: 'upn', value: 'administrator@contoso.example' }] },
      accepted: false,
    },
    {
      name: 'the right value as another kind of name',
      options: { subject, subjectAltNames: [{ kind: 'email', value: 'anna@contoso.example' }] },
      accepted: false,
    },
    {
      name: 'a right and a wrong alternative name',
      options: {
        subject,
        subjectAltNames: [
          { kind: 'dns', value: 'printer.example' },
          { kind: 'dns', value: 'dc.example' },
        ],
      },
      accepted: false,
    },
  ];
  for (const { name, options, accepted } of rows) {
    it(`${accepted ? 'serves' : 'does not serve'} ${name}`, async () => {
      const { id, challenge } = await bound();
      const message = request(challenge, options);
      if (accepted) issued(await oneTime.send(message));
      else assert.equal(await refusal(oneTime, message), 'authorization.challenge_other_name');
      assert.equal((await listed(id))['uses'], accepted ? 1 : 0);
    });
  }
});

describe('a static challenge made at run time', () => {
  it('with three uses gives three certificates to many devices at once', async () => {
    const { id, challenge } = await create({ endpoint: 'shared', kind: 'static', maximumUses: 3 });
    const answers = await Promise.all(Array.from({ length: 12 }, () => shared.send(request(challenge))));
    assert.equal(answers.filter(isSuccess).length, 3);
    assert.equal((await listed(id))['uses'], 3);
    assert.equal(await refusal(shared, request(challenge)), 'authorization.challenge_used');
  });

  it('without a number of uses serves until it expires', async () => {
    const { id, challenge } = await create({ endpoint: 'shared', kind: 'static', validForSeconds: 600 });
    for (let index = 0; index < 3; index += 1) issued(await shared.send(request(challenge)));
    const { uses, maximumUses } = await listed(id);
    assert.deepEqual([uses, maximumUses], [3, null]);
    laboratory.advanceMs(600_001);
    assert.equal(await refusal(shared, request(challenge)), 'authorization.challenge_expired');
  });

  it('counts beside the configured one of the same endpoint', async () => {
    const client = await Client.connect(`${laboratory.server.url}/scep/other`);
    const { id, challenge } = await create({ endpoint: 'other' });
    const { serialHex } = issued(await client.send(request(challenge)));
    const enrollment = await laboratory.server.store.findBySerialNumber(serialHex);
    assert.deepEqual(enrollment?.authorization, { kind: 'static-challenge', issuedChallenge: id });
  });
});

describe('an order that cannot be', () => {
  const rows: { name: string; changes: Record<string, unknown>; status: number; code: string; detail: RegExp }[] = [
    { name: 'for no endpoint', changes: { endpoint: 'none' }, status: 404, code: 'admin.not_found', detail: /"none"/ },
    {
      name: 'for an endpoint that Intune decides for',
      changes: { endpoint: 'intune' },
      status: 409,
      code: 'admin.conflict',
      detail: /its authorizer is "intune"/,
    },
    {
      name: 'of a shared challenge where each has one use',
      changes: { kind: 'static' },
      status: 409,
      code: 'admin.conflict',
      detail: /takes no challenge of the kind "static"/,
    },
    {
      name: 'without an end',
      changes: { validForSeconds: undefined },
      status: 422,
      code: 'admin.invalid',
      detail: /^validForSeconds: /,
    },
    {
      name: 'with an end too far away',
      changes: { validForSeconds: 31 * 86_400 },
      status: 422,
      code: 'admin.invalid',
      detail: /30 days at most/,
    },
    {
      name: 'with two uses of a one-time challenge',
      changes: { maximumUses: 2 },
      status: 422,
      code: 'admin.invalid',
      detail: /one use/,
    },
    {
      name: 'for a subject that is none',
      changes: { subject: 'anna' },
      status: 422,
      code: 'admin.invalid',
      detail: /RFC 4514/,
    },
    {
      name: 'for an alternative name without its kind',
      changes: { subject: 'CN=a', subjectAltNames: ['a.example'] },
      status: 422,
      code: 'admin.invalid',
      detail: /DNS:…/,
    },
    {
      name: 'for an IP address that is none',
      changes: { subject: 'CN=a', subjectAltNames: ['IP:1.2.3'] },
      status: 422,
      code: 'admin.invalid',
      detail: /IP:…/,
    },
    {
      name: 'for alternative names without a subject',
      changes: { subjectAltNames: ['DNS:a'] },
      status: 422,
      code: 'admin.invalid',
      detail: /needs a subject/,
    },
    {
      name: 'with a label that commands a terminal',
      changes: { label: '\u001B[2J' },
      status: 422,
      code: 'admin.invalid',
      detail: /^label: /,
    },
    {
      name: 'with a member that is none',
      changes: { challenge: 'my own' },
      status: 422,
      code: 'admin.invalid',
      detail: /challenge/,
    },
  ];
  for (const { name, changes, status, code, detail } of rows) {
    it(`${name} is refused`, async () => {
      const answer = await order(changes);
      assert.deepEqual([answer.status, answer.body['code']], [status, code]);
      assert.match(String(answer.body['detail']), detail);
    });
  }
});

describe('S16: a challenge', () => {
  it('is in no file of the server, used or not', async () => {
    const [used, unused] = [await create(), await create({ endpoint: 'shared', kind: 'static' })];
    issued(await oneTime.send(request(used.challenge)));
    const folder = join(laboratory.folder, 'data');
    const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => readFileSync(path, 'latin1'));
    assert.ok(
      texts.some((text) => text.includes(used.id)),
      'the search finds what is there',
    );
    for (const text of [...texts, ...laboratory.log]) {
      assert.ok(!text.includes(used.challenge) && !text.includes(unused.challenge));
    }
  });
});

describe('the audit log', () => {
  it('says who made and revoked which challenge, and never the challenge', async () => {
    laboratory.log.length = 0;
    const { id, challenge } = await create();
    await administer(laboratory, `DELETE /api/challenges/${id}`);
    const events = laboratory.log.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      events.map(({ message, actor, target, endpoint }) => ({ message, actor, target, endpoint })),
      [
        { message: 'admin: create one-time challenge', actor: 'mdm', target: id, endpoint: 'one-time' },
        { message: 'admin: revoke challenge', actor: 'local', target: id, endpoint: undefined },
      ],
    );
    laboratory.steps.length = 0;
    const message = request((await create()).challenge);
    issued(await oneTime.send(message));
    const authorized = laboratory.steps.find(({ step }) => step === 'authorize');
    assert.match(String(authorized?.reason), /^challenge [0-9a-f]{16}$/, 'a certificate leads to its challenge');
    assert.ok(events.every(({ address }) => String(address).includes('127.0.0.1')));
    assert.ok(!laboratory.log.join('').includes(challenge));
  });
});
