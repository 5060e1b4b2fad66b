import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { X509Certificate } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  decodeCertificate,
  decodeCrlDistributionPoints,
  decodeKeyUsage,
  findExtension,
  formatName,
  oid,
} from '@scepter/x509';
import {
  addGeneration,
  CaError,
  createHierarchy,
  loadOrCreateHierarchy,
  profileOfGeneration,
  readHierarchy,
  urlOfGeneration,
} from '@scepter/ca';
import type { CaErrorCode, Generation, HierarchyFolderOptions, StoredHierarchy } from '@scepter/ca';
import { hierarchyOptions, NOW, profile } from '../test-authorities.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const SECRET = 'secret of the test';
const options: HierarchyFolderOptions = { ...hierarchyOptions, secret: SECRET, keyDerivationIterations: 1000 };
const parent = temporaryFolder();
const first = join(parent, 'first');
const second = join(parent, 'second');
let one: StoredHierarchy;
let two: StoredHierarchy;

before(async () => {
  one = await loadOrCreateHierarchy(first, options);
  cpSync(first, second, { recursive: true });
  two = await addGeneration(second, one, options);
});

function copyOf(original: string, name: string): string {
  const copy = join(parent, name);
  cpSync(original, copy, { recursive: true });
  return copy;
}

function filesOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((file) => join(file.parentPath, file.name)).map((path) => [path, readFileSync(path, 'latin1')]),
  );
}

function failsWith(code: CaErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof CaError && error.code === code;
}

function generation(hierarchy: StoredHierarchy, number: number): Generation {
  const found = hierarchy.generations.find((each) => each.number === number);
  assert.ok(found !== undefined);
  return found;
}

