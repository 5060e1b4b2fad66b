import type { HttpSender } from '../http/http-sender.ts';

/** Where and through what a credential of ours signs in. */
export interface SignIn {
  readonly tenant: string;
  /** Base URL of the sign-in service. */
  readonly authority: URL;
  /** What the token of a managed identity is addressed to that stands for an application. */
  readonly tokenExchangeAudience: string;
  readonly http: HttpSender;
  /** The clock that decides whether a certificate is still valid. Default: the system's. */
  readonly now?: () => Date;
}
