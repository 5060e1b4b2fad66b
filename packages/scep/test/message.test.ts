import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  buildName,
  der,
  encodeAlgorithmIdentifier,
  encodeSubjectKeyIdentifier,
  equalBytes,
  keyIdentifier,
  oid,
  subjectKeyIdentifierExtension,
} from '@scepter/x509';
import type { DigestName } from '@scepter/x509';
import { ScepError, decodePkiMessage, verifyPkiMessage } from '@scepter/scep';
import { ecKeys, selfSigned } from './fixtures.ts';
import {
  attribute,
  attributes,
  issuerAndSerial,
  message,
  nonce,
  signedData,
  signerInfo,
  usualAttributes,
} from './message-builder.ts';

const device = selfSigned('device');
const other = selfSigned('other', { serialNumber: Uint8Array.of(9) });
const content = Uint8Array.from(Buffer.from('stands for an envelope'));

const without = (type: 'messageType' | 'senderNonce' | 'transactionId', ...instead: Uint8Array[]): Uint8Array[] => {
  const index = { messageType: 2, senderNonce: 3, transactionId: 4 }[type];
  return [...usualAttributes(content).filter((_, at) => at !== index), ...instead];
};

const undecodable = (error: unknown): boolean => error instanceof ScepError && error.code === 'scep.undecodable';

