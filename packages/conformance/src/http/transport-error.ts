/** Why no HTTP answer came. */
export type TransportErrorCode =
  /** No connection: refused, unknown host, TLS not agreed on. */
  | 'transport.unreachable'
  /** Nothing, or not all of it, in time. */
  | 'transport.timeout'
  /** The connection ended before an answer, or with something that is not HTTP. */
  | 'transport.broken';

export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
