/**
 * Other people's SCEP clients, as Debian packages them, enroll and renew through a running server of ours. A client that
 * is missing fails its tests: a suite that skips proves nothing. The last test prints what was done as a table.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { certmongerVersion, startCertmonger } from './clients/certmonger.ts';
import type { Certmonger } from './clients/certmonger.ts';
import { scepclient, scepclientAlgorithms, scepclientFiles, scepclientVersion } from './clients/scepclient.ts';
import {
  fetchStrongswanAuthority,
  generateKey,
  strongswan,
  strongswanCiphers,
  strongswanDigests,
  strongswanVersion,
} from './clients/strongswan.ts';
import type { StrongswanAuthority } from './clients/strongswan.ts';
import { assertGoodCertificate } from './judge.ts';
import type { IssuedCertificate } from './judge.ts';
import { formatResults } from './results-table.ts';
import type { ResultRow } from './results-table.ts';
import { startInteropServer } from './server-fixture.ts';
import type { InteropServer } from './server-fixture.ts';

const rows: ResultRow[] = [];
let server: InteropServer;

before(async () => {
  server = await startInteropServer();
});
after(() => server.close());

/** The certificate stands in for the one that it replaces, and was given for that alone. */
async function assertRenewalOf(newSerialNumber: string, oldSerialNumber: string): Promise<void> {
  assert.notEqual(newSerialNumber, oldSerialNumber);
  assert.deepEqual(await server.authorizationOf(newSerialNumber), { kind: 'renewal', replaces: oldSerialNumber });
}

describe('micromdm scepclient', () => {
  let record: (what: string, result: string) => void;
  before(async () => {
    const version = await scepclientVersion();
    record = (what, result) =>
      rows.push({ client: 'scepclient', version, what, algorithms: scepclientAlgorithms, result });
  });

  const subject = 'CN=scepclient,OU=MDM,O=Interop,C=DE';

  it('enrolls, and renews time and again, on the legacy endpoint', async () => {
    const folder = await server.clientFolder('scepclient');
    const device = { url: server.urls.legacy, folder, commonName: 'scepclient', challenge: server.staticChallenge };
    const files = scepclientFiles(folder);

    const enrolling = await scepclient(device);
    assert.equal(enrolling.exitCode, 0, enrolling.output);
    assert.match(enrolling.output, /pkiStatus=SUCCESS/);
    const enrolled = await assertGoodCertificate(files.certificate, files.key, server);
    assert.equal(enrolled.subject, subject);
    record('enroll /scep/legacy', 'issued');

    // It renews with the same key, request and transaction identifier: only the certificate that signs tells them apart.
    let current = enrolled;
    for (const _renewal of ['first', 'second']) {
      const renewing = await scepclient(device);
      assert.equal(renewing.exitCode, 0, renewing.output);
      const renewed = await assertGoodCertificate(files.certificate, files.key, server);
      assert.equal(renewed.subject, subject);
      await assertRenewalOf(renewed.serialNumber, current.serialNumber);
      current = renewed;
    }
    record('renew /scep/legacy', 'renewed');
  });

  for (const endpoint of ['static', 'intune'] as const) {
    it(`is refused with badAlg on /scep/${endpoint}, for it encrypts with single DES`, async () => {
      const folder = await server.clientFolder('scepclient');
      const challenge = endpoint === 'intune' ? await server.intuneChallenge('CN=scepclient') : server.staticChallenge;
      const before = await server.issuedCertificates();
      const { exitCode, output } = await scepclient({
        url: server.urls[endpoint],
        folder,
        commonName: 'scepclient',
        challenge,
      });
      assert.equal(exitCode, 1, output);
      assert.match(output, /failInfo: badAlg/);
      await assert.rejects(readFile(scepclientFiles(folder).certificate), { code: 'ENOENT' });
      assert.equal(await server.issuedCertificates(), before, 'nothing may be issued');
      const refusal = server.steps.findLast(({ outcome }) => outcome === 'refused');
      assert.equal(refusal?.endpoint, endpoint);
      assert.equal(refusal.refusal, 'message.weak_algorithm');
      record(`enroll /scep/${endpoint}`, 'refused: badAlg');
    });
  }
});

