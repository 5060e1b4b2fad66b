import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Asn1Reader, der, equalBytes, oid } from '@scepter/x509';
import type { DigestName } from '@scepter/x509';
import {
  createCertRep,
  createPkiRequest,
  decodePkiMessage,
  encodeCertsOnly,
  readCertRep,
  verifyPkiMessage,
} from '@scepter/scep';
import type {
  CertRepOptions,
  CertRepOutcome,
  ContentCipher,
  FailInfo,
  KeyTransport,
  ScepErrorCode,
} from '@scepter/scep';
import { encodeEnvelope } from '../src/cms/enveloped-data.ts';
import { countingRandom, ecKeys, issuedBy, selfSigned, systemRandom, to } from './fixtures.ts';
import { attributes, message, nonce, signedData, signerInfo } from './message-builder.ts';

const ca = selfSigned('issuing ca');
const ra = issuedBy(ca, 'registration authority');
const device = selfSigned('device');
const issued = issuedBy(ca, 'device', { keys: device, serialNumber: Uint8Array.of(0x77) });

const success: Extract<CertRepOutcome, { status: 'success' }> = {
  status: 'success',
  certificates: [issued.certificate.encoded, ca.certificate.encoded],
  recipient: to(device),
  contentCipher: 'aes-128-cbc',
};
const usual: Omit<CertRepOptions, 'outcome'> = {
  transactionId: 'transaction-1',
  recipientNonce: nonce,
  digest: 'sha256',
  signer: ra,
  randomBytes: systemRandom,
};
const expectations = {
  recipient: device,
  signers: [ra.certificate, ca.certificate],
  transactionId: 'transaction-1',
  senderNonce: nonce,
};

/** Type and tag of each signed attribute's only value, in the order of the message. */
const signedAttributes = (bytes: Uint8Array): [string, number][] =>
  decodePkiMessage(bytes).signerInfo.attributes.map(({ type, values }) => {
    assert.equal(values.length, 1);
    return [type, values[0]!.tag];
  });

describe('createCertRep, RFC 8894 section 3.2.1', () => {
  const scep = '2.16.840.1.113733.1.9';
  const common: Record<string, number> = {
    '1.2.840.113549.1.9.3': 0x06,
    '1.2.840.113549.1.9.4': 0x04,
    [`${scep}.2`]: 0x13,
    [`${scep}.3`]: 0x13,
    [`${scep}.5`]: 0x04,
    [`${scep}.6`]: 0x04,
    [`${scep}.7`]: 0x13,
  };
  const outcomes: [string, CertRepOutcome, Record<string, number>][] = [
    ['success', success, common],
    ['pending', { status: 'pending' }, common],
    ['failure', { status: 'failure', failInfo: 'badAlg' }, { ...common, [`${scep}.4`]: 0x13 }],
    [
      'failure with text',
      { status: 'failure', failInfo: 'badRequest', failInfoText: 'Gerät unbekannt' },
      { ...common, [`${scep}.4`]: 0x13, '1.3.6.1.5.5.7.24.1': 0x0c },
    ],
  ];
  for (const [name, outcome, expected] of outcomes) {
    it(`${name}: exactly its attributes, with exactly their types`, () => {
      assert.deepEqual(Object.fromEntries(signedAttributes(createCertRep({ ...usual, outcome }))), expected);
    });
  }

  it('only a success has an envelope', () => {
    for (const [, outcome] of outcomes) {
      const { content } = decodePkiMessage(createCertRep({ ...usual, outcome }));
      assert.equal(content !== undefined, outcome.status === 'success');
    }
  });

  it('is DER, with sorted attributes', () => {
    const bytes = createCertRep({ ...usual, outcome: success });
    const walk = (reader: Asn1Reader): void => {
      while (!reader.atEnd()) {
        const element = reader.next();
        if ((element.tag & 0x20) !== 0) walk(element.children());
      }
    };
    walk(Asn1Reader.of(bytes, { rules: 'der' }));
    const { signedBytes } = decodePkiMessage(bytes).signerInfo;
    const set = Asn1Reader.of(signedBytes!).set();
    const encoded: Uint8Array[] = [];
    while (!set.atEnd()) encoded.push(set.next().encoded);
    assert.deepEqual(
      encoded,
      [...encoded].sort((a, b) => Buffer.compare(a, b)),
    );
  });

  it('names rsaEncryption as signature algorithm, and the signer by issuer and serial number', () => {
    const { signer, signerInfo: info } = decodePkiMessage(createCertRep({ ...usual, outcome: success }));
    assert.equal(info.signatureAlgorithm.oid, oid.rsaEncryption);
    assert.deepEqual(info.signatureAlgorithm.parameters, der.null());
    assert.equal(info.identifier.kind, 'issuerAndSerial');
    assert.ok(equalBytes(signer.encoded, ra.certificate.encoded), "the signer's certificate goes along");
  });

  it('draws a fresh senderNonce of 16 bytes each time', () => {
    const randomBytes = countingRandom();
    const nonces = [1, 2].map(
      () => decodePkiMessage(createCertRep({ ...usual, randomBytes, outcome: { status: 'pending' } })).senderNonce,
    );
    assert.deepEqual(
      nonces.map((value) => value?.length),
      [16, 16],
    );
    assert.notDeepEqual(nonces[0], nonces[1]);
  });

  it('has no recipientNonce when the request had none', () => {
    const types = signedAttributes(createCertRep({ ...usual, recipientNonce: undefined, outcome: success })).map(
      ([type]) => type,
    );
    assert.ok(!types.includes(`${scep}.6`));
  });

  it('refuses a recipient that cannot decrypt', () => {
    const recipient = to(selfSigned('ec', { keys: ecKeys() }));
    assert.throws(() => createCertRep({ ...usual, outcome: { ...success, recipient } }), { code: 'scep.bad_argument' });
  });

  it('is signed by an EC key with the name of the whole scheme', () => {
    const signer = selfSigned('ec ra', { keys: ecKeys() });
    const decoded = decodePkiMessage(createCertRep({ ...usual, signer, outcome: { status: 'pending' } }));
    assert.equal(decoded.signerInfo.signatureAlgorithm.oid, oid.ecdsaWithSHA256);
    assert.ok(verifyPkiMessage(decoded));
  });
});

