/** RFC 8894 2.5, 4.4: a person decides, and the device polls until then. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { encodeIssuerAndSubject } from '@scepter/scep';
import { basicConstraintsExtension, extendedKeyUsageExtension, oid, toHex } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import type { PendingRequest } from '../../src/store/pending-requests.ts';
import type { Store } from '../../src/store/store.ts';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../device.ts';
import type { DeviceKeys, Message, RequestOptions, Sent } from '../device.ts';
import { administer } from '../http/admin-client.ts';
import { openLaboratory } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const DAY_MS = 86_400_000;
const keys = newKeys();
const otherKeys = newKeys();
const signerOf = (pair: DeviceKeys): Message['signer'] => ({
  certificate: selfSigned(pair),
  privateKey: pair.privateKey,
});
const signer = signerOf(keys);

let laboratory: Laboratory;
let client: Client;
let store: Store;
let count = 0;

before(async () => {
  laboratory = await openLaboratory({
    endpoints: {
      manual: { authorizer: { kind: 'manual', pendingRequests: 50 } },
      'manual-two': { authorizer: { kind: 'manual', pendingRequests: 2 } },
    },
  });
  client = await Client.connect(`${laboratory.server.url}/scep/manual`);
  store = laboratory.server.store;
});
after(() => laboratory.close());

function request(options: RequestOptions = {}): Message {
  count += 1;
  const subject = options.subject ?? `CN=device ${count}`;
  return { csr: certificationRequest(keys, { ...options, subject }), transactionId: `manual-${count}`, signer };
}

/** RFC 8894 3.3.3: what is inside counts for nothing. */
function pollFor(message: Message, changes: Partial<Message> = {}): Message {
  const { subject, issuer } = signer.certificate;
  return { ...message, messageType: 'CertPoll', csr: encodeIssuerAndSubject({ issuer, subject }), ...changes };
}

async function recordOf({ transactionId }: Message): Promise<PendingRequest> {
  const records = await store.listPendingRequests({ limit: 1000 }, laboratory.now());
  const record = records.find(({ identity }) => identity.transactionId === transactionId);
  assert.ok(record !== undefined, 'is on record');
  return record;
}

async function decide(message: Message, decision: 'approved' | 'denied'): Promise<void> {
  const { id } = await recordOf(message);
  assert.equal(await store.decidePendingRequest(id, { decision, at: laboratory.now(), by: 'ann' }), true);
}

async function wait(options: RequestOptions = {}): Promise<Message> {
  const message = request(options);
  assert.deepEqual((await client.send(message)).reply, { status: 'pending' });
  return message;
}

function refusedStep(): string | undefined {
  return laboratory.steps.findLast(({ outcome }) => outcome === 'refused')?.refusal;
}

function failure(sent: Sent): string {
  assert.equal(sent.status, 200);
  assert.ok(sent.reply?.status === 'failure');
  return `${sent.reply.failInfo} ${refusedStep() ?? ''}`;
}

