import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { oid } from '@scepter/x509';
import { parseSettings } from '../../src/settings/parse-settings.ts';
import type { SettingsContext } from '../../src/settings/parse-settings.ts';
import { SettingsError } from '../../src/settings/settings.ts';

const canary = 'CANARY-0123456789-0123456789-0123456789';
const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const base = resolve('/etc/scepter');
const files: Record<string, string> = {
  [join(base, 'client.secret')]: 'client secret\n',
  [join(base, 'windows.secret')]: 'of sixteen chars\r\n',
  [join(base, 'eight.secret')]: '8letters',
  [join(base, 'short.secret')]: 'CANARY!',
  [join(base, 'control.secret')]: `${canary}\u0007`,
  [join(base, 'lines.secret')]: `${canary}\n${canary}\n`,
  [join(base, 'empty.secret')]: '\n',
  [join(base, 'ca.pem')]: pem,
};
const context: SettingsContext = {
  baseFolder: base,
  environment: { MASTER: canary, EMPTY: '', CHALLENGE: 'a challenge of an endpoint' },
  readFile: (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('missing'), { code: 'ENOENT' });
    return text;
  },
  processors: 2,
};

const connection = {
  tenantId: 'contoso.onmicrosoft.com',
  clientId: '6f1c2f0e-7d5a-4a0e-9a53-0c7d5a4f8f11',
  clientSecret: { file: 'client.secret' },
};
const minimal = {
  dataFolder: 'data',
  authority: { organization: 'Contoso' },
  connections: { contoso: connection },
  endpoints: { intune: { authorizer: { kind: 'intune', connection: 'contoso' } } },
};
const staticEndpoint = { authorizer: { kind: 'static-challenge', challenge: { environment: 'CHALLENGE' } } };

const parse = (changes: object) => parseSettings({ ...minimal, ...changes }, context);

