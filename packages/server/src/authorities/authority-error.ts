/** Why the generations of the CA stay as they are. The message is for an administrator. */
export type AuthorityErrorCode =
  | 'authority.next_exists'
  | 'authority.none_staged'
  | 'authority.other_staged'
  | 'authority.unsuitable';

export class AuthorityError extends Error {
  readonly code: AuthorityErrorCode;
  constructor(code: AuthorityErrorCode, message: string) {
    super(message);
    this.name = 'AuthorityError';
    this.code = code;
  }
}
