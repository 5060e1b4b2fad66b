import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodeCertificate, decodePem, equalBytes, formatName, thumbprint } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { scepterHere, startHere, waitHere } from './run-here.ts';
import type { RunningHere } from './run-here.ts';
import { anyPorts, readJson, temporaryFolder } from './run-scepter.ts';

let demo: RunningHere;
let endpoints: Record<string, string>;
let challenge: string;
let fingerprint: string;
let demoFolder: string;
const stop = new AbortController();
const cleanups: (() => Promise<void>)[] = [];

before(async () => {
  demoFolder = await temporaryFolder({ after: (cleanup) => void cleanups.push(cleanup as () => Promise<void>) });
  demo = startHere(['demo', ...anyPorts], { folder: demoFolder, interruption: stop.signal });
  await waitHere(demo, 'Ctrl-C');
  const record = await readJson(join(demoFolder, '.scepter', 'demo.json'));
  endpoints = record['endpoints'] as Record<string, string>;
  challenge = String(record['staticChallenge']);
  fingerprint = String(record['caFingerprint']);
});

after(async () => {
  stop.abort();
  assert.equal((await demo.ended).code, 0);
  for (const cleanup of cleanups) await cleanup();
});

const url = (name: string): string[] => ['--url', endpoints[name] ?? ''];

async function readCertificates(path: string): Promise<Certificate[]> {
  return decodePem(await readFile(path, 'utf8')).map(({ bytes }) => decodeCertificate(bytes));
}

