import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readNextCaCertificates } from '@scepter/scep';
import {
  decodeCertificate,
  decodeCertificateList,
  decodeCrlDistributionPoints,
  findExtension,
  formatName,
  oid,
  thumbprint,
  toHex,
  verifyCertificateSignature,
} from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { Authorities } from '../../src/authorities/authorities.ts';
import type { IssuingAuthority } from '../../src/enrollment/issuing-authorities.ts';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../device.ts';
import type { DeviceKeys } from '../device.ts';
import { administer } from '../http/admin-client.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

interface Device {
  readonly keys: DeviceKeys;
  readonly certificate: Certificate;
}

let laboratory: Laboratory;
let former: Client;
let next: Client;
let firstDevice: Device;
let secondDevice: Device;
let bytesBefore: Uint8Array;
const sharedKeys = newKeys();

const url = (): string => `${laboratory.server.url}/scep/static`;
const get = async (address: string): Promise<{ status: number; type: string | null; bytes: Uint8Array }> => {
  const response = await fetch(address);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, type: response.headers.get('content-type'), bytes };
};
const operation = (name: string): ReturnType<typeof get> => get(`${url()}?operation=${name}`);
const capabilities = async (): Promise<string[]> =>
  new TextDecoder().decode((await operation('GetCACaps')).bytes).split('\n');
const states = async (): Promise<unknown[]> => {
  const { body } = await administer(laboratory, 'GET /api/authorities');
  return (body['authorities'] as { state: unknown }[]).map(({ state }) => state);
};

async function enroll(client: Client, name: string, keys = sharedKeys): Promise<Certificate> {
  const csr = certificationRequest(keys, { subject: `CN=${name}`, challenge: STATIC_CHALLENGE });
  const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
  return issued(await client.send({ csr, transactionId: name, signer }));
}

function crlUrlsOf(certificate: Certificate): string[] {
  const extension = findExtension(certificate.extensions, oid.crlDistributionPoints);
  return extension === undefined ? [] : decodeCrlDistributionPoints(extension.value);
}

