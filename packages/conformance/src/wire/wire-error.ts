/** What a server sent is not what it has to be; the message says what. */
export class WireError extends Error {
  override readonly name = 'WireError';
}
