/** A base URL as the text to put a path behind. Whether it ends in a slash is nothing that anybody means. */
export function withoutTrailingSlash(url: URL | string): string {
  return String(url).replace(/\/+$/, '');
}
