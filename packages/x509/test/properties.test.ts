/** What holds for every value, tried on many: what is written is read again, and nothing else than what was written. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import * as x509 from '@scepter/x509';
import { rewriteBer } from '../../../fuzz/mutation/ber-rewrite.ts';
import { decodeCrlNumber, encodeCrlNumber } from '../src/extensions/crl-number.ts';
import { decodeReasonCode, encodeReasonCode } from '../src/extensions/reason-code.ts';

const { Asn1Reader, der } = x509;
const runs = (numRuns: number) => ({ numRuns });
/** With the prototype that decoded values have. */
const record = <T>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }) => fc.record(model, { noNullPrototype: true });
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const algorithm = x509.signatureAlgorithmFor(keys.privateKey, 'sha256');
const publicKey = x509.publicKeyInfoOf(keys.publicKey);

const bytes = (maxLength: number, minLength = 0): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength }).map((array) => new Uint8Array(array));
const bigArc = fc.bigInt({ min: 0n, max: 2n ** 200n });
const dotted = fc
  .oneof(
    fc.tuple(fc.constantFrom('0', '1'), fc.nat(39), fc.array(bigArc, { maxLength: 3 })),
    fc.tuple(fc.constant('2'), fc.nat(1000), fc.array(bigArc, { maxLength: 3 })),
  )
  .map(([first, second, rest]) => [first, second, ...rest].join('.'));
const moment = fc
  .date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((date) => new Date(Math.floor(date.getTime() / 1000) * 1000));
