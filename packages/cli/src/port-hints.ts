import { EmulatorError } from '@scepter/intune-emulator';
import { ServerError } from '@scepter/server';
import { CommandError, usageError } from './command-error.ts';

/** The ports that the options of a command set; 0 for any free one. */
export interface EmulatorPorts {
  /** HTTPS: Entra, Graph and Intune. */
  readonly microsoftPort: number;
  /** HTTP: the control API. */
  readonly controlPort: number;
}

/** Names the port that is taken and the option that moves it. */
function portInUse(port: number, option: string, cause: unknown): CommandError {
  return new CommandError(`Port ${port} is in use by another program.`, {
    hint: `Stop that program, or choose another port with ${option}.`,
    cause,
  });
}

/**
 * Makes sure that no two options name the same port; 0 may stand at all of them.
 *
 * @throws CommandError naming the port.
 */
export function requireDistinctPorts(ports: readonly number[]): void {
  const chosen = ports.filter((port) => port !== 0);
  const twice = chosen.find((port, index) => chosen.indexOf(port) !== index);
  if (twice !== undefined) throw usageError(`Two options name port ${twice}.`, 'Give each part a port of its own.');
}

/** Turns the emulator's start-up errors into sentences about this command's options. */
export function describeEmulatorError(error: unknown, ports: EmulatorPorts): unknown {
  if (!(error instanceof EmulatorError)) return error;
  const port = error.port ?? ports.microsoftPort;
  const option = port === ports.controlPort ? '--control-port' : '--microsoft-port';
  if (error.code === 'emulator.port_in_use') return portInUse(port, option, error);
  if (error.code !== 'emulator.listen_failed') return error;
  return new CommandError(error.message, { hint: `Choose a port above 1023 with ${option}.`, cause: error });
}

/** Turns the server's start-up error about its port into a sentence about the option that set it. */
export function describeServerError(error: unknown, port: number, option: string): unknown {
  if (!(error instanceof ServerError) || error.code !== 'server.port_in_use') return error;
  return portInUse(port, option, error);
}
