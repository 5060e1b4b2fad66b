import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { RevocationReason, RevokedCertificate, TbsCertificateListFields } from '@scepter/x509';
import * as x509 from '@scepter/x509';

const { Asn1Error, decodeCertificateList, der, fromHex, oid, toHex } = x509;

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signatureAlgorithm = x509.signatureAlgorithmFor(keys.privateKey, 'sha256');
const revokedAt = new Date('2026-02-03T04:05:06Z');
const fields: TbsCertificateListFields = {
  signatureAlgorithm,
  issuer: x509.parseName('CN=Contoso Issuing,O=Contoso'),
  thisUpdate: new Date('2026-03-01T00:00:00Z'),
  nextUpdate: new Date('2026-03-08T00:00:00Z'),
  crlNumber: 2n ** 70n,
  authorityKeyIdentifier: fromHex('0102030405'),
  revoked: [],
};

function signed(tbs: Uint8Array): Uint8Array {
  return x509.assembleCertificateList(tbs, signatureAlgorithm, x509.signData(keys.privateKey, 'sha256', tbs));
}

describe('encodeTbsCertificateList and decodeCertificateList (RFC 5280, 5.1)', () => {
  const reasons: RevocationReason[] = [
    'unspecified',
    'keyCompromise',
    'cACompromise',
    'affiliationChanged',
    'superseded',
    'cessationOfOperation',
    'certificateHold',
    'removeFromCRL',
    'privilegeWithdrawn',
    'aACompromise',
  ];

  it('are inverse, for every reason', () => {
    const revoked = reasons.map((reason, index) => ({ serialNumber: Uint8Array.of(index + 1), revokedAt, reason }));
    const encoded = signed(x509.encodeTbsCertificateList({ ...fields, revoked }));
    const list = decodeCertificateList(encoded);
    assert.deepEqual(list.revoked, revoked);
    assert.deepEqual(
      { ...list, extensions: list.extensions.map(({ oid, critical }) => [oid, critical]) },
      {
        encoded,
        tbs: x509.encodeTbsCertificateList({ ...fields, revoked }),
        issuer: fields.issuer,
        thisUpdate: fields.thisUpdate,
        nextUpdate: fields.nextUpdate,
        crlNumber: fields.crlNumber,
        authorityKeyIdentifier: fields.authorityKeyIdentifier,
        revoked,
        extensions: [
          [oid.authorityKeyIdentifier, false],
          [oid.crlNumber, false],
        ],
        signatureAlgorithm,
        signature: list.signature,
      },
    );
    assert.ok(
      x509.verifySignature(list.signatureAlgorithm, x509.publicKeyInfoOf(keys.publicKey), list.tbs, list.signature),
    );
  });

  it('leave the list of revoked certificates out when it is empty (5.1.2.6)', () => {
    const tbs = x509.encodeTbsCertificateList(fields);
    assert.deepEqual(decodeCertificateList(signed(tbs)).revoked, []);
    const parts = x509.Asn1Reader.of(tbs).sequence();
    const tags: (number | undefined)[] = [];
    while (!parts.atEnd()) tags.push(parts.next().tag);
    assert.deepEqual(tags, [0x02, 0x30, 0x30, 0x17, 0x17, 0xa0]);
  });

  it('keep a serial number positive', () => {
    const revoked: RevokedCertificate[] = [{ serialNumber: fromHex('ff01'), revokedAt, reason: 'unspecified' }];
    const [entry] = decodeCertificateList(signed(x509.encodeTbsCertificateList({ ...fields, revoked }))).revoked;
    assert.equal(toHex(entry?.serialNumber ?? new Uint8Array(0)), '00ff01');
  });

  it('hold 20,000 revoked certificates', () => {
    const revoked = Array.from({ length: 20_000 }, (_, index): RevokedCertificate => ({
      serialNumber: fromHex((index + 1).toString(16).padStart(32, '7')),
      revokedAt,
      reason: 'superseded',
    }));
    const list = decodeCertificateList(signed(x509.encodeTbsCertificateList({ ...fields, revoked })));
    assert.deepEqual(list.revoked, revoked);
  });

  it('read a list of version 1 without next update', () => {
    const tbs = der.sequence(signatureAlgorithm.encoded, fields.issuer.encoded, der.time(fields.thisUpdate));
    const list = decodeCertificateList(signed(tbs));
    assert.deepEqual([list.nextUpdate, list.crlNumber, list.authorityKeyIdentifier], [undefined, undefined, undefined]);
  });
});

describe('decodeCertificateList refuses', () => {
  const head = [signatureAlgorithm.encoded, fields.issuer.encoded, der.time(fields.thisUpdate)];
  const entry = (extension: Uint8Array): Uint8Array =>
    der.sequence(
      der.integer(1),
      der.time(revokedAt),
      x509.encodeExtensions([{ oid: oid.reasonCode, critical: false, value: extension }]),
    );
  const rows: [string, () => Uint8Array][] = [
    ['another version', () => signed(der.sequence(der.integer(2), ...head))],
    ['an unknown reason', () => signed(der.sequence(der.integer(1), ...head, der.sequence(entry(der.enumerated(7)))))],
    [
      'a reason that is no reason',
      () => signed(der.sequence(der.integer(1), ...head, der.sequence(entry(der.null())))),
    ],
    [
      'two different algorithms',
      () =>
        x509.assembleCertificateList(
          x509.encodeTbsCertificateList(fields),
          x509.encodeAlgorithmIdentifier(oid.sha256WithRSA),
          new Uint8Array(9),
        ),
    ],
    ['something behind it', () => der.concat(signed(x509.encodeTbsCertificateList(fields)), der.null())],
  ];
  for (const [label, encoded] of rows) {
    it(label, () => assert.throws(() => decodeCertificateList(encoded()), Asn1Error));
  }
});
