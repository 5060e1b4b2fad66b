/** OAuth 2.0 client authentication with somebody else's token: RFC 7521 4.2, RFC 7523 2.2. */
import { untilAborted, type Call } from '../call.ts';
import { IntuneAuthenticationError, IntuneError } from '../errors.ts';
import { copyCause } from '../http/foreign-cause.ts';
import type { ProveClient } from './client-proof.ts';
import { fileProblem, readCredentialFile } from './credential-file.ts';
import type { ManagedIdentityCredential } from './managed-identity/managed-identity-credential.ts';

/** Header, payload and signature of a compact JSON web signature, RFC 7515 3.1. */
const jsonWebToken = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export function proveByTokenFile(path: string): ProveClient {
  return async (call) => {
    const token = await readCredentialFile(path, call);
    if (!jsonWebToken.test(token)) {
      throw fileProblem(path, 'must hold a JSON web token and nothing else', call);
    }
    return proof(token);
  };
}

export function proveByManagedIdentity(identity: ManagedIdentityCredential, audience: string): ProveClient {
  return async (call) => {
    const { token } = await identity.getToken(audience, { abortSignal: call.signal, activityId: call.activityId });
    return proof(token);
  };
}

/** The caller's function may hang, throw or give anything. */
export function proveByCallback(getFederatedToken: () => Promise<string>): ProveClient {
  return async (call) => {
    const token = await untilAborted(ask(getFederatedToken, call), call.signal);
    if (typeof token !== 'string' || !jsonWebToken.test(token)) {
      throw callbackError('gave no JSON web token', undefined, call);
    }
    return proof(token);
  };
}

async function ask(getFederatedToken: () => Promise<string>, call: Call): Promise<unknown> {
  try {
    return await getFederatedToken();
  } catch (error) {
    const cause = copyCause(error);
    throw error instanceof IntuneError
      ? error
      : callbackError(`failed: ${cause?.message ?? 'unknown reason'}`, cause, call);
  }
}

function callbackError(problem: string, cause: unknown, { activityId }: Call): IntuneAuthenticationError {
  const advice = 'Check the function federatedToken of the credential: it must give a fresh token each time.';
  return new IntuneAuthenticationError(`The credential's function federatedToken ${problem}`, {
    activityId,
    cause,
    advice,
  });
}

function proof(token: string): Awaited<ReturnType<ProveClient>> {
  return { auth: { clientAssertion: token }, secrets: [token] };
}