describe('a request at an endpoint where a person decides', () => {
  it('is told PENDING, without an envelope, and waits on record as the operator needs to see it', async () => {
    const message = await wait({
      subject: 'CN=seen,OU=lab',
      subjectAltNames: [{ kind: 'dns', value: 'one.example' }],
      challenge: 'a secret that nobody asked for',
    });
    const record = await recordOf(message);
    assert.equal(record.state, 'pending');
    assert.equal(record.subject, 'CN=seen,OU=lab');
    assert.deepEqual(record.subjectAltNames, ['DNS:one.example']);
    assert.equal(record.keyDescription, 'RSA 2048');
    assert.equal(record.expiresAt?.getTime(), record.requestedAt.getTime() + 7 * DAY_MS);
    assert.equal((await store.summary()).enrollments.intended, 0, 'nothing is issued');
  });

  it('sent again, as the same bytes or signed anew, is the same request', async () => {
    const message = await wait();
    const { bytes, senderNonce } = client.build(message);
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual((await client.post(bytes, message, senderNonce)).reply, { status: 'pending' });
      assert.deepEqual((await client.send(message)).reply, { status: 'pending' });
    }
    const records = await store.listPendingRequests({ limit: 1000 }, laboratory.now());
    assert.equal(records.filter(({ identity }) => identity.transactionId === message.transactionId).length, 1);
  });

  it('sent again as the same bytes after the approval, as certmonger does, gets its certificate', async () => {
    const message = request();
    const { bytes, senderNonce } = client.build(message);
    assert.deepEqual((await client.post(bytes, message, senderNonce)).reply, { status: 'pending' });
    await decide(message, 'approved');
    const { serialHex } = issued(await client.post(bytes, message, senderNonce));
    assert.equal(issued(await client.post(bytes, message, senderNonce)).serialHex, serialHex);
  });

  const unacceptable: readonly [string, RequestOptions, string][] = [
    ['no name', { subject: '' }, 'badRequest policy.subject_missing'],
    [
      'usages that the profile does not allow',
      { extensions: [extendedKeyUsageExtension([oid.codeSigning])] },
      'badRequest policy.extended_key_usage',
    ],
    ['a name that the lints object to', { subject: `CN=${'a'.repeat(200)}` }, 'badRequest issue.failed'],
    ['two common names', { subject: 'CN=harmless,CN=administrator' }, 'badRequest issue.failed'],
  ];
  for (const [name, options, expected] of unacceptable) {
    it(`with ${name} is refused at once, not after somebody looked at it`, async () => {
      const message = request(options);
      assert.equal(failure(await client.send(message)), expected);
      const records = await store.listPendingRequests({ limit: 1000 }, laboratory.now());
      assert.ok(!records.some(({ identity }) => identity.transactionId === message.transactionId));
    });
  }

  it('gets nothing beyond its profile when it is approved', async () => {
    const message = await wait({ extensions: [basicConstraintsExtension({ ca: true })] });
    await decide(message, 'approved');
    const { extensions } = issued(await client.send(pollFor(message)));
    const constraints = extensions.find((extension) => extension.oid === oid.basicConstraints);
    assert.equal(toHex(constraints?.value ?? new Uint8Array()), '3000', 'CA:FALSE');
  });
});

describe('a poll', () => {
  it('is told PENDING until somebody decides, and then gets the certificate, again and again', async () => {
    const message = await wait();
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual((await client.send(pollFor(message))).reply, { status: 'pending' });
    }
    await decide(message, 'approved');
    const certificate = issued(await client.send(pollFor(message)));
    assert.deepEqual(certificate.publicKey.encoded, signer.certificate.publicKey.encoded);
    for (const again of [pollFor(message), message]) {
      assert.equal(issued(await client.send(again)).serialHex, certificate.serialHex);
    }
    const record = await recordOf(message);
    assert.equal(record.serialNumber, certificate.serialHex);
    assert.deepEqual((await store.findBySerialNumber(certificate.serialHex))?.authorization, {
      kind: 'manual',
      pendingRequest: record.id,
    });
  });

  it('of many at once for an approved request makes one certificate', async () => {
    const message = await wait();
    await decide(message, 'approved');
    const sent = await Promise.all(
      Array.from({ length: 12 }, (_, index) => client.send(index % 2 === 0 ? pollFor(message) : message)),
    );
    assert.equal(new Set(sent.map((each) => issued(each).serialHex)).size, 1);
  });

  it('is answered by the transaction and the signer, whatever is inside', async () => {
    const message = await wait();
    const garbage = pollFor(message, { csr: Buffer.from('no names at all') });
    assert.deepEqual((await client.send(garbage)).reply, { status: 'pending' });
  });

  it('may be signed by another certificate of the same key', async () => {
    const message = await wait();
    const renewed = { certificate: selfSigned(keys, 'CN=another'), privateKey: keys.privateKey };
    assert.deepEqual((await client.send(pollFor(message, { signer: renewed }))).reply, { status: 'pending' });
  });

  it('gets nothing by another key, though it is approved', async () => {
    const message = await wait();
    await decide(message, 'approved');
    const stranger = pollFor(message, { signer: signerOf(otherKeys) });
    assert.equal(failure(await client.send(stranger)), 'badCertId query.unknown_transaction');
  });

  it('gets nothing for an unknown transaction', async () => {
    const sent = await client.send(pollFor(request()));
    assert.equal(failure(sent), 'badCertId query.unknown_transaction');
    assert.ok(sent.reply?.status === 'failure');
    assert.equal(sent.reply.failInfoText, 'There is no such transaction.');
  });

  it('gets nothing at another endpoint', async () => {
    const message = await wait();
    const other = await Client.connect(`${laboratory.server.url}/scep/manual-two`);
    assert.equal(failure(await other.send(pollFor(message))), 'badCertId query.unknown_transaction');
  });

  it('finds what waited over a restart', async () => {
    const [undecided, approved] = [await wait(), await wait()];
    await decide(approved, 'approved');
    await laboratory.restart();
    store = laboratory.server.store;
    client = await Client.connect(`${laboratory.server.url}/scep/manual`);
    assert.deepEqual((await client.send(pollFor(undecided))).reply, { status: 'pending' });
    issued(await client.send(pollFor(approved)));
  });
});

