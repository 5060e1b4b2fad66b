import { redact, toLine, type Secrets } from './redaction.ts';

const deepestCause = 5;

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
    return typeof error === 'string' ? new Error(toLine(redact(error, secrets), 1000)) : undefined;
  }
  const inner = depth < deepestCause ? copyCause(error.cause, secrets, depth + 1) : undefined;
  const message = toLine(redact(describe(error), secrets), 1000);
  const copy: ForeignError = new Error(message, inner === undefined ? undefined : { cause: inner });
  copy.name = error.name;
  copy.stack = `${error.name}: ${message}`;
  const code = 'code' in error ? error.code : undefined;
  if (typeof code === 'string') {
    copy.code = code;
  }
  return copy;
}

/** Node reports a connection that failed at every address of a host with an empty message and a list. */
function describe(error: Error): string {
  return error instanceof AggregateError && error.message === ''
    ? error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ')
    : error.message;
}
