/** S12: serial numbers of others may be anything; ours are positive, random and unique (also `ca/test/serial-number.test.ts`). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assembleCertificate, decodeCertificate, signatureAlgorithmFor, signData } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { openLaboratory } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { AttackLaboratory, newPerson } from './attack-laboratory.ts';

const device = newPerson();
let laboratory: Laboratory;
let attack: AttackLaboratory;

before(async () => {
  laboratory = await openLaboratory();
  attack = await AttackLaboratory.at(laboratory, 'static');
});
after(() => laboratory.close());

/** The device's certificate with another serial number, signed again. Lengths are below 128 up to the serial number. */
function withSerialNumber(content: Uint8Array): Certificate {
  const { tbs, serialNumber } = device.certificate;
  const at = Buffer.from(tbs).indexOf(Buffer.concat([Uint8Array.of(0x02, serialNumber.length), serialNumber]));
  const before = tbs.subarray(4, at);
  const behind = tbs.subarray(at + 2 + serialNumber.length);
  const fields = Buffer.concat([before, Uint8Array.of(0x02, content.length), content, behind]);
  const changed = Buffer.concat([Uint8Array.of(0x30, 0x82, fields.length >> 8, fields.length & 0xff), fields]);
  const algorithm = signatureAlgorithmFor(device.publicKey, 'sha256');
  const signature = signData(device.privateKey, 'sha256', changed);
  return decodeCertificate(assembleCertificate(changed, algorithm, signature), { rules: 'ber' });
}

describe('S12: a device whose own certificate has', () => {
  const rows: readonly [name: string, content: Uint8Array][] = [
    ['a negative serial number', Uint8Array.of(0x80, 1, 2, 3)],
    ['the serial number -1', Uint8Array.of(0xff)],
    ['the serial number 0', Uint8Array.of(0)],
    ['a serial number of 32 bytes', new Uint8Array(32).fill(0x55)],
    ['a serial number of 100 bytes', new Uint8Array(100).fill(0x55)],
  ];
  for (const [name, content] of rows) {
    it(`${name}: gets its certificate`, async () => {
      const signer = { certificate: withSerialNumber(content), privateKey: device.privateKey };
      const { reply } = await attack.send({ content: attack.sealed(device), signer });
      assert.equal(reply?.status, 'success');
    });
  }
});

it('S12: serial numbers that we give are positive, of 128 bits, and no two alike', async () => {
  const serialNumbers = (await attack.stored()).map(({ serialNumber }) => serialNumber);
  assert.ok(serialNumbers.length >= 5);
  assert.equal(new Set(serialNumbers).size, serialNumbers.length);
  for (const serialNumber of serialNumbers) assert.match(serialNumber, /^[1-7][0-9A-F]{31}$/);
});
