/** OAuth 2.0 client authentication with a secret, RFC 6749 2.3.1. */
import type { Call } from '../call.ts';
import type { ProveClient } from './client-proof.ts';
import { fileProblem, readCredentialFile } from './credential-file.ts';

export function proveBySecret(clientSecret: string): ProveClient {
  return async () => ({ auth: { clientSecret }, secrets: [clientSecret] });
}

export function proveBySecretFile(path: string): ProveClient {
  return async (call) => {
    const clientSecret = await readSecretFile(path, call);
    return { auth: { clientSecret }, secrets: [clientSecret] };
  };
}

/** @throws {IntuneAuthenticationError} when the file cannot be read or holds anything else */
export async function readSecretFile(path: string, call: Call): Promise<string> {
  const clientSecret = await readCredentialFile(path, call);
  if (/\s/.test(clientSecret) || clientSecret.length > 4096) {
    throw fileProblem(path, 'must hold the secret and nothing else', call);
  }
  return clientSecret;
}
