/** What the admin API answers when it does not do what was asked: problem details, RFC 9457. */

/** Each with its HTTP status and its title; `docs/administration.md` lists them, and a test holds the two together. */
export const problems = {
  'admin.not_json': [400, 'Not JSON'],
  'admin.unauthorized': [401, 'Unauthorized'],
  'admin.forbidden': [403, 'Forbidden'],
  'admin.browser': [403, 'Not for browsers'],
  'admin.not_found': [404, 'Not found'],
  'admin.too_slow': [408, 'Too slow'],
  'admin.conflict': [409, 'Conflict'],
  'admin.too_large': [413, 'Too large'],
  'admin.not_json_type': [415, 'Unsupported media type'],
  'admin.invalid': [422, 'Invalid'],
  'admin.too_many_attempts': [429, 'Too many attempts'],
  'admin.internal': [500, 'Something failed'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof problems;

/** What is wrong with one member of a request: its path, such as `binding.subject`, and the predicate of a sentence. */
export interface InvalidMember {
  readonly path: string;
  readonly message: string;
}

/** Thrown by a route; answered in one place, `admin-app.ts`. */
export class AdminProblem extends Error {
  readonly code: ProblemCode;
  readonly invalid: readonly InvalidMember[];
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param detail one or two sentences for whoever called, without a secret: what is wrong, and what to do about it
   * @example
   * throw new AdminProblem('admin.not_found', 'There is no challenge with this id.');
   */
  constructor(
    code: ProblemCode,
    detail: string,
    more: { readonly invalid?: readonly InvalidMember[]; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.name = 'AdminProblem';
    this.code = code;
    this.invalid = more.invalid ?? [];
    this.headers = more.headers ?? {};
  }
}

export function problemResponse({ code, message, invalid, headers }: AdminProblem): Response {
  const [status, title] = problems[code];
  const body = {
    type: 'about:blank',
    title,
    status,
    detail: message,
    code,
    ...(invalid.length === 0 ? {} : { invalid }),
  };
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  });
}
