/**
 * Paths that clients have built in or inherited: RFC 8894 section 4.1 names the first, the second is that of Microsoft's
 * NDES, whose web server does not tell upper case from lower.
 */
const builtIn = /^\/(cgi-bin\/pkiclient\.exe|certsrv\/mscep\/mscep\.dll)(\/|$)/i;

/** Whether a path, without its query, is one that the default endpoint answers; whatever follows is ignored. */
export function isBuiltInPath(path: string): boolean {
  return builtIn.test(path);
}