describe('strongSwan pki', () => {
  let version: string;
  let folder: string;
  let authority: StrongswanAuthority;
  const oldKey = (): string => join(folder, 'old-key.pem');
  const newKey = (): string => join(folder, 'new-key.pem');

  before(async () => {
    version = await strongswanVersion();
    folder = await server.clientFolder('strongswan');
    await Promise.all([generateKey(oldKey()), generateKey(newKey())]);
  });

  it('fetches our certificates and tells root, issuing CA and RA apart', async () => {
    const fetched = await fetchStrongswanAuthority(server.urls.static, folder);
    assert.equal(fetched.result.exitCode, 0, fetched.result.output);
    assert.match(fetched.result.output, /RA cert is trusted/);
    const stored = {
      rootFile: fetched.rootFile,
      issuingFile: fetched.issuingFile,
      registrationFile: fetched.registrationFile,
    };
    for (const name of ['rootFile', 'issuingFile', 'registrationFile'] as const) {
      assert.equal(await normalizedPem(stored[name]), await normalizedPem(server[name]), name);
    }
    authority = stored;
    rows.push({
      client: 'strongSwan pki',
      version,
      what: 'GetCACert /scep/static',
      algorithms: '-',
      result: 'trusted',
    });
  });

  for (const cipher of strongswanCiphers) {
    for (const digest of strongswanDigests) {
      const weak = cipher === 'des3' || digest === 'sha1';
      it(`enrolls${weak ? ', and renews not,' : ' and renews'} on the static endpoint with ${cipher} and ${digest}`, async () => {
        const subject = `CN=strongswan-${cipher}-${digest}`;
        const common = {
          url: server.urls.static,
          authority,
          subject,
          subjectAltName: 'strongswan.example',
          cipher,
          digest,
        };
        const record = (what: string, result: string): void =>
          void rows.push({ client: 'strongSwan pki', version, what, algorithms: `${cipher}, ${digest}`, result });

        const first = join(folder, `${cipher}-${digest}.pem`);
        const enrolling = await strongswan({
          ...common,
          keyFile: oldKey(),
          certificateFile: first,
          proof: { challenge: server.staticChallenge },
        });
        assert.equal(enrolling.exitCode, 0, enrolling.output);
        assert.match(enrolling.output, /Issued certificate is trusted/);
        const enrolled = await assertGoodCertificate(first, oldKey(), server);
        assert.equal(enrolled.subject, subject);
        record('enroll /scep/static', 'issued');

        const second = join(folder, `${cipher}-${digest}-renewed.pem`);
        const renewing = await strongswan({
          ...common,
          keyFile: newKey(),
          certificateFile: second,
          proof: { certificateFile: first, keyFile: oldKey() },
        });
        if (weak) {
          // RFC 8894 7.9: a renewal stands on its signature alone.
          assert.notEqual(renewing.exitCode, 0, renewing.output);
          assert.equal(
            server.steps.findLast(({ outcome }) => outcome === 'refused')?.refusal,
            'renewal.weak_algorithm',
          );
          record('renew, new key /scep/static', 'refused: badAlg');
          return;
        }
        assert.equal(renewing.exitCode, 0, renewing.output);
        const renewed = await assertGoodCertificate(second, newKey(), server);
        assert.equal(renewed.subject, subject);
        await assertRenewalOf(renewed.serialNumber, enrolled.serialNumber);
        record('renew, new key /scep/static', 'renewed');
      });
    }
  }

  it('enrolls on the Intune endpoint with a challenge that Intune minted, once', async () => {
    const subject = 'CN=strongswan-intune';
    const certificateFile = join(folder, 'intune.pem');
    const request = {
      url: server.urls.intune,
      authority,
      keyFile: oldKey(),
      subject,
      certificateFile,
      cipher: 'aes',
      digest: 'sha256',
      proof: { challenge: await server.intuneChallenge(subject) },
    } as const;
    const enrolling = await strongswan(request);
    assert.equal(enrolling.exitCode, 0, enrolling.output);
    const enrolled = await assertGoodCertificate(certificateFile, oldKey(), server);
    assert.equal(enrolled.subject, subject);
    assert.equal((await server.authorizationOf(enrolled.serialNumber))?.kind, 'intune');
    rows.push({
      client: 'strongSwan pki',
      version,
      what: 'enroll /scep/intune',
      algorithms: 'aes, sha256',
      result: 'issued',
    });

    const issuedSoFar = await server.issuedCertificates();
    const again = await strongswan({ ...request, keyFile: newKey() });
    assert.notEqual(again.exitCode, 0, 'the same challenge must not be good for another key');
    assert.equal(await server.issuedCertificates(), issuedSoFar);
  });

  it('enrolls with a one-time challenge, once', async () => {
    const created = await server.administer('POST', '/api/challenges', {
      endpoint: 'one-time',
      kind: 'one-time',
      validForSeconds: 600,
    });
    const certificateFile = join(folder, 'one-time.pem');
    const request = {
      url: server.urls['one-time'],
      authority,
      keyFile: oldKey(),
      subject: 'CN=strongswan-one-time',
      certificateFile,
      cipher: 'aes',
      digest: 'sha256',
      proof: { challenge: String(created['challenge']) },
    } as const;
    const enrolling = await strongswan(request);
    assert.equal(enrolling.exitCode, 0, enrolling.output);
    const enrolled = await assertGoodCertificate(certificateFile, oldKey(), server);
    assert.equal((await server.authorizationOf(enrolled.serialNumber))?.kind, 'one-time-challenge');
    assert.notEqual((await strongswan({ ...request, keyFile: newKey() })).exitCode, 0);
    rows.push({
      client: 'strongSwan pki',
      version,
      what: 'enroll /scep/one-time',
      algorithms: 'aes, sha256',
      result: 'issued once',
    });
  });

  it('is refused on the Intune endpoint with a challenge for another subject', async () => {
    const issuedSoFar = await server.issuedCertificates();
    const { exitCode, output } = await strongswan({
      url: server.urls.intune,
      authority,
      keyFile: oldKey(),
      subject: 'CN=somebody-else',
      certificateFile: join(folder, 'refused.pem'),
      cipher: 'aes',
      digest: 'sha256',
      proof: { challenge: await server.intuneChallenge('CN=strongswan-intune') },
    });
    assert.notEqual(exitCode, 0, output);
    assert.equal(await server.issuedCertificates(), issuedSoFar);
    rows.push({
      client: 'strongSwan pki',
      version,
      what: 'other subject /scep/intune',
      algorithms: 'aes, sha256',
      result: 'refused',
    });
  });
});

