import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  encodeExtensions,
  extendedKeyUsageExtension,
  findExtension,
  keyUsageExtension,
  oid,
  subjectAltNameExtension,
  tag,
  toHex,
} from '@scepter/x509';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../device.ts';
import type { Message } from '../device.ts';
import type { RefusalCode } from '../../src/enrollment/refusals.ts';
import { openLaboratory } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const keys = newKeys();
const otherKeys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };

type Fault = Parameters<Laboratory['control']['setFault']>[0]['fault'];

let laboratory: Laboratory;
let client: Client;
let count = 0;

before(async () => {
  laboratory = await openLaboratory({ limits: { withheldClaimMs: 3_600_000 } });
  client = await Client.connect(`${laboratory.server.url}/scep/intune`);
});
after(() => laboratory.close());
beforeEach(async () => {
  await endFaults();
  laboratory.steps.length = 0;
});

/** After five failures in a row the client leaves Intune alone for half a minute; then it tries again. */
async function endFaults(): Promise<void> {
  await laboratory.control.clearFaults();
  laboratory.advanceMs(31_000);
}

/** A request with a fresh challenge of the emulator; the same object sent again is the same request. */
async function freshRequest(subject = `CN=device-${(count += 1)}`): Promise<Message> {
  const [challenge] = await challenges(subject);
  const csr = certificationRequest(keys, { subject, challenge });
  return { csr, transactionId: `transaction-${count}`, signer };
}

async function challenges(subject: string, number = 1): Promise<[string, ...string[]]> {
  const made = await laboratory.control.createChallenges({ subject, count: number });
  const [first, ...rest] = made;
  assert.ok(first !== undefined);
  return [first, ...rest];
}

async function certificatesInStore(): Promise<number> {
  const { enrollments } = await laboratory.server.store.summary();
  return enrollments.withheld + enrollments.released + enrollments.revoked + enrollments.intended;
}

describe('an enrollment through Intune', () => {
  it('takes the nine steps in their order and tells Intune before the reply', async () => {
    const message = await freshRequest();
    const certificate = issued(await client.send(message));
    assert.deepEqual(
      laboratory.steps.map(({ step }) => step),
      [
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
      ],
    );
    const notifications = await laboratory.control.notifications();
    const ours = notifications.filter(({ transactionId }) => transactionId === message.transactionId);
    assert.equal(ours.length, 1);
    assert.equal(ours[0]?.kind, 'success');
    const stored = await laboratory.server.store.findBySerialNumber(certificate.serialHex);
    assert.equal(stored?.state, 'released');
    assert.equal(toHex(stored.certificate ?? new Uint8Array()), toHex(certificate.encoded));
  });

  it('asks Intune for every request and takes its rejection with the exact code as reason', async () => {
    const [challenge] = await challenges('CN=expected');
    const csr = certificationRequest(keys, { subject: 'CN=somebody-else', challenge });
    const sent = await client.send({ csr, transactionId: 'impersonation', signer });
    assert.deepEqual(sent.reply, { status: 'failure', failInfo: 'badRequest' });
    const refused = laboratory.steps.find(({ outcome }) => outcome === 'refused');
    assert.equal(refused?.refusal, 'authorization.intune_rejected');
    assert.equal(refused?.reason, 'SubjectNameMismatch');
    assert.match(refused?.activityId ?? '', /^[0-9a-f-]{36}$/);
    assert.match(
      refused?.detail ?? '',
      /^Intune answered SubjectNameMismatch: .*Compare the request with the device's/s,
    );
  });

  it('tells the operator in words why Intune could not be asked, and what to do', async () => {
    const message = await freshRequest();
    await laboratory.control.setFault({
      operation: 'validateRequest',
      fault: { kind: 'http', status: 403, body: '{"error":{"code":"Forbidden","message":"no role"}}' },
    });
    await client.send(message);
    const refused = laboratory.steps.find(({ outcome }) => outcome === 'refused');
    assert.equal(refused?.reason, 'intune.permission');
    assert.match(refused?.detail ?? '', /HTTP 403: Forbidden: no role.*scep_challenge_provider/s);
  });
});

