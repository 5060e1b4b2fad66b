import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import * as x509 from '@scepter/x509';

// What @scepter/x509 writes, read and verified by the OpenSSL command, and the other way round.

const folder = mkdtempSync(path.join(tmpdir(), 'x509-openssl-'));
after(() => rmSync(folder, { recursive: true }));

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const keyInfo = x509.publicKeyInfoOf(keys.publicKey);
const subject = x509.parseName('CN=Contoso Root,O=Contoso,C=NO');
const notBefore = new Date('2026-01-01T00:00:00Z');
const root = x509.createSelfSignedCertificate({
  subject,
  ...keys,
  serialNumber: Uint8Array.of(1),
  notBefore,
  notAfter: new Date('2060-01-01T00:00:00Z'),
  extensions: [
    x509.basicConstraintsExtension({ ca: true }),
    x509.keyUsageExtension(['keyCertSign', 'cRLSign']),
    x509.subjectKeyIdentifierExtension(keyInfo),
  ],
});

function file(name: string, content: Uint8Array | string): string {
  const target = path.join(folder, name);
  writeFileSync(target, content);
  return target;
}

function openssl(...parameters: string[]): string {
  return execFileSync('openssl', parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

describe('the OpenSSL command', () => {
  const rootFile = file('root.pem', x509.encodePem('CERTIFICATE', root));

  it('verifies a CRL of ours and reads its entries', () => {
    const signatureAlgorithm = x509.signatureAlgorithmFor(keys.publicKey, 'sha256');
    const tbs = x509.encodeTbsCertificateList({
      signatureAlgorithm,
      issuer: subject,
      thisUpdate: notBefore,
      nextUpdate: new Date('2050-01-01T00:00:00Z'),
      crlNumber: 258n,
      authorityKeyIdentifier: x509.keyIdentifier(keyInfo),
      revoked: [{ serialNumber: Uint8Array.of(0xab, 0xcd), revokedAt: notBefore, reason: 'keyCompromise' }],
    });
    const signature = x509.signData(keys.privateKey, 'sha256', tbs);
    const crl = file('list.crl', x509.assembleCertificateList(tbs, signatureAlgorithm, signature));
    const text = openssl('crl', '-inform', 'DER', '-in', crl, '-CAfile', rootFile, '-noout', '-text', '-verify');
    assert.match(text, /Serial Number: ABCD/);
    assert.match(text, /Key Compromise/);
    assert.match(text, /X509v3 CRL Number:\s+(0x0102|258)/);
    assert.match(text, /Next Update: Jan {2}1 00:00:00 2050 GMT/);
  });

  it('verifies a request of ours', () => {
    const request = x509.createCertificationRequest({
      subject: x509.parseName('CN=device-1'),
      ...keys,
      challengePassword: 'secret',
      extensions: [x509.subjectAltNameExtension([{ kind: 'upn', value: 'jane@contoso.example' }])],
    });
    const text = openssl('req', '-inform', 'DER', '-in', file('a.csr', request), '-noout', '-verify', '-text');
    assert.match(text, /challengePassword\s*:\s*secret/);
    assert.match(text, /othername:\s*UPN[:\s]*jane@contoso\.example/);
  });

  it('makes a request that we read, whatever its digest', () => {
    const key = file('key.pem', keys.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const shared = [
      'req',
      '-new',
      '-key',
      key,
      '-outform',
      'DER',
      '-utf8',
      '-subj',
      '/C=NO/O=Ærlig/CN=a+serialNumber=7',
    ];
    for (const digest of ['-md5', '-sha1', '-sha256', '-sha512']) {
      const target = path.join(folder, `made${digest}.csr`);
      openssl(...shared, digest, '-addext', 'subjectAltName=DNS:a.example,IP:2001:db8::1', '-out', target);
      const encoded = execFileSync('openssl', ['req', '-inform', 'DER', '-in', target, '-outform', 'DER']);
      const request = x509.decodeCertificationRequest(encoded);
      assert.ok(x509.verifyCertificationRequest(request), digest);
      assert.deepEqual(request.subjectAltNames.map(x509.formatGeneralName), ['DNS:a.example', 'IP:2001:db8::1']);
    }
  });
});