describe('certmonger', () => {
  let version: string;
  let folder: string;
  let certmonger: Certmonger;
  const file = (name: string): string => join(folder, name);

  before(async () => {
    version = await certmongerVersion();
    folder = await server.clientFolder('cm');
    certmonger = await startCertmonger(folder);
  });
  after(() => certmonger?.close());

  async function getcert(...args: string[]): Promise<void> {
    const { exitCode, output } = await certmonger.getcert(...args);
    assert.equal(exitCode, 0, `getcert ${args[0]}: ${output}\n${certmonger.log()}`);
  }

  async function assertMonitored(id: string): Promise<void> {
    const { output } = await certmonger.getcert('list', '-i', id);
    assert.match(output, /status: MONITORING/, `${output}\n${certmonger.log()}`);
  }

  function record(what: string, result: string): void {
    rows.push({ client: 'certmonger', version, what, algorithms: 'its choice (GET)', result });
  }

  for (const endpoint of ['static', 'intune'] as const) {
    it(`enrolls on /scep/${endpoint}`, async () => {
      const subject = `CN=certmonger-${endpoint}`;
      const challenge = endpoint === 'intune' ? await server.intuneChallenge(subject) : server.staticChallenge;
      await getcert('add-scep-ca', '-c', endpoint, '-u', server.urls[endpoint]);
      const names = ['-c', endpoint, '-I', endpoint];
      const files = ['-k', file(`${endpoint}-key.pem`), '-f', file(`${endpoint}.pem`)];
      await getcert('request', ...names, ...files, '-N', subject, '-L', challenge, '-w', '--wait-timeout', '20');
      await assertMonitored(endpoint);
      const enrolled = await assertGoodCertificate(file(`${endpoint}.pem`), file(`${endpoint}-key.pem`), server);
      assert.equal(enrolled.subject, subject);
      const authorization = await server.authorizationOf(enrolled.serialNumber);
      assert.equal(authorization?.kind, endpoint === 'intune' ? 'intune' : 'static-challenge');
      record(`enroll /scep/${endpoint}`, 'issued');
    });
  }

  it('names the CA that it wants', async () => {
    await getcert('add-scep-ca', '-c', 'named', '-u', server.urls.static, '-i', 'OneOfMany');
    const files = ['-k', file('named-key.pem'), '-f', file('named.pem')];
    const names = ['-c', 'named', '-I', 'named', '-N', 'CN=certmonger-named', '-L', server.staticChallenge];
    await getcert('request', ...names, ...files, '-w', '--wait-timeout', '20');
    await assertMonitored('named');
    await assertGoodCertificate(file('named.pem'), file('named-key.pem'), server);
    record('enroll, CA identifier /scep/static', 'issued');
  });

  it('is decided by its challenge, which it keeps, on a plain resubmit', async () => {
    const { old, renewed } = await renew('resubmit');
    assert.notEqual(renewed.serialNumber, old.serialNumber);
    assert.equal(renewed.publicKey, old.publicKey);
    assert.deepEqual(await server.authorizationOf(renewed.serialNumber), { kind: 'static-challenge' });
    record('resubmit /scep/static', 'issued');
  });

  it('renews by its certificate when told to forget the challenge', async () => {
    const { old, renewed } = await renew('resubmit', '-L', '');
    assert.equal(renewed.publicKey, old.publicKey);
    await assertRenewalOf(renewed.serialNumber, old.serialNumber);
    record('renew, same key /scep/static', 'renewed');
  });

  it('renews by its certificate with a new key on rekey', async () => {
    const { old, renewed } = await renew('rekey');
    assert.notEqual(renewed.publicKey, old.publicKey);
    await assertRenewalOf(renewed.serialNumber, old.serialNumber);
    record('renew, new key /scep/static', 'renewed');
  });

  async function renew(
    command: 'resubmit' | 'rekey',
    ...options: string[]
  ): Promise<{ old: IssuedCertificate; renewed: IssuedCertificate }> {
    const [certificate, key] = [file('static.pem'), file('static-key.pem')];
    const old = await assertGoodCertificate(certificate, key, server);
    await getcert(command, '-i', 'static', ...options, '-w', '--wait-timeout', '20');
    await assertMonitored('static');
    return { old, renewed: await assertGoodCertificate(certificate, key, server) };
  }
});

describe('results', () => {
  it('are complete', (context) => {
    for (const line of formatResults(rows)) context.diagnostic(line);
    for (const client of ['scepclient', 'strongSwan pki', 'certmonger']) {
      assert.ok(
        rows.some((row) => row.client === client),
        `${client} did nothing`,
      );
    }
  });
});

async function normalizedPem(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).replace(/\s/g, '');
}
