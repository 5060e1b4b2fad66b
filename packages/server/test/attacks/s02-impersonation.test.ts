/**
 * S2: a challenge of one's own, used for somebody else's name (VU#971035). Intune's side is the emulator's, which compares
 * as Microsoft describes it. Challenges that we make ourselves: `../enrollment/challenges/issued-challenges.test.ts`.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { extendedKeyUsageExtension, keyUsageExtension, oid } from '@scepter/x509';
import type { GeneralName } from '@scepter/x509';
import { certificationRequest, newKeys } from '../device.ts';
import type { RequestOptions } from '../device.ts';
import { openLaboratory } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { AttackLaboratory, assertRefused, newPerson } from './attack-laboratory.ts';
import { envelope, seal } from './hand-made-message.ts';

const device = newPerson();
const smallKeys = newKeys(1024);
const subject = 'CN=device';
const user = 'user@contoso.example';
const host = 'device.contoso.example';
const upn: GeneralName = { kind: 'upn', value: user };
const dns: GeneralName = { kind: 'dns', value: host };
const administrator: GeneralName = { kind: 'upn', value: 'administrator@contoso.example' };
const sid: GeneralName = { kind: 'uri', value: 'tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500' };
const right: RequestOptions = {
  subject,
  subjectAltNames: [upn, dns],
  extensions: [keyUsageExtension(['digitalSignature']), extendedKeyUsageExtension([oid.clientAuth])],
};
let laboratory: Laboratory;
let attack: AttackLaboratory;

before(async () => {
  laboratory = await openLaboratory();
  attack = await AttackLaboratory.at(laboratory, 'intune');
});
after(() => laboratory.close());

async function enroll(options: RequestOptions, keys = device) {
  const [challenge = ''] = await laboratory.control.createChallenges({
    subject,
    subjectAlternativeNames: [
      { sanType: 'userPrincipalName', value: user },
      { sanType: 'domainNameService', value: host },
    ],
    keyUsage: ['digitalSignature'],
    extendedKeyUsages: [oid.clientAuth],
    keySize: 2048,
    count: 1,
  });
  const csr = certificationRequest(keys, { ...options, challenge });
  const content = envelope(attack.client.recipient, seal(attack.client.recipient, csr));
  return attack.send({ content, signer: device });
}

describe('S2: a valid challenge of Intune', () => {
  it('for what it was made for gets a certificate', async () => {
    assert.equal((await enroll(right)).reply?.status, 'success');
  });

  const rows: readonly [name: string, changes: RequestOptions][] = [
    ['for another subject', { subject: 'CN=administrator' }],
    ['for one more name in the subject', { subject: 'CN=administrator,CN=device' }],
    ['for another user', { subjectAltNames: [administrator, dns] }],
    ['for one more user', { subjectAltNames: [upn, dns, administrator] }],
    ['for one more SID', { subjectAltNames: [upn, dns, sid] }],
    ['for a SID instead of a name', { subjectAltNames: [sid] }],
    [
      'for other usages',
      { extensions: [keyUsageExtension(['nonRepudiation']), extendedKeyUsageExtension([oid.clientAuth])] },
    ],
    [
      'for other purposes',
      { extensions: [keyUsageExtension(['digitalSignature']), extendedKeyUsageExtension([oid.smartCardLogon])] },
    ],
  ];
  for (const [name, changes] of rows) {
    it(`${name}: nothing`, async () => {
      const before = await attack.stored();
      const outcome = await enroll({ ...right, ...changes });
      assertRefused(outcome, 'badRequest');
      assert.equal(outcome.refusal, 'authorization.intune_rejected');
      assert.deepEqual(await attack.stored(), before);
    });
  }

  it('for another key than the one that signed the message: nothing', async () => {
    assertRefused(await enroll(right, { ...device, ...smallKeys }), 'badRequest');
  });

  it('without one: nothing, and Intune is not asked', async () => {
    const csr = certificationRequest(device, right);
    const content = envelope(attack.client.recipient, seal(attack.client.recipient, csr));
    const outcome = await attack.send({ content, signer: device });
    assertRefused(outcome, 'badRequest');
    assert.equal(outcome.refusal, 'authorization.challenge_missing');
  });
});
