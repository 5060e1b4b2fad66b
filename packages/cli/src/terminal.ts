/**
 * The output rules: at most 80 columns, colours only on a terminal that wants them, and no control character of
 * anybody else's text reaches the screen.
 */
import type { OutputStream } from './world.ts';

const widest = 80;
const narrowest = 40;

/** What a piece of text is, from which its colour follows. */
type Tone = 'plain' | 'strong' | 'quiet' | 'good' | 'bad' | 'warning';

const toneCodes = {
  plain: undefined,
  strong: ['1', '22'],
  quiet: ['2', '22'],
  good: ['32', '39'],
  bad: ['31', '39'],
  warning: ['33', '39'],
} as const satisfies Record<Tone, readonly [string, string] | undefined>;

/** One cell of a row: cut to its width with an ellipsis, padded unless it is the last. */
export interface Cell {
  readonly text: string;
  /** In columns; absent: what is left of the line. */
  readonly width?: number;
  readonly align?: 'left' | 'right';
  readonly tone?: Tone;
}

/** Writes to one stream by the output rules. */
export interface Terminal {
  readonly width: number;
  /** Text wrapped between words; `indent` columns before each line, `hanging` more from the second on. */
  text(content: string, options?: { indent?: number; hanging?: number; tone?: Tone }): void;
  /** One line of cells, two columns apart. */
  row(cells: readonly Cell[], options?: { indent?: number }): void;
  /** A shell command, continued with backslashes where it does not fit. */
  command(words: readonly string[], options?: { indent?: number }): void;
  blank(): void;
  /** Exactly this and a line feed: for output that other programs read. */
  raw(content: string): void;
}

/** The terminal on a stream. Colours need a TTY, an unset or empty `NO_COLOR`, and `TERM` other than `dumb`. */
export function createTerminal(
  stream: OutputStream,
  environment: Readonly<Record<string, string | undefined>>,
): Terminal {
  // A terminal that does not know its size says 0.
  const width = Math.max(narrowest, Math.min(widest, stream.columns || widest));
  const colours = stream.isTTY === true && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
  const paint = (text: string, tone: Tone = 'plain'): string => {
    const codes = colours ? toneCodes[tone] : undefined;
    return codes === undefined || text === '' ? text : `\u001B[${codes[0]}m${text}\u001B[${codes[1]}m`;
  };
  const write = (line: string): void => void stream.write(`${line}\n`);
  return {
    width,
    text: (content, { indent = 0, hanging = 0, tone } = {}) => {
      for (const line of wrap(escapeControls(content), width, indent, hanging)) write(paint(line, tone));
    },
    row: (cells, { indent = 0 } = {}) => write(formatRow(cells, width, indent, paint)),
    command: (words, { indent = 0 } = {}) => {
      for (const line of wrapCommand(words, width, indent)) write(paint(line, 'strong'));
    },
    blank: () => write(''),
    raw: write,
  };
}

/**
 * Text safe to print: control characters, and the format characters that can reorder or hide text, become `\xNN` or
 * `\u{NNNN}`.
 */
export function escapeControls(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]|\p{Cs}/gu,
    (character) => {
      const code = character.codePointAt(0) ?? 0;
      const digits = code.toString(16);
      return code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u{${digits}}`;
    },
  );
}

/** JSON leaves DEL, C1 and what turns the direction of text as they are; a terminal would act on them. */
export function toJsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const combining = /^[\p{Mn}\p{Me}\u200B-\u200D]$/u;
const wide =
  /^[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]$/u;

/** How many columns a text takes: East Asian wide characters two, combining ones none. */
export function displayWidth(text: string): number {
  let columns = 0;
  for (const character of text) columns += characterWidth(character);
  return columns;
}

function characterWidth(character: string): number {
  if (combining.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** The text itself, or its beginning and an ellipsis, in at most `columns`. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  return columns < 1 ? '' : `${takeColumns(text, columns - 1)}…`;
}

function takeColumns(text: string, columns: number): string {
  let taken = '';
  let used = 0;
  for (const character of text) {
    used += characterWidth(character);
    if (used > columns) break;
    taken += character;
  }
  return taken;
}

function formatRow(
  cells: readonly Cell[],
  width: number,
  indent: number,
  paint: (text: string, tone?: Tone) => string,
): string {
  let used = indent;
  let line = ' '.repeat(indent);
  for (const [index, cell] of cells.entries()) {
    const columns = Math.max(0, Math.min(cell.width ?? width, width - used));
    const text = truncate(escapeControls(cell.text), columns);
    const padding = ' '.repeat(index === cells.length - 1 && cell.align !== 'right' ? 0 : padTo(cell, columns, text));
    line += cell.align === 'right' ? padding + paint(text, cell.tone) : paint(text, cell.tone) + padding;
    used += columns + 2;
    if (index < cells.length - 1) line += '  ';
  }
  return line.trimEnd();
}

function padTo(cell: Cell, columns: number, text: string): number {
  return cell.width === undefined ? 0 : Math.max(0, columns - displayWidth(text));
}

/** Breaks text between words, and a word that is longer than a whole line anywhere. */
export function wrap(text: string, width: number, indent: number, hanging: number): string[] {
  const lines: string[] = [];
  let line = '';
  const margin = (): string => ' '.repeat(indent + (lines.length === 0 ? 0 : hanging));
  const room = (): number => width - margin().length;
  const flush = (): void => {
    lines.push((margin() + line).trimEnd());
    line = '';
  };
  for (const word of text.split(' ')) {
    if (line !== '' && displayWidth(`${line} ${word}`) > room()) flush();
    let rest = line === '' ? word : `${line} ${word}`;
    while (displayWidth(rest) > room()) {
      line = takeColumns(rest, room());
      rest = rest.slice(line.length);
      flush();
    }
    line = rest;
  }
  if (line !== '' || lines.length === 0) flush();
  return lines;
}

/** A command in lines of at most `width`, each but the last ending in a backslash, with no word broken. */
export function wrapCommand(words: readonly string[], width: number, indent: number): string[] {
  const lines: string[] = [];
  let line = ' '.repeat(indent);
  for (const word of words.map(escapeControls)) {
    const candidate = line.trim() === '' ? line + word : `${line} ${word}`;
    if (displayWidth(candidate) > width - 2 && line.trim() !== '') {
      lines.push(`${line} \\`);
      line = ' '.repeat(indent + 2) + word;
    } else {
      line = candidate;
    }
  }
  return [...lines, line];
}

/** A word as a POSIX shell takes it literally. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
