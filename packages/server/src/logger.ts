/**
 * The log: an allow-list of fields, so that nothing secret gets in by being part of some object, and no control
 * characters, so that a device's name can neither forge a line nor command a terminal. The rest of the server knows
 * this interface alone.
 */
import { pino } from 'pino';

export interface LogEvent {
  readonly message: string;
  readonly endpoint?: string;
  readonly transactionId?: string;
  /** Intune's. */
  readonly activityId?: string;
  readonly step?: string;
  readonly outcome?: string;
  readonly durationMs?: number;
  readonly reason?: string;
  /** What others said, in their words. */
  readonly detail?: string;
  readonly serialNumber?: string;
  readonly subject?: string;
  readonly connection?: string;
  readonly attempt?: number;
  readonly address?: string;
  /** An administrator: the name of a token. */
  readonly actor?: string;
  /** What the administrator did something to. */
  readonly target?: string;
  readonly errorCode?: string;
}

export interface Logger {
  /** For whoever looks for a fault; not written by default. */
  debug(event: LogEvent): void;
  info(event: LogEvent): void;
  warn(event: LogEvent): void;
  error(event: LogEvent): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LoggerOptions {
  /** Where the lines go; `columns` is the width of a terminal. */
  readonly destination: { write(line: string): unknown; readonly columns?: number | undefined };
  /** One readable line for each event; otherwise JSON. */
  readonly pretty: boolean;
  readonly level: LogLevel;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

type Field = Exclude<keyof LogEvent, 'message'>;
type CleanEvent = Readonly<Partial<Record<keyof LogEvent, string | number>>>;

/** In the order in which they are written; typed so that none can be forgotten. */
const fields: Readonly<Record<Field, 'text' | 'number'>> = {
  endpoint: 'text',
  transactionId: 'text',
  step: 'text',
  outcome: 'text',
  durationMs: 'number',
  errorCode: 'text',
  reason: 'text',
  detail: 'text',
  activityId: 'text',
  serialNumber: 'text',
  subject: 'text',
  connection: 'text',
  attempt: 'number',
  actor: 'text',
  target: 'text',
  address: 'text',
};

/** Longer than any honest subject; a bound for dishonest ones. */
const MAXIMUM_CHARACTERS = 1024;
const DEFAULT_COLUMNS = 80;
const severities = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const;
const marks = { debug: ' ', info: ' ', warn: '!', error: 'x' } as const;

/**
 * @example
 * const logger = createLogger({ destination: process.stdout, pretty: process.stdout.isTTY, level: 'info' });
 * logger.info({ message: 'Listening', address: '127.0.0.1:8080' });
 */
export function createLogger(options: LoggerOptions): Logger {
  return options.pretty ? createReadableLogger(options) : createJsonLogger(options);
}

function createJsonLogger({ destination, level, now = () => new Date() }: LoggerOptions): Logger {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void destination.write(line) },
  );
  const write = (severity: Exclude<LogLevel, 'silent'>, event: LogEvent): void => {
    if (logger.isLevelEnabled(severity)) logger[severity](clean(event));
  };
  return {
    debug: (event) => write('debug', event),
    info: (event) => write('info', event),
    warn: (event) => write('warn', event),
    error: (event) => write('error', event),
  };
}

function createReadableLogger({ destination, level, now = () => new Date() }: LoggerOptions): Logger {
  const write = (severity: Exclude<LogLevel, 'silent'>, event: LogEvent): void => {
    if (severities[severity] < severities[level]) return;
    const line = `${localTime(now())} ${marks[severity]} ${readable(clean(event))}`;
    // The last column stays free: some terminals wrap a line that fills it. What went wrong is told whole.
    const width = (destination.columns ?? DEFAULT_COLUMNS) - 1;
    destination.write(`${severities[severity] <= severities.info ? shorten(line, width) : line}\n`);
  };
  return {
    debug: (event) => write('debug', event),
    info: (event) => write('info', event),
    warn: (event) => write('warn', event),
    error: (event) => write('error', event),
  };
}

/** What is in the list and of its type; everything else of the object is left out. */
function clean(event: LogEvent): CleanEvent {
  const cleaned: Partial<Record<keyof LogEvent, string | number>> = {};
  for (const [field, type] of Object.entries(fields) as [Field, 'text' | 'number'][]) {
    const value: unknown = event[field];
    if (type === 'text' && typeof value === 'string') cleaned[field] = escape(value);
    if (type === 'number' && typeof value === 'number' && Number.isFinite(value)) cleaned[field] = round(value);
  }
  cleaned.message = typeof event.message === 'string' ? escape(event.message) : '';
  return cleaned;
}

/** The most telling first: an information line is cut off at the edge of the terminal. */
function readable(event: CleanEvent): string {
  const { message, endpoint, transactionId, step, outcome, durationMs, errorCode, ...others } = event;
  // Enough to follow a transaction by on a screen; the JSON log has it whole.
  const transaction = transactionId === undefined ? undefined : shorten(String(transactionId), 9);
  const duration = durationMs === undefined ? undefined : `${durationMs} ms`;
  // A message mostly names its step; saying it twice costs a fifth of the line.
  const stepIsNew = step !== undefined && !String(message).includes(String(step));
  const first = [endpoint, transaction, stepIsNew ? step : undefined, message, outcome, duration, errorCode];
  const rest = Object.entries(others).map(([field, value]) => `${field}=${value}`);
  return [...first, ...rest].filter((part) => part !== undefined && part !== '').join('  ');
}

/** C0, C1 and DEL, line separators, what changes the direction of text, and halves of characters become `\u{…}`. */
function escape(text: string): string {
  const shortened = shorten(text, MAXIMUM_CHARACTERS);
  return shortened.replaceAll(
    /[\p{Cc}\u2028\u2029\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\p{Cs}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

function shorten(text: string, maximum: number): string {
  if (text.length <= maximum) return text;
  const characters = Array.from(text.slice(0, maximum + 1));
  while (characters.length > 0 && characters.join('').length > maximum - 1) characters.pop();
  return `${characters.join('')}…`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function localTime(instant: Date): string {
  const parts = [instant.getHours(), instant.getMinutes(), instant.getSeconds()];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