describe('scepter enroll', () => {
  it('writes key, certificate and chain, and prints what the certificate says', async (test) => {
    const folder = await temporaryFolder(test);
    const words = ['--subject', 'CN=printer-7,O=Contoso', '--san', 'DNS:printer-7.example', '--out', 'p7'];
    const { code, stdout, stderr } = await scepterHere(
      ['enroll', ...url('static'), ...words, '--challenge-file', '-', '--ca-fingerprint', fingerprint.toLowerCase()],
      { folder, stdin: `${challenge}\n` },
    );
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    const [certificate] = await readCertificates(join(folder, 'p7.pem'));
    assert.ok(certificate);
    assert.equal(formatName(certificate.subject), 'CN=printer-7,O=Contoso');
    assert.match(stdout, /^Subject +CN=printer-7,O=Contoso$/m);
    assert.match(stdout, /^Alternative name +DNS:printer-7\.example$/m);
    assert.match(stdout, new RegExp(`^Serial number +${certificate.serialHex}$`, 'm'));
    assert.match(stdout, new RegExp(`^Thumbprint +${thumbprint(certificate.encoded, 'sha1')}$`, 'm'));
    assert.match(stdout, new RegExp(`^Valid until +${certificate.notAfter.toISOString()}$`, 'm'));

    const key = createPrivateKey(await readFile(join(folder, 'p7.key')));
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
    assert.ok(equalBytes(spki, certificate.publicKey.encoded));
    assert.equal((await stat(join(folder, 'p7.key'))).mode & 0o777, 0o600);
    const chain = await readCertificates(join(folder, 'p7-chain.pem'));
    assert.deepEqual(
      chain.map(({ subject }) => formatName(subject)),
      [
        'CN=printer-7,O=Contoso',
        'CN=Scepter Demo Issuing CA,O=Scepter Demo',
        ...chain.slice(2).map(({ subject }) => formatName(subject)),
      ],
    );
    assert.equal((await readdir(folder)).length, 3, 'nothing else is left behind');
  });

  const ways: { name: string; words: string[] }[] = [
    { name: 'GET', words: ['--get'] },
    { name: 'RSA-OAEP', words: ['--oaep'] },
    { name: 'triple DES and SHA-1', words: ['--cipher', 'des3', '--digest', 'sha1'] },
    { name: 'AES-192 and SHA-384', words: ['--cipher', 'aes192', '--digest', 'sha384'] },
    { name: 'AES-256 and SHA-512', words: ['--cipher', 'aes256', '--digest', 'sha512'] },
    { name: 'a P-256 key, under its challenge', words: ['--key', 'p256'] },
    { name: 'a 3072-bit key', words: ['--key', 'rsa3072'] },
  ];
  for (const { name, words } of ways) {
    it(`works with ${name}`, async (test) => {
      const folder = await temporaryFolder(test);
      const { code, stdout, stderr } = await scepterHere(
        ['enroll', ...url('static'), '--subject', 'CN=a', '--challenge', challenge, '--json', ...words],
        { folder },
      );
      assert.equal(code, 0, stderr);
      const result = JSON.parse(stdout) as Record<string, unknown>;
      assert.equal(result['subject'], 'CN=a');
      const [certificate] = await readCertificates(join(folder, 'scepter-device.pem'));
      assert.equal(result['serialNumber'], certificate?.serialHex);
    });
  }

  it('takes the fingerprint of the root as well', async (test) => {
    const folder = await temporaryFolder(test);
    const [root] = await readCertificates(join(demoFolder, '.scepter', 'root.pem'));
    assert.ok(root);
    const pin = ['--ca-fingerprint', `SHA256:${thumbprint(root.encoded, 'sha256').replaceAll(/..(?!$)/g, '$&:')}`];
    const words = ['enroll', ...url('static'), '--subject', 'CN=a', '--challenge', challenge, ...pin];
    const { code, stderr } = await scepterHere(words, { folder });
    assert.deepEqual([code, stderr], [0, '']);
  });

  it('warns when the CA was not pinned, and says what to pin', async (test) => {
    const folder = await temporaryFolder(test);
    const words = ['enroll', ...url('static'), '--subject', 'CN=a', '--challenge', challenge];
    const { code, stderr } = await scepterHere(words, { folder });
    assert.equal(code, 0);
    assert.match(stderr, /^Warning: the CA was not pinned/);
    assert.ok(stderr.includes(fingerprint));
  });

  it('renews with a new key and the same names', async (test) => {
    const folder = await temporaryFolder(test);
    const names = ['--subject', 'CN=r,O=Contoso', '--san', 'DNS:r.example'];
    await scepterHere(['enroll', ...url('static'), ...names, '--challenge', challenge, '--out', 'old'], { folder });
    const words = ['enroll', ...url('static'), '--renew', 'old.pem', 'old.key', '--out', 'new'];
    const { code, stdout, stderr } = await scepterHere(words, { folder });
    assert.equal(code, 0, stderr);
    const [[old], [renewed]] = (await Promise.all(
      ['old.pem', 'new.pem'].map((file) => readCertificates(join(folder, file))),
    )) as [[Certificate], [Certificate]];
    assert.equal(formatName(renewed.subject), 'CN=r,O=Contoso');
    assert.match(stdout, /DNS:r\.example/);
    assert.equal(equalBytes(renewed.publicKey.encoded, old.publicKey.encoded), false);
    assert.notEqual(renewed.serialHex, old.serialHex);
  });
});

describe('scepter enroll ends with 1 and leaves nothing behind', () => {
  const base = (): string[] => ['enroll', ...url('static'), '--subject', 'CN=a'];
  const rows: { name: string; words: () => string[]; message: RegExp }[] = [
    {
      name: 'a wrong challenge',
      words: () => [...base(), '--challenge', 'not the challenge'],
      message: /^scepter: The server refused the request with badRequest\. Hint: .*challenge/,
    },
    {
      name: 'a CA with another fingerprint',
      words: () => [...base(), '--challenge', challenge, '--ca-fingerprint', 'AB'.repeat(32)],
      message: /none of the server's certificates has the expected fingerprint; nothing was sent/i,
    },
    {
      name: 'a server that is not there',
      words: () => ['enroll', '--url', 'http://127.0.0.1:1/scep', '--subject', 'CN=a'],
      message: /the server cannot be reached/i,
    },
    {
      name: 'a path where no SCEP is',
      words: () => ['enroll', '--url', `${endpoints['static']?.replace('/scep/', '/nothing/')}`, '--subject', 'CN=a'],
      message: /404/,
    },
    {
      name: 'a missing challenge file',
      words: () => [...base(), '--challenge-file', 'none'],
      message: /There is no file .*none/,
    },
    {
      name: 'an output folder that is not there',
      words: () => [...base(), '--challenge', challenge, '--out', 'no/such/folder/a'],
      message: /cannot be written \(it does not exist\)/,
    },
  ];
  for (const { name, words, message } of rows) {
    it(`for ${name}`, async (test) => {
      const folder = await temporaryFolder(test);
      const { code, stdout, stderr } = await scepterHere(words(), { folder });
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr.replaceAll(/\n\s*/g, ' '), message);
      assert.deepEqual(await readdir(folder), []);
    });
  }

  it('for files that are there already, before anything is sent', async (test) => {
    const folder = await temporaryFolder(test);
    await writeFile(join(folder, 'mine.key'), 'precious');
    const { code, stderr } = await scepterHere([...base(), '--challenge', challenge, '--out', 'mine'], { folder });
    assert.equal(code, 1);
    assert.match(stderr, /mine\.key is there already/);
    assert.equal(await readFile(join(folder, 'mine.key'), 'utf8'), 'precious');
  });

  it('for a renewal whose key is another one', async (test) => {
    const folder = await temporaryFolder(test);
    for (const out of ['a', 'b']) {
      await scepterHere([...base(), '--challenge', challenge, '--out', out], { folder });
    }
    const { code, stderr } = await scepterHere(['enroll', ...url('static'), '--renew', 'a.pem', 'b.key'], { folder });
    assert.equal(code, 1);
    assert.match(stderr.replaceAll(/\n\s*/g, ' '), /b\.key is not the key of the certificate in \S+a\.pem/);
  });
});

