/** Reads what the configuration only refers to. No error repeats a secret, not even in part. */
import type { SecretReference } from './schema.ts';
import { SettingsError } from './settings.ts';

export interface SecretBounds {
  readonly minimumCharacters: number;
  readonly maximumCharacters: number;
}

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The absolute path, from the configuration file's folder. */
  readonly resolvePath: (path: string) => string;
  /** Resolves the path and reads UTF-8 text. */
  readonly readFile: (path: string) => string;
}

/** @throws SettingsError `settings.secret_missing`, `settings.file_unreadable`, or `settings.invalid` for its length */
export function readSecret(
  path: string,
  reference: SecretReference,
  bounds: SecretBounds,
  surroundings: Surroundings,
): string {
  const secret =
    'file' in reference
      ? withoutLineEnd(readSettingsFile(`${path}.file`, reference.file, surroundings))
      : surroundings.environment[reference.environment];
  if (secret === undefined || secret === '') {
    const where = 'file' in reference ? `the file ${reference.file}` : `the variable ${reference.environment}`;
    throw new SettingsError('settings.secret_missing', path, `${path} has no value: ${where} is empty or not set.`);
  }
  const { minimumCharacters, maximumCharacters } = bounds;
  if (secret.length < minimumCharacters || secret.length > maximumCharacters) {
    const sentence = `${path} must have ${minimumCharacters} to ${maximumCharacters} characters.`;
    throw new SettingsError('settings.invalid', path, sentence);
  }
  if (/\p{Cc}/u.test(secret)) {
    const sentence = `${path} must be one line of text, without control characters.`;
    throw new SettingsError('settings.invalid', path, sentence);
  }
  return secret;
}

/** @throws SettingsError `settings.file_unreadable` */
export function readSettingsFile(path: string, file: string, { readFile }: Surroundings): string {
  try {
    return readFile(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
    const reason = code === undefined ? '' : ` (${code})`;
    const sentence =
      code === 'ENOENT' ? `${path}: there is no file ${file}.` : `${path}: the file ${file} can't be read${reason}.`;
    throw new SettingsError('settings.file_unreadable', path, sentence, { cause });
  }
}

/** Editors and `echo` end a file with one. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}
