/** The admin API of the configuration file. */
import type { ConfigurationFile } from './schema.ts';
import { readSecret } from './secrets.ts';
import type { Surroundings } from './secrets.ts';
import { SettingsError } from './settings.ts';
import type { AdminSettings, AdminTokenSettings } from './settings.ts';

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
    tokens: distinct(Object.entries(tokens).map(([name, token]) => toToken(name, token, surroundings))),
  };
}

function toToken(
  name: string,
  { permissions, secret }: ConfigurationFile['admin']['tokens'][string],
  surroundings: Surroundings,
): AdminTokenSettings {
  return { name, secret: toSecret(`admin.tokens.${name}`, name, secret, surroundings), permissions };
}

/** Of two tokens with one secret, nobody could tell who did what, nor which permissions count. */
function distinct(tokens: readonly AdminTokenSettings[]): readonly AdminTokenSettings[] {
  const secrets = tokens.map(({ secret }) => secret);
  const repeated = tokens.find(({ secret }, index) => secrets.indexOf(secret) < index);
  if (repeated === undefined) return tokens;
  const path = `admin.tokens.${repeated.name}.secret`;
  throw new SettingsError('settings.invalid', path, `${path} must be its own: another token has the same secret.`);
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
