/**
 * Access tokens of the emulated Entra: JSON Web Tokens (RFC 7519) with the claims that a SCEP server or its operator
 * looks at. Signed with HMAC-SHA256, since nobody but the emulator verifies them.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { newGuid, newSecret, type RandomBytes } from './identifiers.ts';
import { decodeToken, encodeToken } from './jwt.ts';
import { managedIdentityIds } from './managed-identity-ids.ts';
import type { Tenant } from './model.ts';

/** The APIs that tokens are issued for. */
export type Audience = 'graph' | 'intune';

/** Entra's answer says 3599 seconds; the token itself lives as long. */
export const tokenLifetimeSeconds = 3599;

const maxTokenLength = 8192;

const claims = z.object({
  aud: z.string(),
  appid: z.string(),
  tid: z.string(),
  nbf: z.number(),
  exp: z.number(),
  roles: z.array(z.string()),
});

/** What a token says beside the claims that all of them have. */
export interface TokenContents {
  readonly resource: string;
  readonly issuer: string;
  readonly roles: readonly string[];
  /** Who it is issued to, and what he has signed in with. */
  readonly holder: {
    readonly clientId: string;
    readonly objectId: string;
    readonly credential: 'secret' | 'certificate';
  };
}

export type TokenProblem = 'missing' | 'malformed' | 'signature' | 'audience' | 'expired' | 'tenant' | 'role';

export class AccessTokens {
  readonly #key: Uint8Array;
  readonly #now: () => Date;
  readonly #randomBytes: RandomBytes;

  constructor(options: { key: Uint8Array; now: () => Date; randomBytes: RandomBytes }) {
    this.#key = options.key;
    this.#now = options.now;
    this.#randomBytes = options.randomBytes;
  }

  /** `resource` goes into `aud` as the client wrote it. */
  issue(tenant: Tenant, { resource, issuer, roles, holder }: TokenContents): string {
    const issuedAt = Math.floor(this.#now().getTime() / 1000);
    const payload = {
      aud: resource,
      iss: issuer,
      iat: issuedAt,
      nbf: issuedAt,
      exp: issuedAt + tokenLifetimeSeconds,
      appid: holder.clientId,
      app_displayname: 'SCEP server',
      appidacr: holder.credential === 'secret' ? '1' : '2',
      idtyp: 'app',
      oid: holder.objectId,
      sub: holder.objectId,
      tid: tenant.tenantId,
      roles,
      uti: newSecret(this.#randomBytes, 16),
      jti: newGuid(this.#randomBytes),
      ver: '1.0',
    };
    return encodeToken({ typ: 'JWT', alg: 'HS256' }, payload, (text) => this.#sign(text));
  }

  /** Whether the token was issued by {@link issue}; whatever it is for, and however old. */
  isOurs(token: string): boolean {
    const decoded = decodeToken(token);
    return decoded !== undefined && this.#isSignedByUs(decoded.signedText, decoded.signature);
  }

  /**
   * What is wrong with the `Authorization` header of a request, or undefined when it lets the caller in.
   *
   * @param accepts tells whether an `aud` value names the called API
   * @param requiredRole application role that the token must carry
   */
  problemWith(
    authorization: string | null | undefined,
    tenant: Tenant,
    accepts: (audience: string) => boolean,
    requiredRole: string,
  ): TokenProblem | undefined {
    if (!authorization) return 'missing';
    const token = /^Bearer +(\S+)$/iu.exec(authorization)?.[1];
    const decoded = token === undefined || token.length > maxTokenLength ? undefined : decodeToken(token);
    if (decoded === undefined) return 'malformed';
    if (!this.#isSignedByUs(decoded.signedText, decoded.signature)) return 'signature';
    const parsed = claims.safeParse(decoded.claims);
    if (!parsed.success) return 'malformed';
    const now = this.#now().getTime() / 1000;
    if (!accepts(parsed.data.aud)) return 'audience';
    // Five minutes of tolerance, as Microsoft's validation has.
    if (now >= parsed.data.exp + 300 || now < parsed.data.nbf - 300) return 'expired';
    if (parsed.data.tid !== tenant.tenantId || !isCaller(parsed.data.appid, tenant)) return 'tenant';
    return parsed.data.roles.includes(requiredRole) ? undefined : 'role';
  }

  #sign(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }

  #isSignedByUs(text: string, received: Uint8Array): boolean {
    const expected = this.#sign(text);
    return received.length === expected.length && timingSafeEqual(received, expected);
  }
}

/** What is wrong with a token, in Microsoft's words. */
export const tokenProblemTexts: Readonly<Record<Exclude<TokenProblem, 'role'>, string>> = {
  missing: 'Access token is empty.',
  malformed: 'CompactToken parsing failed with error code: 80049217',
  signature: 'Access token validation failure. Invalid signature.',
  audience: 'Access token validation failure. Invalid audience.',
  expired: 'Lifetime validation failed, the token is expired.',
  tenant: 'Access token validation failure. The token is for another tenant or application.',
};

function isCaller(applicationId: string, tenant: Tenant): boolean {
  return applicationId === tenant.clientId || applicationId === managedIdentityIds(tenant).clientId;
}
