/** A bearer token and the moment it ends. */
export interface AccessToken {
  /** What follows `Bearer ` in the `Authorization` header. */
  readonly token: string;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly expiresOnTimestamp: number;
}

/** What the client hands to a credential beside the scope; a credential may ignore all of it. */
export interface GetTokenOptions {
  /** Aborted when the time for the token is up. */
  readonly abortSignal?: AbortSignal;
  /** GUID to send as `client-request-id`, so that a failure can be found in Microsoft's logs. */
  readonly activityId?: string;
}

/**
 * Where bearer tokens come from: the seam of `@azure/core-auth`, so any credential of `@azure/identity` fits.
 *
 * Contract: a token for the one scope given that still lasts a while, or a rejection. The client caches what it
 * receives, and asks again when a service has refused a token.
 */
export interface TokenCredential {
  /**
   * Gets a token for the scope.
   * @param scopes - one scope, `{resource}/.default`; the type is that of Azure's credentials
   * @param options - may be ignored
   * @returns the token; `null`, which Azure allows, counts as a failure to sign in
   */
  getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken | null>;
}
