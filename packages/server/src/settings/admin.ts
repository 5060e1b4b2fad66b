/** The admin API of the configuration file. */
import type { ConfigurationFile } from './schema.ts';
import { readSecret } from './secrets.ts';
import type { Surroundings } from './secrets.ts';
import { SettingsError } from './settings.ts';
import type { AdminSettings } from './settings.ts';

/** The API answers whoever asks: its tokens must be beyond guessing. */
const tokenBounds = { minimumCharacters: 32, maximumCharacters: 1024 };

/** @throws SettingsError when a secret is not there, or the address is one that others reach without TLS */
export function toAdmin(
  { listen, behindTlsProxy, tokens }: ConfigurationFile['admin'],
  surroundings: Surroundings,
): AdminSettings {
  if (!behindTlsProxy && !isLoopback(listen.host)) {
    const path = 'admin.listen.host';
    const sentence = `${path} must be an address of this machine alone, such as 127.0.0.1: the admin API has no TLS. Where a proxy in front of it has, set admin.behindTlsProxy.`;
    throw new SettingsError('settings.invalid', path, sentence);
  }
  return {
    listen,
    tokens: Object.entries(tokens).map(([name, token]) => ({
      name,
      secret: toSecret(`admin.tokens.${name}`, name, token.secret, surroundings),
      permissions: token.permissions,
    })),
  };
}

function toSecret(
  path: string,
  name: string,
  reference: ConfigurationFile['admin']['tokens'][string]['secret'],
  surroundings: Surroundings,
): string {
  if (name === 'local') {
    const sentence = `${path} must have another name: "local" is the command line's in the log.`;
    throw new SettingsError('settings.invalid', path, sentence);
  }
  const secret = readSecret(`${path}.secret`, reference, tokenBounds, surroundings);
  if (/^[\x21-\x7e]+$/.test(secret)) return secret;
  const sentence = `${path}.secret must consist of visible ASCII characters: it travels in an HTTP header.`;
  throw new SettingsError('settings.invalid', `${path}.secret`, sentence);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
