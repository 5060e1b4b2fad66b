/** CAs of other kinds than the usual one, as other people's clients see them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startCertmonger } from './clients/certmonger.ts';
import type { Certmonger } from './clients/certmonger.ts';
import { scepclient, scepclientFiles } from './clients/scepclient.ts';
import { fetchStrongswanAuthority, generateKey, strongswan } from './clients/strongswan.ts';
import { assertGoodCertificate } from './judge.ts';
import { startInteropServer } from './server-fixture.ts';
import type { InteropAuthority, InteropServer } from './server-fixture.ts';

const kinds: readonly (readonly [name: string, authority: InteropAuthority, decryptsItself: boolean])[] = [
  ['a CA with a P-256 key and an RSA registration authority', { keys: { root: 'ec-p384', issuing: 'ec-p256' } }, false],
  ['a CA that decrypts for itself', { registration: 'none' }, true],
];

for (const [name, authority, decryptsItself] of kinds) {
  describe(name, () => {
    let server: InteropServer;
    let certmonger: Certmonger;
    let certmongerFolder: string;

    before(async () => {
      server = await startInteropServer(authority);
      certmongerFolder = await server.clientFolder('cm');
      certmonger = await startCertmonger(certmongerFolder);
    });
    after(async () => {
      await certmonger?.close();
      await server?.close();
    });

    it('issues to strongSwan', async () => {
      const folder = await server.clientFolder('strongswan');
      const keyFile = join(folder, 'key.pem');
      const certificateFile = join(folder, 'device.pem');
      await generateKey(keyFile);
      const fetched = await fetchStrongswanAuthority(server.urls.static, folder);
      assert.equal(fetched.result.exitCode, 0, fetched.result.output);
      const { rootFile, issuingFile, registrationFile } = server;
      const { exitCode, output } = await strongswan({
        url: server.urls.static,
        authority: { rootFile, issuingFile, registrationFile: decryptsItself ? issuingFile : registrationFile },
        keyFile,
        subject: 'CN=strongswan',
        certificateFile,
        cipher: 'aes',
        digest: 'sha256',
        proof: { challenge: server.staticChallenge },
      });
      assert.equal(exitCode, 0, output);
      await assertGoodCertificate(certificateFile, keyFile, server);
    });

    it('issues to certmonger', async () => {
      const file = (part: string): string => join(certmongerFolder, part);
      // A single certificate that is no root: certmonger has to be told what it is trusted by.
      const trust = decryptsItself ? ['-r', server.issuingFile, '-N', server.rootFile] : [];
      const adding = ['add-scep-ca', '-c', 'ca', '-u', server.urls.static, ...trust];
      const requesting = ['request', '-c', 'ca', '-I', 'device', '-N', 'CN=certmonger', '-L', server.staticChallenge];
      const files = ['-k', file('key.pem'), '-f', file('device.pem'), '-w', '--wait-timeout', '20'];
      for (const args of [adding, [...requesting, ...files]]) {
        const { exitCode, output } = await certmonger.getcert(...args);
        assert.equal(exitCode, 0, `${output}\n${certmonger.log()}`);
      }
      await assertGoodCertificate(file('device.pem'), file('key.pem'), server);
    });

    it('issues to scepclient', async () => {
      const folder = await server.clientFolder('scepclient');
      const { exitCode, output } = await scepclient({
        url: server.urls.legacy,
        folder,
        commonName: 'scepclient',
        challenge: server.staticChallenge,
        // It encrypts to every certificate otherwise, and cannot to an EC key.
        recipientFile: decryptsItself ? server.issuingFile : server.registrationFile,
      });
      assert.equal(exitCode, 0, output);
      const files = scepclientFiles(folder);
      await assertGoodCertificate(files.certificate, files.key, server);
    });
  });
}