const text = fc.string({ unit: 'grapheme', maxLength: 30 });
const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 30 });
const printable = fc.stringMatching(/^[A-Za-z0-9 '()+,\-./:=?]{0,20}$/);

const attribute = fc.oneof(
  record({ type: fc.constantFrom('CN', 'O', 'OU', 'L', '1.2.3.4'), value: text }),
  record({ type: fc.constantFrom('C', 'serialNumber'), value: printable }),
  record({ type: fc.constantFrom('DC', 'emailAddress'), value: ascii }),
);
const name = fc.array(fc.array(attribute, { minLength: 1, maxLength: 2 }), { maxLength: 4 }).map(x509.buildName);
const generalName: fc.Arbitrary<x509.GeneralName> = fc.oneof(
  record({ kind: fc.constantFrom('dns' as const, 'email' as const, 'uri' as const), value: ascii }),
  record({ kind: fc.constant('upn' as const), value: text }),
  record({ kind: fc.constant('ip' as const), value: fc.ipV4() }),
  record({ kind: fc.constant('directory' as const), name }),
  record({ kind: fc.constant('registeredId' as const), value: dotted }),
  record({
    kind: fc.constant('otherName' as const),
    typeId: dotted,
    encodedValue: bytes(20).map((content) => der.octetString(content)),
  }),
);
const generalNames = fc.array(generalName, { maxLength: 5 });
const extension = record({ oid: dotted, critical: fc.boolean(), value: bytes(40) });
const extensions = fc.uniqueArray(extension, { maxLength: 4, selector: (entry) => entry.oid });
const serialNumber = bytes(20, 1).map((magnitude) => Uint8Array.from([1, ...magnitude.subarray(1)]));

function same<T>(value: T, encode: (value: T) => Uint8Array, decode: (encoded: Uint8Array) => T): void {
  assert.deepEqual(decode(encode(value)), value);
}

function reading<T>(read: (reader: x509.Asn1Reader) => T): (encoded: Uint8Array) => T {
  return (encoded) => {
    const reader = Asn1Reader.of(encoded);
    const value = read(reader);
    reader.end();
    return value;
  };
}

describe('every value of a type is read as it was written', () => {
  const checks: readonly [string, () => void][] = [
    [
      'integers',
      () =>
        fc.assert(
          fc.property(fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }), (value) =>
            same(
              value,
              der.integer,
              reading((reader) => reader.integer()),
            ),
          ),
        ),
    ],
    [
      'booleans',
      () =>
        fc.assert(
          fc.property(fc.boolean(), (value) =>
            same(
              value,
              der.boolean,
              reading((reader) => reader.boolean()),
            ),
          ),
        ),
    ],
    [
      'object identifiers',
      () =>
        fc.assert(
          fc.property(dotted, (value) =>
            same(
              value,
              der.oid,
              reading((reader) => reader.oid()),
            ),
          ),
        ),
    ],
    [
      'octet strings',
      () =>
        fc.assert(
          fc.property(bytes(300), (value) =>
            same(
              value,
              der.octetString,
              reading((reader) => reader.octetString()),
            ),
          ),
        ),
    ],
    [
      'bit strings',
      () =>
        fc.assert(
          fc.property(bytes(300), (value) =>
            same(
              value,
              (whole) => der.bitString(whole),
              reading((reader) => reader.wholeBytes()),
            ),
          ),
        ),
    ],
    [
      'UTF-8 strings',
      () =>
        fc.assert(
          fc.property(text, (value) =>
            same(
              value,
              der.utf8String,
              reading((reader) => reader.string()),
            ),
          ),
        ),
    ],
    [
      'printable strings',
      () =>
        fc.assert(
          fc.property(printable, (value) =>
            same(
              value,
              der.printableString,
              reading((reader) => reader.string()),
            ),
          ),
        ),
    ],
    [
      'times',
      () =>
        fc.assert(
          fc.property(moment, (value) =>
            same(
              value,
              der.time,
              reading((reader) => reader.time()),
            ),
          ),
        ),
    ],
    [
      'general names',
      () =>
        fc.assert(
          fc.property(generalNames, (value) => same(value, x509.encodeGeneralNames, x509.decodeGeneralNames)),
          runs(60),
        ),
    ],
    [
      'extensions',
      () =>
        fc.assert(fc.property(extensions, (value) => same(value, x509.encodeExtensions, reading(x509.readExtensions)))),
    ],
    [
      'extended key usages',
      () =>
        fc.assert(
          fc.property(fc.array(dotted, { maxLength: 5 }), (value) =>
            same(value, x509.encodeExtendedKeyUsage, x509.decodeExtendedKeyUsage),
          ),
        ),
    ],
    [
      'CRL numbers',
      () =>
        fc.assert(
          fc.property(fc.bigInt({ min: 0n, max: 2n ** 160n }), (value) =>
            same(value, encodeCrlNumber, decodeCrlNumber),
          ),
        ),
    ],
    [
      'reason codes',
      () =>
        fc.assert(
          fc.property(fc.constantFrom('keyCompromise' as const, 'removeFromCRL' as const), (value) =>
            same(value, encodeReasonCode, decodeReasonCode),
          ),
        ),
    ],
    [
      'subject key identifiers',
      () =>
        fc.assert(
          fc.property(bytes(40), (value) =>
            same(value, x509.encodeSubjectKeyIdentifier, x509.decodeSubjectKeyIdentifier),
          ),
        ),
    ],
    [
      'authority key identifiers',
      () =>
        fc.assert(
          fc.property(bytes(40), (value) =>
            same<Uint8Array | undefined>(
              value,
              (identifier) => x509.encodeAuthorityKeyIdentifier(identifier ?? value),
              x509.decodeAuthorityKeyIdentifier,
            ),
          ),
        ),
    ],
    [
      'distribution points',
      () =>
        fc.assert(
          fc.property(fc.array(ascii, { maxLength: 4 }), (value) =>
            same(value, x509.encodeCrlDistributionPoints, x509.decodeCrlDistributionPoints),
          ),
        ),
    ],
    [
      'information access',
      () =>
        fc.assert(
          fc.property(
            record({ caIssuers: fc.array(ascii, { maxLength: 3 }), ocsp: fc.array(ascii, { maxLength: 3 }) }),
            (value) => same(value, x509.encodeAuthorityInfoAccess, x509.decodeAuthorityInfoAccess),
          ),
        ),
    ],
    [
      'hex',
      () => fc.assert(fc.property(bytes(100), (value) => assert.deepEqual(x509.fromHex(x509.toHex(value)), value))),
    ],
    [
      'PEM',
      () =>
        fc.assert(
          fc.property(
            fc.array(record({ label: fc.constantFrom('CERTIFICATE', 'X Y'), bytes: bytes(200) }), { maxLength: 3 }),
            (blocks) =>
              assert.deepEqual(
                x509.decodePem(blocks.map((block) => x509.encodePem(block.label, block.bytes)).join('between\r\n')),
                blocks,
              ),
          ),
        ),
    ],
  ];
  for (const [label, check] of checks) it(label, check);

  it('key usages, in the order of their bits', () => {
    const usages = fc.subarray<x509.KeyUsage>([
      'digitalSignature',
      'nonRepudiation',
      'keyAgreement',
      'cRLSign',
      'decipherOnly',
    ]);
    fc.assert(
      fc.property(usages, (value) => same<readonly x509.KeyUsage[]>(value, x509.encodeKeyUsage, x509.decodeKeyUsage)),
    );
  });
});

describe('names as text', () => {
  it('mean the same name, and are safe to print', () => {
    fc.assert(
      fc.property(name, (value) => {
        const written = x509.formatName(value);
        assert.ok(!/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(written));
        const again = x509.parseName(written);
        assert.ok(x509.namesEqual(again, value));
        assert.deepEqual(
          again.rdns
            .flat()
            .map(({ value: each }) => each)
            .sort(),
          value.rdns
            .flat()
            .map(({ value: each }) => each)
            .sort(),
        );
      }),
      runs(200),
    );
  });

  it('of any kind give a name or a NameError', () => {
    const pieces = fc.constantFrom(
      'CN',
      '=',
      ',',
      '+',
      '\\',
      '"',
      '#',
      '0c01',
      '#0C01FF',
      '1.40',
      ' ',
      'a',
      '2.5.4.3',
      '\\C3',
      '\\A6',
      '\0',
      '=#0500',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        try {
          x509.formatName(x509.parseName(parts.join('')));
        } catch (error) {
          assert.ok(error instanceof x509.NameError, String(error));
        }
      }),
      runs(1000),
    );
  });
});

