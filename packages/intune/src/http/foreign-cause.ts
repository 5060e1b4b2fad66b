import { redact, toLine, type Secrets } from './redaction.ts';

const deepestCause = 5;
const longestReadText = 16 * 1024;

/** The copy that stands for another library's error. */
interface ForeignError extends Error {
  code?: string;
}

/**
 * A copy of another library's error that keeps its name, message, code and causes and nothing else: such errors hold
 * the request, its headers or received bytes, and with them tokens and challenges.
 */
export function copyCause(error: unknown, secrets: Secrets = {}, depth = 0): Error | undefined {
  if (!(error instanceof Error)) {
    return typeof error === 'string' ? new Error(shown(error, secrets)) : undefined;
  }
  const inner = depth < deepestCause ? copyCause(member(error, 'cause'), secrets, depth + 1) : undefined;
  const message = shown(describe(error), secrets);
  const copy: ForeignError = new Error(message, inner === undefined ? undefined : { cause: inner });
  copy.name = shown(member(error, 'name') ?? 'Error', secrets);
  copy.stack = `${copy.name}: ${message}`;
  const code = member(error, 'code');
  if (typeof code === 'string') {
    copy.code = shown(code, secrets);
  }
  return copy;
}

/** One line without secrets. */
function shown(value: unknown, secrets: Secrets): string {
  return typeof value === 'string' ? toLine(redact(value.slice(0, longestReadText), secrets), 1000) : '';
}

/** An error of somebody else may have members of any type, and getters that throw. */
function member(error: Error, name: string): unknown {
  try {
    return Reflect.get(error, name);
  } catch {
    return undefined;
  }
}

/** Node reports a connection that failed at every address of a host with an empty message and a list. */
function describe(error: Error): unknown {
  const message = member(error, 'message');
  const errors = error instanceof AggregateError && message === '' ? member(error, 'errors') : undefined;
  return Array.isArray(errors)
    ? errors
        .map((each) => (each instanceof Error ? member(each, 'message') : each))
        .filter(isText)
        .join('; ')
    : message;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
