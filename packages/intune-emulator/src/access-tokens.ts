/**
 * Access tokens of the emulated Entra: JSON Web Tokens (RFC 7519) with the claims that a SCEP server or its operator
 * looks at. Signed with HMAC-SHA256, since nobody but the emulator verifies them.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { newGuid, newSecret, type RandomBytes } from './identifiers.ts';
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
  issue(tenant: Tenant, audience: Audience, resource: string, issuer: string): string {
    const issuedAt = Math.floor(this.#now().getTime() / 1000);
    const payload = {
      aud: resource,
      iss: issuer,
      iat: issuedAt,
      nbf: issuedAt,
      exp: issuedAt + tokenLifetimeSeconds,
      appid: tenant.clientId,
      app_displayname: 'SCEP server',
      appidacr: '1',
      idtyp: 'app',
      oid: tenant.clientId,
      sub: tenant.clientId,
      tid: tenant.tenantId,
      roles: audience === 'graph' ? tenant.graphRoles : tenant.intuneRoles,
      uti: newSecret(this.#randomBytes, 16),
      jti: newGuid(this.#randomBytes),
      ver: '1.0',
    };
    const signed = `${encodePart({ typ: 'JWT', alg: 'HS256' })}.${encodePart(payload)}`;
    return `${signed}.${this.#sign(signed).toString('base64url')}`;
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
    const parts = token?.split('.') ?? [];
    const [header, payload, signature] = parts;
    if (token === undefined || token.length > maxTokenLength || parts.length !== 3) return 'malformed';
    if (!header || !payload || !signature) return 'malformed';
    if (!this.#isSignedByUs(`${header}.${payload}`, signature)) return 'signature';
    const parsed = claims.safeParse(decodePart(payload));
    if (!parsed.success) return 'malformed';
    const now = this.#now().getTime() / 1000;
    if (!accepts(parsed.data.aud)) return 'audience';
    // Five minutes of tolerance, as Microsoft's validation has.
    if (now >= parsed.data.exp + 300 || now < parsed.data.nbf - 300) return 'expired';
    if (parsed.data.tid !== tenant.tenantId || parsed.data.appid !== tenant.clientId) return 'tenant';
    return parsed.data.roles.includes(requiredRole) ? undefined : 'role';
  }

  #sign(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }

  #isSignedByUs(text: string, signature: string): boolean {
    const expected = this.#sign(text);
    const received = Buffer.from(signature, 'base64url');
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

function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decodePart(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
