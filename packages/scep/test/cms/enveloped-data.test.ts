import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { constants, createPrivateKey, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  decodeCertificate,
  decodeCertificationRequest,
  decodePem,
  der,
  encodeAlgorithmIdentifier,
  keyIdentifier,
  oid,
} from '@scepter/x509';
import {
  ScepError,
  canEnvelopeFor,
  createPkiRequest,
  decodeEnvelope,
  decodePkiMessage,
  openEnvelope,
} from '@scepter/scep';
import type { Envelope, KeyTransport } from '@scepter/scep';
import { encryptContent } from '../../src/cms/content-encryption.ts';
import { encodeEnvelope } from '../../src/cms/enveloped-data.ts';
import { encodeKeyTransRecipientInfo } from '../../src/cms/recipient-info.ts';
import { certificationRequest, countingRandom, ecKeys, selfSigned, systemRandom, to } from '../fixtures.ts';
import { issuerAndSerial } from '../message-builder.ts';

const ra = selfSigned('registration authority');
const stranger = selfSigned('stranger', { serialNumber: Uint8Array.of(7) });
const plain = Uint8Array.from(Buffer.from('a content that is longer than two blocks of any cipher'));
const pkcs1: KeyTransport = { kind: 'pkcs1' };

const cmsOids = {
  envelopedData: '1.2.840.113549.1.7.3',
  data: '1.2.840.113549.1.7.1',
  aes128: '2.16.840.1.101.3.4.1.2',
};
const contentKey = Uint8Array.from({ length: 16 }, (_, index) => index);
const iv = Uint8Array.from({ length: 16 }, (_, index) => 0xf0 + index);
const encrypted = encryptContent('aes-128-cbc', contentKey, iv, plain);

interface EnvelopeParts {
  recipients?: Uint8Array[];
  algorithm?: Uint8Array;
  encryptedContent?: Uint8Array;
  before?: Uint8Array[];
  after?: Uint8Array[];
}

/** An EnvelopedData written piece by piece. */
const envelope = (parts: EnvelopeParts = {}): Uint8Array =>
  der.sequence(
    der.oid(cmsOids.envelopedData),
    der.explicit(
      0,
      der.sequence(
        der.integer(2),
        ...(parts.before ?? []),
        der.set(...(parts.recipients ?? [encodeKeyTransRecipientInfo(ra.certificate, pkcs1, contentKey)])),
        der.sequence(
          der.oid(cmsOids.data),
          parts.algorithm ?? encodeAlgorithmIdentifier(cmsOids.aes128, der.octetString(iv)).encoded,
          parts.encryptedContent ?? der.implicitPrimitive(0, encrypted),
        ),
        ...(parts.after ?? []),
      ),
    ),
  );

const recipientInfo = (identifier: Uint8Array, algorithm: Uint8Array, encryptedKey: Uint8Array): Uint8Array =>
  der.sequence(der.integer(0), identifier, algorithm, der.octetString(encryptedKey));

const rsaEncryption = encodeAlgorithmIdentifier(oid.rsaEncryption, der.null()).encoded;
const wrapPkcs1 = (key: Uint8Array): Uint8Array =>
  publicEncrypt({ key: ra.publicKey, padding: constants.RSA_PKCS1_PADDING }, key);

const open = (bytes: Uint8Array) => openEnvelope(decodeEnvelope(bytes), ra, systemRandom);
const undecodable = (error: unknown): boolean =>
  error instanceof ScepError && error.code === 'scep.undecodable_envelope';

