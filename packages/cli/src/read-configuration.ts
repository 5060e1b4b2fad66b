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
    // The parser's message quotes the text, which might be a secret if the path is that of another file.
    if (!text.trimStart().startsWith('{')) {
      throw new CommandError(`${path} is not JSON: it does not begin with {.`, {
        hint: 'A configuration is one JSON object; `scepter init` writes one to start from.',
      });
    }
    throw new CommandError(`${path} is not JSON: ${cause instanceof Error ? cause.message : 'unreadable'}`, {
      hint: 'JSON has no comments and no comma after the last element.',
      cause,
    });
  }
}