/** Signed a moment after what makes it due. */
async function crl(name: string, isExpected: (serialNumbers: string[]) => boolean): Promise<string[]> {
  for (let attempt = 0; ; attempt += 1) {
    const { status, bytes } = await get(`${laboratory.server.url}/crl/${name}`);
    const serialNumbers =
      status === 200
        ? decodeCertificateList(bytes).revoked.map(({ serialNumber }) => toHex(serialNumber).toUpperCase())
        : undefined;
    if (serialNumbers !== undefined && isExpected(serialNumbers)) return serialNumbers;
    assert.ok(attempt < 100, `${name}: HTTP ${status}, ${serialNumbers?.join()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

before(async () => {
  laboratory = await openLaboratory();
  former = await Client.connect(url());
  const keys = newKeys();
  firstDevice = { keys, certificate: await enroll(former, 'first', keys) };
});
after(() => laboratory.close());

describe('before a next CA is staged', () => {
  it('nothing speaks of one', async () => {
    assert.ok(!(await capabilities()).includes('GetNextCACert'));
    assert.equal((await operation('GetNextCACert')).status, 404);
    assert.equal((await get(`${laboratory.server.url}/crl/issuing-2.crl`)).status, 404);
    assert.equal((await get(`${laboratory.server.url}/ca/issuing-2.cer`)).status, 404);
    assert.deepEqual(await states(), ['current']);
  });

  it('certmonger: GetCAChain, which no RFC has, is refused without harm; so is HEAD', async () => {
    assert.equal((await operation('GetCAChain')).status, 400);
    assert.equal((await fetch(`${url()}?operation=GetCACert`, { method: 'HEAD' })).status, 405);
  });

  it('there is none to activate', async () => {
    const { status, body } = await administer(laboratory, 'POST /api/authorities/activate');
    assert.deepEqual([status, body['code']], [409, 'admin.conflict']);
  });

  it('GetCACert answers with the same bytes each time', async () => {
    bytesBefore = (await operation('GetCACert')).bytes;
    assert.deepEqual((await operation('GetCACert')).bytes, bytesBefore);
  });
});

describe('while the next CA is staged', () => {
  before(async () => {
    const { status, body } = await administer(laboratory, 'POST /api/authorities/stage');
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal(body['subject'], 'CN=Laboratory Issuing CA 2,O=Laboratory');
  });

  it('a second one is not staged', async () => {
    const { status } = await administer(laboratory, 'POST /api/authorities/stage');
    assert.equal(status, 409);
    assert.deepEqual(await states(), ['current', 'next']);
  });

  it('RFC 8894 4.7: GetNextCACert has the next CA and its RA, signed by the current CA', async () => {
    assert.ok((await capabilities()).includes('GetNextCACert'));
    const { type, bytes } = await operation('GetNextCACert');
    assert.equal(type, 'application/x-x509-next-ca-cert');
    const [, current, root] = former.authorities;
    assert.ok(current !== undefined && root !== undefined);
    const { ca, certificates } = readNextCaCertificates(bytes, current);
    assert.equal(formatName(ca.subject), 'CN=Laboratory Issuing CA 2,O=Laboratory');
    assert.ok(verifyCertificateSignature(ca, root.publicKey));
    const registration = certificates.find(({ subject }) => formatName(subject).includes('SCEP RA 2'));
    assert.ok(registration !== undefined && verifyCertificateSignature(registration, ca.publicKey));
    assert.throws(() => readNextCaCertificates(bytes, ca), { code: 'scep.reply_signature' });
    next = Client.trusting(url(), [registration, ca, root]);
  });

  it('GetCACert is what it was', async () => {
    assert.deepEqual((await operation('GetCACert')).bytes, bytesBefore);
  });

  it('RFC 8894 5.1: whom a request is encrypted to decides which CA issues', async () => {
    const byCurrent = await enroll(former, 'to-the-current');
    const byNext = await enroll(next, 'to-the-next');
    assert.equal(formatName(byCurrent.issuer), 'CN=Laboratory Issuing CA,O=Laboratory');
    assert.deepEqual(crlUrlsOf(byCurrent), ['http://127.0.0.1:1/crl/issuing.crl']);
    assert.equal(formatName(byNext.issuer), 'CN=Laboratory Issuing CA 2,O=Laboratory');
    assert.deepEqual(crlUrlsOf(byNext), ['http://127.0.0.1:1/crl/issuing-2.crl']);
    const keys = newKeys();
    secondDevice = { keys, certificate: await enroll(next, 'second', keys) };
  });

  it('an activation while a request is in work does not change its CA', async (test) => {
    let asked = 0;
    test.mock.method(Authorities.prototype, 'issuerFor', function (this: Authorities): IssuingAuthority {
      asked += 1;
      const { current, next: following } = this.set;
      return asked === 1 || following === undefined ? current : following;
    });
    const certificate = await enroll(former, 'in-work');
    assert.equal(formatName(certificate.issuer), 'CN=Laboratory Issuing CA,O=Laboratory');
    const [enrollment] = await laboratory.server.store.listEnrollments(1);
    const [current] = await laboratory.server.store.listAuthorities();
    assert.equal(enrollment?.authority, current?.id);
  });

  it('each CA has its CRL and its certificate', async () => {
    await crl('issuing.crl', (serialNumbers) => serialNumbers.length === 0);
    await crl('issuing-2.crl', (serialNumbers) => serialNumbers.length === 0);
    const list = decodeCertificateList((await get(`${laboratory.server.url}/crl/issuing-2.crl`)).bytes);
    assert.equal(formatName(list.issuer), 'CN=Laboratory Issuing CA 2,O=Laboratory');
    const { type, bytes } = await get(`${laboratory.server.url}/ca/issuing-2.cer`);
    assert.equal(type, 'application/pkix-cert');
    assert.deepEqual(bytes, next.authorities[1]?.encoded);
    for (const name of ['issuing-1.crl', 'issuing-02.crl', 'issuing-3.crl', 'issuing-2.cer']) {
      assert.equal((await get(`${laboratory.server.url}/crl/${name}`)).status, 404, name);
    }
  });

  it('is still staged after a restart', async () => {
    await laboratory.restart();
    assert.deepEqual(await states(), ['current', 'next']);
    assert.deepEqual((await operation('GetCACert')).bytes, bytesBefore);
    assert.ok((await capabilities()).includes('GetNextCACert'));
    former = Client.trusting(url(), former.authorities);
    next = Client.trusting(url(), next.authorities);
  });

  it('only the one that is named is activated', async () => {
    const body = { fingerprint: 'AB'.repeat(32) };
    assert.equal((await administer(laboratory, 'POST /api/authorities/activate', { body })).status, 409);
    assert.deepEqual(await states(), ['current', 'next']);
  });
});

describe('after the next CA was activated', () => {
  before(async () => {
    const ca = next.authorities[1];
    assert.ok(ca !== undefined);
    const body = { fingerprint: thumbprint(ca.encoded, 'sha256') };
    const answer = await administer(laboratory, 'POST /api/authorities/activate', { body });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  });

  it('it is the current one, without a restart, and nothing speaks of a next one', async () => {
    assert.deepEqual(await states(), ['former', 'current']);
    const { authorities } = await Client.connect(url());
    assert.deepEqual(
      authorities.map(({ encoded }) => encoded),
      next.authorities.map(({ encoded }) => encoded),
    );
    assert.ok(!(await capabilities()).includes('GetNextCACert'));
    assert.equal((await operation('GetNextCACert')).status, 404);
    assert.deepEqual(laboratory.server.authority.issuingCertificate, next.authorities[1]?.encoded);
  });

  it('the former CA issues no more: a device that knows only its RA is answered by that RA, and gets the new CA', async () => {
    const certificate = await enroll(former, 'late');
    assert.equal(formatName(certificate.issuer), 'CN=Laboratory Issuing CA 2,O=Laboratory');
    assert.deepEqual(crlUrlsOf(certificate), ['http://127.0.0.1:1/crl/issuing-2.crl']);
  });

  it('the same request as before gets the same certificate', async () => {
    const csr = certificationRequest(firstDevice.keys, { subject: 'CN=first', challenge: STATIC_CHALLENGE });
    const signer = { certificate: selfSigned(firstDevice.keys), privateKey: firstDevice.keys.privateKey };
    const again = issued(await former.send({ csr, transactionId: 'first', signer }));
    assert.deepEqual(again.encoded, firstDevice.certificate.encoded);
  });

  for (const messageType of ['RenewalReq', 'PKCSReq'] as const) {
    it(`a certificate of the former CA is renewed by the new one, as ${messageType}`, async () => {
      const keys = messageType === 'RenewalReq' ? newKeys() : firstDevice.keys;
      const csr = certificationRequest(keys, { subject: 'CN=first' });
      const signer = { certificate: firstDevice.certificate, privateKey: firstDevice.keys.privateKey };
      const renewed = issued(await next.send({ csr, transactionId: `renewal-${messageType}`, signer, messageType }));
      assert.equal(formatName(renewed.issuer), 'CN=Laboratory Issuing CA 2,O=Laboratory');
      assert.deepEqual(renewed.subject, firstDevice.certificate.subject);
    });
  }

  it('each revocation is on the CRL of the CA that issued', async () => {
    for (const { certificate } of [firstDevice, secondDevice]) {
      const revocation = { serialNumber: certificate.serialHex, revokedAt: new Date(), reason: 'superseded' } as const;
      assert.equal(await laboratory.server.store.revoke(revocation), true);
    }
    await laboratory.restart();
    assert.deepEqual(await crl('issuing.crl', ({ length }) => length > 0), [firstDevice.certificate.serialHex]);
    assert.deepEqual(await crl('issuing-2.crl', ({ length }) => length > 0), [secondDevice.certificate.serialHex]);
  });

  it('a restart finds it current', async () => {
    assert.deepEqual(await states(), ['former', 'current']);
    const certificate = decodeCertificate((await enroll(await Client.connect(url()), 'after')).encoded);
    assert.equal(formatName(certificate.issuer), 'CN=Laboratory Issuing CA 2,O=Laboratory');
  });

  it('the one after it can be staged', async () => {
    const { status, body } = await administer(laboratory, 'POST /api/authorities/stage');
    assert.deepEqual(
      [status, body['generation'], body['subject']],
      [201, 3, 'CN=Laboratory Issuing CA 3,O=Laboratory'],
    );
    assert.deepEqual(await states(), ['former', 'current', 'next']);
  });
});
