import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DigestName } from '@scepter/x509';
import { capabilitiesFor, floorAllows, floorForSignatureAlone } from '@scepter/scep';
import type { AlgorithmFloor, ContentCipher } from '@scepter/scep';

describe('floorAllows', () => {
  const digests: Record<AlgorithmFloor, DigestName[]> = {
    modern: ['sha256', 'sha384', 'sha512'],
    compatible: ['sha1', 'sha256', 'sha384', 'sha512'],
    legacy: ['md5', 'sha1', 'sha256', 'sha384', 'sha512'],
  };
  const ciphers: Record<AlgorithmFloor, ContentCipher[]> = {
    modern: ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc'],
    compatible: ['des-ede3-cbc', 'aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc'],
    legacy: ['des-cbc', 'des-ede3-cbc', 'aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc'],
  };

  for (const floor of ['modern', 'compatible', 'legacy'] as const) {
    it(`${floor}: accepts exactly its digests and ciphers, alone and together`, () => {
      for (const digest of digests.legacy) {
        assert.equal(floorAllows(floor, { digest }), digests[floor].includes(digest), digest);
        for (const contentCipher of ciphers.legacy) {
          const expected = digests[floor].includes(digest) && ciphers[floor].includes(contentCipher);
          assert.equal(floorAllows(floor, { digest, contentCipher }), expected, `${digest} ${contentCipher}`);
        }
      }
    });

    it(`${floor}: accepts no unknown algorithm`, () => {
      assert.equal(floorAllows(floor, { digest: undefined }), false);
      assert.equal(floorAllows(floor, { contentCipher: undefined }), false);
      assert.equal(floorAllows(floor, { digest: undefined, contentCipher: 'aes-256-cbc' }), false);
      assert.equal(floorAllows(floor, { digest: 'sha256', contentCipher: undefined }), false);
    });
  }
});

describe('capabilitiesFor, RFC 8894 section 3.5.2', () => {
  const lines = (floor: AlgorithmFloor, renewal = true): string[] => capabilitiesFor(floor, { renewal }).split('\n');

  it('modern: names AES and SHA-2, not what the floor refuses', () => {
    assert.deepEqual(lines('modern'), [
      'AES',
      'POSTPKIOperation',
      'Renewal',
      'SCEPStandard',
      'SHA-256',
      'SHA-384',
      'SHA-512',
    ]);
  });

  it('compatible: names triple DES and SHA-1 too', () => {
    assert.deepEqual(
      lines('compatible').filter((line) => !lines('modern').includes(line)),
      ['DES3', 'SHA-1'],
    );
  });

  it('legacy: has nothing more to name, because single DES and MD5 have no keyword', () => {
    assert.deepEqual(lines('legacy'), lines('compatible'));
  });

  it('names renewal only where it is done', () => {
    assert.ok(!lines('modern', false).includes('Renewal'));
  });

  it('names GetNextCACert only while a next CA is staged, in the order of the alphabet', () => {
    assert.ok(!lines('modern').includes('GetNextCACert'));
    const staged = capabilitiesFor('modern', { renewal: true, nextCaCertificates: true }).split('\n');
    assert.deepEqual(
      staged.filter((line) => !lines('modern').includes(line)),
      ['GetNextCACert'],
    );
    assert.deepEqual(staged, [...staged].sort());
    assert.ok(!capabilitiesFor('modern', { renewal: true, nextCaCertificates: false }).includes('GetNextCACert'));
  });

  it('has no empty line, which strongSwan takes for every capability', () => {
    for (const floor of ['modern', 'compatible', 'legacy'] as const) {
      assert.ok(lines(floor).every((line) => line.trim() === line && line !== ''));
    }
  });

  it('names SHA-384 wherever SHA-256 is accepted, which strongSwan 5.9.8 looks for', () => {
    for (const floor of ['modern', 'compatible', 'legacy'] as const) assert.ok(lines(floor).includes('SHA-384'));
  });
});

describe('floorForSignatureAlone, RFC 8894 section 7.9', () => {
  for (const digest of ['md5', 'sha1'] as const) {
    it(`a renewal by signature alone is not carried by ${digest}`, () => {
      assert.equal(floorAllows(floorForSignatureAlone, { digest, contentCipher: 'aes-128-cbc' }), false);
    });
  }
  for (const contentCipher of ['des-cbc', 'des-ede3-cbc'] as const) {
    it(`nor by ${contentCipher}`, () => {
      assert.equal(floorAllows(floorForSignatureAlone, { digest: 'sha256', contentCipher }), false);
    });
  }
  it('but by SHA-2 and AES', () => {
    assert.equal(floorAllows(floorForSignatureAlone, { digest: 'sha384', contentCipher: 'aes-256-cbc' }), true);
  });
});
