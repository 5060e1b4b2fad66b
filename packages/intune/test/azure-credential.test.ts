/** The credentials of Azure's SDK implement `TokenCredential` of `@azure/core-auth`; whatever does so fits here. */
import { isTokenCredential, type GetTokenOptions, type KeyCredential, type TokenCredential } from '@azure/core-auth';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { IntuneAuthenticationError, IntuneClient, type IntuneClientOptions } from '../src/index.ts';
import { Microsoft } from './microsoft.ts';
import { rejection, validation } from './requests.ts';

const tokenFor = (scope: string): string => `azure.${Buffer.from(scope).toString('base64url')}`;

/** Written against Azure's types alone, with the optional members that its own credentials fill in. */
class AzureCredential implements TokenCredential {
  readonly scopes: string[] = [];

  async getToken(scopes: string | string[]): ReturnType<TokenCredential['getToken']> {
    const scope = [scopes].flat().join(' ');
    this.scopes.push(scope);
    const expiresOnTimestamp = Date.now() + 3_600_000;
    return {
      token: tokenFor(scope),
      expiresOnTimestamp,
      refreshAfterTimestamp: expiresOnTimestamp - 1_800_000,
      tokenType: 'Bearer',
    };
  }
}

describe("a credential of Azure's SDK", () => {
  let microsoft: Microsoft;
  before(async () => {
    microsoft = await Microsoft.start();
  });
  after(() => microsoft.stop());

  it('is accepted by its type, and a key credential is not', () => {
    const credential: TokenCredential = new AzureCredential();
    assert.ok(isTokenCredential(credential));
    const accepted: IntuneClientOptions['credential'] = credential;
    const options: IntuneClientOptions = { ...microsoft.options(), credential: accepted };
    assert.ok(new IntuneClient(options) instanceof IntuneClient);

    const key: KeyCredential = { key: 'secret' };
    // @ts-expect-error A key is no token credential.
    const refused: IntuneClientOptions['credential'] = key;
    assert.throws(() => new IntuneClient({ ...options, credential: refused }), { code: 'intune.argument' });
  });

  it('gives the tokens of a call, each for its own scope, and nobody signs in otherwise', async () => {
    const credential = new AzureCredential();
    await microsoft.connect({ credential }).validateRequest(validation);
    const graph = `${microsoft.origin}/.default`;
    const intune = 'https://api.manage.microsoft.com//.default';
    assert.deepEqual(credential.scopes, [graph, intune]);
    assert.equal(microsoft.last('discovery').headers['authorization'], `Bearer ${tokenFor(graph)}`);
    assert.equal(microsoft.last('service').headers['authorization'], `Bearer ${tokenFor(intune)}`);
    assert.equal(microsoft.count('token'), 0);
  });

  it('is given a signal that ends with the time for the token', async () => {
    const { promise: aborted, resolve } = Promise.withResolvers<boolean>();
    const credential: TokenCredential = {
      getToken: (_scopes, { abortSignal }: GetTokenOptions = {}) => {
        abortSignal?.addEventListener('abort', () => resolve(abortSignal.aborted));
        return new Promise(() => {});
      },
    };
    const error = await rejection(microsoft.connect({ credential, timeoutMs: 50 }).validateRequest(validation));
    assert.equal((error as { code?: unknown }).code, 'intune.timeout');
    assert.equal(await aborted, true);
  });

  it('that has no token, as Azure allows, fails the call as an authentication error', async () => {
    const credential: TokenCredential = { getToken: async () => null };
    const error = await rejection(microsoft.connect({ credential }).validateRequest(validation));
    assert.ok(error instanceof IntuneAuthenticationError, String(error));
  });
});