describe('readCertRep', () => {
  it('success: the certificates in order', () => {
    const reply = readCertRep(createCertRep({ ...usual, outcome: success }), expectations);
    assert.equal(reply.status, 'success');
    assert.deepEqual(reply.status === 'success' && reply.certificates.map(({ serialHex }) => serialHex), [
      issued.certificate.serialHex,
      ca.certificate.serialHex,
    ]);
  });

  const contentCiphers: ContentCipher[] = ['des-cbc', 'des-ede3-cbc', 'aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc'];
  const keyTransports: KeyTransport[] = [
    { kind: 'pkcs1' },
    { kind: 'oaep', digest: 'sha1' },
    { kind: 'oaep', digest: 'sha256' },
  ];
  const digests: DigestName[] = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'];
  for (const contentCipher of contentCiphers) {
    it(`success under ${contentCipher} with every key transport and digest`, () => {
      for (const keyTransport of keyTransports) {
        for (const digest of digests) {
          const recipient = to(device, keyTransport);
          const bytes = createCertRep({ ...usual, digest, outcome: { ...success, contentCipher, recipient } });
          assert.equal(readCertRep(bytes, expectations).status, 'success');
        }
      }
    });
  }

  it('success with a CRL only, the answer to GetCRL', () => {
    const crls = [der.sequence(der.integer(1))];
    const reply = readCertRep(
      createCertRep({ ...usual, outcome: { ...success, certificates: [], crls } }),
      expectations,
    );
    assert.deepEqual(reply, { status: 'success', certificates: [], crls });
  });

  const failInfos: FailInfo[] = ['badAlg', 'badMessageCheck', 'badRequest', 'badTime', 'badCertId'];
  for (const failInfo of failInfos) {
    it(`failure: ${failInfo}`, () => {
      const bytes = createCertRep({ ...usual, outcome: { status: 'failure', failInfo } });
      assert.deepEqual(readCertRep(bytes, expectations), { status: 'failure', failInfo });
    });
  }

  it('failure with its text', () => {
    const outcome = { status: 'failure', failInfo: 'badRequest', failInfoText: 'no such profile ✗' } as const;
    assert.deepEqual(readCertRep(createCertRep({ ...usual, outcome }), expectations), outcome);
  });

  it('pending', () => {
    const bytes = createCertRep({ ...usual, outcome: { status: 'pending' } });
    assert.deepEqual(readCertRep(bytes, expectations), { status: 'pending' });
  });

  it('accepts a reissued certificate of the same signer key', () => {
    const reissued = issuedBy(ca, 'registration authority 2', { keys: ra, serialNumber: Uint8Array.of(0x55) });
    const bytes = createCertRep({ ...usual, signer: reissued, outcome: { status: 'pending' } });
    assert.equal(readCertRep(bytes, expectations).status, 'pending');
  });

  it('accepts a reply without certificates from a known signer', () => {
    const signedAttributesOfReply = [
      attributes.contentType(),
      attributes.messageDigest(new Uint8Array()),
      attributes.messageType('3'),
      attributes.pkiStatus('3'),
      attributes.recipientNonce(nonce),
      attributes.transactionId(der.printableString('transaction-1')),
    ];
    const signerInfos = [signerInfo({ signer: ra, attributes: signedAttributesOfReply })];
    assert.equal(readCertRep(signedData({ certificates: [], signerInfos }), expectations).status, 'pending');
  });

  describe('refuses', () => {
    const pending = (changes: Partial<CertRepOptions> = {}): Uint8Array =>
      createCertRep({ ...usual, outcome: { status: 'pending' }, ...changes });
    const impostor = selfSigned('registration authority', { serialNumber: ra.certificate.serialNumber });
    const otherDevice = selfSigned('device', { serialNumber: device.certificate.serialNumber });
    const seal = (content: Uint8Array): Uint8Array =>
      encodeEnvelope({
        content,
        recipients: [to(device)],
        contentCipher: 'aes-128-cbc',
        framing: 'der',
        randomBytes: systemRandom,
      });
    const reply = (content: Uint8Array, ...own: Uint8Array[]): Uint8Array =>
      message(ra, content, [
        attributes.contentType(),
        attributes.messageDigest(content),
        attributes.messageType('3'),
        attributes.recipientNonce(nonce),
        attributes.transactionId(der.printableString('transaction-1')),
        ...own,
      ]);
    const nothing = new Uint8Array();
    const corrupted = (bytes: Uint8Array): Uint8Array => {
      const copy = Uint8Array.from(bytes);
      copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
      return copy;
    };

    const refused: [string, ScepErrorCode, () => Uint8Array][] = [
      ['what is no message', 'scep.bad_reply', () => Uint8Array.from(Buffer.from('<html>'))],
      ['an empty body', 'scep.bad_reply', () => nothing],
      ['an unknown signer', 'scep.reply_signer', () => pending({ signer: device })],
      ['a signer with the same names and serial number', 'scep.reply_signer', () => pending({ signer: impostor })],
      ['a broken signature', 'scep.reply_signature', () => corrupted(pending())],
      [
        'a request that comes back',
        'scep.reply_message_type',
        () =>
          createPkiRequest({
            messageType: 'PKCSReq',
            content: nonce,
            transactionId: 'transaction-1',
            senderNonce: nonce,
            recipients: [device.certificate],
            contentCipher: 'aes-128-cbc',
            keyTransport: { kind: 'pkcs1' },
            digest: 'sha256',
            signer: ra,
            randomBytes: systemRandom,
          }),
      ],
      ['another transaction', 'scep.reply_transaction', () => pending({ transactionId: 'transaction-2' })],
      ['another nonce', 'scep.reply_nonce', () => pending({ recipientNonce: nonce.toReversed() })],
      ['a shorter nonce', 'scep.reply_nonce', () => pending({ recipientNonce: nonce.subarray(1) })],
      ['no nonce', 'scep.reply_nonce', () => pending({ recipientNonce: undefined })],
      [
        'two nonces',
        'scep.bad_reply',
        () => reply(nothing, attributes.pkiStatus('3'), attributes.recipientNonce(nonce)),
      ],
      ['no pkiStatus', 'scep.bad_reply', () => reply(nothing)],
      ['pkiStatus 1', 'scep.bad_reply', () => reply(nothing, attributes.pkiStatus('1'))],
      ['pkiStatus 00', 'scep.bad_reply', () => reply(nothing, attributes.pkiStatus('00'))],
      ['a failure without failInfo', 'scep.bad_reply', () => reply(nothing, attributes.pkiStatus('2'))],
      ['failInfo 5', 'scep.bad_reply', () => reply(nothing, attributes.pkiStatus('2'), attributes.failInfo('5'))],
      ['a success without envelope', 'scep.reply_envelope', () => reply(nothing, attributes.pkiStatus('0'))],
      ['an envelope that is none', 'scep.reply_envelope', () => reply(nonce, attributes.pkiStatus('0'))],
      ['an envelope around something else', 'scep.reply_envelope', () => reply(seal(nonce), attributes.pkiStatus('0'))],
      [
        'an undecodable certificate',
        'scep.reply_envelope',
        () => reply(seal(encodeCertsOnly([der.sequence(der.null())])), attributes.pkiStatus('0')),
      ],
      [
        'an envelope for another device',
        'scep.reply_envelope',
        () => createCertRep({ ...usual, outcome: { ...success, recipient: to(otherDevice) } }),
      ],
    ];
    for (const [name, code, bytes] of refused) {
      it(`${name}: ${code}`, () => {
        assert.throws(() => readCertRep(bytes(), expectations), { name: 'ScepError', code });
      });
    }
  });
});