const contents = record({
  serialNumber,
  issuer: name,
  subject: name,
  notBefore: moment,
  notAfter: moment,
  extensions,
});
const certificateOf = (fields: Omit<x509.TbsCertificateFields, 'signatureAlgorithm' | 'publicKey'>): Uint8Array =>
  x509.assembleCertificate(
    x509.encodeTbsCertificate({ ...fields, signatureAlgorithm: algorithm, publicKey: publicKey.encoded }),
    algorithm,
    new Uint8Array(70),
  );
const said = (certificate: x509.Certificate, name = x509.formatName) => ({
  serialNumber: certificate.serialNumber,
  issuer: name(certificate.issuer),
  subject: name(certificate.subject),
  notBefore: certificate.notBefore,
  notAfter: certificate.notAfter,
  extensions: certificate.extensions,
});

describe('certificates, requests and lists', () => {
  it('say what was put into a certificate', () => {
    fc.assert(
      fc.property(contents, (fields) => {
        const expected = {
          ...fields,
          issuer: x509.formatName(fields.issuer),
          subject: x509.formatName(fields.subject),
        };
        assert.deepEqual(said(x509.decodeCertificate(certificateOf(fields))), expected);
      }),
      runs(60),
    );
  });

  it('say the same of a certificate in BER, which DER refuses', () => {
    fc.assert(
      fc.property(contents, fc.infiniteStream(fc.nat(5)), (fields, choices) => {
        const encoded = certificateOf(fields);
        const rewritten = rewriteBer(encoded, {
          below: (limit) => Number(choices.next().value) % limit,
          // The algorithm stands in a certificate twice, and twice the same; keys are DER wherever they are.
          keeps: ({ start, end }) =>
            [algorithm.encoded, publicKey.encoded].some((part) => x509.equalBytes(encoded.subarray(start, end), part)),
        });
        const texts = (of: x509.Name): string => JSON.stringify(of.rdns.map((rdn) => rdn.map(({ value }) => value)));
        assert.deepEqual(
          said(x509.decodeCertificate(rewritten, { rules: 'ber' }), texts),
          said(x509.decodeCertificate(encoded), texts),
        );
        if (!x509.equalBytes(rewritten, encoded))
          assert.throws(() => x509.decodeCertificate(rewritten), x509.Asn1Error);
      }),
      runs(60),
    );
  });

  it('say what was put into a request', () => {
    const more = record({ subject: name, subjectAltNames: generalNames, challengePassword: text });
    fc.assert(
      fc.property(more, ({ subject, subjectAltNames, challengePassword }) => {
        const request = x509.decodeCertificationRequest(
          x509.createCertificationRequest({
            subject,
            ...keys,
            extensions: [x509.subjectAltNameExtension(subjectAltNames)],
            challengePassword,
          }),
        );
        assert.ok(x509.verifyCertificationRequest(request));
        assert.deepEqual(
          [request.subject.encoded, request.subjectAltNames, request.challengePassword],
          [subject.encoded, subjectAltNames, challengePassword],
        );
      }),
      runs(60),
    );
  });

  it('say what was put into a list', () => {
    const reason = fc.constantFrom<x509.RevocationReason>(
      'unspecified',
      'keyCompromise',
      'superseded',
      'certificateHold',
    );
    const revoked = fc.array(record({ serialNumber, revokedAt: moment, reason }), { maxLength: 4 });
    const fields = record({
      issuer: name,
      thisUpdate: moment,
      nextUpdate: moment,
      crlNumber: fc.bigInt({ min: 0n, max: 2n ** 80n }),
      authorityKeyIdentifier: bytes(20, 20),
      revoked,
    });
    fc.assert(
      fc.property(fields, (value) => {
        const tbs = x509.encodeTbsCertificateList({ ...value, signatureAlgorithm: algorithm });
        const list = x509.decodeCertificateList(x509.assembleCertificateList(tbs, algorithm, new Uint8Array(70)));
        const { thisUpdate, nextUpdate, crlNumber, authorityKeyIdentifier } = list;
        assert.deepEqual(
          { issuer: value.issuer, thisUpdate, nextUpdate, crlNumber, authorityKeyIdentifier, revoked: list.revoked },
          value,
        );
      }),
      runs(60),
    );
  });

  it('do not verify with any bit changed', () => {
    const request = x509.createCertificationRequest({ subject: x509.parseName('CN=device'), ...keys });
    const signed = x509.decodeCertificationRequest(request);
    const infoAt = request.length - signed.info.length;
    fc.assert(
      fc.property(fc.nat(request.length - 1), fc.nat(7), (at, bit) => {
        const changed = Uint8Array.from(request);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        let verified = false;
        try {
          verified = x509.verifyCertificationRequest(x509.decodeCertificationRequest(changed));
        } catch (error) {
          assert.ok(error instanceof x509.Asn1Error);
        }
        assert.equal(verified, false, `byte ${at} of ${infoAt}`);
      }),
      runs(600),
    );
  });
});
