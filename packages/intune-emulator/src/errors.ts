/** Stable codes of the errors that the emulator and its client throw. */
export type EmulatorErrorCode =
  | 'emulator.port_in_use'
  | 'emulator.listen_failed'
  | 'emulator.folder_unwritable'
  | 'emulator.folder_in_use'
  | 'emulator.state_damaged'
  | 'emulator.not_found'
  | 'emulator.invalid'
  | 'emulator.variable'
  | 'emulator.disconnect'
  | 'emulator.unreachable'
  | 'emulator.unexpected_answer';

export interface EmulatorErrorDetails {
  cause?: unknown;
  /** What the reader can do about it, one sentence. */
  hint?: string;
  /** The file or folder concerned. */
  path?: string;
  /** The TCP port concerned. */
  port?: number;
  /** HTTP status of the control API's answer. */
  status?: number;
}

/**
 * The emulator's one error class; `code` tells the kinds apart.
 *
 * @example
 * if (error instanceof EmulatorError && error.code === 'emulator.port_in_use') retryOn(error.port);
 */
export class EmulatorError extends Error {
  override readonly name = 'EmulatorError';
  readonly code: EmulatorErrorCode;
  readonly hint: string | undefined;
  readonly path: string | undefined;
  readonly port: number | undefined;
  readonly status: number | undefined;

  constructor(code: EmulatorErrorCode, message: string, details: EmulatorErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.path = details.path;
    this.port = details.port;
    this.status = details.status;
  }
}
