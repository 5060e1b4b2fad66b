import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { der } from '@scepter/x509';
import { ScepError, decodeCertsOnly, encodeCertsOnly } from '@scepter/scep';
import { signedData } from '../message-builder.ts';

const certificates = [der.sequence(der.integer(3)), der.sequence(der.integer(1)), der.sequence(der.integer(2))];
const crls = [der.sequence(der.utf8String('a list'))];

describe('certs-only, RFC 8894 section 3.4', () => {
  it('is inverse, and keeps the order', () => {
    assert.deepEqual(decodeCertsOnly(encodeCertsOnly(certificates, crls)), { certificates, crls });
    assert.deepEqual(decodeCertsOnly(encodeCertsOnly(certificates)), { certificates, crls: [] });
    assert.deepEqual(decodeCertsOnly(encodeCertsOnly([], crls)), { certificates: [], crls });
  });

  it('writes version 1, no digests, data without content, no signers', () => {
    assert.equal(
      Buffer.from(encodeCertsOnly([der.sequence()])).toString('hex'),
      '302706092a864886f70d010702a01a30180201013100300b06092a864886f70d010701a00230003100',
    );
  });

  it('leaves out certificates of other formats', () => {
    const bytes = signedData({
      certificates: [der.implicitConstructed(1, der.integer(1)), ...certificates],
      signerInfos: [],
    });
    assert.deepEqual(decodeCertsOnly(bytes).certificates, certificates);
  });

  it('refuses what is none, and too much of it', () => {
    const refused = [
      new Uint8Array(),
      der.sequence(),
      encodeCertsOnly(Array.from({ length: 17 }, () => der.sequence())),
    ];
    for (const bytes of refused) {
      assert.throws(
        () => decodeCertsOnly(bytes),
        (error) =>
          error instanceof ScepError && error.code === 'scep.undecodable_certificates' && error.cause !== undefined,
      );
    }
  });
});