describe('decodePkiMessage', () => {
  it('reads a message that was written piece by piece', () => {
    const decoded = decodePkiMessage(message(device, content, usualAttributes(content)));
    assert.equal(decoded.messageType, 'PKCSReq');
    assert.deepEqual(decoded.messageTypes, ['19']);
    assert.equal(decoded.transactionId, 'transaction-1');
    assert.deepEqual(decoded.senderNonce, nonce);
    assert.equal(decoded.digest, 'sha256');
    assert.deepEqual(decoded.content, content);
    assert.ok(equalBytes(decoded.signer.encoded, device.certificate.encoded));
    assert.ok(verifyPkiMessage(decoded));
  });

  it('leaves bytes of the input as they are', () => {
    const bytes = message(device, content, usualAttributes(content));
    const copy = Uint8Array.from(bytes);
    verifyPkiMessage(decodePkiMessage(bytes));
    assert.deepEqual(bytes, copy);
  });

  describe('messageType, RFC 8894 section 3.2.1.2 (CVE-2026-30836)', () => {
    const known: [string, string][] = [
      ['3', 'CertRep'],
      ['17', 'RenewalReq'],
      ['19', 'PKCSReq'],
      ['20', 'CertPoll'],
      ['21', 'GetCert'],
      ['22', 'GetCRL'],
    ];
    for (const [text, name] of known) {
      it(`${text} is ${name}`, () => {
        const decoded = decodePkiMessage(
          message(device, content, without('messageType', attributes.messageType(text))),
        );
        assert.equal(decoded.messageType, name);
        assert.ok(verifyPkiMessage(decoded));
      });
    }

    const unknown: [string, Uint8Array[], string[]][] = [
      ...[
        '0',
        '1',
        '2',
        '18',
        '23',
        '019',
        '19 ',
        ' 19',
        '-1',
        '+19',
        '1９',
        '19.0',
        '0x13',
        '',
        'PKCSReq',
        '__proto__',
      ].map((text): [string, Uint8Array[], string[]] => [
        JSON.stringify(text),
        [attribute('2.16.840.1.113733.1.9.2', der.utf8String(text))],
        [text],
      ]),
      ['two values', [attributes.messageType('19', '17')], ['19', '17']],
      ['the same value twice', [attributes.messageType('19', '19')], ['19', '19']],
      ['two attributes', [attributes.messageType('19'), attributes.messageType('20')], ['19', '20']],
      ['no value', [attributes.messageType()], []],
      ['missing', [], []],
      ['an INTEGER', [attribute('2.16.840.1.113733.1.9.2', der.integer(19))], ['#020113']],
    ];
    for (const [name, instead, messageTypes] of unknown) {
      it(`${name}: no type, but a message that can be refused by a reply`, () => {
        const decoded = decodePkiMessage(message(device, content, without('messageType', ...instead)));
        assert.equal(decoded.messageType, undefined);
        assert.deepEqual(decoded.messageTypes, messageTypes);
        assert.equal(decoded.transactionId, 'transaction-1');
        assert.ok(verifyPkiMessage(decoded));
      });
    }
  });

  describe('transactionID', () => {
    const strings: [string, Uint8Array][] = [
      ['PrintableString', der.printableString('id-1')],
      ['UTF8String', der.utf8String('id-1')],
      ['IA5String', der.ia5String('id-1')],
      ['TeletexString', Uint8Array.of(0x14, 4, 0x69, 0x64, 0x2d, 0x31)],
      ['BMPString', Uint8Array.of(0x1e, 8, 0, 0x69, 0, 0x64, 0, 0x2d, 0, 0x31)],
    ];
    for (const [name, value] of strings) {
      it(`is read from a ${name}`, () => {
        const bytes = message(device, content, without('transactionId', attributes.transactionId(value)));
        assert.equal(decodePkiMessage(bytes).transactionId, 'id-1');
      });
    }

    it('may be 256 characters long', () => {
      const id = 'x'.repeat(256);
      const bytes = message(
        device,
        content,
        without('transactionId', attributes.transactionId(der.printableString(id))),
      );
      assert.equal(decodePkiMessage(bytes).transactionId, id);
    });

    const refused: [string, Uint8Array[]][] = [
      ['missing', []],
      ['empty', [attributes.transactionId(der.printableString(''))]],
      ['257 characters', [attributes.transactionId(der.printableString('x'.repeat(257)))]],
      ['two values', [attributes.transactionId(der.printableString('a'), der.printableString('b'))]],
      [
        'two attributes',
        [attributes.transactionId(der.printableString('a')), attributes.transactionId(der.printableString('a'))],
      ],
      ['no string', [attributes.transactionId(der.integer(1))]],
      ['malformed UTF-8', [attributes.transactionId(Uint8Array.of(0x0c, 1, 0xff))]],
    ];
    for (const [name, instead] of refused) {
      it(`${name}: undecodable`, () => {
        assert.throws(
          () => decodePkiMessage(message(device, content, without('transactionId', ...instead))),
          undecodable,
        );
      });
    }
  });

  describe('senderNonce', () => {
    for (const size of [0, 8, 16, 32, 64]) {
      it(`of ${size} bytes is kept as it is`, () => {
        const sent = Uint8Array.from({ length: size }, (_, index) => 255 - index);
        const bytes = message(device, content, without('senderNonce', attributes.senderNonce(sent)));
        assert.deepEqual(decodePkiMessage(bytes).senderNonce, sent);
      });
    }

    it('may be missing', () => {
      assert.equal(decodePkiMessage(message(device, content, without('senderNonce'))).senderNonce, undefined);
    });

    it('of 65 bytes is refused', () => {
      const bytes = message(device, content, without('senderNonce', attributes.senderNonce(new Uint8Array(65))));
      assert.throws(() => decodePkiMessage(bytes), undecodable);
    });
  });

  describe('bounds', () => {
    const signer = () => signerInfo({ signer: device, attributes: usualAttributes(content) });

    it('more than 16 certificates are refused', () => {
      const certificates = Array.from({ length: 17 }, () => device.certificate.encoded);
      assert.throws(
        () => decodePkiMessage(signedData({ content, certificates, signerInfos: [signer()] })),
        undecodable,
      );
      const sixteen = certificates.slice(1);
      assert.ok(decodePkiMessage(signedData({ content, certificates: sixteen, signerInfos: [signer()] })));
    });

    it('more than 16 signers are refused', () => {
      const signerInfos = Array.from({ length: 17 }, signer);
      const certificates = [device.certificate.encoded];
      assert.throws(() => decodePkiMessage(signedData({ content, certificates, signerInfos })), undecodable);
    });

    it('more than 64 attributes are refused', () => {
      const stuffing = Array.from({ length: 60 }, (_, index) => attribute(`1.2.3.${index}`, der.null()));
      assert.throws(
        () => decodePkiMessage(message(device, content, [...usualAttributes(content), ...stuffing])),
        undecodable,
      );
    });

    it('more than 16 values of an attribute are refused', () => {
      const many = attribute('1.2.3', ...Array.from({ length: 17 }, () => der.null()));
      assert.throws(() => decodePkiMessage(message(device, content, [...usualAttributes(content), many])), undecodable);
    });

    it('10,000 nested elements are refused', () => {
      let nested = der.null();
      for (let depth = 0; depth < 10_000; depth += 1) nested = der.sequence(nested);
      assert.throws(() => decodePkiMessage(nested), undecodable);
      const hidden = message(device, content, [...usualAttributes(content), attribute('1.2.3', nested)]);
      assert.ok(decodePkiMessage(hidden), 'what is not looked at is not walked through either');
    });

    it('10,000 nested indefinite lengths are refused', () => {
      const opened = Buffer.alloc(20_000, Buffer.from('3080', 'hex'));
      assert.throws(() => decodePkiMessage(Buffer.concat([opened, Buffer.alloc(20_000)])), undecodable);
    });
  });

  it('a trailing byte is refused', () => {
    assert.throws(
      () => decodePkiMessage(der.concat(message(device, content, usualAttributes(content)), Uint8Array.of(0))),
      undecodable,
    );
  });

  it('a message without signers is refused', () => {
    assert.throws(
      () => decodePkiMessage(signedData({ content, certificates: [device.certificate.encoded], signerInfos: [] })),
      undecodable,
    );
  });

  it("a message without its signer's certificate is refused", () => {
    const signerInfos = [signerInfo({ signer: device, attributes: usualAttributes(content) })];
    assert.throws(() => decodePkiMessage(signedData({ content, certificates: [], signerInfos })), undecodable);
    const certificates = [other.certificate.encoded];
    assert.throws(() => decodePkiMessage(signedData({ content, certificates, signerInfos })), undecodable);
  });

  it('stray certificates, even undecodable ones, do not hide the signer', () => {
    const certificates = [der.sequence(der.null()), other.certificate.encoded, device.certificate.encoded];
    const signerInfos = [signerInfo({ signer: device, attributes: usualAttributes(content) })];
    const decoded = decodePkiMessage(signedData({ content, certificates, signerInfos }));
    assert.ok(equalBytes(decoded.signer.encoded, device.certificate.encoded));
    assert.ok(verifyPkiMessage(decoded));
  });

  it('an unknown digest decodes, to be answered with badAlg', () => {
    const options = { signer: device, attributes: usualAttributes(content), digestOid: '2.16.840.1.101.3.4.2.8' };
    const certificates = [device.certificate.encoded];
    const decoded = decodePkiMessage(signedData({ content, certificates, signerInfos: [signerInfo(options)] }));
    assert.equal(decoded.digest, undefined);
    assert.equal(verifyPkiMessage(decoded), false);
  });

  it('an absent and an empty eContent are both no content', () => {
    const nothing = new Uint8Array();
    for (const sent of [undefined, nothing]) {
      const decoded = decodePkiMessage(
        signedData({
          content: sent,
          certificates: [device.certificate.encoded],
          signerInfos: [signerInfo({ signer: device, attributes: usualAttributes(nothing) })],
        }),
      );
      assert.equal(decoded.content, undefined);
      assert.ok(verifyPkiMessage(decoded));
    }
  });
});

