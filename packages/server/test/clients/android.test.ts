import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Asn1Reader, decodeCertificateList, der, oid, tag } from '@scepter/x509';
import { describeRefusal } from '../../src/enrollment/refusals.ts';
import { certificateIn, CHALLENGE, enroll, prepare, refused, startClientServer } from './client-server.ts';
import type { ClientServer, EndpointView } from './client-server.ts';
import { indefinite } from './layout.ts';
import { exchange, lines } from './raw-http.ts';
import { newKeys, request, selfSigned } from './request-builder.ts';
import { failInfo } from './wire.ts';

const keys = newKeys();
const signer = selfSigned(keys);
const HOUR_MS = 3_600_000;
let running: ClientServer;
let endpoint: EndpointView;

before(async () => {
  running = await startClientServer({
    endpoints: {
      chromebooks: {
        authorizer: {
          kind: 'static-challenge',
          challenge: { environment: 'CHALLENGE' },
          expiresAt: new Date(Date.now() + HOUR_MS).toISOString(),
        },
      },
    },
  });
  endpoint = await running.endpoint('modern');
});
after(() => running.close());

describe('Q-D1 Android: no subject alternative name', () => {
  const emptyNames = { oid: oid.subjectAltName, critical: false, value: der.sequence() };
  const rows: readonly [string, Uint8Array][] = [
    ['neither subject nor alternative name', request(keys, { subject: '' })],
    [
      'an empty subject and an empty list of alternative names',
      request(keys, { subject: '', extensions: [emptyNames] }),
    ],
  ];
  for (const [name, csr] of rows) {
    it(`Q-D1 Android: ${name} is refused, and the operator reads exactly that`, async () => {
      assert.equal(await refused(endpoint, csr, signer), failInfo.badRequest);
      assert.equal(running.lastRefusal(), 'policy.subject_missing');
      const { explanation } = describeRefusal('policy.subject_missing');
      assert.match(explanation, /neither a subject nor a subject alternative name/);
      assert.ok(running.log.some((line) => line.includes('policy.subject_missing')));
    });
  }

  it('Q-D1 Android: a subject without an alternative name is enough, as it is the profile that says what it needs', async () => {
    const { certificate } = await enroll(endpoint, request(keys, { subject: 'CN=a device' }), signer);
    assert.ok(
      certificate.extensions.every((each) => each.oid !== oid.subjectAltName),
      'and no empty list is made up',
    );
  });
});

describe('Q-D2 Android: Java clients', () => {
  it('Q-D2 Android: indefinite lengths in a POST of application/octet-stream enroll', async () => {
    const prepared = prepare(endpoint, request(keys), signer, { layout: indefinite() });
    const head = lines(
      `POST ${endpoint.path}?operation=PKIOperation HTTP/1.1`,
      'Host: scep',
      'User-Agent: Dalvik/2.1.0 (Linux; U; Android 15; Pixel 8)',
      'Content-Type: application/octet-stream',
      `Content-Length: ${prepared.bytes.length}`,
    );
    certificateIn(prepared, await exchange(endpoint.url, head, prepared.bytes), endpoint);
  });

  it('Q-D2 Android: times are UTCTime with seconds and Z, GeneralizedTime from 2050, never with a fraction', async () => {
    const { certificate } = await enroll(endpoint, request(keys), signer);
    for (const encoded of timesOf(certificate.encoded)) {
      assert.ok(encoded.startsWith('\x17\x0d'));
      assert.match(encoded.slice(2), /^\d{12}Z$/);
    }
    assert.equal(
      Buffer.from(der.time(new Date('2049-12-31T23:59:59.999Z'))).toString('latin1'),
      '\x17\x0d491231235959Z',
    );
    assert.equal(
      Buffer.from(der.time(new Date('2050-01-01T00:00:00.999Z'))).toString('latin1'),
      '\x18\x0f20500101000000Z',
    );
    const crl = await exchange(running.server.url, lines(`GET ${crlPath(certificate.encoded)} HTTP/1.0`));
    assert.equal(crl.status, 200);
    const { thisUpdate, nextUpdate } = decodeCertificateList(crl.body);
    for (const time of [thisUpdate, nextUpdate]) assert.equal(time?.getMilliseconds(), 0);
  });
});

describe('Q-D3 ChromeOS: the connector speaks for devices that may be offline', () => {
  it('Q-D3 ChromeOS: one static challenge serves many devices', async () => {
    const serials = new Set<string>();
    for (const subject of ['CN=chromebook-1', 'CN=chromebook-2']) {
      const csr = request(keys, { subject, challenge: CHALLENGE });
      serials.add((await enroll(await running.endpoint('chromebooks'), csr, signer)).certificate.serialHex);
    }
    assert.equal(serials.size, 2);
  });

  it('Q-D3 ChromeOS: behind its expiry it serves none, and the operator reads why', async () => {
    const chromebooks = await running.endpoint('chromebooks');
    running.advanceMs(2 * HOUR_MS);
    try {
      assert.equal(await refused(chromebooks, request(keys, { subject: 'CN=late' }), signer), failInfo.badRequest);
      assert.equal(running.lastRefusal(), 'authorization.challenge_expired');
    } finally {
      running.advanceMs(-2 * HOUR_MS);
    }
  });
});

/** The two times of a certificate as they are encoded, tag and length too. */
function timesOf(certificate: Uint8Array): string[] {
  const tbs = Asn1Reader.of(certificate).sequence().sequence();
  tbs.constructed(tag.contextConstructed(0));
  tbs.integer();
  tbs.sequence();
  tbs.sequence();
  const validity = tbs.sequence();
  return [validity.next(), validity.next()].map(({ encoded }) => Buffer.from(encoded).toString('latin1'));
}

/** The path of the CRL that a certificate names. */
function crlPath(certificate: Uint8Array): string {
  const found = /\/crl\/[A-Za-z0-9._-]+\.crl/.exec(Buffer.from(certificate).toString('latin1'));
  return found?.[0] ?? assert.fail('the certificate names no CRL');
}