describe('whatever Intune answers but Success, there is no certificate', () => {
  const faults: readonly [string, Fault, RefusalCode][] = [
    ['a result code', { kind: 'code', code: 'ChallengeExpired' }, 'authorization.intune_rejected'],
    ['an unknown result code', { kind: 'code', code: 'Whatever' }, 'authorization.intune_rejected'],
    ['HTTP 500', { kind: 'http', status: 500 }, 'authorization.intune_unavailable'],
    ['HTTP 401', { kind: 'http', status: 401 }, 'authorization.intune_unavailable'],
    ['HTTP 204', { kind: 'http', status: 204 }, 'authorization.intune_unavailable'],
    ['HTML', { kind: 'html' }, 'authorization.intune_unavailable'],
    ['garbage', { kind: 'garbage' }, 'authorization.intune_unavailable'],
    ['a cut connection', { kind: 'disconnect' }, 'authorization.intune_unavailable'],
    ['a cut body', { kind: 'cutBody' }, 'authorization.intune_unavailable'],
    ['a body without end', { kind: 'hugeBody', bytes: 2_000_000 }, 'authorization.intune_unavailable'],
    ['a redirect', { kind: 'redirect', location: '/elsewhere' }, 'authorization.intune_unavailable'],
    ['a list of results', { kind: 'wrongJson', body: [{ code: 'Success' }] }, 'authorization.intune_unavailable'],
    ['a list of codes', { kind: 'wrongJson', body: { code: ['Success'] } }, 'authorization.intune_unavailable'],
    ['a code within', { kind: 'wrongJson', body: { value: { code: 'Success' } } }, 'authorization.intune_unavailable'],
    ['yes', { kind: 'wrongJson', body: true }, 'authorization.intune_unavailable'],
    ['Success and more', { kind: 'wrongJson', body: { code: 'Success.' } }, 'authorization.intune_rejected'],
    ['silence', { kind: 'delay', delayMs: 10_000 }, 'authorization.intune_unavailable'],
  ];
  for (const [name, fault, refusal] of faults) {
    it(name, async () => {
      const message = await freshRequest();
      const stored = await certificatesInStore();
      await laboratory.control.setFault({ operation: 'validateRequest', fault });
      const sent = await client.send(message);
      assert.deepEqual(sent.reply, { status: 'failure', failInfo: 'badRequest' });
      assert.equal(laboratory.steps.find(({ outcome }) => outcome === 'refused')?.refusal, refusal);
      assert.equal(await certificatesInStore(), stored);
      const told = (await laboratory.control.notifications()).filter(
        ({ transactionId }) => transactionId === message.transactionId,
      );
      assert.deepEqual(told, [], 'Microsoft: no failure notification for the library’s own exceptions');
    });
  }
});

describe('a success that Intune does not accept', () => {
  it('withholds the certificate and releases that same one when the request comes again', async () => {
    const message = await freshRequest();
    await laboratory.control.setFault({ operation: 'successNotification', fault: { kind: 'http', status: 500 } });
    const first = await client.send(message);
    assert.deepEqual(first.reply, { status: 'failure', failInfo: 'badRequest' });
    const [withheld] = await laboratory.server.store.listEnrollments(1);
    assert.equal(withheld?.state, 'withheld');

    const again = await client.send(message);
    assert.deepEqual(again.reply, { status: 'failure', failInfo: 'badRequest' }, 'still not accepted, still withheld');

    await endFaults();
    const certificate = issued(await client.send(message));
    assert.equal(certificate.serialHex, withheld.serialNumber);
    assert.equal((await laboratory.server.store.findBySerialNumber(certificate.serialHex))?.state, 'released');
  });

  it('stays withheld when only the outbox gets through, until the device asks again', async () => {
    const message = await freshRequest();
    await laboratory.control.setFault({ operation: 'successNotification', fault: { kind: 'html' } });
    await client.send(message);
    await laboratory.control.clearFaults();
    const [withheld] = await laboratory.server.store.listEnrollments(1);
    assert.ok(withheld !== undefined);
    laboratory.advanceMs(120_000);
    await until(
      async () => (await laboratory.server.store.findSuccessNotification(withheld.serialNumber))?.delivered === true,
    );
    assert.equal((await laboratory.server.store.findBySerialNumber(withheld.serialNumber))?.state, 'withheld');
    assert.equal(issued(await client.send(message)).serialHex, withheld.serialNumber);
    const told = (await laboratory.control.notifications()).filter(
      ({ transactionId }) => transactionId === message.transactionId,
    );
    assert.equal(told.length, 1, 'delivered once, not again at the retry');
  });

  it('revokes a withheld certificate that nobody claims in time, tells Intune, and lists it in the CRL', async () => {
    const message = await freshRequest();
    await laboratory.control.setFault({ operation: 'successNotification', fault: { kind: 'code', code: 'Unknown' } });
    await client.send(message);
    await laboratory.control.clearFaults();
    const [withheld] = await laboratory.server.store.listEnrollments(1);
    assert.ok(withheld !== undefined);
    laboratory.advanceMs(3_700_000);
    await until(
      async () => (await laboratory.server.store.findBySerialNumber(withheld.serialNumber))?.state === 'revoked',
    );
    // The failure waits until a success that may be under way has arrived.
    laboratory.advanceMs(120_000);
    await until(async () =>
      (await laboratory.control.notifications()).some(
        ({ transactionId, kind }) => transactionId === message.transactionId && kind === 'failure',
      ),
    );
    await until(async () => {
      const crl = new Uint8Array(await (await fetch(`${laboratory.server.url}/crl/issuing.crl`)).arrayBuffer());
      return toHex(crl).toUpperCase().includes(withheld.serialNumber);
    });
    assert.deepEqual((await client.send(message)).reply, { status: 'failure', failInfo: 'badRequest' });
    assert.equal(laboratory.steps.findLast(({ outcome }) => outcome === 'refused')?.refusal, 'enrollment.revoked');
  });
});

