/**
 * One CA after another, as other people's clients see it: OpenSSL verifies what GetNextCACert gives, strongSwan enrolls
 * with the next CA before it is in charge, and strongSwan and certmonger go on when it is.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodeCertsOnly } from '@scepter/scep';
import { decodeCertificate, decodePem, encodePem, formatName, thumbprint } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { startCertmonger } from './clients/certmonger.ts';
import type { Certmonger } from './clients/certmonger.ts';
import { fetchStrongswanAuthority, generateKey, strongswan } from './clients/strongswan.ts';
import type { StrongswanAuthority } from './clients/strongswan.ts';
import { run } from './command.ts';
import { assertGoodCertificate } from './judge.ts';
import { startInteropServer } from './server-fixture.ts';
import type { InteropServer } from './server-fixture.ts';

let server: InteropServer;
let folder: string;
let certmongerFolder: string;
let certmonger: Certmonger;
let first: StrongswanAuthority;
let next: StrongswanAuthority;
const file = (name: string): string => join(folder, name);

before(async () => {
  server = await startInteropServer();
  folder = await server.clientFolder('strongswan');
  certmongerFolder = await server.clientFolder('cm');
  certmonger = await startCertmonger(certmongerFolder);
  first = await fetchStrongswanAuthority(server.urls.static, folder);
  await Promise.all([generateKey(file('key.pem')), generateKey(file('new-key.pem'))]);
});
after(async () => {
  await certmonger?.close();
  await server?.close();
});

const capabilities = async (): Promise<string[]> => {
  const response = await fetch(`${server.urls.static}?operation=GetCACaps`);
  return (await response.text()).split('\n');
};

async function getcert(...args: string[]): Promise<void> {
  const { exitCode, output } = await certmonger.getcert(...args);
  assert.equal(exitCode, 0, `getcert ${args[0]}: ${output}\n${certmonger.log()}`);
}

async function enroll(name: string, authority: StrongswanAuthority): Promise<void> {
  const { exitCode, output } = await strongswan({
    url: server.urls.static,
    authority,
    keyFile: file('key.pem'),
    subject: `CN=${name}`,
    certificateFile: file(`${name}.pem`),
    cipher: 'aes',
    digest: 'sha256',
    proof: { challenge: server.staticChallenge },
  });
  assert.equal(exitCode, 0, output);
  await assertIssuedBy(name, authority);
}

async function assertIssuedBy(name: string, authority: StrongswanAuthority, keyFile = file('key.pem')): Promise<void> {
  await assertGoodCertificate(file(`${name}.pem`), keyFile, authority);
  assert.equal(
    formatName((await readCertificate(file(`${name}.pem`))).issuer),
    formatName((await readCertificate(authority.issuingFile)).subject),
  );
}

async function readCertificate(path: string): Promise<Certificate> {
  const [block] = decodePem(await readFile(path, 'utf8'));
  assert.ok(block);
  return decodeCertificate(block.bytes);
}

async function fingerprint(path: string): Promise<string> {
  return thumbprint((await readCertificate(path)).encoded, 'sha256');
}

describe('before anything is staged', () => {
  it('strongSwan and certmonger enroll with the first CA', async () => {
    assert.ok(!(await capabilities()).includes('GetNextCACert'));
    await enroll('before', first);
    await getcert('add-scep-ca', '-c', 'static', '-u', server.urls.static);
    await getcert(
      'request',
      '-c',
      'static',
      '-I',
      'device',
      '-N',
      'CN=certmonger',
      '-L',
      server.staticChallenge,
      '-k',
      join(certmongerFolder, 'key.pem'),
      '-f',
      join(certmongerFolder, 'certificate.pem'),
      '-w',
      '--wait-timeout',
      '20',
    );
  });
});

describe('while the next CA is staged', () => {
  it('OpenSSL verifies the answer to GetNextCACert under the present CA', async () => {
    await server.administer('POST', '/api/authorities/stage');
    assert.ok((await capabilities()).includes('GetNextCACert'));
    const response = await fetch(`${server.urls.static}?operation=GetNextCACert`);
    assert.equal(response.headers.get('content-type'), 'application/x-x509-next-ca-cert');
    await writeFile(file('next.der'), new Uint8Array(await response.arrayBuffer()));
    const { exitCode, output } = await run('openssl', [
      'cms',
      '-verify',
      '-binary',
      '-inform',
      'DER',
      '-in',
      file('next.der'),
      '-out',
      file('next-content.der'),
      '-CAfile',
      first.rootFile,
      '-certfile',
      first.issuingFile,
      '-purpose',
      'any',
    ]);
    assert.equal(exitCode, 0, output);

    const { certificates } = decodeCertsOnly(await readFile(file('next-content.der')));
    next = { rootFile: first.rootFile, issuingFile: file('next-ca.pem'), registrationFile: file('next-ra.pem') };
    const decoded = certificates.map((encoded) => decodeCertificate(encoded));
    const named = (role: string) => decoded.find(({ subject }) => formatName(subject).includes(role));
    for (const [role, path] of [
      ['Issuing CA', next.issuingFile],
      ['SCEP RA', next.registrationFile],
    ] as const) {
      const certificate = named(role);
      assert.ok(certificate, `no ${role} in ${decoded.map(({ subject }) => formatName(subject)).join('; ')}`);
      await writeFile(path, encodePem('CERTIFICATE', certificate.encoded));
    }
  });

  it('strongSwan that encrypts to the next RA gets a certificate of the next CA', async () => {
    await enroll('ahead', next);
    await enroll('still', first);
  });
});

describe('when the next CA is in charge', () => {
  it('strongSwan fetches it and enrolls', async () => {
    await server.administer('POST', '/api/authorities/activate');
    assert.ok(!(await capabilities()).includes('GetNextCACert'));
    const later = await server.clientFolder('strongswan-later');
    const fetched = await fetchStrongswanAuthority(server.urls.static, later);
    assert.equal(fetched.result.exitCode, 0, fetched.result.output);
    assert.equal(await fingerprint(fetched.issuingFile), await fingerprint(next.issuingFile));
    await enroll('after', fetched);
  });

  it('strongSwan renews a certificate of the first CA with one of the next', async () => {
    const { exitCode, output } = await strongswan({
      url: server.urls.static,
      authority: next,
      keyFile: file('new-key.pem'),
      subject: 'CN=before',
      certificateFile: file('renewed.pem'),
      cipher: 'aes',
      digest: 'sha256',
      proof: { certificateFile: file('before.pem'), keyFile: file('key.pem') },
    });
    assert.equal(exitCode, 0, output);
    await assertIssuedBy('renewed', next, file('new-key.pem'));
  });

  it('certmonger that has looked again renews with the next CA', async () => {
    await getcert('refresh-ca', '-c', 'static');
    await getcert('rekey', '-i', 'device', '-w', '--wait-timeout', '20');
    const certificate = join(certmongerFolder, 'certificate.pem');
    await assertGoodCertificate(certificate, join(certmongerFolder, 'key.pem'), next);
    assert.equal(
      formatName((await readCertificate(certificate)).issuer),
      formatName((await readCertificate(next.issuingFile)).subject),
    );
  });

  it('OpenSSL verifies the CRLs of both', async () => {
    for (const [authority, crl] of [
      [first, 'issuing.crl'],
      [next, 'issuing-2.crl'],
    ] as const) {
      const response = await fetch(`${new URL(server.urls.static).origin}/crl/${crl}`);
      assert.equal(response.status, 200, crl);
      await writeFile(file(crl), new Uint8Array(await response.arrayBuffer()));
      const { exitCode, output } = await run('openssl', [
        'crl',
        '-inform',
        'DER',
        '-in',
        file(crl),
        '-CAfile',
        authority.issuingFile,
        '-noout',
      ]);
      assert.match(output, /verify OK/, `${exitCode}: ${output}`);
    }
  });
});
