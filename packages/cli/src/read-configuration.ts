import { CommandError } from './command-error.ts';
import { readTextFile } from './files.ts';

/**
 * Reads the server's configuration file.
 *
 * @returns its JSON, not checked yet
 * @throws CommandError when there is no such file, or it is not JSON
 */
export async function readConfiguration(path: string): Promise<unknown> {
  const text = await readTextFile(path);
  if (text === undefined) {
    throw new CommandError(`There is no file ${path}.`, { hint: '`scepter init` writes one to start from.' });
  }
  return parseJson(text, path);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandError(`${path} is not JSON: ${cause instanceof Error ? cause.message : 'unreadable'}`, {
      hint: 'JSON has no comments and no comma after the last element.',
      cause,
    });
  }
}
