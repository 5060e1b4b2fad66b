/*
 * What OpenSSL and GnuTLS say about every kind of CA that @scepter/ca makes, about what it issues, and about the next
 * generation of it. A missing tool is a failure: Debian's openssl and gnutls-bin have them.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  addGeneration,
  composeTbsCertificate,
  createCertificateProfile,
  issueCertificate,
  issueCrl,
  loadOrCreateHierarchy,
  localSigningKey,
  newSerialNumber,
  profileOfGeneration,
  validityPeriod,
} from '@scepter/ca';
import type { AuthorityKeyType, Generation, StoredHierarchy } from '@scepter/ca';
import { createNextCaCertificates } from '@scepter/scep';
import { decodeCertificate, decodePublicKeyInfo, encodePem, parseName } from '@scepter/x509';

const SECRET = 'secret of the interop test';
const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'scepter-authority-judges-'));
const baseProfile = createCertificateProfile({
  crlUrls: ['http://pki.example/issuing.crl'],
  caIssuerUrls: ['http://pki.example/issuing.cer'],
});
after(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string): string => join(folder, name);

function writePem(name: string, bytes: Uint8Array, label = 'CERTIFICATE'): string {
  writeFileSync(file(name), encodePem(label, bytes));
  return file(name);
}

function accepts(command: string, args: readonly string[], input?: string): string {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', input });
  // A missing tool must not look like a judgement.
  if (error !== undefined) throw error;
  assert.equal(status, 0, stdout + stderr);
  return stdout + stderr;
}

function issue({ number, issuing }: Generation, deviceKey: 'rsa' | 'ec'): Uint8Array {
  const { publicKey } =
    deviceKey === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = decodeCertificate(issuing.certificate);
  const profile = profileOfGeneration(baseProfile, number);
  const contents = {
    subject: parseName(`CN=device-${deviceKey},O=Judged`),
    subjectAltNames: [{ kind: 'dns' as const, value: 'device.example' }],
    keyUsages: [],
    extendedKeyUsages: [],
    ...validityPeriod(profile, issuer, new Date()),
    publicKey: decodePublicKeyInfo(publicKey.export({ type: 'spki', format: 'der' })),
  };
  const tbs = composeTbsCertificate({ contents, profile, issuer, serialNumber: newSerialNumber(randomBytes) });
  return issueCertificate(tbs, { signingKey: localSigningKey(issuing.privateKey), issuer, profile, contents });
}

function crlOf({ certificate, privateKey }: Generation['issuing']): Uint8Array {
  const now = new Date();
  return issueCrl({
    issuer: decodeCertificate(certificate),
    signingKey: localSigningKey(privateKey),
    crlNumber: 1n,
    thisUpdate: now,
    nextUpdate: new Date(now.getTime() + 7 * DAY_MS),
    revoked: [],
  });
}

const kinds: readonly (readonly [
  root: AuthorityKeyType,
  issuing: AuthorityKeyType,
  registration: 'separate' | 'none',
])[] = [
  ['rsa-2048', 'rsa-3072', 'separate'],
  ['rsa-2048', 'rsa-2048', 'none'],
  ['rsa-4096', 'ec-p256', 'separate'],
  ['ec-p384', 'ec-p256', 'separate'],
  ['ec-p256', 'ec-p384', 'separate'],
  ['ec-p384', 'rsa-2048', 'separate'],
];

for (const [root, issuing, registrationAuthority] of kinds) {
  const kind = `${issuing} below ${root}${registrationAuthority === 'none' ? ', without an RA' : ''}`;
  const prefix = `${root}-${issuing}-${registrationAuthority}`;

  describe(kind, () => {
    let hierarchy: StoredHierarchy;

    before(async () => {
      const options = {
        organization: 'Judged',
        secret: SECRET,
        now: new Date(),
        randomBytes,
        crlUrls: baseProfile.crlUrls,
        keyTypes: { root, issuing },
        registrationAuthority,
      } as const;
      const store = join(folder, prefix);
      hierarchy = await addGeneration(store, await loadOrCreateHierarchy(store, options), options);
      writePem(`${prefix}-root.pem`, hierarchy.root.certificate);
      writePem(`${prefix}-root-crl.pem`, crlOf(hierarchy.root), 'X509 CRL');
    });

    for (const number of [1, 2]) {
      it(`OpenSSL and GnuTLS: generation ${number}, its RA, its devices and its CRL, strictly`, () => {
        const generation = hierarchy.generations[number - 1];
        assert.ok(generation !== undefined);
        const top = file(`${prefix}-root.pem`);
        const middle = writePem(`${prefix}-${number}-issuing.pem`, generation.issuing.certificate);
        const crl = writePem(`${prefix}-${number}-crl.pem`, crlOf(generation.issuing), 'X509 CRL');
        const verify = ['verify', '-x509_strict', '-CAfile', top, '-untrusted', middle];
        const withCrls = ['-crl_check_all', '-CRLfile', crl, '-CRLfile', file(`${prefix}-root-crl.pem`)];
        for (const deviceKey of ['rsa', 'ec'] as const) {
          const device = writePem(`${prefix}-${number}-${deviceKey}.pem`, issue(generation, deviceKey));
          accepts('openssl', [...verify, ...withCrls, '-purpose', 'sslclient', device]);
          const chain = [device, middle, top].map((path) => readFileSync(path, 'utf8')).join('');
          const verdict = accepts('certtool', ['--verify-chain', '--verify-profile', 'medium'], chain);
          assert.match(verdict, /Chain verification output: Verified/);
        }
        const registration = writePem(`${prefix}-${number}-ra.pem`, generation.registration.certificate);
        accepts('openssl', [...verify, registration]);
        accepts('openssl', ['crl', '-verify', '-noout', '-in', crl, '-CAfile', middle]);
      });
    }

    it('OpenSSL: the next CA, in the answer to GetNextCACert that the current one signed', () => {
      const [current, next] = hierarchy.generations;
      assert.ok(next !== undefined);
      const body = createNextCaCertificates({
        certificates: [next.issuing.certificate, next.registration.certificate],
        digest: 'sha256',
        signer: {
          certificate: decodeCertificate(current.issuing.certificate),
          privateKey: current.issuing.privateKey,
        },
      });
      const message = file(`${prefix}-next.der`);
      const content = file(`${prefix}-next.p7b`);
      writeFileSync(message, body);
      const trusted = writePem(`${prefix}-current.pem`, current.issuing.certificate);
      const trust = ['-CAfile', trusted, '-partial_chain', '-purpose', 'any'];
      accepts('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-in', message, ...trust, '-out', content]);
      const printed = accepts('openssl', ['pkcs7', '-inform', 'DER', '-in', content, '-print_certs', '-noout']);
      assert.match(printed, /Judged Issuing CA 2/);
    });
  });
}
