import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { basicConstraintsExtension, keyUsageExtension } from '@scepter/x509';
import type { Certificate, KeyUsage } from '@scepter/x509';
import { encodeCertsOnly } from '@scepter/scep';
import { readCaCertificates } from '../src/ca-certificates.ts';
import { ecKeys, issuedBy, selfSigned } from './fixtures.ts';
import type { Identity } from './fixtures.ts';

const authority = basicConstraintsExtension({ ca: true });
const usage = (...usages: KeyUsage[]) => keyUsageExtension(usages);
const rootKeys = selfSigned('keys of the root');
const root = selfSigned('root', { keys: rootKeys, extensions: [authority] });
const issuing = issuedBy(root, 'issuing', { extensions: [authority, usage('keyCertSign', 'cRLSign')] });
const speaking = issuedBy(root, 'speaking', {
  keys: issuing,
  extensions: [authority, usage('keyCertSign', 'digitalSignature', 'keyEncipherment')],
});
const keys = selfSigned('keys of the registration authorities');
const ra = issuedBy(issuing, 'ra', { keys, extensions: [usage('digitalSignature', 'keyEncipherment')] });
const raSigning = issuedBy(issuing, 'ra signing', { keys, extensions: [usage('digitalSignature')] });
const raEncrypting = issuedBy(issuing, 'ra encrypting', { keys, extensions: [usage('keyEncipherment')] });
const raUnrestricted = issuedBy(issuing, 'ra unrestricted', { keys });
const raElliptic = issuedBy(issuing, 'ra elliptic', { keys: ecKeys(), extensions: [usage('digitalSignature')] });

const name = (certificate: Certificate): string => certificate.subject.rdns[0]![0]!.value;

interface Row {
  given: Identity[];
  ca: string;
  recipient: string;
  signers: string[];
}
const rows: Record<string, Row> = {
  'one self-signed CA': { given: [root], ca: 'root', recipient: 'root', signers: ['root'] },
  'one issuing CA alone': { given: [speaking], ca: 'speaking', recipient: 'speaking', signers: ['speaking'] },
  'a chain, root first': { given: [root, speaking], ca: 'speaking', recipient: 'speaking', signers: ['speaking'] },
  'a chain, root last': { given: [speaking, root], ca: 'speaking', recipient: 'speaking', signers: ['speaking'] },
  'an RA and its CA': { given: [ra, issuing], ca: 'issuing', recipient: 'ra', signers: ['ra', 'issuing'] },
  'an RA, its CA and the root, in disorder': {
    given: [root, issuing, ra],
    ca: 'issuing',
    recipient: 'ra',
    signers: ['ra', 'issuing'],
  },
  'two RAs, one to sign and one to decrypt': {
    given: [issuing, raSigning, raEncrypting],
    ca: 'issuing',
    recipient: 'ra encrypting',
    signers: ['ra signing', 'issuing'],
  },
  'an RA without keyUsage': {
    given: [raUnrestricted, issuing],
    ca: 'issuing',
    recipient: 'ra unrestricted',
    signers: ['ra unrestricted', 'issuing'],
  },
  'an RA that cannot decrypt': {
    given: [raElliptic, issuing],
    ca: 'issuing',
    recipient: 'issuing',
    signers: ['ra elliptic', 'issuing'],
  },
  'a version 1 root without extensions': {
    given: [rootKeys],
    ca: 'keys of the root',
    recipient: 'keys of the root',
    signers: ['keys of the root'],
  },
};

describe('readCaCertificates', () => {
  for (const [title, row] of Object.entries(rows)) {
    it(title, () => {
      const encoded = row.given.map(({ certificate }) => certificate.encoded);
      const found = readCaCertificates(encodeCertsOnly(encoded));
      assert.deepEqual(
        found.certificates.map(name),
        row.given.map(({ certificate }) => name(certificate)),
      );
      assert.equal(name(found.ca), row.ca);
      assert.equal(name(found.recipient), row.recipient);
      assert.deepEqual(found.signers.map(name), row.signers);
    });
  }

  it('reads a single certificate without a wrapping', () => {
    assert.equal(name(readCaCertificates(root.certificate.encoded).ca), 'root');
  });

  const refused: [string, () => Uint8Array][] = [
    ['nothing', () => new Uint8Array()],
    ['HTML', () => Uint8Array.from(Buffer.from('<!doctype html>'))],
    ['an empty list', () => encodeCertsOnly([])],
    ['an RA without its CA', () => encodeCertsOnly([ra.certificate.encoded])],
    ['a list with something else in it', () => encodeCertsOnly([root.certificate.encoded, Uint8Array.of(0x30, 0)])],
    [
      'no key to encrypt to',
      () => encodeCertsOnly([selfSigned('ec ca', { keys: ecKeys(), extensions: [authority] }).certificate.encoded]),
    ],
  ];
  for (const [title, body] of refused) {
    it(`refuses ${title}`, () => {
      assert.throws(() => readCaCertificates(body()), { name: 'ScepError', code: 'scep.ca_certificates' });
    });
  }
});
