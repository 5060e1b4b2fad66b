import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { decodeCertificate, decodeCertificateList } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../device.ts';
import { administer } from '../http/admin-client.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const keys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };

async function withLaboratory(
  authority: Readonly<Record<string, unknown>>,
  use: (laboratory: Laboratory) => Promise<void>,
): Promise<void> {
  const laboratory = await openLaboratory({ authority });
  try {
    await use(laboratory);
  } finally {
    await laboratory.close();
  }
}

/** The body is read, so that the connection is free when the server closes. */
async function statusOf(url: string, method = 'GET'): Promise<number> {
  const response = await fetch(url, { method });
  await response.arrayBuffer();
  return response.status;
}

async function enroll(client: Client, transactionId: string): Promise<Certificate> {
  const csr = certificationRequest(keys, { subject: `CN=${transactionId}`, challenge: STATIC_CHALLENGE });
  return issued(await client.send({ csr, transactionId, signer }));
}

describe('a CA with an EC key', () => {
  for (const [issuing, root] of [['ec-p256', 'ec-p384']] as const) {
    it(`${issuing} below ${root} issues, signs its CRL, and vouches for the next one`, async () => {
      await withLaboratory({ keys: { root, issuing } }, async (laboratory) => {
        const { url } = laboratory.server;
        const client = await Client.connect(`${url}/scep/static`);
        const [registration, ca, top] = client.authorities;
        assert.ok(registration !== undefined && ca !== undefined && top !== undefined);
        assert.deepEqual([registration.publicKey.key.kind, ca.publicKey.key.kind], ['rsa', 'ec']);
        const certificate = new X509Certificate((await enroll(client, 'device')).encoded);
        assert.ok(certificate.verify(new X509Certificate(ca.encoded).publicKey));
        assert.ok(new X509Certificate(ca.encoded).verify(new X509Certificate(top.encoded).publicKey));
        const crl = await (await fetch(`${url}/crl/issuing.crl`)).arrayBuffer();
        assert.deepEqual(decodeCertificateList(new Uint8Array(crl)).issuer, ca.subject);
        assert.equal((await administer(laboratory, 'POST /api/authorities/stage')).status, 201);
        assert.equal(await statusOf(`${url}/scep/static?operation=GetNextCACert`), 200);
      });
    });
  }
});

describe('a CA without an RA', () => {
  it('Apple: gives out one certificate, decrypts and signs for itself', async () => {
    await withLaboratory({ registration: 'none' }, async (laboratory) => {
      const url = `${laboratory.server.url}/scep/static`;
      const response = await fetch(`${url}?operation=GetCACert`);
      assert.equal(response.headers.get('content-type'), 'application/x-x509-ca-cert');
      const ca = decodeCertificate(new Uint8Array(await response.arrayBuffer()));
      const before = await enroll(Client.trusting(url, [ca]), 'before');
      assert.deepEqual(before.issuer, ca.subject);
      await laboratory.restart();
      const again = `${laboratory.server.url}/scep/static`;
      assert.deepEqual((await enroll(Client.trusting(again, [ca]), 'after')).issuer, ca.subject);
    });
  });
});
