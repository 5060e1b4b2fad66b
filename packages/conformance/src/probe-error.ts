/** Why there is no report. */
export type ProbeErrorCode =
  /** Nobody answers at the URL, or nobody that TLS trusts. */
  | 'probe.unreachable'
  /** Somebody answers, and knows nothing of SCEP. */
  | 'probe.no_service'
  /** An option is none that can be worked with. */
  | 'probe.bad_option'
  | 'probe.aborted';

export class ProbeError extends Error {
  override readonly name = 'ProbeError';
  readonly code: ProbeErrorCode;

  constructor(code: ProbeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
