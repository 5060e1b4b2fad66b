/** What can go wrong on request: the faults that the control API sets, one per operation. */

export const faultOperations = [
  'token',
  'managedIdentity',
  'discovery',
  'validateRequest',
  'successNotification',
  'failureNotification',
  'downloadRevocationRequests',
  'uploadRevocationResults',
] as const;
export type FaultOperation = (typeof faultOperations)[number];

export type Fault =
  /**
   * An error with this code in the operation's own form: HTTP 200 with a result code for the SCEP operations, an error
   * of Entra, Graph or Intune with status 400 for the others. On `token`, a description that begins with `AADSTS` and a
   * number stands for the whole text.
   */
  | { kind: 'code'; code: string; errorDescription?: string | undefined }
  | { kind: 'http'; status: number; body?: string | undefined; headers?: Record<string, string> | undefined }
  /** The normal answer, later: nothing is sent before, not even the headers. */
  | { kind: 'delay'; delayMs: number }
  /** Another name of `delay`. */
  | { kind: 'slowHeaders'; delayMs: number }
  /** The normal answer, its headers at once and its body in `chunks` (default 8) pieces with a pause before each. */
  | { kind: 'slowBody'; delayMs: number; chunks?: number | undefined }
  /** The normal answer with its `Content-Length`, but the connection is cut in the middle of the body. */
  | { kind: 'cutBody' }
  /**
   * Status 200 and a JSON object of this size, which nobody should read to its end. Its length is not announced unless
   * `announced` is set.
   */
  | { kind: 'hugeBody'; bytes: number; announced?: boolean | undefined }
  /** A proxy's HTML error page, status 502. */
  | { kind: 'html' }
  /** Status 200, JSON announced, something else sent. */
  | { kind: 'garbage' }
  /** Status 200 and JSON that is not what the operation answers: text is sent as it is, any other value as JSON. */
  | { kind: 'wrongJson'; body: unknown }
  /** Status 200 and `{"value":[]}`. */
  | { kind: 'emptyList' }
  | { kind: 'redirect'; location: string; status?: 301 | 302 | 303 | 307 | 308 | undefined }
  /** Too many requests (429, the default) or unavailable (503); `Retry-After` in seconds or, with `asDate`, as a date. */
  | { kind: 'throttle'; retryAfterSeconds: number; status?: 429 | 503 | undefined; asDate?: boolean | undefined }
  /** Status 500 (or another) with JSON as text inside the message of a JSON error, as Intune sends it. */
  | { kind: 'nestedError'; status?: number | undefined; message?: string | undefined }
  /**
   * Discovery names each service twice, once at a dead address: one where nothing listens (`refused`, the default) or
   * one that answers 404 (`notFound`).
   */
  | { kind: 'duplicateNames'; deadFirst: boolean; dead?: 'refused' | 'notFound' | undefined }
  /**
   * Discovery answers in `pages` pages (default 2), and the services are on the last one. `location` stands in place of
   * the first page's link.
   */
  | { kind: 'nextLink'; pages?: number | undefined; location?: string | undefined }
  /** The operation's service has moved: its old address answers 404, discovery names the new one. Until it is cleared. */
  | { kind: 'moved' }
  /** The connection is cut without an answer. */
  | { kind: 'disconnect' };

export interface FaultSetting {
  operation: FaultOperation;
  fault: Fault;
  /** How many more requests it hits; absent: until it is cleared. */
  times?: number | undefined;
  /** The request is processed first and only its answer is spoilt. Default false. */
  afterProcessing?: boolean | undefined;
}
