/*
 * What other people's software says about the certificates, CRLs and key files of @scepter/ca: OpenSSL, GnuTLS and NSS.
 * A missing tool is a failure: Debian's openssl, gnutls-bin and libnss3-tools have them.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  composeTbsCertificate,
  createCertificateProfile,
  issueCertificate,
  issueCrl,
  loadOrCreateHierarchy,
  localSigningKey,
  newSerialNumber,
  validityPeriod,
} from '@scepter/ca';
import type { StoredHierarchy } from '@scepter/ca';
import { buildName, decodeCertificate, decodePublicKeyInfo, encodePem, parseName } from '@scepter/x509';
import type { Certificate, Name } from '@scepter/x509';

const SECRET = 'secret of the interop test';
const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'scepter-judges-'));
const store = join(folder, 'ca');
const profile = createCertificateProfile({
  crlUrls: ['http://pki.example/issuing.crl'],
  caIssuerUrls: ['http://pki.example/issuing.cer'],
});

after(() => rmSync(folder, { recursive: true, force: true }));

let hierarchy: StoredHierarchy;
let issuer: Certificate;

before(async () => {
  const now = new Date();
  const crlUrls = profile.crlUrls;
  hierarchy = await loadOrCreateHierarchy(store, { organization: 'Judged', secret: SECRET, now, randomBytes, crlUrls });
  issuer = decodeCertificate(hierarchy.generations[0].issuing.certificate);
  write('root.pem', hierarchy.root.certificate);
  write('issuing.pem', hierarchy.generations[0].issuing.certificate);
  write('registration.pem', hierarchy.generations[0].registration.certificate);
  issue('rsa', parseName('CN=device-1,O=Judged'), 'rsa');
  issue('ec', parseName('CN=device-2,O=Judged'), 'ec');
  issue('nameless', buildName([]), 'rsa');
  const revoked = issue('revoked', parseName('CN=device-3,O=Judged'), 'rsa');
  write('issuing-crl.pem', crlOf(hierarchy.generations[0].issuing, [revoked.serialNumber]), 'X509 CRL');
  write('root-crl.pem', crlOf(hierarchy.root, []), 'X509 CRL');
});

function file(name: string): string {
  return join(folder, name);
}

function write(name: string, bytes: Uint8Array, label = 'CERTIFICATE'): void {
  writeFileSync(file(name), encodePem(label, bytes));
}

function issue(name: string, subject: Name, type: 'rsa' | 'ec'): Certificate {
  const pair =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const contents = {
    subject,
    subjectAltNames: [
      { kind: 'dns' as const, value: `${name}.example` },
      { kind: 'upn' as const, value: 'user@example.com' },
      { kind: 'uri' as const, value: 'tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-500' },
    ],
    keyUsages: [],
    extendedKeyUsages: [],
    ...validityPeriod(profile, issuer, new Date()),
    publicKey: decodePublicKeyInfo(pair.publicKey.export({ type: 'spki', format: 'der' })),
  };
  const tbs = composeTbsCertificate({ contents, profile, issuer, serialNumber: newSerialNumber(randomBytes) });
  const signingKey = localSigningKey(hierarchy.generations[0].issuing.privateKey);
  const certificate = issueCertificate(tbs, { signingKey, issuer, profile, contents });
  write(`${name}.pem`, certificate);
  return decodeCertificate(certificate);
}

function crlOf(authority: StoredHierarchy['root'], serialNumbers: Uint8Array[]): Uint8Array {
  const now = new Date();
  return issueCrl({
    issuer: decodeCertificate(authority.certificate),
    signingKey: localSigningKey(authority.privateKey),
    crlNumber: 1n,
    thisUpdate: now,
    nextUpdate: new Date(now.getTime() + 7 * DAY_MS),
    revoked: serialNumbers.map((serialNumber) => ({ serialNumber, revokedAt: now, reason: 'keyCompromise' })),
  });
}

interface Verdict {
  status: number | null;
  output: string;
}

function ask(command: string, args: readonly string[], input?: string): Verdict {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', input });
  // A missing tool must not look like a judgement.
  if (error !== undefined) throw error;
  return { status, output: stdout + stderr };
}

function accepts({ status, output }: Verdict): void {
  assert.equal(status, 0, output);
}

const endEntities = ['rsa', 'ec', 'nameless'];

describe('OpenSSL', () => {
  const chain = (): string[] => [
    'verify',
    '-x509_strict',
    '-CAfile',
    file('root.pem'),
    '-untrusted',
    file('issuing.pem'),
  ];
  const withCrls = (): string[] => [
    '-crl_check_all',
    '-CRLfile',
    file('issuing-crl.pem'),
    '-CRLfile',
    file('root-crl.pem'),
  ];

  for (const name of endEntities) {
    it(`verifies the chain of the ${name} certificate, strictly, as a TLS client's, with CRLs`, () => {
      accepts(ask('openssl', [...chain(), ...withCrls(), '-purpose', 'sslclient', file(`${name}.pem`)]));
    });
  }

  it('verifies the chain of the RA', () => {
    accepts(ask('openssl', [...chain(), ...withCrls(), file('registration.pem')]));
  });

  it('finds the revoked certificate on the CRL', () => {
    accepts(ask('openssl', [...chain(), file('revoked.pem')]));
    const { status, output } = ask('openssl', [...chain(), ...withCrls(), file('revoked.pem')]);
    assert.notEqual(status, 0);
    assert.match(output, /certificate revoked/);
  });

  it('does not take a device for a CA or a TLS server', () => {
    const { status, output } = ask('openssl', [...chain(), '-purpose', 'sslserver', file('rsa.pem')]);
    assert.notEqual(status, 0);
    assert.match(output, /unsuitable certificate purpose|unsupported certificate purpose/);
    assert.match(ask('openssl', ['x509', '-in', file('rsa.pem'), '-noout', '-purpose']).output, /SSL client CA : No/);
  });

  it('verifies both CRLs', () => {
    for (const name of ['issuing', 'root']) {
      const crl = ['crl', '-verify', '-noout', '-in', file(`${name}-crl.pem`), '-CAfile', file(`${name}.pem`)];
      const verdict = ask('openssl', crl);
      accepts(verdict);
      assert.match(verdict.output, /verify OK/);
    }
  });

  for (const part of ['root', 'issuing', 'registration-1']) {
    it(`opens the key file of ${part} with the secret, and only with it`, () => {
      const key = join(store, part, 'private-key.pem');
      const opened = ask('openssl', ['pkey', '-in', key, '-passin', 'stdin', '-check', '-noout'], `${SECRET}\n`);
      accepts(opened);
      assert.match(opened.output, /Key is valid/);
      assert.notEqual(ask('openssl', ['pkey', '-in', key, '-passin', 'stdin', '-noout'], 'wrong secret\n').status, 0);
    });
  }

  it('changes the secret of the key files, and the CA goes on with the new one', async () => {
    const changed = join(folder, 'changed');
    mkdirSync(changed);
    for (const part of ['root', 'issuing', 'registration-1']) {
      mkdirSync(join(changed, part));
      const key = join(store, part, 'private-key.pem');
      const newKey = join(changed, part, 'private-key.pem');
      const cipher = ['-topk8', '-v2', 'aes-256-cbc', '-iter', '100000'];
      const secrets = ['-passin', `pass:${SECRET}`, '-passout', 'pass:the new secret'];
      accepts(ask('openssl', ['pkcs8', ...cipher, '-in', key, '-out', newKey, ...secrets]));
      const certificate = join(store, part, 'certificate.pem');
      accepts(ask('openssl', ['x509', '-in', certificate, '-out', join(changed, part, 'certificate.pem')]));
    }
    const options = { organization: 'Judged', secret: 'the new secret', now: new Date(), randomBytes };
    const loaded = await loadOrCreateHierarchy(changed, options);
    assert.equal(loaded.origin, 'loaded');
    assert.ok(loaded.generations[0].issuing.privateKey.equals(hierarchy.generations[0].issuing.privateKey));
  });
});

describe('GnuTLS', () => {
  for (const name of [...endEntities, 'registration']) {
    it(`verifies the chain of the ${name} certificate, with CRLs`, () => {
      const chain = ['--verify', '--load-ca-certificate', file('root.pem'), '--load-crl', file('issuing-crl.pem')];
      const bundle = readFileSync(file(`${name}.pem`), 'utf8') + readFileSync(file('issuing.pem'), 'utf8');
      const verdict = ask('certtool', chain, bundle);
      accepts(verdict);
      assert.match(verdict.output, /Chain verification output: Verified/);
    });
  }

  it('finds the revoked certificate on the CRL', () => {
    const chain = ['--verify', '--load-ca-certificate', file('root.pem'), '--load-crl', file('issuing-crl.pem')];
    const bundle = readFileSync(file('revoked.pem'), 'utf8') + readFileSync(file('issuing.pem'), 'utf8');
    assert.match(ask('certtool', chain, bundle).output, /Chain verification output: Not verified.*revoked/);
  });

  it('verifies the CRL', () => {
    const crl = ['--verify-crl', '--load-ca-certificate', file('issuing.pem')];
    const verdict = ask('certtool', [...crl, '--infile', file('issuing-crl.pem')]);
    accepts(verdict);
    assert.match(verdict.output, /Verified/);
  });
});

describe('NSS', () => {
  const database = `sql:${folder}`;

  before(() => {
    accepts(ask('certutil', ['-N', '-d', database, '--empty-password']));
    const trust: [name: string, flags: string][] = [
      ['root', 'CT,C,C'],
      ['issuing', ',,'],
      ...endEntities.map((name): [string, string] => [name, ',,']),
    ];
    for (const [name, flags] of trust) {
      accepts(ask('certutil', ['-A', '-d', database, '-n', name, '-t', flags, '-a', '-i', file(`${name}.pem`)]));
    }
  });

  for (const name of endEntities) {
    it(`certutil takes the ${name} certificate for a TLS client's`, () => {
      const verdict = ask('certutil', ['-V', '-d', database, '-n', name, '-u', 'C', '-e']);
      accepts(verdict);
      assert.match(verdict.output, /certificate is valid/);
    });

    it(`vfychain builds the chain of the ${name} certificate`, () => {
      const chain = [file(`${name}.pem`), file('issuing.pem'), '-t', file('root.pem')];
      const verdict = ask('vfychain', ['-d', database, '-pp', '-u', '0', '-a', ...chain]);
      accepts(verdict);
      assert.match(verdict.output, /Chain is good/);
    });
  }

  it('certutil does not take a device for a TLS server', () => {
    const { status, output } = ask('certutil', ['-V', '-d', database, '-n', 'rsa', '-u', 'V', '-e']);
    assert.notEqual(status, 0);
    assert.match(output, /invalid/);
  });
});
