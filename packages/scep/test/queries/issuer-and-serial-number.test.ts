import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { der, fromHex, parseName } from '@scepter/x509';
import { decodeIssuerAndSerialNumber, encodeIssuerAndSerialNumber } from '@scepter/scep';
import { selfSigned } from '../fixtures.ts';

const issuer = parseName('CN=Issuing CA,O=Contoso');
const query = (serialNumber: Uint8Array): Uint8Array =>
  der.sequence(issuer.encoded, der.concat(Uint8Array.of(0x02, serialNumber.length), serialNumber));

describe('IssuerAndSerialNumber, RFC 8894 section 3.3.4', () => {
  it('takes a certificate, and gives its names and number back', () => {
    const { certificate } = selfSigned('device', { serialNumber: fromHex('f00dcafe') });
    const decoded = decodeIssuerAndSerialNumber(encodeIssuerAndSerialNumber(certificate));
    assert.deepEqual(decoded.issuer.encoded, certificate.issuer.encoded);
    assert.deepEqual(decoded.serialNumber, certificate.serialNumber);
    assert.equal(decoded.serialHex, certificate.serialHex);
    assert.equal(decoded.serialHex, 'F00DCAFE');
  });

  // Content octets of the INTEGER, and the number as certificates show theirs.
  const numbers: Record<string, { sent: string; kept: string; serialHex: string }> = {
    small: { sent: '2a', kept: '2a', serialHex: '2A' },
    'with the zero that keeps it positive': { sent: '00ff', kept: '00ff', serialHex: 'FF' },
    padded: { sent: '0000007f', kept: '7f', serialHex: '7F' },
    zero: { sent: '00', kept: '00', serialHex: '00' },
    negative: { sent: 'ff01', kept: 'ff01', serialHex: 'FF01' },
    '20 bytes': { sent: `7f${'ab'.repeat(19)}`, kept: `7f${'ab'.repeat(19)}`, serialHex: `7F${'AB'.repeat(19)}` },
    '32 bytes, as sscep numbers its own': { sent: '11'.repeat(32), kept: '11'.repeat(32), serialHex: '11'.repeat(32) },
  };
  for (const [name, { kept, sent, serialHex }] of Object.entries(numbers)) {
    it(`a serial number that is ${name}`, () => {
      const decoded = decodeIssuerAndSerialNumber(query(fromHex(sent)));
      assert.deepEqual(decoded.serialNumber, fromHex(kept));
      assert.equal(decoded.serialHex, serialHex);
      assert.deepEqual(encodeIssuerAndSerialNumber(decoded), query(fromHex(kept)));
    });
  }

  const refused: Record<string, Uint8Array> = {
    nothing: new Uint8Array(),
    'a serial number without bytes': query(new Uint8Array()),
    'a serial number of 129 bytes': der.sequence(issuer.encoded, der.unsignedInteger(new Uint8Array(129).fill(0x11))),
    'a subject in place of the number': der.sequence(issuer.encoded, issuer.encoded),
    'something behind the number': der.sequence(issuer.encoded, der.integer(1), der.null()),
    'a trailing byte': der.concat(query(Uint8Array.of(1)), Uint8Array.of(0)),
    'a number alone': der.integer(1),
  };
  for (const [name, bytes] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      assert.throws(() => decodeIssuerAndSerialNumber(bytes), { name: 'ScepError', code: 'scep.undecodable_query' });
    });
  }

  for (const size of [0, 129]) {
    it(`does not encode a serial number of ${size} bytes`, () => {
      assert.throws(() => encodeIssuerAndSerialNumber({ issuer, serialNumber: new Uint8Array(size) }), {
        name: 'ScepError',
        code: 'scep.bad_argument',
      });
    });
  }
});