describe('envelopes made by OpenSSL', () => {
  const vectors = JSON.parse(readFileSync(new URL('../vectors/openssl-envelopes.json', import.meta.url), 'utf8')) as {
    content: string;
    certificate: string;
    privateKey: string;
    envelopes: Record<string, string>;
  };
  const recipient = {
    certificate: decodeCertificate(decodePem(vectors.certificate)[0]!.bytes),
    privateKey: createPrivateKey(vectors.privateKey),
  };
  const expected: [string, Envelope['contentCipher'], KeyTransport][] = [
    ['aes128', 'aes-128-cbc', pkcs1],
    ['aes192', 'aes-192-cbc', pkcs1],
    ['aes256-indefinite', 'aes-256-cbc', pkcs1],
    ['des3', 'des-ede3-cbc', pkcs1],
    ['des', 'des-cbc', pkcs1],
    ['keyid', 'aes-128-cbc', pkcs1],
    ['oaep-sha1', 'aes-128-cbc', { kind: 'oaep', digest: 'sha1' }],
    ['oaep-sha256', 'aes-128-cbc', { kind: 'oaep', digest: 'sha256' }],
    ['second', 'aes-128-cbc', pkcs1],
    ['password-first', 'aes-128-cbc', pkcs1],
  ];
  for (const [name, contentCipher, keyTransport] of expected) {
    it(name, () => {
      const decoded = decodeEnvelope(Buffer.from(vectors.envelopes[name]!, 'base64'));
      assert.equal(decoded.contentCipher, contentCipher);
      const opened = openEnvelope(decoded, recipient, systemRandom);
      assert.equal(Buffer.from(opened.content).toString(), vectors.content);
      assert.deepEqual(opened.keyTransport, keyTransport);
    });
  }

  it('oaep-sha256-mgf1-sha1: two digests are not spoken, and end as any failure', () => {
    const decoded = decodeEnvelope(Buffer.from(vectors.envelopes['oaep-sha256-mgf1-sha1']!, 'base64'));
    const opened = openEnvelope(decoded, recipient, systemRandom);
    assert.notEqual(Buffer.from(opened.content).toString(), vectors.content);
  });
});

describe('decodeEnvelope', () => {
  it('reads encryptedContent as a constructed [0] around one OCTET STRING, as scepclient sends it', () => {
    const bytes = envelope({ encryptedContent: der.implicitConstructed(0, der.octetString(encrypted)) });
    assert.deepEqual(open(bytes).content, plain);
  });

  it('joins encryptedContent in pieces', () => {
    const pieces = [encrypted.subarray(0, 5), encrypted.subarray(5, 5), encrypted.subarray(5)];
    const bytes = envelope({
      encryptedContent: der.implicitConstructed(0, ...pieces.map((piece) => der.octetString(piece))),
    });
    assert.deepEqual(open(bytes).content, plain);
  });

  it('passes over originatorInfo, unprotectedAttrs and recipients of other kinds', () => {
    const others = [1, 2, 4].map((choice) => der.implicitConstructed(choice, der.integer(0)));
    const bytes = envelope({
      before: [der.implicitConstructed(0)],
      recipients: [...others, encodeKeyTransRecipientInfo(ra.certificate, pkcs1, contentKey)],
      after: [der.implicitConstructed(1)],
    });
    assert.deepEqual(open(bytes).content, plain);
  });

  it('an unknown cipher decodes, whatever its parameters, to be answered with badAlg', () => {
    for (const parameters of [undefined, der.null(), der.sequence(der.octetString(iv), der.integer(16))]) {
      const decoded = decodeEnvelope(
        envelope({ algorithm: encodeAlgorithmIdentifier('2.16.840.1.101.3.4.1.6', parameters).encoded }),
      );
      assert.equal(decoded.contentCipher, undefined);
      assert.throws(
        () => openEnvelope(decoded, ra, systemRandom),
        (error) => error instanceof ScepError && error.code === 'scep.unsupported_algorithm',
      );
    }
  });

  const refused: [string, () => Uint8Array][] = [
    ['nothing', () => new Uint8Array()],
    ['SignedData', () => der.sequence(der.oid('1.2.840.113549.1.7.2'), der.explicit(0, der.sequence()))],
    ['no encryptedContent', () => envelope({ encryptedContent: new Uint8Array() })],
    ['no IV', () => envelope({ algorithm: encodeAlgorithmIdentifier(cmsOids.aes128).encoded })],
    [
      'a short IV',
      () => envelope({ algorithm: encodeAlgorithmIdentifier(cmsOids.aes128, der.octetString(iv.subarray(1))).encoded }),
    ],
    [
      'an IV of another type',
      () => envelope({ algorithm: encodeAlgorithmIdentifier(cmsOids.aes128, der.null()).encoded }),
    ],
    [
      'more than 8 MiB',
      () => envelope({ encryptedContent: der.implicitPrimitive(0, new Uint8Array(8 * 1024 * 1024 + 1)) }),
    ],
    ['17 recipients', () => envelope({ recipients: Array.from({ length: 17 }, () => der.implicitConstructed(1)) })],
    ['a trailing byte', () => der.concat(envelope(), Uint8Array.of(0))],
  ];
  for (const [name, bytes] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => decodeEnvelope(bytes()), undecodable));
  }
});

