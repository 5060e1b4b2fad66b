import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildName, der, formatName, parseName } from '@scepter/x509';
import { decodeIssuerAndSubject, encodeIssuerAndSubject } from '@scepter/scep';

const issuer = parseName('CN=Issuing CA,O=Contoso');
const subject = parseName('CN=Gerät 7+OU=Sales,C=NO');

describe('IssuerAndSubject, RFC 8894 section 3.3.3', () => {
  it('is two names, byte for byte', () => {
    const encoded = encodeIssuerAndSubject({ issuer, subject });
    assert.deepEqual(encoded, der.sequence(issuer.encoded, subject.encoded));
    const decoded = decodeIssuerAndSubject(encoded);
    assert.deepEqual(decoded.issuer.encoded, issuer.encoded);
    assert.deepEqual(decoded.subject.encoded, subject.encoded);
    assert.equal(formatName(decoded.subject), formatName(subject));
  });

  it('may have an empty subject, as a request may', () => {
    const empty = buildName([]);
    assert.deepEqual(decodeIssuerAndSubject(encodeIssuerAndSubject({ issuer, subject: empty })).subject.rdns, []);
  });

  it('is read with indefinite lengths, as BouncyCastle may write it', () => {
    const ber = der.concat(Uint8Array.of(0x30, 0x80), issuer.encoded, subject.encoded, Uint8Array.of(0, 0));
    assert.deepEqual(decodeIssuerAndSubject(ber).subject.encoded, subject.encoded);
  });

  const refused: Record<string, Uint8Array> = {
    nothing: new Uint8Array(),
    'one name': der.sequence(issuer.encoded),
    'three names': der.sequence(issuer.encoded, subject.encoded, subject.encoded),
    'a trailing byte': der.concat(encodeIssuerAndSubject({ issuer, subject }), Uint8Array.of(0)),
    'a serial number in place of the subject': der.sequence(issuer.encoded, der.integer(1)),
    'an empty attribute set': der.sequence(der.sequence(der.set()), subject.encoded),
  };
  for (const [name, bytes] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      assert.throws(() => decodeIssuerAndSubject(bytes), { name: 'ScepError', code: 'scep.undecodable_query' });
    });
  }
});
