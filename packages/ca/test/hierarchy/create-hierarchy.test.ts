import assert from 'node:assert/strict';
import { verify, X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import {
  decodeBasicConstraints,
  decodeCertificate,
  decodeCrlDistributionPoints,
  decodeExtendedKeyUsage,
  decodeKeyUsage,
  findExtension,
  formatName,
  oid,
} from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { CaError, createHierarchy } from '@scepter/ca';
import type { Hierarchy } from '@scepter/ca';
import { hierarchyOptions } from '../test-authorities.ts';

describe('createHierarchy', () => {
  let hierarchy: Hierarchy;
  let root: Certificate;
  let issuing: Certificate;
  let registration: Certificate;

  before(async () => {
    hierarchy = await createHierarchy({ ...hierarchyOptions, keyTypes: {} });
    root = decodeCertificate(hierarchy.root.certificate);
    issuing = decodeCertificate(hierarchy.issuing.certificate);
    registration = decodeCertificate(hierarchy.registration.certificate);
  });

  function valueOf(certificate: Certificate, type: string): Uint8Array {
    const extension = findExtension(certificate.extensions, type);
    assert.ok(extension, `extension ${type}`);
    return extension.value;
  }

  it('makes a chain in the judgement of node:crypto', () => {
    const [top, middle, end] = [root, issuing, registration].map(({ encoded }) => new X509Certificate(encoded));
    assert.ok(top && middle && end);
    assert.ok(top.verify(top.publicKey) && top.checkIssued(top) && top.ca);
    assert.ok(middle.verify(top.publicKey) && middle.checkIssued(top) && middle.ca);
    assert.ok(end.verify(middle.publicKey) && end.checkIssued(middle) && !end.ca);
    for (const part of ['root', 'issuing', 'registration'] as const) {
      assert.ok(new X509Certificate(hierarchy[part].certificate).checkPrivateKey(hierarchy[part].privateKey));
    }
  });

  it('names, sizes and lifetimes', () => {
    const shape = [root, issuing, registration].map(({ subject, publicKey, notBefore, notAfter, serialNumber }) => [
      formatName(subject),
      publicKey.key.kind === 'rsa' && publicKey.key.modulusBits,
      notBefore.toISOString(),
      notAfter.toISOString(),
      serialNumber.length,
    ]);
    assert.deepEqual(shape, [
      ['CN=Example Root CA,O=Example', 3072, '2026-02-22T12:00:00.000Z', '2046-03-01T12:00:00.000Z', 16],
      ['CN=Example Issuing CA,O=Example', 2048, '2026-02-22T12:00:00.000Z', '2036-03-01T12:00:00.000Z', 16],
      ['CN=Example SCEP RA,O=Example', 2048, '2026-02-22T12:00:00.000Z', '2028-03-01T12:00:00.000Z', 16],
    ]);
  });

  it('lets the CAs sign certificates and CRLs, the issuing CA with path length 0', () => {
    assert.deepEqual(decodeBasicConstraints(valueOf(root, oid.basicConstraints)), { ca: true });
    assert.deepEqual(decodeBasicConstraints(valueOf(issuing, oid.basicConstraints)), { ca: true, pathLength: 0 });
    for (const ca of [root, issuing]) {
      assert.deepEqual(decodeKeyUsage(valueOf(ca, oid.keyUsage)), ['digitalSignature', 'keyCertSign', 'cRLSign']);
      assert.equal(findExtension(ca.extensions, oid.extendedKeyUsage), undefined);
    }
    assert.deepEqual(decodeCrlDistributionPoints(valueOf(issuing, oid.crlDistributionPoints)), [
      'http://pki.example/root.crl',
    ]);
  });

  it('makes an RA that Windows and Apple encrypt to', () => {
    assert.deepEqual(decodeBasicConstraints(valueOf(registration, oid.basicConstraints)), { ca: false });
    assert.deepEqual(decodeKeyUsage(valueOf(registration, oid.keyUsage)), ['digitalSignature', 'keyEncipherment']);
    assert.equal(findExtension(registration.extensions, oid.keyUsage)?.critical, true);
    assert.deepEqual(decodeExtendedKeyUsage(valueOf(registration, oid.extendedKeyUsage)), [
      oid.certificateRequestAgent,
    ]);
    assert.deepEqual(decodeCrlDistributionPoints(valueOf(registration, oid.crlDistributionPoints)), [
      'http://pki.example/issuing.crl',
    ]);
  });

  it('gives keys that work in a worker thread they are posted to', async () => {
    const source = `
      const { parentPort, workerData: key } = require('node:worker_threads');
      const { sign } = require('node:crypto');
      parentPort.postMessage(sign('sha256', Buffer.from('data'), key));`;
    const worker = new Worker(source, { eval: true, workerData: hierarchy.issuing.privateKey });
    try {
      const signature = await new Promise<Uint8Array>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      assert.ok(verify('sha256', Buffer.from('data'), issuing.publicKey.keyObject(), signature));
    } finally {
      await worker.terminate();
    }
  });

  for (const [name, names] of [
    ['an empty organization', { organization: ' ' }],
    ['an empty prefix', { commonNamePrefix: '' }],
    ['an organization of 65 characters', { organization: 'x'.repeat(65), commonNamePrefix: 'x' }],
    ['a prefix that makes a common name of 65 characters', { commonNamePrefix: 'x'.repeat(54) }],
  ] as const) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(
        createHierarchy({ ...hierarchyOptions, ...names }),
        (error) => error instanceof CaError && error.code === 'ca.invalid_argument',
      );
    });
  }
});