describe('parseSettings', () => {
  it('fills in safe defaults', () => {
    const settings = parse({});
    assert.deepEqual(settings.listen, { host: '127.0.0.1', port: 8080, trustedProxies: [] });
    assert.equal(settings.publicUrl, 'http://127.0.0.1:8080');
    assert.equal(settings.dataFolder, join(base, 'data'));
    assert.equal(settings.masterSecret, undefined);
    assert.deepEqual(settings.authority, {
      organization: 'Contoso',
      commonNamePrefix: 'Contoso',
      keys: { root: 'rsa-3072', issuing: 'rsa-2048', registration: 'rsa-2048' },
      registration: 'separate',
    });
    assert.deepEqual(settings.connections, [
      {
        name: 'contoso',
        tenantId: connection.tenantId,
        credential: { clientId: connection.clientId, clientSecretFile: join(base, 'client.secret') },
        cloud: 'public',
        authorityUrl: undefined,
        graphUrl: undefined,
        intuneResource: undefined,
        tls: undefined,
        proxy: undefined,
        allowLoopback: false,
        timeoutMs: 30_000,
        attemptTimeoutMs: undefined,
      },
    ]);
    assert.deepEqual(settings.limits, {
      bodyBytes: 65_536,
      requestTimeoutMs: 10_000,
      workerTimeoutMs: 5000,
      workers: 2,
      concurrentRequests: 512,
      concurrentRequestsPerAddress: 256,
      requestsPerMinute: 120_000,
      requestsPerMinutePerAddress: 1200,
      requestBurstPerAddress: 1500,
      connections: 2048,
      connectionsPerAddress: 512,
      keepAliveMs: 15_000,
      minimumBytesPerSecond: 512,
      wrongChallengesPerAddress: 60,
      withheldClaimMs: 86_400_000,
      crlValidityMs: 604_800_000,
    });
    const [endpoint] = settings.endpoints;
    assert.deepEqual(endpoint, {
      name: 'intune',
      authorizer: { kind: 'intune', connection: 'contoso' },
      algorithms: 'modern',
      caCertificates: undefined,
      renewal: false,
      weakRenewal: false,
      replyCertificates: 'leaf',
      certificateProfile: {
        name: 'default',
        validityDays: 365,
        backdateHours: 24,
        keyUsages: ['digitalSignature', 'keyEncipherment'],
        defaultKeyUsages: ['digitalSignature', 'keyEncipherment'],
        extendedKeyUsages: [oid.clientAuth],
        defaultExtendedKeyUsages: [oid.clientAuth],
        subjectAltNameKinds: ['dns', 'email', 'uri', 'upn', 'ip'],
        requireSubject: false,
        rsaBits: { minimum: 2048, maximum: 4096 },
        ecCurves: ['P-256', 'P-384', 'P-521'],
        crlUrls: ['http://127.0.0.1:8080/crl/issuing.crl'],
        caIssuerUrls: ['http://127.0.0.1:8080/ca/issuing.cer'],
        digest: 'sha256',
      },
    });
  });

  it('lets a person decide, for a week and a thousand requests unless told otherwise', () => {
    const { endpoints } = parse({
      endpoints: {
        usual: { authorizer: { kind: 'manual' } },
        told: {
          authorizer: { kind: 'manual', pendingDays: 30, pendingRequests: 5 },
          renewal: false,
          replyCertificates: 'chain',
        },
      },
    });
    const [usual, told] = endpoints;
    assert.deepEqual(usual?.authorizer, {
      kind: 'manual',
      pendingDays: 7,
      pendingRequests: 1000,
      pendingRequestsPerAddress: 100,
    });
    assert.equal(usual?.renewal, true);
    assert.deepEqual(told?.authorizer, {
      kind: 'manual',
      pendingDays: 30,
      pendingRequests: 5,
      pendingRequestsPerAddress: 100,
    });
    assert.equal(told?.renewal, false);
    assert.equal(told?.replyCertificates, 'chain');
  });

  it('allows weak renewals only where they are asked for in so many words', () => {
    const weak = (changes: object): boolean | undefined =>
      parse({ endpoints: { a: { ...staticEndpoint, ...changes } } }).endpoints[0]?.weakRenewal;
    assert.equal(weak({ algorithms: 'legacy', renewal: true }), true);
    for (const changes of [
      {},
      { algorithms: 'legacy' },
      { renewal: true },
      { algorithms: 'compatible', renewal: true },
    ]) {
      assert.equal(weak(changes), false, JSON.stringify(changes));
    }
  });

  it('takes what is given', () => {
    const settings = parse({
      listen: { host: '::1', port: 0 },
      publicUrl: 'http://scep.contoso.com/',
      masterSecret: { environment: 'MASTER' },
      authority: { organization: 'Contoso', commonNamePrefix: 'Contoso Device' },
      connections: { contoso: { ...connection, tlsCaFile: 'ca.pem', graphUrl: 'https://127.0.0.1:8443' } },
      certificateProfiles: { vpn: { validityDays: 30, crlUrls: [], rsaBits: { minimum: 3072 } } },
      endpoints: { vpn: { ...staticEndpoint, certificateProfile: 'vpn', algorithms: 'compatible' } },
      limits: { workers: 5 },
    });
    assert.equal(settings.publicUrl, 'http://scep.contoso.com');
    assert.equal(settings.masterSecret, canary);
    assert.equal(settings.authority.commonNamePrefix, 'Contoso Device');
    assert.deepEqual(settings.connections[0]?.tls, { ca: pem });
    assert.equal(settings.connections[0]?.graphUrl, 'https://127.0.0.1:8443');
    const [endpoint] = settings.endpoints;
    assert.deepEqual(endpoint?.authorizer, {
      kind: 'static-challenge',
      challenge: 'a challenge of an endpoint',
      challengeHash: undefined,
      expiresAt: undefined,
      maximumUses: undefined,
    });
    assert.equal(endpoint?.renewal, true);
    assert.equal(endpoint?.algorithms, 'compatible');
    assert.equal(endpoint?.certificateProfile.validityDays, 30);
    assert.deepEqual(endpoint?.certificateProfile.crlUrls, []);
    assert.deepEqual(endpoint?.certificateProfile.caIssuerUrls, ['http://scep.contoso.com/ca/issuing.cer']);
    assert.deepEqual(endpoint?.certificateProfile.rsaBits, { minimum: 3072, maximum: 4096 });
    assert.equal(settings.limits.workers, 5);
  });

  it('writes an IPv6 address into the default publicUrl as URLs need it', () => {
    assert.equal(parse({ listen: { host: '::1' } }).publicUrl, 'http://[::1]:8080');
  });

  it('lets a configuration describe the default profile', () => {
    const settings = parse({ certificateProfiles: { default: { validityDays: 7 } } });
    assert.equal(settings.endpoints[0]?.certificateProfile.validityDays, 7);
  });

  const usages: [name: string, profile: object, keyUsages: string[], extendedKeyUsages: string[]][] = [
    [
      'what is usual',
      { extendedKeyUsages: ['serverAuth', 'clientAuth'] },
      ['digitalSignature', 'keyEncipherment'],
      [oid.clientAuth],
    ],
    [
      'the first that is allowed',
      { keyUsages: ['keyAgreement'], extendedKeyUsages: ['serverAuth', '1.2.3'] },
      ['keyAgreement'],
      [oid.serverAuth],
    ],
    [
      'what the profile says',
      {
        defaultKeyUsages: ['keyEncipherment'],
        extendedKeyUsages: ['1.2.3', 'clientAuth'],
        defaultExtendedKeyUsages: ['1.2.3'],
      },
      ['keyEncipherment'],
      ['1.2.3'],
    ],
  ];
  for (const [name, profile, keyUsages, extendedKeyUsages] of usages) {
    it(`gives a request that asks for no usage ${name}`, () => {
      const [endpoint] = parse({ certificateProfiles: { default: profile } }).endpoints;
      assert.deepEqual(endpoint?.certificateProfile.defaultKeyUsages, keyUsages);
      assert.deepEqual(endpoint?.certificateProfile.defaultExtendedKeyUsages, extendedKeyUsages);
    });
  }

  it('takes a static challenge of 16 characters, and of 8 on a legacy endpoint', () => {
    const endpoint = (file: string, algorithms: string) => ({
      authorizer: { kind: 'static-challenge', challenge: { file } },
      algorithms,
    });
    const { endpoints } = parse({
      endpoints: { modern: endpoint('windows.secret', 'modern'), old: endpoint('eight.secret', 'legacy') },
    });
    const challenges = endpoints.map(({ authorizer }) => 'challenge' in authorizer && authorizer.challenge);
    assert.deepEqual(challenges, ['of sixteen chars', '8letters']);
  });

  it('reads files from the file system by default', () => {
    const folder = mkdtempSync(join(tmpdir(), 'scepter-settings-'));
    writeFileSync(join(folder, 'client.secret'), 'from a file\n');
    const settings = parseSettings(minimal, { baseFolder: folder, environment: {} });
    rmSync(folder, { recursive: true });
    const { clientId } = connection;
    assert.deepEqual(settings.connections[0]?.credential, {
      clientId,
      clientSecretFile: join(folder, 'client.secret'),
    });
  });

  const challenge = (reference: unknown, algorithms = 'modern') => ({
    endpoints: { a: { authorizer: { kind: 'static-challenge', challenge: reference }, algorithms } },
  });
  const withConnection = (changes: object) => ({ connections: { contoso: { ...connection, ...changes } } });
  const problems: [name: string, changes: object, path: string, sentence: RegExp, code?: string][] = [
    ['a misspelt setting', { dataFoldr: 'x' }, 'dataFoldr', /is not a setting; did you mean "dataFolder"\?$/],
    ['an unknown setting', { colour: 'x' }, 'colour', /is not a setting; known here: listen, publicUrl, /],
    ['a misspelt setting inside', { listen: { prot: 1 } }, 'listen.prot', /did you mean "port"\?/],
    ['a missing setting', { authority: undefined }, 'authority', /^authority is missing\.$/],
    ['a setting of another type', { listen: { port: '80' } }, 'listen.port', /must be a whole number from 0 to 65535/],
    ['text in place of an object', { authority: 'x' }, 'authority', /must be an object in braces, not text\.$/],
    ['a port beyond TCP', { listen: { port: 65_536 } }, 'listen.port', /from 0 to 65535/],
    [
      'a range of proxies with bits behind its prefix',
      { listen: { trustedProxies: ['10.0.0.0/8', '10.1.0.0/8'] } },
      'listen.trustedProxies.1',
      /without bits behind the prefix/,
    ],
    ['a host with a path', { listen: { host: 'a/b' } }, 'listen.host', /host name or an address/],
    [
      'every address without a publicUrl',
      { listen: { host: '0.0.0.0' } },
      'publicUrl',
      /is missing: with listen\.host/,
    ],
    ['a publicUrl of https', { publicUrl: 'https://a' }, 'publicUrl', /http:\/\/host.*RFC 5280/],
    ['a publicUrl with a query', { publicUrl: 'http://a/?b' }, 'publicUrl', /query/],
    ['a long organization', { authority: { organization: 'x'.repeat(65) } }, 'authority.organization', /1 to 64/],
    [
      'an organization without room',
      { authority: { organization: 'x'.repeat(50) } },
      'authority.commonNamePrefix',
      /too long/,
    ],
    [
      'an EC key that is to decrypt',
      { authority: { organization: 'Contoso', registration: 'none', keys: { issuing: 'ec-p256' } } },
      'authority.keys.issuing',
      /must be an RSA key/,
    ],
    [
      'an EC key for the RA',
      { authority: { organization: 'Contoso', keys: { registration: 'ec-p256' } } },
      'authority.keys.registration',
      /rsa-2048/,
    ],
    ['a control character', { authority: { organization: 'a\u001b[2J' } }, 'authority.organization', /control/],
    ['a name with capitals', { connections: { Contoso: connection } }, 'connections.Contoso', /is not a valid name/],
    [
      'a name of 41 characters',
      { endpoints: { ['a'.repeat(41)]: staticEndpoint } },
      `endpoints.${'a'.repeat(41)}`,
      /valid name/,
    ],
    ['a client ID that is none', withConnection({ clientId: 'x' }), 'connections.contoso.clientId', /GUID/],
    ['a tenant ID with a path', withConnection({ tenantId: 'a/b' }), 'connections.contoso.tenantId', /tenant/],
    ['Graph over http', withConnection({ graphUrl: 'http://a' }), 'connections.contoso.graphUrl', /https:.*token/],
    [
      'a URL with a password',
      withConnection({ graphUrl: 'https://a:b@c' }),
      'connections.contoso.graphUrl',
      /user name/,
    ],
    ['a timeout of a millisecond', withConnection({ timeoutMs: 1 }), 'connections.contoso.timeoutMs', /1000 to 60000/],
    [
      'no certificate to trust',
      withConnection({ tlsCaFile: 'client.secret' }),
      'connections.contoso.tlsCaFile',
      /no PEM/,
    ],
    [
      'an unreadable file',
      withConnection({ tlsCaFile: 'x.pem' }),
      'connections.contoso.tlsCaFile',
      /there is no file .*x\.pem/,
      'settings.file_unreadable',
    ],
    ['no endpoint', { endpoints: {} }, 'endpoints', /at least one endpoint/],
    [
      'an unknown authorizer',
      { endpoints: { a: { authorizer: { kind: 'x' } } } },
      'endpoints.a.authorizer.kind',
      /must be "intune", "manual", "static-challenge" or "one-time-challenge"/,
    ],
    [
      'an unknown connection',
      { endpoints: { a: { authorizer: { kind: 'intune', connection: 'contosso' } } } },
      'endpoints.a.authorizer.connection',
      /did you mean "contoso"\?/,
      'settings.unknown_reference',
    ],
    [
      'renewal where Intune authorizes',
      { endpoints: { a: { ...minimal.endpoints.intune, renewal: true } } },
      'endpoints.a.renewal',
      /must be false where Intune authorizes/,
    ],
    [
      'an unknown profile',
      { endpoints: { a: { ...staticEndpoint, certificateProfile: 'x' } } },
      'endpoints.a.certificateProfile',
      /names "x"/,
      'settings.unknown_reference',
    ],
    [
      'a default endpoint that is not there',
      { endpoints: { intune: staticEndpoint }, defaultEndpoint: 'intun' },
      'defaultEndpoint',
      /names "intun", which endpoints does not describe; did you mean "intune"\?/,
      'settings.unknown_reference',
    ],
    [
      'an unknown algorithm floor',
      { endpoints: { a: { ...staticEndpoint, algorithms: 'x' } } },
      'endpoints.a.algorithms',
      /"modern", "compatible" or "legacy"/,
    ],
    [
      'key usages of a CA',
      { certificateProfiles: { a: { keyUsages: ['keyCertSign'] } } },
      'certificateProfiles.a.keyUsages.0',
      /must be "digitalSignature"/,
    ],
    [
      'no extended key usage',
      { certificateProfiles: { a: { extendedKeyUsages: [] } } },
      'certificateProfiles.a.extendedKeyUsages',
      /must not be empty/,
    ],
    [
      'an unknown extended key usage',
      { certificateProfiles: { a: { extendedKeyUsages: ['x'] } } },
      'certificateProfiles.a.extendedKeyUsages.0',
      /OID in dotted form/,
    ],
    [
      'any purpose',
      { certificateProfiles: { a: { extendedKeyUsages: [oid.anyExtendedKeyUsage] } } },
      'certificateProfiles.a',
      /must not contain anyExtendedKeyUsage/,
    ],
    [
      'a default that is not allowed',
      { certificateProfiles: { a: { defaultKeyUsages: ['keyAgreement'] } } },
      'certificateProfiles.a',
      /among keyUsages/,
    ],
    [
      'short RSA keys',
      { certificateProfiles: { a: { rsaBits: { minimum: 1024 } } } },
      'certificateProfiles.a.rsaBits.minimum',
      /2048 to 8192/,
    ],
    [
      'a claim time of a second',
      { limits: { withheldClaimMs: 1000 } },
      'limits.withheldClaimMs',
      /60000 to 259200000: a device/,
    ],
    [
      'a secret in the file',
      { masterSecret: canary },
      'masterSecret',
      /\{"file": "path"\} or \{"environment": "NAME"\}/,
    ],
    [
      'a secret in the file of a connection',
      withConnection({ clientSecret: canary }),
      'connections.contoso.clientSecret',
      /does not belong in this file/,
    ],
    ['a secret in an object', challenge({ value: canary }), 'endpoints.a.authorizer.challenge', /\{"file": "path"\}/],
    ['no secret', withConnection({ clientSecret: undefined }), 'connections.contoso.clientSecret', /is missing/],
    [
      'an unset variable',
      { masterSecret: { environment: 'X' } },
      'masterSecret',
      /variable X is empty or not set/,
      'settings.secret_missing',
    ],
    [
      'an empty variable',
      { masterSecret: { environment: 'EMPTY' } },
      'masterSecret',
      /not set/,
      'settings.secret_missing',
    ],
    [
      'an empty file',
      challenge({ file: 'empty.secret' }),
      'endpoints.a.authorizer.challenge',
      /empty/,
      'settings.secret_missing',
    ],
    [
      'a missing secret file',
      challenge({ file: 'x' }),
      'endpoints.a.authorizer.challenge.file',
      /there is no file x/,
      'settings.file_unreadable',
    ],
    ['a short master secret', { masterSecret: { file: 'short.secret' } }, 'masterSecret', /32 to 1024 characters/],
    [
      'a challenge of 8 characters',
      challenge({ file: 'eight.secret' }, 'compatible'),
      'endpoints.a.authorizer.challenge',
      /16 to 255/,
    ],
    [
      'a legacy challenge of 7 characters',
      challenge({ file: 'short.secret' }, 'legacy'),
      'endpoints.a.authorizer.challenge',
      /8 to 255/,
    ],
    [
      'a secret with a control character',
      challenge({ file: 'control.secret' }),
      'endpoints.a.authorizer.challenge',
      /one line/,
    ],
    ['a secret of two lines', challenge({ file: 'lines.secret' }), 'endpoints.a.authorizer.challenge', /one line/],
  ];
  for (const [name, changes, path, sentence, code = 'settings.invalid'] of problems) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => parse(changes),
        (error) => {
          assert.ok(error instanceof SettingsError);
          assert.equal(error.path, path);
          assert.equal(error.code, code);
          assert.match(error.message, sentence);
          assert.ok(error.message.startsWith(path), error.message);
          assert.ok(!JSON.stringify([error, error.message, String(error.cause)]).includes('CANARY'));
          return true;
        },
      );
    });
  }

  for (const [name, json] of [
    ['nothing', undefined],
    ['a list', []],
    ['text', 'x'],
    ['null', null],
  ] as const) {
    it(`refuses ${name} in place of a configuration`, () => {
      assert.throws(() => parseSettings(json, context), { name: 'SettingsError', message: /^The configuration / });
    });
  }

  it('is not fooled by a name of every object', () => {
    const json: unknown = JSON.parse(`{"endpoints": {"__proto__": ${JSON.stringify(staticEndpoint)}}}`);
    assert.throws(() => parseSettings({ ...minimal, ...(json as object) }, context), { path: /^endpoints/ });
    assert.throws(() => parse({ endpoints: { a: { ...staticEndpoint, certificateProfile: 'constructor' } } }), {
      code: 'settings.unknown_reference',
    });
  });
});