describe('openEnvelope', () => {
  it('finds its recipient among several, not only the first', () => {
    const bytes = encodeEnvelope({
      content: plain,
      recipients: [to(stranger), to(ra)],
      contentCipher: 'aes-128-cbc',
      framing: 'der',
      randomBytes: systemRandom,
    });
    for (const recipient of [ra, stranger]) {
      assert.deepEqual(openEnvelope(decodeEnvelope(bytes), recipient, systemRandom).content, plain);
    }
  });

  it('finds its recipient by subjectKeyIdentifier', () => {
    const identifier = der.implicitPrimitive(0, keyIdentifier(ra.certificate.publicKey));
    const bytes = envelope({ recipients: [recipientInfo(identifier, rsaEncryption, wrapPkcs1(contentKey))] });
    assert.deepEqual(open(bytes).content, plain);
  });

  const oaep = '1.2.840.113549.1.1.7';
  const sha256 = encodeAlgorithmIdentifier(oid.sha256, der.null()).encoded;
  const mgf1 = (digest: Uint8Array) => encodeAlgorithmIdentifier(oid.mgf1, digest).encoded;
  const label = (bytes: Uint8Array) =>
    encodeAlgorithmIdentifier('1.2.840.113549.1.1.9', der.octetString(bytes)).encoded;
  const spoken: [string, Uint8Array | undefined, KeyTransport][] = [
    ['absent', undefined, { kind: 'oaep', digest: 'sha1' }],
    ['NULL', der.null(), { kind: 'oaep', digest: 'sha1' }],
    ['empty', der.sequence(), { kind: 'oaep', digest: 'sha1' }],
    ['an empty label', der.sequence(der.explicit(2, label(new Uint8Array()))), { kind: 'oaep', digest: 'sha1' }],
    [
      'SHA-256',
      der.sequence(der.explicit(0, sha256), der.explicit(1, mgf1(sha256))),
      { kind: 'oaep', digest: 'sha256' },
    ],
  ];
  for (const [name, parameters, keyTransport] of spoken) {
    it(`OAEP with parameters ${name}`, () => {
      assert.equal(keyTransport.kind, 'oaep');
      const encryptedKey = publicEncrypt(
        {
          key: ra.publicKey,
          padding: constants.RSA_PKCS1_OAEP_PADDING,
          oaepHash: keyTransport.kind === 'oaep' ? keyTransport.digest : '',
        },
        contentKey,
      );
      const algorithm = encodeAlgorithmIdentifier(oaep, parameters).encoded;
      const opened = open(envelope({ recipients: [recipientInfo(issuerAndSerial(ra), algorithm, encryptedKey)] }));
      assert.deepEqual(opened, { content: plain, keyTransport });
    });
  }

  const notSpoken: [string, Uint8Array][] = [
    ['a mask over another digest', encodeAlgorithmIdentifier(oaep, der.sequence(der.explicit(0, sha256))).encoded],
    ['a label', encodeAlgorithmIdentifier(oaep, der.sequence(der.explicit(2, label(Uint8Array.of(1))))).encoded],
    [
      'MD5',
      encodeAlgorithmIdentifier(oaep, der.sequence(der.explicit(0, encodeAlgorithmIdentifier(oid.md5).encoded)))
        .encoded,
    ],
    [
      'another mask',
      encodeAlgorithmIdentifier(oaep, der.sequence(der.explicit(1, encodeAlgorithmIdentifier('1.2.3').encoded)))
        .encoded,
    ],
    ['another algorithm', encodeAlgorithmIdentifier('1.2.3.4').encoded],
  ];
  for (const [name, algorithm] of notSpoken) {
    it(`key transport with ${name} is like any failure, even if the key was encrypted as we could read it`, () => {
      for (const oaepHash of ['sha1', 'sha256', undefined]) {
        const encryptedKey =
          oaepHash === undefined
            ? wrapPkcs1(contentKey)
            : publicEncrypt({ key: ra.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, contentKey);
        const opened = open(envelope({ recipients: [recipientInfo(issuerAndSerial(ra), algorithm, encryptedKey)] }));
        assert.notDeepEqual(opened.content, plain);
        assert.ok(opened.content.length > 0);
      }
    });
  }

  it('says when its key cannot decrypt at all, which is no property of the message', () => {
    const ec = selfSigned('ec', { keys: ecKeys() });
    assert.throws(
      () => openEnvelope(decodeEnvelope(envelope()), ec, systemRandom),
      (error) => error instanceof ScepError && error.code === 'scep.bad_argument',
    );
  });

  it('returns plain bytes, not a Buffer', () => {
    assert.equal(Object.getPrototypeOf(open(envelope()).content), Uint8Array.prototype);
  });
});

describe('openEnvelope gives away nothing about what is wrong', () => {
  const csr = certificationRequest(stranger);
  const encryptedCsr = encryptContent('aes-128-cbc', contentKey, iv, csr);
  const changed = (bytes: Uint8Array, at: number): Uint8Array => {
    const copy = Uint8Array.from(bytes);
    const index = at < 0 ? bytes.length + at : at;
    copy[index] = (copy[index] ?? 0) ^ 0x55;
    return copy;
  };
  const ours = (encryptedKey: Uint8Array): Uint8Array =>
    recipientInfo(issuerAndSerial(ra), rsaEncryption, encryptedKey);
  const sealed = der.implicitPrimitive(0, encryptedCsr);

  const corruptions: [string, EnvelopeParts][] = [
    ['a changed RSA block', { recipients: [ours(changed(wrapPkcs1(contentKey), 100))], encryptedContent: sealed }],
    [
      'an RSA block that is no number below the modulus',
      { recipients: [ours(new Uint8Array(256).fill(0xff))], encryptedContent: sealed },
    ],
    ['an RSA block of another length', { recipients: [ours(new Uint8Array(300).fill(1))], encryptedContent: sealed }],
    ['an empty RSA block', { recipients: [ours(new Uint8Array())], encryptedContent: sealed }],
    ['a key of another length', { recipients: [ours(wrapPkcs1(new Uint8Array(24)))], encryptedContent: sealed }],
    ['another key', { recipients: [ours(wrapPkcs1(new Uint8Array(16).fill(9)))], encryptedContent: sealed }],
    [
      'no recipient of ours',
      { recipients: [encodeKeyTransRecipientInfo(stranger.certificate, pkcs1, contentKey)], encryptedContent: sealed },
    ],
    ['no recipient at all', { recipients: [], encryptedContent: sealed }],
    ['a changed first block', { encryptedContent: der.implicitPrimitive(0, changed(encryptedCsr, 0)) }],
    ['a changed last block', { encryptedContent: der.implicitPrimitive(0, changed(encryptedCsr, -1)) }],
    ['changed padding', { encryptedContent: der.implicitPrimitive(0, changed(encryptedCsr, -17)) }],
    [
      'a changed IV',
      {
        encryptedContent: sealed,
        algorithm: encodeAlgorithmIdentifier(cmsOids.aes128, der.octetString(changed(iv, 0))).encoded,
      },
    ],
  ];

  it('the untouched envelope opens', () => {
    const opened = open(envelope({ encryptedContent: sealed }));
    assert.ok(decodeCertificationRequest(opened.content));
  });

  for (const [name, parts] of corruptions) {
    it(`${name}: content of plausible length that is no request, after the same draws of randomness`, () => {
      const draws: number[] = [];
      const random = countingRandom();
      const opened = openEnvelope(decodeEnvelope(envelope(parts)), ra, (size) => {
        draws.push(size);
        return random(size);
      });
      assert.throws(() => decodeCertificationRequest(opened.content));
      assert.deepEqual(opened.keyTransport, pkcs1);
      assert.ok(opened.content.length > csr.length - 16 && opened.content.length <= encryptedCsr.length);
      // A key of 16 bytes, an RSA block of 256 bytes, a content.
      assert.deepEqual(draws, [16, 256, encryptedCsr.length]);
    });
  }

  const lengths: [string, number][] = [
    ['empty', 0],
    ['less than a block', 15],
    ['one block', 16],
    ['no multiple of a block', encryptedCsr.length - 1],
  ];
  for (const [name, length] of lengths) {
    it(`content cut to ${name} does not throw either`, () => {
      const opened = open(envelope({ encryptedContent: der.implicitPrimitive(0, encryptedCsr.subarray(0, length)) }));
      assert.throws(() => decodeCertificationRequest(opened.content));
    });
  }

  it('a random key is a fresh one each time', () => {
    const bytes = envelope({ recipients: [ours(new Uint8Array(256).fill(0xff))] });
    assert.notDeepEqual(open(bytes).content, open(bytes).content);
  });
});

describe('canEnvelopeFor', () => {
  const rsa = (modulusLength: number) =>
    selfSigned('rsa', { keys: generateKeyPairSync('rsa', { modulusLength }) }).certificate;

  it('is false for RSA keys that are too short', () => {
    assert.equal(canEnvelopeFor(rsa(1024)), true);
    assert.equal(canEnvelopeFor(rsa(1016)), false);
  });

  it('a key that is too short for its OAEP digest is a bad argument', () => {
    const keyTransport: KeyTransport = { kind: 'oaep', digest: 'sha512' };
    assert.throws(() => encodeKeyTransRecipientInfo(rsa(1024), keyTransport, contentKey), {
      code: 'scep.bad_argument',
    });
  });

  it('is true for RSA keys only', () => {
    assert.equal(canEnvelopeFor(ra.certificate), true);
    assert.equal(canEnvelopeFor(selfSigned('ec', { keys: ecKeys() }).certificate), false);
  });

  it('an envelope for another key is refused before anything is encrypted', () => {
    const options = {
      messageType: 'PKCSReq' as const,
      content: plain,
      transactionId: 'id',
      senderNonce: iv,
      contentCipher: 'aes-128-cbc' as const,
      keyTransport: pkcs1,
      digest: 'sha256' as const,
      signer: ra,
      randomBytes: systemRandom,
    };
    const badArgument = (error: unknown): boolean => error instanceof ScepError && error.code === 'scep.bad_argument';
    const recipients = [selfSigned('ec', { keys: ecKeys() }).certificate];
    assert.throws(() => createPkiRequest({ ...options, recipients }), badArgument);
    assert.throws(() => createPkiRequest({ ...options, recipients: [] }), badArgument);
    assert.ok(decodePkiMessage(createPkiRequest({ ...options, recipients: [ra.certificate] })));
  });
});