describe('a denied request', () => {
  it('is refused: the poll, the same request, and for ever', async () => {
    const message = await wait();
    await decide(message, 'denied');
    assert.equal(failure(await client.send(pollFor(message))), 'badRequest approval.denied');
    assert.equal(failure(await client.send(message)), 'badRequest approval.denied');
    laboratory.advanceMs(100 * DAY_MS);
    try {
      assert.equal(failure(await client.send(message)), 'badRequest approval.denied');
    } finally {
      laboratory.advanceMs(-100 * DAY_MS);
    }
  });

  it('may be followed by a new one', async () => {
    const message = await wait();
    await decide(message, 'denied');
    const anew = { ...message, csr: certificationRequest(keys, { subject: 'CN=corrected' }) };
    assert.deepEqual((await client.send(anew)).reply, { status: 'pending' });
  });

  it('gets nothing when the approval was withdrawn before it came', async () => {
    const message = await wait();
    await decide(message, 'approved');
    await decide(message, 'denied');
    assert.equal(failure(await client.send(pollFor(message))), 'badRequest approval.denied');
  });
});

describe('a decision over the admin API', () => {
  const actions = (): unknown[] =>
    laboratory.log
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .map(({ message }) => message)
      .filter((message) => String(message).startsWith('admin: '));

  for (const [verb, state, opposite] of [
    ['approve', 'approved', undefined],
    ['deny', 'denied', 'approve'],
  ] as const) {
    it(`to ${verb}, once more for an answer that got lost, stands as it is and is logged once`, async () => {
      const { id } = await recordOf(await wait());
      const ask = (what: string) => administer(laboratory, `POST /api/requests/${id}/${what}`);
      laboratory.log.length = 0;
      const [first, again] = [await ask(verb), await ask(verb)];
      assert.deepEqual([first.status, first.body['state'], first.body['decidedBy']], [200, state, 'local']);
      assert.deepEqual([again.status, again.body], [200, first.body]);
      assert.deepEqual(actions(), [`admin: ${verb} request`]);
      if (opposite !== undefined) assert.equal((await ask(opposite)).status, 409);
    });
  }

  it('is approved once more also when the certificate is issued, and then not denied any more', async () => {
    const message = await wait();
    const { id } = await recordOf(message);
    await decide(message, 'approved');
    const { serialHex } = issued(await client.send(pollFor(message)));
    const again = await administer(laboratory, `POST /api/requests/${id}/approve`);
    assert.deepEqual([again.status, again.body['serialNumber'], again.body['decidedBy']], [200, serialHex, 'ann']);
    assert.equal((await administer(laboratory, `POST /api/requests/${id}/deny`)).status, 409);
  });

  it('is not made of what has ended or was never there', async () => {
    const { id } = await recordOf(await wait());
    laboratory.advanceMs(8 * DAY_MS);
    try {
      assert.equal((await administer(laboratory, `POST /api/requests/${id}/approve`)).status, 409);
    } finally {
      laboratory.advanceMs(-8 * DAY_MS);
    }
    assert.equal((await administer(laboratory, 'POST /api/requests/999999/approve')).status, 404);
  });
});