describe('a request that two readers may read differently', () => {
  const subjectAltName = encodeExtensions([subjectAltNameExtension([{ kind: 'dns', value: 'smuggled.example' }])]);

  it('is refused when its extensions are wrapped, before Intune is asked', async () => {
    const [challenge] = await challenges('CN=wrapped');
    const attributes = [
      {
        oid: oid.extensionRequest,
        values: [Uint8Array.of(tag.teletexString, subjectAltName.length, ...subjectAltName)],
      },
    ];
    const csr = certificationRequest(keys, { subject: 'CN=wrapped', challenge, attributes });
    const sent = await client.send({ csr, transactionId: 'wrapped', signer });
    assert.deepEqual(sent.reply, { status: 'failure', failInfo: 'badRequest' });
    assert.equal(
      laboratory.steps.find(({ outcome }) => outcome === 'refused')?.refusal,
      'authorization.ambiguous_request',
    );
  });

  it("gets no name from Microsoft's older attribute, which Intune was not asked about", async () => {
    const [challenge] = await challenges('CN=older');
    const attributes = [{ oid: oid.microsoftCertExtensions, values: [subjectAltName] }];
    const csr = certificationRequest(keys, { subject: 'CN=older', challenge, attributes });
    const { extensions } = issued(await client.send({ csr, transactionId: 'older', signer }));
    assert.equal(findExtension(extensions, oid.subjectAltName), undefined);
  });
});

describe('one challenge, at most one certificate', () => {
  it('of 50 requests at once with one challenge and different keys, one gets a certificate', async () => {
    const subject = 'CN=contested';
    const [challenge] = await challenges(subject);
    const requests = Array.from({ length: 50 }, (_, index) => {
      const own = index % 2 === 0 ? keys : otherKeys;
      return {
        csr: certificationRequest(own, {
          subject,
          challenge,
          extensions: index < 2 ? [] : [keyUsageExtension(['digitalSignature'])],
        }),
        transactionId: `contested-${index}`,
        signer: { certificate: selfSigned(own), privateKey: own.privateKey },
      };
    });
    const replies = await Promise.all(requests.map((message) => client.send(message)));
    assert.equal(replies.filter(({ reply }) => reply?.status === 'success').length, 1);
    assert.equal(replies.filter(({ reply }) => reply?.status === 'failure').length, 49);
    const issuedFor = (await laboratory.server.store.listEnrollments(100)).filter(({ identity }) =>
      identity.transactionId.startsWith('contested-'),
    );
    assert.equal(issuedFor.length, 1);
  });

  it('does not report the loser to Intune: the device that owns the challenge must not appear as failed', async () => {
    const [challenge] = await challenges('CN=owner');
    const owner: Message = {
      csr: certificationRequest(keys, { subject: 'CN=owner', challenge }),
      transactionId: 'owner',
      signer,
    };
    issued(await client.send(owner));
    const thief: Message = {
      csr: certificationRequest(otherKeys, { subject: 'CN=owner', challenge }),
      transactionId: 'owner',
      signer: { certificate: selfSigned(otherKeys), privateKey: otherKeys.privateKey },
    };
    assert.deepEqual((await client.send(thief)).reply, { status: 'failure', failInfo: 'badRequest' });
    assert.equal(
      laboratory.steps.find(({ outcome }) => outcome === 'refused')?.refusal,
      'authorization.challenge_used',
    );
    const told = (await laboratory.control.notifications()).filter(({ transactionId }) => transactionId === 'owner');
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ['success'],
    );
  });
});

describe('a request that Intune validated and our policy refuses', () => {
  it('is reported to Intune as a failure, from the outbox', async () => {
    const subject = 'CN=server-wanted';
    const [challenge] = await challenges(subject);
    const csr = certificationRequest(keys, {
      subject,
      challenge,
      extensions: [extendedKeyUsageExtension([oid.codeSigning])],
    });
    const sent = await client.send({ csr, transactionId: 'wrong-usage', signer });
    assert.deepEqual(sent.reply, { status: 'failure', failInfo: 'badRequest' });
    await until(async () =>
      (await laboratory.control.notifications()).some(({ transactionId }) => transactionId === 'wrong-usage'),
    );
    const told = (await laboratory.control.notifications()).filter(
      ({ transactionId }) => transactionId === 'wrong-usage',
    );
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ['failure'],
    );
  });
});

async function until(condition: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('It did not happen in time.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