describe('verifyPkiMessage', () => {
  const certificates = [device.certificate.encoded];
  const verify = (
    signerInfos: Uint8Array[],
    options: { content?: Uint8Array; eContentType?: string; certificates?: Uint8Array[] } = {},
  ) => verifyPkiMessage(decodePkiMessage(signedData({ content, certificates, signerInfos, ...options })));
  const usual = (): Uint8Array => signerInfo({ signer: device, attributes: usualAttributes(content) });

  it('accepts attributes in an order that DER does not allow, over the bytes received', () => {
    const sorted = [...usualAttributes(content)].sort((a, b) => Buffer.compare(a, b));
    assert.notDeepEqual(sorted, sorted.toReversed());
    assert.ok(verify([signerInfo({ signer: device, attributes: sorted })]));
    assert.ok(verify([signerInfo({ signer: device, attributes: sorted.toReversed() })]));
  });

  it('refuses attributes that were sorted after signing', () => {
    const attributesSent = [...usualAttributes(content)].sort((a, b) => Buffer.compare(a, b));
    const options = { signer: device, attributes: attributesSent, signedInstead: attributesSent.toReversed() };
    assert.equal(verify([signerInfo(options)]), false);
  });

  const digests: DigestName[] = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'];
  const withDigest = (digest: DigestName): Uint8Array[] => [
    attributes.contentType(),
    attributes.messageDigest(content, digest),
    ...usualAttributes(content).slice(2),
  ];
  const schemes: Record<DigestName, string> = {
    md5: oid.md5WithRSA,
    sha1: oid.sha1WithRSA,
    sha256: oid.sha256WithRSA,
    sha384: oid.sha384WithRSA,
    sha512: oid.sha512WithRSA,
  };
  for (const digest of digests) {
    it(`${digest}: accepts rsaEncryption and the whole scheme's name, with and without NULL`, () => {
      for (const algorithm of [oid.rsaEncryption, schemes[digest]]) {
        for (const parameters of [der.null(), undefined]) {
          const signatureAlgorithm = encodeAlgorithmIdentifier(algorithm, parameters).encoded;
          assert.ok(
            verify([signerInfo({ signer: device, attributes: withDigest(digest), digest, signatureAlgorithm })]),
          );
        }
      }
    });
  }

  it('accepts ECDSA', () => {
    const signer = selfSigned('ec device', { keys: ecKeys() });
    const signatureAlgorithm = encodeAlgorithmIdentifier(oid.ecdsaWithSHA256).encoded;
    const signerInfos = [signerInfo({ signer, attributes: usualAttributes(content), signatureAlgorithm })];
    assert.ok(verify(signerInfos, { certificates: [signer.certificate.encoded] }));
  });

  it('refuses a scheme whose digest is not the digestAlgorithm', () => {
    const signatureAlgorithm = encodeAlgorithmIdentifier(oid.sha1WithRSA, der.null()).encoded;
    assert.equal(
      verify([signerInfo({ signer: device, attributes: usualAttributes(content), signatureAlgorithm })]),
      false,
    );
  });

  it('refuses a weaker digest under the signature than under the content', () => {
    const options = {
      signer: device,
      attributes: usualAttributes(content),
      digest: 'sha1',
      digestOid: oid.sha256,
    } as const;
    const signatureAlgorithm = encodeAlgorithmIdentifier(oid.sha1WithRSA, der.null()).encoded;
    assert.equal(verify([signerInfo({ ...options, signatureAlgorithm })]), false);
  });

  it('accepts a signer named by its subjectKeyIdentifier, from the extension or from the key', () => {
    for (const extensions of [[], [subjectKeyIdentifierExtension(device.certificate.publicKey)]]) {
      const signer = selfSigned('named by key', { keys: device, extensions });
      const sid = der.implicitPrimitive(0, keyIdentifier(signer.certificate.publicKey));
      const signerInfos = [signerInfo({ signer, attributes: usualAttributes(content), sid })];
      assert.ok(verify(signerInfos, { certificates: [signer.certificate.encoded] }));
    }
  });

  it("prefers the extension's own key identifier, whatever its method", () => {
    const value = encodeSubjectKeyIdentifier(Uint8Array.of(1, 2, 3));
    const extensions = [{ oid: oid.subjectKeyIdentifier, critical: false, value }];
    const signer = selfSigned('own method', { keys: device, extensions });
    const sid = der.implicitPrimitive(0, Uint8Array.of(1, 2, 3));
    const signerInfos = [signerInfo({ signer, attributes: usualAttributes(content), sid })];
    assert.ok(verify(signerInfos, { certificates: [signer.certificate.encoded] }));
  });

  it('accepts a 32-byte serial number and an issuer written with other string types', () => {
    const signer = selfSigned('long serial', { keys: device, serialNumber: new Uint8Array(32).fill(0xfe) });
    const issuer = der.sequence(der.set(der.sequence(der.oid(oid.commonName), der.printableString('Long  Serial'))));
    assert.ok(!equalBytes(issuer, buildName([[{ type: 'CN', value: 'long serial' }]]).encoded));
    const sid = der.sequence(issuer, der.unsignedInteger(signer.certificate.serialNumber));
    const signerInfos = [signerInfo({ signer, attributes: usualAttributes(content), sid })];
    assert.ok(verify(signerInfos, { certificates: [signer.certificate.encoded] }));
  });

  it('finds the signer when the serial number is padded', () => {
    const { issuer } = device.certificate;
    const sid = der.sequence(issuer.encoded, Uint8Array.of(2, 6, 0, 0, 1, 2, 3, 4));
    assert.ok(verify([signerInfo({ signer: device, attributes: usualAttributes(content), sid })]));
  });

  it('reads attributes of indefinite length, and verifies them as DER', () => {
    const encoded = usual();
    const implicit = der.implicitConstructed(0, ...usualAttributes(content));
    const indefinite = der.concat(Uint8Array.of(0xa0, 0x80), ...usualAttributes(content), Uint8Array.of(0, 0));
    const at = Buffer.from(encoded).indexOf(implicit);
    // The SignerInfo's own header is four bytes: 30 82 and two of length.
    const rest = der.concat(encoded.subarray(4, at), indefinite, encoded.subarray(at + implicit.length));
    assert.ok(verify([der.sequence(rest)]));
  });

  const refused: [string, () => boolean][] = [
    ['a second signer', () => verify([usual(), usual()])],
    ['swapped content', () => verify([usual()], { content: Uint8Array.from(Buffer.from('another envelope here!')) })],
    [
      'dropped content',
      () =>
        verifyPkiMessage(decodePkiMessage(signedData({ content: undefined, certificates, signerInfos: [usual()] }))),
    ],
    ['another content type', () => verify([usual()], { eContentType: '1.2.840.113549.1.7.3' })],
    [
      'another content type, also signed',
      () =>
        verify(
          [
            signerInfo({
              signer: device,
              attributes: [attributes.contentType('1.2.840.113549.1.7.3'), ...usualAttributes(content).slice(1)],
            }),
          ],
          { eContentType: '1.2.840.113549.1.7.3' },
        ),
    ],
    ['no contentType', () => verify([signerInfo({ signer: device, attributes: usualAttributes(content).slice(1) })])],
    [
      'no messageDigest',
      () => verify([signerInfo({ signer: device, attributes: usualAttributes(content).filter((_, at) => at !== 1) })]),
    ],
    [
      'two messageDigests',
      () =>
        verify([
          signerInfo({ signer: device, attributes: [...usualAttributes(content), attributes.messageDigest(content)] }),
        ]),
    ],
    [
      "a signer that names somebody else's certificate",
      () =>
        verify([signerInfo({ signer: device, attributes: usualAttributes(content), sid: issuerAndSerial(other) })], {
          certificates: [other.certificate.encoded, device.certificate.encoded],
        }),
    ],
    [
      'an unknown signature algorithm',
      () =>
        verify([
          signerInfo({
            signer: device,
            attributes: usualAttributes(content),
            signatureAlgorithm: encodeAlgorithmIdentifier('1.2.3.4').encoded,
          }),
        ]),
    ],
    [
      'an EC algorithm with an RSA key',
      () =>
        verify([
          signerInfo({
            signer: device,
            attributes: usualAttributes(content),
            signatureAlgorithm: encodeAlgorithmIdentifier(oid.ecPublicKey).encoded,
          }),
        ]),
    ],
  ];
  for (const [name, verified] of refused) {
    it(`refuses ${name}`, () => assert.equal(verified(), false));
  }

  it('refuses a signature without signed attributes, which has no transactionID either', () => {
    assert.throws(() => verify([signerInfo({ signer: device })]), undecodable);
  });

  it('refuses every single changed byte of attributes and signature', () => {
    const bytes = message(device, content, usualAttributes(content));
    const start = Buffer.from(bytes).indexOf(attributes.contentType());
    let decoded = 0;
    for (let at = start; at < bytes.length; at += 1) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      try {
        const result = verifyPkiMessage(decodePkiMessage(changed));
        decoded += 1;
        assert.equal(result, false, `byte ${at}`);
      } catch (error) {
        if (!undecodable(error)) throw error;
      }
    }
    assert.ok(decoded > 250, 'most changes still decode');
  });
});
