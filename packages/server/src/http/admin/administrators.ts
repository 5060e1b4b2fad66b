/** Who may administer, and what: bearer tokens (RFC 6750) with permissions. */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const permissions = ['challenges', 'requests', 'authority'] as const;
export type Permission = (typeof permissions)[number];

/** Whoever holds a token. `name` is the token's, and stands in the log. */
export interface Administrator {
  readonly name: string;
  readonly permissions: readonly Permission[];
}

export interface AdminToken extends Administrator {
  readonly secret: string;
}

/** RFC 6750 2.1: what a token may consist of; the scheme is case-insensitive (RFC 9110 11.1). */
const bearer = /^bearer +([\x21-\x7e]{1,1024})$/i;

export class Administrators {
  readonly #key: Uint8Array;
  readonly #known: readonly { readonly administrator: Administrator; readonly mac: Uint8Array }[];

  /** @param randomBytes makes the key of the MACs that are kept in place of the tokens */
  constructor(tokens: readonly AdminToken[], randomBytes: (size: number) => Uint8Array) {
    this.#key = randomBytes(32);
    this.#known = tokens.map(({ name, permissions: allowed, secret }) => ({
      administrator: { name, permissions: allowed },
      mac: this.#mac(secret),
    }));
  }

  /** The time it takes tells nothing of how much of a token was right. */
  identify(authorization: string | undefined): Administrator | undefined {
    const token = bearer.exec(authorization ?? '')?.[1];
    if (token === undefined) return undefined;
    const mac = this.#mac(token);
    return this.#known.find((known) => timingSafeEqual(known.mac, mac))?.administrator;
  }

  #mac(secret: string): Uint8Array {
    return createHmac('sha256', this.#key).update(secret, 'utf8').digest();
  }
}
