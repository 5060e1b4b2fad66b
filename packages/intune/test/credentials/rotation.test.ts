/** A credential is replaced while calls are running, and the old one ceases to work: no call may fail. */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { IntuneClient, IntuneCredential } from '../../src/index.ts';
import { clientId, json, Microsoft, token } from '../microsoft.ts';
import { rejection, until, validation } from '../requests.ts';
import { createClientIdentity } from '../tls-certificate.ts';

const [oldIdentity, newIdentity] = ['old', 'new'].map((name) => createClientIdentity(name));
assert.ok(oldIdentity && newIdentity);
const assertion = (name: string): string => `eyJhbGciOiJub25lIn0.${Buffer.from(name).toString('base64url')}.c2ln`;
const thumbprint = (pem: string): string =>
  createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url');

/** What a token request proves itself with: the secret, the certificate's thumbprint, or the federated token. */
function proofIn(body: string): string {
  const form = new URLSearchParams(body);
  const sent = form.get('client_secret') ?? form.get('client_assertion') ?? '';
  const header = sent.startsWith('eyJ')
    ? JSON.parse(Buffer.from(sent.split('.')[0] ?? '', 'base64url').toString())
    : {};
  return header['x5t#S256'] ?? sent;
}

/** Entra and Intune as they are when credentials come and go: tokens last an hour and can be revoked. */
class Tenant {
  readonly proofs: Set<string>;
  #revoked = 0;
  readonly #microsoft: Microsoft;

  constructor(microsoft: Microsoft, ...proofs: string[]) {
    this.#microsoft = microsoft;
    this.proofs = new Set(proofs);
    microsoft.answers.token = (response, request) => {
      const number = microsoft.count('token');
      const answer = this.proofs.has(proofIn(request.body))
        ? json(200, { token_type: 'Bearer', expires_in: 3600, access_token: token(number) })
        : json(401, { error: 'invalid_client', error_description: 'AADSTS7000222: The provided keys are expired.' });
      setTimeout(() => answer(response, request, microsoft), 5);
    };
    microsoft.answers.service = (response, request) => {
      const number = Number(/\.(\d{6})\./.exec(request.headers['authorization'] ?? '')?.[1]);
      const answer =
        number > this.#revoked ? json(200, { code: 'Success' }) : json(401, { error: { code: 'Expired' } });
      setTimeout(() => answer(response, request, microsoft), 5);
    };
  }

  /** Whatever was issued until now is refused. */
  revokeTokens(): void {
    this.#revoked = this.#microsoft.count('token');
  }
}

/** Validates with 16 calls at a time until `meanwhile` is done; gives the errors of those that failed. */
async function load(
  client: IntuneClient,
  meanwhile: (someCalls: () => Promise<void>) => Promise<void>,
): Promise<{ readonly failures: unknown[] }> {
  const failures: unknown[] = [];
  let successes = 0;
  const over = new AbortController();
  const work = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await client.validateRequest(validation).then(
        () => (successes += 1),
        (error: unknown) => failures.push(error),
      );
    }
  };
  const workers = Array.from({ length: 16 }, work);
  /** Waits until each of those under way, and as many again, have ended. */
  const someCalls = async (): Promise<void> => {
    const enough = successes + failures.length + 2 * workers.length;
    await until(() => successes + failures.length >= enough);
  };
  await meanwhile(someCalls).finally(() => over.abort());
  await Promise.all(workers);
  return { failures };
}

interface Rotation {
  readonly name: string;
  readonly proofs: readonly [old: string, new: string];
  /** Puts the old credential in place. */
  readonly prepare: (folder: string) => Promise<IntuneCredential>;
  readonly replace: (folder: string, client: IntuneClient) => Promise<void>;
}

/** As a careful administrator does it, and as most do. */
const atomically = async (path: string, contents: string): Promise<void> => {
  await writeFile(`${path}.new`, contents);
  await rename(`${path}.new`, path);
};
const inPlace = async (path: string, contents: string): Promise<void> => {
  await writeFile(path, '');
  await sleep(20);
  await writeFile(path, contents.slice(0, contents.length / 2));
  await sleep(20);
  await writeFile(path, contents);
};

function ofFile(
  kind: string,
  name: string,
  write: typeof inPlace,
  members: object,
  texts: Rotation['proofs'],
): Rotation {
  return {
    name: `a ${kind} in a file, ${name}`,
    proofs: texts,
    prepare: async (folder) => {
      await writeFile(join(folder, kind), texts[0]);
      return JSON.parse(JSON.stringify({ clientId, ...members }).replace('FILE', join(folder, kind)));
    },
    replace: async (folder) => write(join(folder, kind), texts[1]),
  };
}

