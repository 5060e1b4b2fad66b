import { IntuneArgumentError } from '@scepter/intune';
import { EmulatorError } from '@scepter/intune-emulator';
import { ScepError } from '@scepter/scep';
import type { ScepErrorCode } from '@scepter/scep';
import { ServerError, SettingsError } from '@scepter/server';
import type { SettingsErrorCode } from '@scepter/server';
import { CommandError } from './command-error.ts';
import { escapeControls } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/**
 * Tells a person what went wrong: one sentence, then a hint.
 *
 * @param debug prints the stack and the causes too.
 * @returns the exit code.
 */
export function reportError(error: unknown, terminal: Terminal, debug: boolean): number {
  const { message, hint, exitCode } = explainError(error);
  terminal.text(`scepter: ${message}`, { hanging: 2, tone: 'bad' });
  if (hint !== undefined) terminal.text(`Hint: ${hint}`, { hanging: 2 });
  if (debug) for (const line of stackLines(error)) terminal.raw(escapeControls(line));
  return exitCode;
}

interface Explanation {
  readonly message: string;
  readonly hint: string | undefined;
  readonly exitCode: number;
}

/** Every kind of error that can end a command, in a person's words. */
function explainError(error: unknown): Explanation {
  if (error instanceof CommandError) return error;
  if (error instanceof SettingsError) {
    return { message: sentence(error.message), hint: settingsHints[error.code], exitCode: 1 };
  }
  if (error instanceof ServerError || error instanceof EmulatorError) {
    return { message: sentence(error.message), hint: error.hint, exitCode: 1 };
  }
  if (error instanceof IntuneArgumentError) {
    const hint = 'packages/intune/README.md lists every property, and which of them are required.';
    const { argument, message } = error;
    return { message: sentence(message.replace(`${argument}: `, `${argument} `)), hint, exitCode: 1 };
  }
  if (error instanceof ScepError) {
    const code = causeCode(error);
    const detail = code === undefined ? '' : ` (${code})`;
    const message = `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}${detail}`;
    return { message: sentence(message), hint: scepHints[error.code], exitCode: 1 };
  }
  return {
    message: `Something unexpected happened: ${sentence(error instanceof Error ? error.message : String(error))}`,
    hint: 'Run it again with SCEPTER_DEBUG=1 to see where, and report it.',
    exitCode: 1,
  };
}

const settingsHints: Readonly<Record<SettingsErrorCode, string>> = {
  'settings.invalid': 'docs/configuration.md describes every setting; `scepter init` writes a file to start from.',
  'settings.secret_missing': 'Set the variable, or fill the file, that the configuration names for it.',
  'settings.file_unreadable': 'Paths are relative to the configuration file; check that this user may read it.',
  'settings.unknown_reference': 'Correct the name, or describe what it names.',
};

const scepHints: Partial<Readonly<Record<ScepErrorCode, string>>> = {
  'scep.network': 'Check the URL, and that the server runs and can be reached from here.',
  'scep.timeout': 'Check the URL; the server may be overloaded, or a firewall in between.',
  'scep.http_status': 'Check the path of the URL: SCEP answers with 200 even when it refuses.',
  'scep.ca_certificates': 'Check the URL: what answers there gives no certificates that SCEP can work with.',
  'scep.reply_signer': 'The reply was not signed by the CA that the server announced; somebody may be in between.',
  'scep.reply_signature': 'The reply was changed on the way, or the server is at fault.',
};

/** The system's or TLS's code at the bottom of a chain of causes: refused, unknown name, certificate not trusted. */
function causeCode(error: Error): string | undefined {
  if (error.cause instanceof Error) return causeCode(error.cause);
  return 'code' in error && typeof error.code === 'string' && /^[A-Z_]+$/u.test(error.code) ? error.code : undefined;
}

function sentence(text: string): string {
  return /[.!?]$/u.test(text) ? text : `${text}.`;
}

function stackLines(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = (error.stack ?? error.message).split('\n');
  return error.cause === undefined ? own : [...own, 'Caused by:', ...stackLines(error.cause)];
}