describe('the next generation', () => {
  it('has a name, a key and an RA of its own, below the same root', () => {
    const { issuing, registration } = generation(two, 2);
    const [ca, ra, root] = [issuing, registration, one.root].map(({ certificate }) => new X509Certificate(certificate));
    assert.ok(ca && ra && root);
    assert.ok(ca.checkIssued(root) && ca.verify(root.publicKey));
    assert.ok(ra.checkIssued(ca) && ra.verify(ca.publicKey));
    assert.equal(formatName(decodeCertificate(issuing.certificate).subject), 'CN=Example Issuing CA 2,O=Example');
    assert.equal(formatName(decodeCertificate(registration.certificate).subject), 'CN=Example SCEP RA 2,O=Example');
    assert.ok(!issuing.privateKey.equals(one.generations[0].issuing.privateKey));
  });

  it('points to its own CRL', () => {
    const { extensions } = decodeCertificate(generation(two, 2).registration.certificate);
    const points = findExtension(extensions, oid.crlDistributionPoints);
    assert.deepEqual(points && decodeCrlDistributionPoints(points.value), ['http://pki.example/issuing-2.crl']);
  });

  it('is found again, and leaves the first one as it was', async () => {
    const read = await readHierarchy(second, { secret: SECRET, now: NOW });
    assert.deepEqual(
      read.generations.map(({ number, issuing }) => [number, issuing.certificate]),
      two.generations.map(({ number, issuing }) => [number, issuing.certificate]),
    );
    const after = filesOf(second);
    for (const [path, content] of filesOf(first)) assert.equal(after.get(path.replace(first, second)), content);
    assert.deepEqual(readdirSync(second).sort(), ['generation-2', 'issuing', 'registration-1', 'root']);
  });

  it('is one, when two add it at once', async () => {
    const folder = copyOf(first, 'race');
    const outcomes = await Promise.allSettled([
      addGeneration(folder, one, options),
      addGeneration(folder, one, options),
    ]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    assert.ok(failsWith('ca.store_unwritable')(failed?.reason));
    assert.equal((await readHierarchy(folder, { secret: SECRET, now: NOW })).generations.length, 2);
  });

  it('may be followed by one more', async () => {
    const folder = copyOf(second, 'third');
    const three = await addGeneration(folder, two, { ...options, keyTypes: { issuing: 'ec-p384' } });
    const { key } = decodeCertificate(generation(three, 3).issuing.certificate).publicKey;
    assert.deepEqual(key, { kind: 'ec', curve: 'P-384' });
    assert.equal((await loadOrCreateHierarchy(folder, options)).generations.length, 3);
  });

  const damage: [name: string, inflict: (folder: string) => void][] = [
    ['without its issuing CA', (folder) => rmSync(join(folder, 'generation-2', 'issuing'), { recursive: true })],
    ['without its RA', (folder) => rmSync(join(folder, 'generation-2', 'registration-1'), { recursive: true })],
    [
      'that is the first one once more',
      (folder) => {
        rmSync(join(folder, 'generation-2'), { recursive: true });
        for (const part of ['issuing', 'registration-1']) {
          cpSync(join(folder, part), join(folder, 'generation-2', part), { recursive: true });
        }
      },
    ],
    [
      'behind a gap',
      (folder) => {
        cpSync(join(folder, 'generation-2'), join(folder, 'generation-4'), { recursive: true });
      },
    ],
    [
      "with the first one's RA",
      (folder) =>
        cpSync(join(folder, 'registration-1'), join(folder, 'generation-2', 'registration-1'), { recursive: true }),
    ],
  ];
  for (const [name, inflict] of damage) {
    it(`is refused ${name}`, async () => {
      const folder = copyOf(second, `damaged-${name.replaceAll(/\W/g, '-')}`);
      inflict(folder);
      await assert.rejects(loadOrCreateHierarchy(folder, options), failsWith('ca.store_damaged'));
    });
  }
});

describe('RA certificates of several generations', () => {
  const now = new Date('2028-02-20T00:00:00Z');

  it('are renewed, each by its own CA', async () => {
    const folder = copyOf(second, 'both-renewed');
    const renewed = await loadOrCreateHierarchy(folder, { ...options, now });
    assert.equal(renewed.origin, 'registration-renewed');
    for (const { issuing, registration, formerRegistrations } of renewed.generations) {
      const ca = new X509Certificate(issuing.certificate);
      assert.ok(new X509Certificate(registration.certificate).verify(ca.publicKey));
      assert.equal(formerRegistrations.length, 1);
    }
    assert.deepEqual(readdirSync(join(folder, 'generation-2')).sort(), ['issuing', 'registration-1', 'registration-2']);
  });

  it('that a process left unfinished when it died are removed, in each generation', async () => {
    const folder = copyOf(second, 'unfinished');
    const leftover = '.registration-2.unfinished-999999999-00000000';
    for (const part of ['.', 'generation-2']) mkdirSync(join(folder, part, leftover));
    await loadOrCreateHierarchy(folder, options);
    assert.deepEqual(readdirSync(join(folder, 'generation-2')).sort(), ['issuing', 'registration-1']);
    assert.deepEqual(readdirSync(folder).sort(), ['generation-2', 'issuing', 'registration-1', 'root']);
  });

  it('are not made by a former CA', async () => {
    const folder = copyOf(second, 'one-renewed');
    const renewed = await loadOrCreateHierarchy(folder, { ...options, now, currentGeneration: 2 });
    assert.deepEqual(
      renewed.generations.map(({ formerRegistrations }) => formerRegistrations.length),
      [0, 1],
    );
  });
});

describe('a CA without an RA', () => {
  it('decrypts for itself, on disk too, and has nothing to renew', async () => {
    const folder = join(parent, 'alone');
    const created = await loadOrCreateHierarchy(folder, { ...options, registrationAuthority: 'none' });
    const { issuing, registration } = created.generations[0];
    assert.equal(registration, issuing);
    const usage = findExtension(decodeCertificate(issuing.certificate).extensions, oid.keyUsage);
    assert.deepEqual(usage && decodeKeyUsage(usage.value), [
      'digitalSignature',
      'keyEncipherment',
      'keyCertSign',
      'cRLSign',
    ]);
    assert.deepEqual(readdirSync(folder).sort(), ['issuing', 'root']);
    const loaded = await loadOrCreateHierarchy(folder, { ...options, now: new Date('2036-02-20T00:00:00Z') });
    assert.equal(loaded.origin, 'loaded');
    assert.equal(loaded.generations[0].registration, loaded.generations[0].issuing);
  });

  it('cannot have an EC key', async () => {
    await assert.rejects(
      createHierarchy({ ...options, keyTypes: { issuing: 'ec-p256' }, registrationAuthority: 'none' }),
      failsWith('ca.invalid_argument'),
    );
  });
});

describe('kinds of keys', () => {
  for (const [root, issuing, signature] of [
    ['ec-p256', 'ec-p384', oid.ecdsaWithSHA256],
    ['ec-p384', 'rsa-2048', oid.ecdsaWithSHA384],
    ['rsa-2048', 'ec-p256', oid.sha256WithRSA],
  ] as const) {
    it(`${issuing} below ${root}`, async () => {
      const hierarchy = await createHierarchy({ ...hierarchyOptions, keyTypes: { root, issuing } });
      const [top, middle, end] = [hierarchy.root, hierarchy.issuing, hierarchy.registration].map(
        ({ certificate }) => new X509Certificate(certificate),
      );
      assert.ok(top && middle && end);
      assert.ok(middle.checkIssued(top) && middle.verify(top.publicKey) && end.verify(middle.publicKey));
      assert.equal(decodeCertificate(hierarchy.issuing.certificate).signatureAlgorithm.oid, signature);
      assert.equal(decodeCertificate(hierarchy.registration.certificate).publicKey.key.kind, 'rsa');
    });
  }
});

describe('urlOfGeneration', () => {
  for (const [url, expected] of [
    ['http://pki.example/crl/issuing.crl', 'http://pki.example/crl/issuing-2.crl'],
    ['http://pki.example/crl', 'http://pki.example/crl-2'],
    ['http://pki.example/a.b/c', 'http://pki.example/a.b/c-2'],
    ['http://pki.example/a/', 'http://pki.example/a/issuing-2'],
    ['http://pki.example', 'http://pki.example/issuing-2'],
    ['http://pki.example:8080/.crl', 'http://pki.example:8080/.crl-2'],
  ] as const) {
    it(`${url} becomes ${expected}`, () => {
      assert.equal(urlOfGeneration(url, 2), expected);
      assert.equal(urlOfGeneration(url, 1), url);
    });
  }

  it('is what a profile of that generation has', () => {
    const { crlUrls, caIssuerUrls, name } = profileOfGeneration(profile, 3);
    assert.deepEqual(
      [crlUrls, caIssuerUrls, name],
      [['http://pki.example/issuing-3.crl'], ['http://pki.example/issuing-3.cer'], profile.name],
    );
  });
});

describe('kill -9 while a generation is added', () => {
  const program = fileURLToPath(new URL('add-and-die.ts', import.meta.url));

  // Two serial numbers, the temporary name, then salt and initialization vector of two keys: seven in all.
  for (const dieAt of [1, 3, 4, 6, 7, 0]) {
    it(dieAt === 0 ? 'that is left alone' : `at request ${dieAt} for random bytes`, async () => {
      const folder = copyOf(first, `killed-${dieAt}`);
      const before = filesOf(folder);
      const child = spawn(process.execPath, ['--conditions=source', program, folder, String(dieAt), NOW.toISOString()]);
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const [, signal] = (await once(child, 'close')) as [number | null, string | null];
      assert.equal(signal, dieAt === 0 ? null : 'SIGKILL');
      if (dieAt === 0) assert.equal(output, 'finished after 7');
      const after = filesOf(folder);
      for (const [path, content] of before) assert.equal(after.get(path), content);

      const loaded = await loadOrCreateHierarchy(folder, options);
      assert.equal(loaded.generations.length, dieAt === 0 ? 2 : 1);
      assert.deepEqual(
        readdirSync(folder).filter((entry) => entry.startsWith('.')),
        [],
        'what was left is removed',
      );
      if (dieAt !== 0) assert.equal((await addGeneration(folder, loaded, options)).generations.length, 2);
    });
  }
});