const secrets: Rotation['proofs'] = ['old~secret.0123456789', 'new~secret.0123456789'];
const assertions: Rotation['proofs'] = [assertion('old'), assertion('new')];
const thumbprints: Rotation['proofs'] = [thumbprint(oldIdentity.cert), thumbprint(newIdentity.cert)];
const rotations: Rotation[] = [
  {
    name: 'a secret, by replaceCredential',
    proofs: secrets,
    prepare: async () => ({ clientId, clientSecret: secrets[0] }),
    replace: async (_folder, client) => client.replaceCredential({ clientId, clientSecret: secrets[1] }),
  },
  {
    name: 'a secret by a certificate, by replaceCredential',
    proofs: [secrets[0], thumbprints[1]],
    prepare: async () => ({ clientId, clientSecret: secrets[0] }),
    replace: async (_folder, client) =>
      client.replaceCredential({ clientId, certificate: newIdentity.cert, privateKey: newIdentity.key }),
  },
  ofFile('secret', 'by renaming', atomically, { clientSecretFile: 'FILE' }, secrets),
  ofFile('secret', 'by writing it anew', inPlace, { clientSecretFile: 'FILE' }, secrets),
  ofFile('token', 'by writing it anew', inPlace, { federatedToken: { file: 'FILE' } }, assertions),
  {
    name: 'a certificate in two files, one after the other',
    proofs: thumbprints,
    prepare: async (folder) => {
      const [certificateFile, privateKeyFile] = ['cert.pem', 'key.pem'].map((name) => join(folder, name));
      assert.ok(certificateFile && privateKeyFile);
      await writeFile(certificateFile, oldIdentity.cert);
      await writeFile(privateKeyFile, oldIdentity.key);
      return { clientId, certificateFile, privateKeyFile };
    },
    replace: async (folder) => {
      await inPlace(join(folder, 'cert.pem'), newIdentity.cert);
      await inPlace(join(folder, 'key.pem'), newIdentity.key);
    },
  },
];

describe('replacing a credential under load', () => {
  let microsoft: Microsoft;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'scepter-rotation-'));
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    microsoft = await Microsoft.start();
  });
  afterEach(() => microsoft.stop());

  for (const { name, proofs, prepare, replace } of rotations) {
    it(`fails no call: ${name}`, async () => {
      const [oldProof, newProof] = proofs;
      const entra = new Tenant(microsoft, oldProof);
      const client = microsoft.connect({ credential: await prepare(folder) });
      await client.validateRequest(validation);
      const { failures } = await load(client, async (someCalls) => {
        await someCalls();
        entra.proofs.add(newProof);
        await replace(folder, client);
        entra.proofs.delete(oldProof);
        entra.revokeTokens();
        await someCalls();
      });
      assert.deepEqual(failures, []);
      assert.equal(proofIn(microsoft.last('token').body), newProof);
    });
  }

  it('fails no call when Entra forgets the old secret first, while the token at hand lasts', async () => {
    const entra = new Tenant(microsoft, ...secrets);
    let offsetMs = 0;
    const client = microsoft.connect({
      credential: { clientId, clientSecret: secrets[0] },
      now: () => new Date(Date.now() + offsetMs),
    });
    await client.validateRequest(validation);
    entra.proofs.delete(secrets[0]);
    offsetMs = 55 * 60_000; // Time to renew the tokens, which fails.
    const before = await load(client, (someCalls) => someCalls());
    assert.ok(microsoft.count('token') > 2);
    client.replaceCredential({ clientId, clientSecret: secrets[1] });
    const after = await load(client, (someCalls) => someCalls());
    assert.deepEqual([...before.failures, ...after.failures], []);
    assert.equal(proofIn(microsoft.last('token').body), secrets[1]);
    assert.equal(client.status().tokens.intune?.isRefreshFailing, false);
  });

  it('leaves the old one in place when the new one is unusable', async () => {
    const entra = new Tenant(microsoft, secrets[0]);
    const client = microsoft.connect({ credential: { clientId, clientSecret: secrets[0] } });
    assert.throws(() => client.replaceCredential({ clientId, clientSecret: '' }), { code: 'intune.argument' });
    await client.validateRequest(validation);
    entra.revokeTokens();
    await client.validateRequest(validation);
  });

  it('fails calls with the reason when the new one is refused', async () => {
    const entra = new Tenant(microsoft, secrets[0]);
    const client = microsoft.connect({ credential: { clientId, clientSecret: secrets[0] } });
    client.replaceCredential({ clientId, clientSecret: secrets[1] });
    const error = await rejection(client.validateRequest(validation));
    assert.equal((error as { entraCode?: string }).entraCode, 'AADSTS7000222');
    entra.proofs.add(secrets[1]);
    await client.validateRequest(validation);
  });
});
