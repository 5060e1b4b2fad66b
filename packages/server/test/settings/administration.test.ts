/** The settings of the admin API and of challenges. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDataFolder, parseSettings } from '../../src/index.ts';
import type { Settings } from '../../src/index.ts';

const HASH = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
const TOKEN = 'a-token-that-is-long-enough-to-be-one';
const secrets = { TOKEN, SHORT: 'too-short', UMLAUT: `${TOKEN}ü`, CHALLENGE: 'sixteen characters' };
const context = { baseFolder: '/etc/scepter', environment: secrets, readFile: (): string => '' };

const minimal = { listen: {}, dataFolder: 'data', authority: { organization: 'Contoso' } };
const withAdmin = (admin: unknown): Settings =>
  parseSettings({ ...minimal, endpoints: { one: { authorizer: { kind: 'one-time-challenge' } } }, admin }, context);
const withAuthorizer = (authorizer: unknown): Settings =>
  parseSettings({ ...minimal, endpoints: { one: { authorizer } } }, context);
const token = (changes: object = {}): object => ({
  secret: { environment: 'TOKEN' },
  permissions: ['challenges'],
  ...changes,
});

describe('admin', () => {
  it('listens on a free port of this machine alone, and knows no token, unless told otherwise', () => {
    assert.deepEqual(withAdmin(undefined).admin, { listen: { host: '127.0.0.1', port: 0 }, tokens: [] });
  });

  it('takes tokens with permissions', () => {
    const { tokens } = withAdmin({ tokens: { mdm: token() } }).admin;
    assert.deepEqual(tokens, [{ name: 'mdm', secret: TOKEN, permissions: ['challenges'] }]);
  });

  it('listens elsewhere behind a proxy with TLS', () => {
    const admin = { listen: { host: '0.0.0.0', port: 8091 }, behindTlsProxy: true };
    assert.deepEqual(withAdmin(admin).admin.listen, { host: '0.0.0.0', port: 8091 });
  });

  const refused: [name: string, admin: unknown, path: string, message: RegExp][] = [
    ['an address that others reach', { listen: { host: '0.0.0.0' } }, 'admin.listen.host', /no TLS/],
    ['a name that others might answer to', { listen: { host: 'scep.example' } }, 'admin.listen.host', /no TLS/],
    [
      'a short token',
      { tokens: { mdm: token({ secret: { environment: 'SHORT' } }) } },
      'admin.tokens.mdm.secret',
      /32 to 1024/,
    ],
    [
      'a token that fits no header',
      { tokens: { mdm: token({ secret: { environment: 'UMLAUT' } }) } },
      'admin.tokens.mdm.secret',
      /visible ASCII/,
    ],
    [
      'a token in the file',
      { tokens: { mdm: token({ secret: TOKEN }) } },
      'admin.tokens.mdm.secret',
      /does not belong in this file/,
    ],
    [
      'two tokens with one secret',
      { tokens: { mdm: token(), auditor: token({ permissions: ['requests'] }) } },
      'admin.tokens.auditor.secret',
      /must be its own/,
    ],
    ['the command line’s name', { tokens: { local: token() } }, 'admin.tokens.local', /another name/],
    [
      'no permission',
      { tokens: { mdm: token({ permissions: [] }) } },
      'admin.tokens.mdm.permissions',
      /must not be empty/,
    ],
    [
      'a permission that is none',
      { tokens: { mdm: token({ permissions: ['everything'] }) } },
      'admin.tokens.mdm.permissions.0',
      /"challenges", "requests" or "authority"/,
    ],
  ];
  for (const [name, admin, path, message] of refused) {
    it(`refuses ${name}, without repeating a secret`, () => {
      assert.throws(
        () => withAdmin(admin),
        (error: Error & { path?: string }) => {
          assert.equal(error.path, path);
          assert.match(error.message, message);
          return !Object.values(secrets).some((secret) => error.message.includes(secret));
        },
      );
    });
  }
});

describe('challenges of the configuration', () => {
  const kind = 'static-challenge';

  it('may be left to those that are made at run time', () => {
    const { endpoints } = withAuthorizer({ kind });
    assert.equal(endpoints[0]?.authorizer.kind, kind);
    assert.equal(endpoints[0]?.renewal, true);
    assert.deepEqual(withAuthorizer({ kind: 'one-time-challenge' }).endpoints[0]?.authorizer, {
      kind: 'one-time-challenge',
    });
  });

  it('may be a hash, with an end and a number of uses', () => {
    const authorizer = { kind, challengeHash: HASH, expiresAt: '2027-01-31T02:00:00+02:00', maximumUses: 500 };
    assert.deepEqual(withAuthorizer(authorizer).endpoints[0]?.authorizer, {
      kind,
      challenge: undefined,
      challengeHash: HASH,
      expiresAt: new Date('2027-01-31T00:00:00Z'),
      maximumUses: 500,
    });
  });

  const challenge = { environment: 'CHALLENGE' };
  const refused: [name: string, authorizer: object, setting: string, message: RegExp][] = [
    ['a challenge and a hash', { challenge, challengeHash: HASH }, 'challengeHash', /excludes challenge/],
    ['a hash that is none', { challengeHash: 'sixteen characters' }, 'challengeHash', /scepter challenge hash/],
    ['an end without its zone', { challenge, expiresAt: '2027-01-31T00:00:00' }, 'expiresAt', /with its zone/],
    ['an end of nothing', { expiresAt: '2027-01-31T00:00:00Z' }, 'expiresAt', /belongs to a challenge/],
    ['uses of nothing', { maximumUses: 3 }, 'maximumUses', /belongs to a challenge/],
    ['no use', { challenge, maximumUses: 0 }, 'maximumUses', /1 to 1000000/],
  ];
  for (const [name, settings, setting, message] of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => withAuthorizer({ kind, ...settings }),
        (error: Error & { path?: string }) => {
          assert.equal(error.path, `endpoints.one.authorizer.${setting}`);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});

describe('parseDataFolder', () => {
  it('finds the folder without the secrets that the server needs', () => {
    const json = {
      ...minimal,
      masterSecret: { environment: 'NONE' },
      endpoints: { one: { authorizer: { kind: 'manual' } } },
    };
    assert.throws(() => parseSettings(json, context), { code: 'settings.secret_missing' });
    assert.equal(parseDataFolder(json, context), '/etc/scepter/data');
  });
});