describe('scepter emulate challenge', () => {
  it('prints challenges that get a certificate each, once, for these names', async (test) => {
    const folder = await temporaryFolder(test);
    const minted = await scepterHere(['emulate', 'challenge', '--subject', 'CN=i', '--san', 'DNS:i.example'], {
      folder: demoFolder,
    });
    assert.deepEqual([minted.code, minted.stderr], [0, '']);
    const words = [
      'enroll',
      ...url('intune'),
      '--subject',
      'CN=i',
      '--challenge-file',
      '-',
      '--ca-fingerprint',
      fingerprint,
    ];
    const other = await scepterHere([...words, '--san', 'DNS:j.example', '--out', 'j'], {
      folder,
      stdin: minted.stdout,
    });
    assert.equal(other.code, 1, 'not for another name');
    const own = await scepterHere([...words, '--san', 'DNS:i.example', '--out', 'i'], { folder, stdin: minted.stdout });
    assert.equal(own.code, 0, own.stderr);
    const again = await scepterHere([...words, '--san', 'DNS:i.example', '--out', 'k'], {
      folder,
      stdin: minted.stdout,
    });
    assert.equal(again.code, 1, 'not twice');
  });

  it('prints as many as asked for, one a line, or as JSON', async () => {
    const words = ['emulate', 'challenge', '--subject', 'CN=i', '--count', '3'];
    const plain = await scepterHere(words, { folder: demoFolder });
    assert.equal(new Set(plain.stdout.trimEnd().split('\n')).size, 3);
    const json = await scepterHere([...words, '--json', '--folder', join(demoFolder, '.scepter')], { folder: '/' });
    const challenges = JSON.parse(json.stdout) as string[];
    assert.equal(new Set(challenges).size, 3);
    for (const text of challenges) assert.match(text, /^[A-Za-z0-9+/=]{100,}$/);
  });

  it('says what to do when nothing runs', async (test) => {
    const folder = await temporaryFolder(test);
    const never = await scepterHere(['emulate', 'challenge', '--subject', 'CN=i'], { folder });
    assert.equal(never.code, 1);
    assert.match(never.stderr.replaceAll(/\n\s*/g, ' '), /No demo and no emulator has run in .* Hint: Start one with/);
    const words = ['emulate', 'challenge', '--subject', 'CN=i', '--control', 'http://127.0.0.1:1'];
    const gone = await scepterHere(words, { folder });
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, /does not answer/);
  });

  it('refuses names that Intune cannot ask for', async () => {
    const words = ['emulate', 'challenge', '--subject', 'CN=i', '--san', 'IP:192.0.2.1'];
    const { code, stderr } = await scepterHere(words, { folder: demoFolder });
    assert.equal(code, 2);
    assert.match(stderr, /Intune has no alternative names like "IP:192\.0\.2\.1"/);
  });
});
