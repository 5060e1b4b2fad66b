import { isObject, parseJson } from './http/error-detail.ts';

/**
 * What an access token says of itself (JSON Web Token, RFC 7519, with Microsoft Entra's claims). Its signature is not
 * verified: that is the services' affair, and here it only explains what they answer.
 */
export interface TokenClaims {
  /** Application permissions that were granted and consented to (`roles`); empty when the token has none. */
  readonly roles: readonly string[];
  /** Delegated permissions (`scp`): such a token stands for a user. */
  readonly delegated: readonly string[];
  /** `aud`. */
  readonly audience: string | undefined;
  /** `tid`, a GUID. */
  readonly tenantId: string | undefined;
  /** `appid` in version 1 of the token, `azp` in version 2. */
  readonly clientId: string | undefined;
}

const longestToken = 64 * 1024;

/** The claims of any JSON Web Token as they are, or `undefined` when it is none that can be read. */
export function readTokenPayload(token: string): Record<string, unknown> | undefined {
  const [, payload, ...rest] = token.length > longestToken ? [] : token.split('.');
  if (payload === undefined || rest.length !== 1) {
    return undefined;
  }
  const claims = parseJson(Buffer.from(payload, 'base64url').toString('utf8'));
  return isObject(claims) ? claims : undefined;
}

/** The claims of an access token, or `undefined` when it is none that can be read. */
export function readTokenClaims(token: string): TokenClaims | undefined {
  const claims = readTokenPayload(token);
  if (claims === undefined) {
    return undefined;
  }
  const text = (name: string): string | undefined => shortText(claims[name]);
  return {
    roles: Array.isArray(claims['roles']) ? claims['roles'].flatMap((role) => shortText(role) ?? []) : [],
    delegated: text('scp')?.split(' ') ?? [],
    audience: text('aud'),
    tenantId: text('tid'),
    clientId: text('appid') ?? text('azp'),
  };
}

/** Claims become part of sentences: of a reasonable length, without control characters. */
function shortText(value: unknown): string | undefined {
  return typeof value === 'string' && /^[^\p{Cc}]{1,1000}$/u.test(value) ? value : undefined;
}
