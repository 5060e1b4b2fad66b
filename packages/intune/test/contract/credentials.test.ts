/** The contract with Entra about who signs in: every kind of credential, and replacing one while calls are running. */
import assert from 'node:assert/strict';
import { createHash, randomUUID, sign, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { IntuneAuthenticationError, type IntuneCredential } from '../../src/index.ts';
import { createClientIdentity, type ClientIdentity } from '../tls-certificate.ts';
import { Desk, ways } from './desk.ts';

const identity = createClientIdentity('scep-server');
const nextIdentity = createClientIdentity('scep-server');
const cluster = createClientIdentity('cluster', { keyType: 'ec' });
const stranger = createClientIdentity('stranger', { keyType: 'ec' });
const passphrase = 'CANARY-passphrase';

const issuer = 'https://cluster.contoso.example';
const subject = 'system:serviceaccount:pki:scep-server';

describe('the contract about credentials', () => {
  let desk: Desk;
  let folder: string;
  before(async () => {
    desk = await Desk.start();
    folder = await mkdtemp(join(tmpdir(), 'intune-credentials-'));
    await desk.request();
  });
  after(async () => {
    await desk.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await desk.control.addApplicationCertificate(identity.cert);
    await desk.control.setFederatedCredential({ issuer, subject, publicKeyPem: spki(cluster.publicKey) });
  });
  afterEach(() => desk.tidy());

  const file = async (name: string, contents: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, contents);
    return path;
  };
  const managedIdentityEnvironment = () => ({ AZURE_POD_IDENTITY_AUTHORITY_HOST: desk.connection.managedIdentityUrl });
  const appServiceEnvironment = () => ({
    IDENTITY_ENDPOINT: desk.connection.identityEndpoint,
    IDENTITY_HEADER: desk.connection.identityHeader,
  });

  const rows: [name: string, credential: () => Promise<IntuneCredential>, tokenRequests: number][] = [
    ['a client secret', async () => ({ ...application(), clientSecret: desk.connection.clientSecret }), 2],
    [
      'a client secret in a file',
      async () => ({ ...application(), clientSecretFile: await file('secret', `${desk.connection.clientSecret}\n`) }),
      2,
    ],
    ['a certificate', async () => ({ ...application(), certificate: identity.cert, privateKey: identity.key }), 2],
    [
      'a certificate with its chain, sent along, whose key is encrypted',
      async () => ({
        ...application(),
        certificate: identity.cert + identity.ca,
        privateKey: identity.encryptedKey(passphrase),
        passphrase,
        sendCertificateChain: true,
      }),
      2,
    ],
    [
      'a certificate and its key in one file',
      async () => ({ ...application(), certificateFile: await file('both.pem', identity.key + identity.cert) }),
      2,
    ],
    ['a managed identity', async () => ({ managedIdentity: true, environment: managedIdentityEnvironment() }), 0],
    [
      'a user-assigned managed identity',
      async () => ({
        managedIdentity: { clientId: desk.connection.managedIdentity.clientId },
        environment: managedIdentityEnvironment(),
      }),
      0,
    ],
    [
      'a managed identity of App Service',
      async () => ({
        managedIdentity: { resourceId: desk.connection.managedIdentity.resourceId },
        environment: appServiceEnvironment(),
      }),
      0,
    ],
    [
      'a managed identity that stands for the application',
      async () => ({
        ...application(),
        federatedToken: {
          managedIdentity: { clientId: desk.connection.managedIdentity.clientId },
          environment: managedIdentityEnvironment(),
        },
      }),
      2,
    ],
    [
      'a federated token in a file',
      async () => ({ ...application(), federatedToken: { file: await file('token', clusterToken()) } }),
      2,
    ],
    [
      'a federated token from a function',
      async () => ({ ...application(), federatedToken: async () => clusterToken() }),
      2,
    ],
  ];
  for (const [name, credential, tokenRequests] of rows) {
    for (const way of ways) {
      it(`signs in with ${name}, ${way}`, async () => {
        const client = desk.connect({ credential: await credential() }, way);
        await client.validateRequest(await desk.request());
        assert.equal(desk.traffic.count('token'), tokenRequests);
        assert.equal(desk.traffic.count('validateRequest'), 1);
      });
    }
  }

  const refusals: [name: string, credential: () => Promise<IntuneCredential>, entraCode: string][] = [
    ['a wrong secret', async () => ({ ...application(), clientSecret: 'CANARY-wrong' }), 'AADSTS7000215'],
    [
      'an expired secret',
      async () => {
        const { secret } = await desk.control.addApplicationSecret({ endDateTime: '2026-01-01T00:00:00Z' });
        return { ...application(), clientSecret: secret };
      },
      'AADSTS7000222',
    ],
    [
      'a certificate that is not registered',
      async () => ({ ...application(), certificate: nextIdentity.cert, privateKey: nextIdentity.key }),
      'AADSTS700027',
    ],
    [
      'a federated token of another subject',
      async () => ({ ...application(), federatedToken: async () => clusterToken({ sub: 'someone-else' }) }),
      'AADSTS700213',
    ],
    [
      'a federated token that has expired',
      async () => ({ ...application(), federatedToken: async () => clusterToken({ exp: 1_700_000_000 }) }),
      'AADSTS700024',
    ],
    [
      'a federated token that somebody else has signed',
      async () => ({ ...application(), federatedToken: async () => clusterToken({}, stranger) }),
      'AADSTS50013',
    ],
  ];
  for (const [name, credential, entraCode] of refusals) {
    it(`reports Entra's number and what to do for ${name}, after one request`, async () => {
      const client = desk.connect({ credential: await credential() });
      const error = await desk.failure(client.validateRequest(await desk.request()));
      assert.ok(error instanceof IntuneAuthenticationError);
      assert.equal(error.entraCode, entraCode);
      assert.match(error.advice, /\w+.*\.$/s);
      assert.deepEqual(desk.traffic.counts(), { token: 1 });
    });
  }

  /** Eight devices call without pause. The client's clock is so far ahead that every call needs a new token. */
  async function rotateUnderLoad(
    rotate: (replace: (credential: IntuneCredential) => void, someCalls: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const client = desk.connect({ now: () => new Date(Date.now() + 7_200_000), timeoutMs: 20_000 });
    const request = await desk.request();
    await desk.setFault('validateRequest', { kind: 'code', code: 'Success' });
    const rotated = new AbortController();
    let calls = 0;
    const device = async (): Promise<void> => {
      while (!rotated.signal.aborted) {
        await client.validateRequest(request);
        calls += 1;
      }
    };
    const devices = Promise.all(Array.from({ length: 8 }, device));
    const someCalls = (): Promise<void> => {
      const enough = calls + 16;
      return until(() => calls >= enough);
    };
    const rotation = rotate((credential) => client.replaceCredential(credential), someCalls);
    // A call that is lost ends the test at once.
    await Promise.race([devices, rotation]);
    rotated.abort();
    await devices;
    assert.ok(desk.traffic.count('token') > 6, 'Nobody had to sign in meanwhile');
  }

  it('loses no call while the secret is replaced and the old one removed', async () => {
    const old = await desk.control.addApplicationSecret();
    await rotateUnderLoad(async (replace, someCalls) => {
      replace({ ...application(), clientSecret: old.secret });
      await someCalls();
      const { secret } = await desk.control.addApplicationSecret();
      replace({ ...application(), clientSecret: secret });
      await someCalls();
      await desk.control.removeApplicationSecret(old.id);
      await someCalls();
    });
  });

  it('loses no call while the certificate is replaced and the old one removed', async () => {
    await rotateUnderLoad(async (replace, someCalls) => {
      replace({ ...application(), certificate: identity.cert, privateKey: identity.key });
      await someCalls();
      await desk.control.addApplicationCertificate(nextIdentity.cert);
      replace({ ...application(), certificate: nextIdentity.cert, privateKey: nextIdentity.key });
      await someCalls();
      await desk.control.removeApplicationCertificate(thumbprint(identity));
      await someCalls();
    });
  });

  it('loses no call when a sign-in under way is refused because its secret has just been replaced', async () => {
    const old = await desk.control.addApplicationSecret();
    const { secret } = await desk.control.addApplicationSecret();
    const client = desk.connect({ credential: { ...application(), clientSecret: old.secret } });
    await desk.setFault('token', { kind: 'slowHeaders', delayMs: 500 }, 1);
    const call = client.validateRequest(await desk.request());
    await until(() => desk.traffic.count('token') === 1);
    client.replaceCredential({ ...application(), clientSecret: secret });
    await desk.control.removeApplicationSecret(old.id);
    await call;
    assert.equal(desk.traffic.count('token'), 3);
  });

  it('takes a replaced secret file at the next sign-in', async () => {
    const old = await desk.control.addApplicationSecret();
    const clientSecretFile = await file('rotated', old.secret);
    let aheadMs = 0;
    const client = desk.connect({
      credential: { ...application(), clientSecretFile },
      now: () => new Date(Date.now() + aheadMs),
    });
    await client.validateRequest(await desk.request());
    const { secret } = await desk.control.addApplicationSecret();
    await file('rotated', secret);
    await desk.control.removeApplicationSecret(old.id);
    aheadMs = 3_600_000;
    await client.validateRequest(await desk.request());
    // Graph is not asked again, so that there is no need for another token of Graph.
    assert.equal(desk.traffic.count('token'), 3);
  });

  function application(): { clientId: string } {
    return { clientId: desk.connection.clientId };
  }
});

async function until(isSo: () => boolean): Promise<void> {
  for (let waits = 0; !isSo(); waits += 1) {
    assert.ok(waits < 5000, 'It never came to it');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function spki(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

/** SHA-1 of the certificate, hex. */
function thumbprint({ cert }: ClientIdentity): string {
  const der = Buffer.from(cert.replaceAll(/-----.*?-----|\s/g, ''), 'base64');
  return createHash('sha1').update(der).digest('hex');
}

/** A token as a Kubernetes cluster would give it to its pod. */
function clusterToken(changes: Record<string, unknown> = {}, signer = cluster): string {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const claims = {
    iss: issuer,
    sub: subject,
    aud: 'api://AzureADTokenExchange',
    jti: randomUUID(),
    iat: nowSeconds,
    nbf: nowSeconds,
    exp: nowSeconds + 600,
    ...changes,
  };
  const text = [{ alg: 'ES256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${sign('sha256', Buffer.from(text), { key: signer.key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}
