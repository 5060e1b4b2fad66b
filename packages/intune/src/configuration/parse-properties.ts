/**
 * Java's `.properties` format, as `java.util.Properties.load` describes it: comments begin with `#` or `!`; a key ends
 * at the first `=`, `:` or blank that no backslash precedes; a backslash at the end of a line joins the next one to it;
 * `\t`, `\n`, `\r`, `\f` and `\uXXXX` are characters, and any other backslash is dropped. Blanks at the end of a value
 * stay, quotation marks are nothing special, and the last of several values for a key counts.
 */
import { checkText } from '../arguments.ts';
import { IntuneArgumentError } from '../errors.ts';

/** Properties by name. */
export type Properties = Readonly<Record<string, string | undefined>>;

/** In characters; Microsoft's own example has about 1,000. */
export const longestProperties = 1024 * 1024;

const controlEscapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

interface LogicalLine {
  readonly text: string;
  /** Of its first line in the file, from 1. */
  readonly number: number;
}

/**
 * Reads the text of a `.properties` file. A byte order mark at its beginning is dropped.
 * @returns the values by key; an object without prototype
 * @throws {IntuneArgumentError} the text is longer than 1,048,576 characters, or an `\u` is not followed by four hex digits
 *
 * @example
 * ```ts
 * parseProperties('# our tenant\nTENANT = contoso.onmicrosoft.com\n'); // { TENANT: 'contoso.onmicrosoft.com' }
 * ```
 */
export function parseProperties(text: string): Record<string, string> {
  const checked = checkText('properties', text, { maximumLength: longestProperties, mayBeEmpty: true });
  const properties = Object.create(null) as Record<string, string>;
  for (const line of logicalLines(checked.replace(/^\uFEFF/, ''))) {
    const keyEnd = findKeyEnd(line.text);
    const value = line.text.slice(keyEnd).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '');
    properties[unescapeText(line.text.slice(0, keyEnd), line)] = unescapeText(value, line);
  }
  return properties;
}

/** Lines joined at their backslashes, without leading blanks, comments and empty lines. */
function* logicalLines(text: string): Generator<LogicalLine> {
  let begun: LogicalLine | undefined;
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const content = line.replace(/^[ \t\f]+/, '');
    if ((begun?.text ?? '') === '' && /^(?:[#!]|$)/.test(content)) {
      begun = undefined;
      continue;
    }
    const isContinued = endsInBackslash(content);
    const part = isContinued ? content.slice(0, -1) : content;
    begun = { text: (begun?.text ?? '') + part, number: begun?.number ?? index + 1 };
    if (!isContinued) {
      yield begun;
      begun = undefined;
    }
  }
  if (begun !== undefined && begun.text !== '') {
    yield begun;
  }
}

/** An even number of backslashes is so many halves of backslashes. */
function endsInBackslash(line: string): boolean {
  let count = 0;
  while (line.at(-1 - count) === '\\') {
    count += 1;
  }
  return count % 2 === 1;
}

/** Where the first separator is that no backslash precedes. */
function findKeyEnd(line: string): number {
  let position = 0;
  while (position < line.length && !/[=: \t\f]/.test(line.charAt(position))) {
    position += line[position] === '\\' ? 2 : 1;
  }
  return Math.min(position, line.length);
}

function unescapeText(text: string, line: LogicalLine): string {
  return text.replaceAll(/\\(u[0-9A-Fa-f]{4}|[^]|$)/g, (_match, escaped: string) => {
    if (escaped === 'u') {
      throw new IntuneArgumentError('properties', `line ${line.number}: \\u must be followed by four hex digits`);
    }
    return escaped.length === 5
      ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
      : (controlEscapes[escaped] ?? escaped);
  });
}
