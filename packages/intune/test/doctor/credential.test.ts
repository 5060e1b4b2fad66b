import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  checkConnection,
  type ConnectionCheck,
  type IntuneClientOptions,
  type IntuneCredential,
} from '../../src/index.ts';
import { createClientIdentity, type ClientIdentity } from '../tls-certificate.ts';
import { findCheck, inState, openDesk, type Desk } from './examine.ts';

const dayMs = 86_400_000;
const now = new Date('2026-11-22T12:00:00Z');
const lasting = (fromDays: number, toDays: number) => ({
  from: new Date(now.getTime() + fromDays * dayMs),
  to: new Date(now.getTime() + toDays * dayMs),
});
const clientId = '8d1b6f52-7c6e-4f0e-9b5a-0d4f6a1f2e33';

let desk: Desk;
let good: ClientIdentity;
before(async () => {
  desk = await openDesk();
  good = createClientIdentity('SCEP server', { validity: lasting(-1, 400) });
});
after(() => desk.close());

/** What is said of a credential; the rest of the check goes nowhere at once. */
async function judge(
  credential: IntuneCredential,
  changes: Partial<IntuneClientOptions> = {},
): Promise<ConnectionCheck> {
  const { tls: _tls, ...options } = await desk.options();
  const report = await checkConnection({
    ...options,
    authority: 'https://127.0.0.1:1',
    graphUrl: 'https://127.0.0.1:1',
    ...changes,
    credential,
    now: () => now,
  });
  return findCheck(report, 'credential');
}

async function file(name: string, text: string): Promise<string> {
  const path = join(desk.folder, name);
  await writeFile(path, text);
  return path;
}

describe('a client secret', () => {
  it('is taken as it is, with a word about its end', async () => {
    const { state, saw, advice } = await judge({ clientId, clientSecret: 'abc~DEF.8Q' });
    assert.equal(state, 'ok');
    assert.match(saw, /Only the Entra admin center shows when it ends/);
    assert.equal(advice, undefined, 'what is well needs no advice');
  });

  it('that is the ID of a secret is noticed', async () => {
    const { state, saw } = await judge({ clientId, clientSecret: '907f8b4d-55cb-4677-86a4-0df296e2ba00' });
    assert.equal(state, 'warning');
    assert.match(saw, /the ID of a secret, not like its value/);
    assert.ok(!saw.includes('907f8b4d'));
  });

  it('in an empty file is none', async () => {
    const { state } = await judge({ clientId, clientSecretFile: await file('empty.secret', '\n') });
    assert.equal(state, 'failed');
  });
});

describe('a certificate', () => {
  const ends: [name: string, fromDays: number, toDays: number, state: ConnectionCheck['state'], saw: RegExp][] = [
    ['that lasts', -1, 400, 'ok', /ends on 2027-12-27, in 400 days\.$/],
    ['that ends in three weeks', -1, 21, 'warning', /ends on 2026-12-13, in 21 days\.$/],
    ['that ended yesterday', -30, -1, 'failed', /ended on 2026-11-21\.$/],
    ['that begins tomorrow', 1, 400, 'failed', /begins only on 2026-11-23T12:00:00/],
  ];
  for (const [name, fromDays, toDays, state, saw] of ends) {
    it(`${name} is ${state}`, async () => {
      const { cert, key } = createClientIdentity('SCEP server', { validity: lasting(fromDays, toDays) });
      const check = await judge({ clientId, certificate: cert, privateKey: key });
      assert.equal(check.state, state);
      assert.match(check.saw, saw);
      assert.match(check.saw, /^The certificate SCEP server \(thumbprint [0-9A-F]{40}\) /);
    });
  }

  it('is read from files, one or two, also with a passphrase', async () => {
    const both = await file('both.pem', good.cert + good.key);
    assert.equal((await judge({ clientId, certificateFile: both })).state, 'ok');
    const certificateFile = await file('certificate.pem', good.cert);
    const privateKeyFile = await file('encrypted.pem', good.encryptedKey('open it'));
    assert.equal((await judge({ clientId, certificateFile, privateKeyFile, passphrase: 'open it' })).state, 'ok');
    const wrong = await judge({ clientId, certificateFile, privateKeyFile, passphrase: 'CANARY' });
    assert.equal(wrong.state, 'failed');
    assert.match(wrong.saw, /cannot be decrypted/);
    assert.ok(!JSON.stringify(wrong).includes('CANARY'));
  });

  it('with the key of another one, or without any, is refused', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    });
    const mixed = await judge({ clientId, certificateFile: await file('mixed.pem', good.cert + String(other)) });
    assert.match(mixed.saw, /does not belong to the certificate/);
    const alone = await judge({ clientId, certificateFile: await file('alone.pem', good.cert) });
    assert.equal(alone.state, 'failed');
  });

  it('signs in, and the whole connection passes', async () => {
    const current = createClientIdentity('SCEP server', {
      validity: { from: new Date(Date.now() - dayMs), to: new Date(Date.now() + 400 * dayMs) },
    });
    await desk.host.emulator.control.addApplicationCertificate(current.cert);
    const { credential, ...options } = await desk.options();
    const report = await checkConnection({
      ...options,
      credential: { clientId: credential.clientId, certificate: current.cert, privateKey: current.key },
    });
    assert.deepEqual([...inState(report, 'failed'), ...inState(report, 'warning')], []);
  });
});

