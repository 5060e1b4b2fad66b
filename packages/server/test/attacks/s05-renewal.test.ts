/** S5: what is no right to a renewal. More cases: `../enrollment/renewal.test.ts`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readHierarchy } from '@scepter/ca';
import {
  assembleCertificate,
  basicConstraintsExtension,
  createSelfSignedCertificate,
  decodeCertificate,
  decodeExtendedKeyUsage,
  encodeTbsCertificate,
  extendedKeyUsageExtension,
  findExtension,
  oid,
  parseName,
  publicKeyInfoOf,
  signatureAlgorithmFor,
  signData,
} from '@scepter/x509';
import type { Certificate, Extension } from '@scepter/x509';
import { randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificationRequest, issued, newKeys } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { AttackLaboratory, assertRefused, newPerson } from './attack-laboratory.ts';
import type { Outcome } from './attack-laboratory.ts';
import { attributes, envelope, seal } from './hand-made-message.ts';
import type { MessageOptions } from './hand-made-message.ts';

const device = newPerson();
const foreign = newKeys();
const dayMs = 86_400_000;
let laboratory: Laboratory;
let attack: AttackLaboratory;
let own: Certificate;
let issuing: { readonly certificate: Certificate; readonly privateKey: KeyObject };

before(async () => {
  laboratory = await openLaboratory();
  attack = await AttackLaboratory.at(laboratory, 'static');
  own = await enroll();
  const folder = join(laboratory.folder, 'data');
  const secret = readFileSync(join(folder, 'master.secret'), 'utf8').trim();
  const { generations } = await readHierarchy(join(folder, 'authority'), { secret, now: new Date() });
  const { certificate, privateKey } = generations[0].issuing;
  issuing = { certificate: decodeCertificate(certificate), privateKey };
});
after(() => laboratory.close());

async function enroll(): Promise<Certificate> {
  const csr = certificationRequest(device, { challenge: STATIC_CHALLENGE });
  const transactionId = attack.newTransactionId();
  return issued(await attack.client.send({ csr, transactionId, signer: device }));
}

/** A renewal for the same name that everything is right about but, perhaps, the certificate. */
function renew(
  certificate: Certificate,
  rest: Partial<MessageOptions> = {},
  extensions: Extension[] = [],
): Promise<Outcome> {
  const csr = certificationRequest(device, { extensions });
  return attack.send({
    content: envelope(attack.client.recipient, seal(attack.client.recipient, csr)),
    signer: { certificate, privateKey: device.privateKey },
    messageType: [attributes.messageType('17')],
    ...rest,
  });
}

/** A certificate for the device's key and name that `by` has signed, with our CA's name as issuer. */
function certificateBy(
  by: KeyObject,
  fields: { serialNumber?: Uint8Array; extensions?: Extension[] } = {},
): Certificate {
  const tbs = encodeTbsCertificate({
    serialNumber: fields.serialNumber ?? randomBytes(15),
    issuer: issuing.certificate.subject,
    subject: parseName('CN=device'),
    publicKey: publicKeyInfoOf(device.publicKey).encoded,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + dayMs),
    signatureAlgorithm: signatureAlgorithmFor(by, 'sha256'),
    extensions: fields.extensions ?? [],
  });
  return decodeCertificate(assembleCertificate(tbs, signatureAlgorithmFor(by, 'sha256'), signData(by, 'sha256', tbs)));
}

describe('S5: a renewal needs the very certificate that we issued', () => {
  it('and with that it succeeds', async () => {
    assert.equal((await renew(own)).reply?.status, 'success');
  });

  const rows: readonly [name: string, certificate: () => Certificate][] = [
    ["of another CA with our CA's name", () => certificateBy(foreign.privateKey)],
    [
      "of another CA with our CA's name and the serial number of one of ours",
      () => certificateBy(foreign.privateKey, { serialNumber: own.serialNumber }),
    ],
    ['that our CA signed and that is not in the store', () => certificateBy(issuing.privateKey)],
    [
      'that our CA signed under a serial number that another one has',
      () => certificateBy(issuing.privateKey, { serialNumber: own.serialNumber }),
    ],
    [
      'that our CA signed, and that is a CA itself',
      () => certificateBy(issuing.privateKey, { extensions: [basicConstraintsExtension({ ca: true })] }),
    ],
    [
      'self-signed, with name and serial number of one of ours',
      () =>
        decodeCertificate(
          createSelfSignedCertificate({
            subject: parseName('CN=device'),
            ...device,
            serialNumber: own.serialNumber,
            notBefore: own.notBefore,
            notAfter: own.notAfter,
          }),
        ),
    ],
  ];
  for (const [name, certificate] of rows) {
    it(`not one ${name}`, async () => {
      const before = await attack.stored();
      const outcome = await renew(certificate());
      assertRefused(outcome, 'badRequest');
      assert.equal(outcome.refusal, 'renewal.unknown_certificate');
      assert.deepEqual(await attack.stored(), before);
    });
  }

  it('not one that is not valid yet', async () => {
    laboratory.advanceMs(-30 * dayMs);
    try {
      assert.equal((await renew(own)).refusal, 'renewal.not_valid');
    } finally {
      laboratory.advanceMs(30 * dayMs);
    }
  });

  it('and gets no purpose that the certificate did not have', async () => {
    const outcome = await renew(own, {}, [
      extendedKeyUsageExtension([oid.clientAuth, oid.serverAuth, oid.smartCardLogon]),
    ]);
    assert.ok(outcome.reply?.status === 'success');
    const [renewed] = outcome.reply.certificates;
    assert.ok(renewed !== undefined);
    const usages = findExtension(renewed.extensions, oid.extendedKeyUsage)?.value ?? new Uint8Array();
    assert.deepEqual(decodeExtendedKeyUsage(usages), [oid.clientAuth]);
  });
});

describe('S5: whoever does not have the key learns nothing of a certificate', () => {
  it('known, revoked or unknown: badMessageCheck, before the store is asked', async () => {
    const revoked = await enroll();
    await laboratory.server.store.revoke({
      serialNumber: revoked.serialHex,
      revokedAt: new Date(),
      reason: 'keyCompromise',
    });
    const unknown = certificateBy(foreign.privateKey);
    for (const certificate of [own, revoked, unknown]) {
      const outcome = await renew(certificate, { signature: () => randomBytes(256) });
      assertRefused(outcome, 'badMessageCheck');
      assert.deepEqual(
        laboratory.steps.map(({ step }) => step),
        ['decode', 'reply'],
      );
    }
  });
});
