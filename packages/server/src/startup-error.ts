/** What keeps a server from starting, as one sentence and a hint for the person who started it. */
import { CaError } from '@scepter/ca';
import { DataFolderError } from './data-folder.ts';
import type { Settings } from './settings/settings.ts';
import { StoreError } from './store/store.ts';

export type ServerErrorCode =
  | 'server.port_in_use'
  | 'server.address_not_available'
  | 'server.port_not_allowed'
  | 'server.data_folder_unwritable'
  | 'server.data_folder_in_use'
  | 'server.data_folder_damaged'
  | 'server.authority_unsuitable'
  | 'server.self_test_failed'
  | 'server.start_failed';

export class ServerError extends Error {
  readonly code: ServerErrorCode;
  /** What to do about it, in one sentence. */
  readonly hint: string;

  constructor(code: ServerErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ServerError';
    this.code = code;
    this.hint = hint;
  }
}

export function startupError(error: unknown, settings: Settings): ServerError {
  if (error instanceof ServerError) return error;
  if (error instanceof DataFolderError) return dataFolderError(error);
  if (error instanceof StoreError) return storeError(error, settings);
  if (error instanceof CaError) return caError(error);
  return listenError(error, settings.listen) ?? unexpectedError(error);
}

/** Database and keys of a data folder do not belong together. */
export function authorityLost(folder: string): ServerError {
  return new ServerError(
    'server.data_folder_damaged',
    `The CA that the database in ${folder} belongs to is not there.`,
    'Restore the folder as a whole from a backup; nothing in it was changed.',
  );
}

/** A server that no client could enroll with does not start. `problem` is a sentence. */
export function authorityUnsuitable(problem: string): ServerError {
  return new ServerError(
    'server.authority_unsuitable',
    problem,
    'docs/pki.md says what each kind of CA can do; keys and certificates are made when a CA is created or staged.',
  );
}

function dataFolderError(cause: DataFolderError): ServerError {
  const codes = {
    'data_folder.unwritable': 'server.data_folder_unwritable',
    'data_folder.in_use': 'server.data_folder_in_use',
    'data_folder.damaged': 'server.data_folder_damaged',
  } as const;
  return new ServerError(codes[cause.code], cause.message, cause.hint, { cause });
}

function storeError(cause: StoreError, settings: Settings): ServerError {
  const hint =
    cause.code === 'store.newer_schema'
      ? 'Start the version of Scepter that wrote it, or a newer one.'
      : `Restore ${settings.dataFolder} from a backup; nothing in it was changed.`;
  return new ServerError('server.data_folder_damaged', cause.message, hint, { cause });
}

function caError(cause: CaError): ServerError {
  const code = cause.code === 'ca.store_unwritable' ? 'server.data_folder_unwritable' : 'server.data_folder_damaged';
  return new ServerError(
    code,
    cause.message,
    cause.hint ?? 'Restore the folder from a backup; nothing in it was changed.',
    { cause },
  );
}

/** Undefined for what is no matter of the address. */
export function listenError(
  cause: unknown,
  { host, port }: { readonly host: string; readonly port: number },
): ServerError | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new ServerError(
        'server.port_in_use',
        `Port ${port} of ${host} is in use.`,
        'Stop the program that uses it, or choose another port.',
        { cause },
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ServerError(
        'server.address_not_available',
        `This machine has no address ${host}.`,
        'Choose an address of this machine, or 0.0.0.0 for all.',
        { cause },
      );
    case 'EACCES':
      return new ServerError(
        'server.port_not_allowed',
        `Listening on port ${port} is not allowed.`,
        'Choose a port above 1023, or give the process the right to bind it.',
        { cause },
      );
    default:
      return undefined;
  }
}

function unexpectedError(cause: unknown): ServerError {
  const what = cause instanceof Error ? cause.message : String(cause);
  return new ServerError(
    'server.start_failed',
    `The server could not start: ${what}`,
    'The log tells more; please report it if it does not.',
    { cause },
  );
}