describe('time', () => {
  it('ends what nobody decided on; the request itself starts anew', async () => {
    const message = await wait();
    const { id } = await recordOf(message);
    laboratory.advanceMs(7 * DAY_MS);
    try {
      assert.equal(failure(await client.send(pollFor(message))), 'badRequest approval.not_valid');
      const decision = { decision: 'approved', at: laboratory.now(), by: 'ann' } as const;
      assert.equal(await store.decidePendingRequest(id, decision), false);
      assert.deepEqual((await client.send(message)).reply, { status: 'pending' });
      assert.notEqual((await recordOf(message)).id, id);
    } finally {
      laboratory.advanceMs(-7 * DAY_MS);
    }
  });

  it('ends an approval that nobody came for', async () => {
    const message = await wait();
    await decide(message, 'approved');
    laboratory.advanceMs(8 * DAY_MS);
    try {
      assert.equal(failure(await client.send(pollFor(message))), 'badRequest approval.not_valid');
    } finally {
      laboratory.advanceMs(-8 * DAY_MS);
    }
  });

  it('lets a poll get its certificate when the record of the request has ended', async () => {
    const message = await wait();
    await decide(message, 'approved');
    const { serialHex } = issued(await client.send(pollFor(message)));
    laboratory.advanceMs(30 * DAY_MS);
    try {
      await store.expirePendingRequests(laboratory.now());
      assert.equal(issued(await client.send(pollFor(message))).serialHex, serialHex);
    } finally {
      laboratory.advanceMs(-30 * DAY_MS);
    }
  });
});

describe('a flood', () => {
  it('fills the place of one endpoint, and is told why it is refused', async () => {
    const small = await Client.connect(`${laboratory.server.url}/scep/manual-two`);
    for (let index = 0; index < 2; index += 1) {
      assert.deepEqual((await small.send(request())).reply, { status: 'pending' });
    }
    const refused = await small.send(request());
    assert.equal(failure(refused), 'badRequest approval.too_many_pending');
    assert.deepEqual((await client.send(request())).reply, { status: 'pending' });
  });
});

describe('renewal where a person decides', () => {
  async function enrolled(): Promise<Certificate> {
    const message = await wait({ subject: 'CN=renewed' });
    await decide(message, 'approved');
    return issued(await client.send(pollFor(message)));
  }

  it('by the own certificate needs nobody', async () => {
    const certificate = await enrolled();
    const renewal: Message = {
      csr: certificationRequest(otherKeys, { subject: 'CN=renewed' }),
      transactionId: `renewal-${(count += 1)}`,
      signer: { certificate, privateKey: keys.privateKey },
      messageType: 'RenewalReq',
    };
    const renewed = issued(await client.send(renewal));
    assert.notEqual(renewed.serialHex, certificate.serialHex);
    assert.equal(issued(await client.send(pollFor(renewal))).serialHex, renewed.serialHex, 'a poll for a lost reply');
  });
});

describe('a poll where nobody decides by hand', () => {
  it('fetches the certificate of a reply that was lost', async () => {
    const at = await Client.connect(`${laboratory.server.url}/scep/static`);
    const message = request({ challenge: 'a challenge that many devices share' });
    const { serialHex } = issued(await at.send(message));
    assert.equal(issued(await at.send(pollFor(message))).serialHex, serialHex);
  });

  it('is never told PENDING by Intune', async () => {
    const at = await Client.connect(`${laboratory.server.url}/scep/intune`);
    assert.equal(failure(await at.send(pollFor(request()))), 'badCertId query.unknown_transaction');
  });

  it('gets nothing that is revoked', async () => {
    const at = await Client.connect(`${laboratory.server.url}/scep/static`);
    const message = request({ challenge: 'a challenge that many devices share' });
    const { serialHex } = issued(await at.send(message));
    await store.revoke({ serialNumber: serialHex, revokedAt: new Date(), reason: 'keyCompromise' });
    assert.equal(failure(await at.send(pollFor(message))), 'badRequest enrollment.revoked');
  });
});