describe('other credentials', () => {
  const federated = (exp: number): string =>
    [
      '{}',
      JSON.stringify({
        iss: 'https://issuer.example',
        sub: 'system:serviceaccount:scep',
        aud: 'api://AzureADTokenExchange',
        exp,
      }),
      'x',
    ]
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');

  it('a federated token in a file shows whose it is, and its end', async () => {
    const fresh = await judge({
      clientId,
      federatedToken: { file: await file('fresh.jwt', federated(now.getTime() / 1000 + 60)) },
    });
    assert.equal(fresh.state, 'ok');
    assert.deepEqual(fresh.details, {
      iss: 'https://issuer.example',
      sub: 'system:serviceaccount:scep',
      aud: 'api://AzureADTokenExchange',
    });
    const stale = await judge({
      clientId,
      federatedToken: { file: await file('stale.jwt', federated(now.getTime() / 1000 - 60)) },
    });
    assert.equal(stale.state, 'failed');
    const none = await judge({ clientId, federatedToken: { file: await file('none.jwt', 'no token') } });
    assert.match(none.saw, /holds no JSON Web Token/);
  });

  it('a managed identity needs no authority, and other steps to be given a permission', async () => {
    const { control } = desk.host.emulator;
    const { managedIdentityUrl } = await control.connection();
    const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: managedIdentityUrl };
    const options = await desk.options();
    const credential = { managedIdentity: true, environment } as const;
    const good = await checkConnection({ ...options, authority: 'https://127.0.0.1:1', credential });
    assert.deepEqual([inState(good, 'failed'), inState(good, 'skipped')], [[], ['proxy', 'tls.entra']]);
    assert.equal(good.clientId, findCheck(good, 'roles.graph').details['clientId']);
    await control.setPermissions({ graph: [], intune: [] });
    const bad = await checkConnection({ ...options, credential });
    assert.match(findCheck(bad, 'roles.intune').advice ?? '', /New-MgServicePrincipalAppRoleAssignment .* about a day/);
  });

  it('one of the caller needs no authority', async () => {
    const { credential, ...options } = await desk.options();
    const { clientSecret } = credential;
    const getToken = async () => {
      throw new Error(`AADSTS7000215: wrong secret ${clientSecret.length}`);
    };
    const report = await checkConnection({ ...options, authority: 'https://127.0.0.1:1', credential: { getToken } });
    assert.equal(findCheck(report, 'tls.entra').state, 'skipped');
    assert.equal(findCheck(report, 'clock').state, 'ok');
    const { state, saw, details } = findCheck(report, 'token.graph');
    assert.equal(state, 'failed');
    assert.match(saw, /The credential gave no token: AADSTS7000215/);
    assert.equal(details['entraCode'], 'AADSTS7000215');
  });

  it('a client certificate of TLS that ends is named beside the secret', async () => {
    const { cert, key } = createClientIdentity('TLS client', { validity: lasting(-1, 3) });
    const check = await judge(
      { clientId, clientSecret: 'abc~DEF.8Q' },
      { tls: { certificate: cert, privateKey: key } },
    );
    assert.equal(check.state, 'warning');
    assert.match(check.saw, /^The TLS client certificate TLS client .* in 3 days\. A client secret\./);
  });
});
