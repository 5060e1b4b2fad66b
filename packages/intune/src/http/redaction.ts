const mask = '[redacted]';

/** A run of characters that could be base64, base64url or a token, also when escaped for JSON or a URL. */
const tokenLikeRun = /(?:[A-Za-z0-9+/=_.~-]|\\\/|\\u00[0-9a-f]{2}|%[0-9a-f]{2}){16,}/gi;
/** What a JSON web token is found in; the token itself is not searched for by pattern, which would take too long. */
const dottedRun = /[\w.-]{16,}/g;
const tokenMember = /("(?:access_token|refresh_token|id_token|client_secret|client_assertion)"\s*:\s*")[^"]*/gi;
/** The same in a form. */
const tokenField = /\b((?:access_token|refresh_token|client_secret|client_assertion|assertion)=)[^&\s"]+/gi;
/** RFC 7468; one that is cut off reaches to the end. */
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** Worth showing although a request contains it: devices and users are named by GUIDs. */
const guid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

/** A run is hidden when it shares this many characters with a token or request; twice as many are surely noticed. */
const tellingPartOfToken = 12;
/** Longer, because a request also contains names that error texts rightly mention. */
const tellingPartOfContents = 20;

/** What a text must not show. */
export interface Secrets {
  /** Bearer tokens and client secrets. */
  readonly tokens?: readonly string[];
  /** The base64 of a PKCS #10 request. What it contains, above all the challenge, is secret as well. */
  readonly certificateRequest?: string | undefined;
}

/**
 * Makes a text that came from elsewhere safe to show: services echo what they were sent, whole, in part or escaped.
 * A run of characters is hidden when it shares a telling part with a secret.
 */
export function redact(text: string, secrets: Secrets): string {
  const request = secrets.certificateRequest ?? '';
  const requestContents = Buffer.from(request, 'base64').toString('latin1');
  const whole = [...(secrets.tokens ?? []), request].filter((secret) => secret !== '');
  const isSecret = (run: string): boolean =>
    whole.some((secret) => run.includes(secret) || shareParts(run, secret, tellingPartOfToken)) ||
    run.split(guid).some((piece) => shareParts(piece, requestContents, tellingPartOfContents));
  return whole
    .reduce((result, secret) => result.replaceAll(secret, mask), text)
    .replace(privateKey, mask)
    .replace(tokenMember, `$1${mask}`)
    .replace(tokenField, `$1${mask}`)
    .replace(dottedRun, hideJsonWebToken)
    .replace(tokenLikeRun, (run) => (isSecret(unescapeRun(run)) ? mask : run));
}

/** Hides what may be header, payload and signature of a token (RFC 7515 7.1), and what follows them. */
function hideJsonWebToken(run: string): string {
  const parts = run.split('.');
  for (const [index, part] of parts.entries()) {
    const start = part.indexOf('eyJ');
    const isHeader = start >= 0 && part.length - start > 10;
    if (isHeader && (parts[index + 1] ?? '') !== '' && parts.length > index + 2) {
      return [...parts.slice(0, index), part.slice(0, start) + mask].join('.');
    }
  }
  return run;
}

/** Whether one of the consecutive pieces of `run` occurs in `secret`; so it notices every common part of twice that length. */
function shareParts(run: string, secret: string, partLength: number): boolean {
  for (let start = 0; start + partLength <= run.length; start += partLength) {
    if (secret.includes(run.slice(start, start + partLength))) {
      return true;
    }
  }
  return false;
}

function unescapeRun(run: string): string {
  return run
    .replaceAll('\\/', '/')
    .replace(/(?:\\u00|%)([0-9a-f]{2})/gi, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** One line without control characters, at most `maximumLength` UTF-16 units long. */
export function toLine(text: string, maximumLength: number): string {
  const line = text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
  return line.length <= maximumLength ? line : `${line.slice(0, maximumLength - 1)}…`;
}
