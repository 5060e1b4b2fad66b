import { IntuneArgumentError } from './errors.ts';

/** Far above any real request; a request with a 16,384-bit key has 6,000 characters. */
const longestCertificateRequest = 256 * 1024;

/** Checks that there is an object at all, so that its members can be asked for. */
export function checkObject<T>(argument: string, value: T): T {
  if (typeof value !== 'object' || value === null) {
    throw new IntuneArgumentError(argument, 'must be an object');
  }
  return value;
}

/** What a timer of Node can hold. */
const longestDurationMs = 2 ** 31 - 1;

/**
 * Checks of what callers hand in. Callers of a JavaScript library hand in anything, so the types are checked as well.
 * No message repeats a value, which may be a secret.
 */
export function checkText(
  argument: string,
  value: unknown,
  limits: { maximumLength: number; mayBeEmpty?: boolean },
): string {
  if (typeof value !== 'string') {
    throw new IntuneArgumentError(argument, 'must be a string');
  }
  if (value === '' && limits.mayBeEmpty !== true) {
    throw new IntuneArgumentError(argument, 'must not be empty');
  }
  if (value.length > limits.maximumLength) {
    throw new IntuneArgumentError(argument, `must have at most ${limits.maximumLength} characters`);
  }
  if (!value.isWellFormed()) {
    throw new IntuneArgumentError(argument, 'must be well-formed Unicode');
  }
  return value;
}

export function checkTransactionId(value: unknown): string {
  return checkText('transactionId', value, { maximumLength: 1024 });
}

/** Base64 in one piece of something that begins like a DER SEQUENCE. */
export function checkCertificateRequest(value: unknown): string {
  const text = checkText('certificateRequest', value, { maximumLength: longestCertificateRequest });
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  if (!isBase64 || Buffer.from(text.slice(0, 4), 'base64')[0] !== 0x30) {
    const problem = 'must be the base64 of a DER-encoded PKCS #10 request, without line breaks or PEM boundaries';
    throw new IntuneArgumentError('certificateRequest', problem);
  }
  return text;
}

/** An absolute https URL without credentials, query or fragment. */
export function checkBaseUrl(argument: string, value: unknown): URL {
  const text = checkText(argument, value, { maximumLength: 2048 });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:') {
    throw new IntuneArgumentError(argument, 'must be an https URL');
  }
  if (url.username !== '' || url.password !== '' || /[?#]/.test(url.href)) {
    throw new IntuneArgumentError(argument, 'must have no credentials, query or fragment');
  }
  return url;
}

export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value !== undefined && !(value instanceof AbortSignal)) {
    throw new IntuneArgumentError('signal', 'must be an AbortSignal');
  }
  return value;
}

/** A duration that a timer can wait for. */
export function checkDurationMs(argument: string, value: unknown): number {
  return checkWholeNumber(argument, value, { from: 1, to: longestDurationMs, unit: ' of milliseconds' });
}

export function checkWholeNumber(
  argument: string,
  value: unknown,
  { from, to, unit = '' }: { readonly from: number; readonly to: number; readonly unit?: string },
): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < from || value > to) {
    throw new IntuneArgumentError(argument, `must be a whole number${unit} from ${from} to ${to}`);
  }
  return value;
}

export function checkBoolean(argument: string, value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw new IntuneArgumentError(argument, 'must be true or false');
  }
  return value;
}

export function checkDate(argument: string, value: unknown): Date {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) {
    throw new IntuneArgumentError(argument, 'must be a valid Date');
  }
  return value;
}

/** RFC 9562 4, in either letter case. */
export function isGuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
