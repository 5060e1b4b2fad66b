import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Agent } from 'undici';
import {
  findMisspelledProperties,
  IntuneArgumentError,
  IntuneClient,
  intuneOptionsFromProperties,
  intuneProperties,
  loadIntuneOptions,
  type IntuneClientOptions,
  type Properties,
} from '../../src/index.ts';
import { identity } from '../microsoft.ts';

const tenant = 'contoso.onmicrosoft.com';
const clientId = '8d1b6f52-7c6e-4f0e-9b5a-0d4f6a1f2e33';
const secret = 'CANARY~secret.8Q_';
const required = {
  AAD_APP_ID: clientId,
  AAD_APP_KEY: secret,
  TENANT: tenant,
  PROVIDER_NAME_AND_VERSION: 'Contoso CA 3.1',
};
const { AAD_APP_ID: _id, AAD_APP_KEY: _key, ...withoutSignIn } = required;
const bare = { tenant, callerInfo: 'Contoso CA 3.1', credential: { clientId, clientSecret: secret } };

const folder = mkdtempSync(join(tmpdir(), 'scepter-options-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const caFile = file('ca.pem', identity.ca);
const certificateFile = file('certificate.pem', identity.cert);
const keyFile = file('key.pem', identity.key);

describe('intuneOptionsFromProperties', () => {
  const rows: [name: string, properties: Properties, options: Partial<IntuneClientOptions>][] = [
    ['the required ones', {}, {}],
    ['blanks around an id', { AAD_APP_ID: ` ${clientId}\t`, TENANT: `${tenant} ` }, {}],
    [
      'optional ones without a value',
      { AUTH_AUTHORITY: '', INTUNE_APP_ID: ' ', PROXY_HOST: '', PROXY_PORT: 'x', MS_GRAPH_API_VERSION: '' },
      {},
    ],
    [
      'an authority with trailing slash',
      { AUTH_AUTHORITY: 'https://login.example/' },
      { authority: 'https://login.example/' },
    ],
    ['an authority without', { AUTH_AUTHORITY: 'https://login.example' }, { authority: 'https://login.example' }],
    ['the application id of Intune', { INTUNE_APP_ID: clientId }, { intuneApplicationId: clientId }],
    [
      'the resource of Intune',
      { INTUNE_RESOURCE_URL: 'https://api.manage.example/' },
      { intuneResource: 'https://api.manage.example/' },
    ],
    [
      "Graph by Java's name",
      { MS_GRAPH_RESOURCE_URL: 'https://graph.example/' },
      { graphUrl: 'https://graph.example' },
    ],
    ["Graph by C#'s name", { MSAL_GRAPH_RESOURCE_URL: 'https://graph.example' }, { graphUrl: 'https://graph.example' }],
    [
      'Graph by both',
      { MS_GRAPH_RESOURCE_URL: 'https://graph.example/', MSAL_GRAPH_RESOURCE_URL: 'https://graph.example' },
      { graphUrl: 'https://graph.example' },
    ],
    ["Graph's version as Microsoft writes it", { MS_GRAPH_API_VERSION: '1.0' }, { graphApiVersion: 'v1.0' }],
    ["Graph's version as its URL has it", { MS_GRAPH_API_VERSION: 'v1.0' }, { graphApiVersion: 'v1.0' }],
    [
      'the services’ versions',
      { ScepRequestValidationFEServiceVersion: '2018-02-21', PkiConnectorFEServiceVersion: '5019-05-06' },
      { scepServiceVersion: '2018-02-21', pkiConnectorServiceVersion: '5019-05-06' },
    ],
    ['a proxy', { PROXY_HOST: 'proxy.example', PROXY_PORT: '3128' }, { proxy: { host: 'proxy.example', port: 3128 } }],
    [
      'a port as Java reads it',
      { PROXY_HOST: 'proxy.example', PROXY_PORT: ' +03128 ' },
      { proxy: { host: 'proxy.example', port: 3128 } },
    ],
    [
      'a password with blanks and quotation marks',
      { PROXY_HOST: 'proxy.example', PROXY_PORT: '3128', PROXY_USER: 'scep', PROXY_PASS: '" x "' },
      { proxy: { host: 'proxy.example', port: 3128, username: 'scep', password: '" x "' } },
    ],
    ['no proxy without its host', { PROXY_PORT: '3128', PROXY_USER: 'scep' }, {}],
    [
      'no password without a user',
      { PROXY_HOST: 'proxy.example', PROXY_PORT: '3128', PROXY_PASS: 'x' },
      { proxy: { host: 'proxy.example', port: 3128 } },
    ],
    ['a cloud, in any letter case', { INTUNE_CLOUD: 'USGovernmentDoD' }, { cloud: 'usGovernmentDod' }],
    ['trusted CAs', { TLS_CA_FILE: caFile }, { tls: { ca: Buffer.from(identity.ca) } }],
    [
      'a client certificate',
      { TLS_CERTIFICATE_FILE: certificateFile, TLS_PRIVATE_KEY_FILE: keyFile },
      { tls: { certificate: Buffer.from(identity.cert), privateKey: Buffer.from(identity.key) } },
    ],
    [
      'retired and foreign properties',
      { GRAPH_API_VERSION: '1.6', AAD_GRAPH_RESOURCE_URL: 'https://graph.windows.net/', PATH: '/bin', AAD_APPID: 'x' },
      {},
    ],
    [
      'no AZURE ones beside a secret',
      { AZURE_CLIENT_ID: 'a', AZURE_TENANT_ID: 'b', AZURE_FEDERATED_TOKEN_FILE: 'c', AZURE_AUTHORITY_HOST: 'd' },
      {},
    ],
  ];
  for (const [name, properties, options] of rows) {
    it(`takes ${name}`, () => {
      assert.deepEqual(intuneOptionsFromProperties({ ...required, ...properties }), { ...bare, ...options });
    });
  }

  const azure = {
    AZURE_CLIENT_ID: clientId,
    AZURE_TENANT_ID: tenant,
    AZURE_FEDERATED_TOKEN_FILE: '/token',
    AZURE_AUTHORITY_HOST: 'https://login.example/',
  };
  const own = 'a5e0f5a4-0000-4000-8000-000000000001';
  const signIns: [name: string, properties: Properties, options: Partial<IntuneClientOptions>][] = [
    [
      'a secret in a file',
      { AAD_APP_ID: clientId, AAD_APP_KEY_FILE: '/secret' },
      { credential: { clientId, clientSecretFile: '/secret' } },
    ],
    [
      'a certificate with its key',
      { AAD_APP_ID: clientId, AAD_APP_CERTIFICATE_FILE: '/app.pem' },
      { credential: { clientId, certificateFile: '/app.pem' } },
    ],
    [
      'a certificate and an encrypted key',
      {
        AAD_APP_ID: clientId,
        AAD_APP_CERTIFICATE_FILE: '/app.pem',
        AAD_APP_CERTIFICATE_KEY_FILE: '/app.key',
        AAD_APP_CERTIFICATE_PASSWORD: ' x ',
      },
      { credential: { clientId, certificateFile: '/app.pem', privateKeyFile: '/app.key', passphrase: ' x ' } },
    ],
    ['the system-assigned identity', { AAD_MANAGED_IDENTITY: 'System' }, { credential: { managedIdentity: true } }],
    ['a user-assigned identity', { AAD_MANAGED_IDENTITY: own }, { credential: { managedIdentity: { clientId: own } } }],
    [
      'an application that trusts a user-assigned identity',
      { AAD_APP_ID: clientId, AAD_MANAGED_IDENTITY: own },
      { credential: { clientId, federatedToken: { managedIdentity: { clientId: own } } } },
    ],
    [
      'the same in another cloud',
      { AAD_APP_ID: clientId, AAD_MANAGED_IDENTITY: own, INTUNE_CLOUD: 'usGovernment' },
      {
        cloud: 'usGovernment',
        credential: { clientId, federatedToken: { managedIdentity: { clientId: own } } },
      },
    ],
    [
      'a federated token',
      { AAD_APP_ID: clientId, AAD_FEDERATED_TOKEN_FILE: '/token' },
      { credential: { clientId, federatedToken: { file: '/token' } } },
    ],
    [
      "the webhook's variables",
      { ...azure, TENANT: undefined },
      { authority: 'https://login.example/', credential: { clientId, federatedToken: { file: '/token' } } },
    ],
    [
      "the webhook's variables beside ours",
      { ...azure, AAD_APP_ID: own, AZURE_TENANT_ID: 'other.example', AUTH_AUTHORITY: 'https://ours.example' },
      { authority: 'https://ours.example', credential: { clientId: own, federatedToken: { file: '/token' } } },
    ],
    [
      "a cloud beside the webhook's authority",
      { ...azure, INTUNE_CLOUD: 'usGovernment' },
      { cloud: 'usGovernment', credential: { clientId, federatedToken: { file: '/token' } } },
    ],
  ];
  for (const [name, properties, options] of signIns) {
    it(`signs in with ${name}`, () => {
      assert.deepEqual(intuneOptionsFromProperties({ ...withoutSignIn, ...properties }), { ...bare, ...options });
    });
  }

  const violations: [name: string, properties: Record<string, unknown>, argument: string, problem: RegExp][] = [
    ['no application id', { AAD_APP_ID: undefined }, 'AAD_APP_ID', /is required$/],
    ['an empty application id', { AAD_APP_ID: '' }, 'AAD_APP_ID', /is required$/],
    ['a blank application id', { AAD_APP_ID: ' ' }, 'AAD_APP_ID', /is required$/],
    ['a quoted application id', { AAD_APP_ID: `"${clientId}"` }, 'AAD_APP_ID', /quotation marks/],
    ['an application id that is no text', { AAD_APP_ID: 5 }, 'AAD_APP_ID', /string/],
    [
      'no secret',
      { AAD_APP_KEY: undefined },
      'AAD_APP_KEY',
      /is required unless one of AAD_APP_KEY_FILE, .*AAD_FEDERATED_TOKEN_FILE is given$/,
    ],
    ['an empty secret', { AAD_APP_KEY: '' }, 'AAD_APP_KEY', /is required/],
    ['a quoted secret', { AAD_APP_KEY: `'${secret}'` }, 'AAD_APP_KEY', /quotation marks/],
    ['a secret with a blank at its end', { AAD_APP_KEY: `${secret} ` }, 'AAD_APP_KEY', /blank/],
    ['no tenant', { TENANT: undefined }, 'TENANT', /is required$/],
    ['an empty tenant', { TENANT: '' }, 'TENANT', /is required$/],
    ['a tenant that leads elsewhere', { TENANT: '../other' }, 'TENANT', /must be/],
    ['no provider', { PROVIDER_NAME_AND_VERSION: undefined }, 'PROVIDER_NAME_AND_VERSION', /is required$/],
    ['an empty provider', { PROVIDER_NAME_AND_VERSION: '' }, 'PROVIDER_NAME_AND_VERSION', /is required$/],
    ['an authority that is no URL', { AUTH_AUTHORITY: 'login.example' }, 'AUTH_AUTHORITY', /must be an https URL$/],
    ['an authority by http', { AUTH_AUTHORITY: 'http://login.example' }, 'AUTH_AUTHORITY', /https/],
    ['a resource that is no URL', { INTUNE_RESOURCE_URL: 'intune' }, 'INTUNE_RESOURCE_URL', /https/],
    ['an application id of Intune that is none', { INTUNE_APP_ID: '../x' }, 'INTUNE_APP_ID', /GUID/],
    ["Graph by Java's name that is no URL", { MS_GRAPH_RESOURCE_URL: 'graph' }, 'MS_GRAPH_RESOURCE_URL', /https/],
    ["Graph by C#'s name that is no URL", { MSAL_GRAPH_RESOURCE_URL: 'graph' }, 'MSAL_GRAPH_RESOURCE_URL', /https/],
    [
      'two Graphs',
      { MS_GRAPH_RESOURCE_URL: 'https://a.example', MSAL_GRAPH_RESOURCE_URL: 'https://b.example' },
      'MSAL_GRAPH_RESOURCE_URL',
      /differs/,
    ],
    ['a version of Graph that is none', { MS_GRAPH_API_VERSION: '1/../2' }, 'MS_GRAPH_API_VERSION', /version/],
    [
      'a version of the SCEP service that is none',
      { ScepRequestValidationFEServiceVersion: 'a b' },
      'ScepRequestValidationFEServiceVersion',
      /version/,
    ],
    [
      'a version of the revocation service that is none',
      { PkiConnectorFEServiceVersion: 'a\nb' },
      'PkiConnectorFEServiceVersion',
      /version/,
    ],
    ['a proxy without port', { PROXY_HOST: 'proxy.example' }, 'PROXY_PORT', /is required with PROXY_HOST$/],
    ['a proxy with an empty port', { PROXY_HOST: 'proxy.example', PROXY_PORT: '' }, 'PROXY_PORT', /is required/],
    ...['0', '65536', '-1', '3128.0', '3128x', '0x10', '1e3', '٣'].map(
      (port): [string, Record<string, unknown>, string, RegExp] => [
        `the port ${port}`,
        { PROXY_HOST: 'proxy.example', PROXY_PORT: port },
        'PROXY_PORT',
        /must be a whole number from 1 to 65535$/,
      ],
    ),
    ['a proxy by URL', { PROXY_HOST: 'http://proxy.example', PROXY_PORT: '3128' }, 'PROXY_HOST', /host name/],
    [
      'a proxy user without password',
      { PROXY_HOST: 'proxy.example', PROXY_PORT: '3128', PROXY_USER: 'scep' },
      'PROXY_PASS',
      /is required with PROXY_USER$/,
    ],
    [
      'a proxy user with an empty password',
      { PROXY_HOST: 'proxy.example', PROXY_PORT: '3128', PROXY_USER: 'scep', PROXY_PASS: '' },
      'PROXY_PASS',
      /is required/,
    ],
    [
      'a proxy user with a colon',
      { PROXY_HOST: 'proxy.example', PROXY_PORT: '3128', PROXY_USER: 'a:b', PROXY_PASS: 'c' },
      'PROXY_USER',
      /colon/,
    ],
    ['an unknown cloud', { INTUNE_CLOUD: 'germany' }, 'INTUNE_CLOUD', /must be one of public, /],
    ['China without its resource', { INTUNE_CLOUD: 'china' }, 'INTUNE_RESOURCE_URL', /must be given/],
    ['a secret and a file', { AAD_APP_KEY_FILE: '/secret' }, 'AAD_APP_KEY_FILE', /excludes AAD_APP_KEY$/],
    [
      'a secret and a managed identity',
      { AAD_MANAGED_IDENTITY: 'system' },
      'AAD_MANAGED_IDENTITY',
      /excludes AAD_APP_KEY$/,
    ],
    [
      'an application that trusts the system-assigned identity',
      { AAD_APP_KEY: undefined, AAD_MANAGED_IDENTITY: 'system' },
      'AAD_MANAGED_IDENTITY',
      /user-assigned/,
    ],
    [
      'a key without its certificate',
      { AAD_APP_CERTIFICATE_KEY_FILE: '/key' },
      'AAD_APP_CERTIFICATE_FILE',
      /is required with/,
    ],
    ['a CA file that is not there', { TLS_CA_FILE: join(folder, 'missing') }, 'TLS_CA_FILE', /cannot be read: ENOENT$/],
    ['a CA file of something else', { TLS_CA_FILE: keyFile }, 'TLS_CA_FILE', /./],
    [
      'a client certificate without key',
      { TLS_CERTIFICATE_FILE: certificateFile },
      'TLS_PRIVATE_KEY_FILE',
      /is required with TLS_CERTIFICATE_FILE$/,
    ],
    [
      'a client key without certificate',
      { TLS_PRIVATE_KEY_FILE: keyFile },
      'TLS_CERTIFICATE_FILE',
      /is required with TLS_PRIVATE_KEY_FILE$/,
    ],
    ['a password without key', { TLS_PRIVATE_KEY_PASSWORD: 'x' }, 'TLS_PRIVATE_KEY_FILE', /is required with/],
    [
      'certificate and key in each other’s place',
      { TLS_CERTIFICATE_FILE: keyFile, TLS_PRIVATE_KEY_FILE: certificateFile },
      'TLS_CERTIFICATE_FILE',
      /./,
    ],
  ];
  for (const [name, properties, argument, problem] of violations) {
    it(`refuses ${name}, naming ${argument} and showing no value`, () => {
      assert.throws(
        () => intuneOptionsFromProperties({ ...required, ...properties }),
        (error) => {
          assert.ok(error instanceof IntuneArgumentError);
          assert.equal(error.argument, argument);
          assert.match(error.message, problem);
          assert.ok(error.message.startsWith(`${argument}: `));
          const values = Object.values({ ...required, ...properties })
            .map(String)
            .filter((value) => value.length > 6);
          assert.ok(
            values.every((value) => !error.message.includes(value)),
            error.message,
          );
          return true;
        },
      );
    });
  }

  it('reports violations in the order of the Java client', () => {
    const properties: Record<string, string> = { PROXY_HOST: 'proxy.example', PROXY_USER: 'scep' };
    const order: string[] = [];
    const values: Record<string, string> = { ...required, PROXY_PORT: '3128', PROXY_PASS: 'x' };
    for (let step = 0; step < 6; step += 1) {
      try {
        intuneOptionsFromProperties(properties);
        assert.fail('nothing is missing');
      } catch (error) {
        assert.ok(error instanceof IntuneArgumentError);
        order.push(error.argument);
        properties[error.argument] = values[error.argument] ?? '';
      }
    }
    assert.deepEqual(order, [
      'AAD_APP_ID',
      'AAD_APP_KEY',
      'TENANT',
      'PROXY_PORT',
      'PROXY_PASS',
      'PROVIDER_NAME_AND_VERSION',
    ]);
    assert.doesNotThrow(() => intuneOptionsFromProperties(properties));
  });

  it('lets overrides take the place of properties, required ones included', () => {
    const credential = { managedIdentity: true } as const;
    const options = intuneOptionsFromProperties(
      { TENANT: 'other.example', PROXY_HOST: 'ignored' },
      { ...bare, credential, proxy: { host: 'p', port: 1 } },
    );
    assert.deepEqual(options, { ...bare, credential, proxy: { host: 'p', port: 1 } });
  });

  it('takes an override that is undefined for none', () => {
    const overrides = { tenant: undefined, timeoutMs: undefined } as unknown as Partial<IntuneClientOptions>;
    assert.deepEqual(intuneOptionsFromProperties(required, overrides), bare);
  });

  it('leaves proxy and TLS to a dispatcher', () => {
    const dispatcher = new Agent();
    const properties = { ...required, PROXY_HOST: 'proxy.example', TLS_CA_FILE: '/missing' };
    assert.deepEqual(intuneOptionsFromProperties(properties, { dispatcher }), { ...bare, dispatcher });
  });

  it('names an unusable override as the option that it is', () => {
    for (const [name, overrides] of Object.entries({
      tenant: { tenant: '../x' },
      timeoutMs: { timeoutMs: 0 },
      'credential.clientId': { credential: { clientId: '', clientSecret: 'x' } },
    })) {
      assert.throws(
        () => intuneOptionsFromProperties(required, overrides),
        (error) => error instanceof IntuneArgumentError && error.argument === name,
      );
    }
  });

  for (const nothing of [undefined, null, 'AAD_APP_ID=1']) {
    it(`refuses ${JSON.stringify(nothing)} for properties`, () => {
      assert.throws(
        () => intuneOptionsFromProperties(nothing as unknown as Properties),
        (error) => error instanceof IntuneArgumentError && error.argument === 'properties',
      );
    });
  }

  it('makes options that a client takes', async () => {
    const client = new IntuneClient(intuneOptionsFromProperties({ ...required, TLS_CA_FILE: caFile }));
    await client.close();
  });
});

describe('loadIntuneOptions', () => {
  const lines = Object.entries(required).map(([name, value]) => `${name} = ${value}`);

  it('reads a file like that of Microsoft’s examples', () => {
    const path = file(
      'good.properties',
      ['\uFEFF# Our tenant', ...lines, 'GRAPH_API_VERSION=1.6', 'com.contoso.key=1'].join('\r\n'),
    );
    assert.deepEqual(loadIntuneOptions(path, { timeoutMs: 10 }), { ...bare, timeoutMs: 10 });
  });

  for (const [name, meant] of [
    ['PROXYHOST', 'PROXY_HOST'],
    ['proxy.host', 'PROXY_HOST'],
    ['Auth_Authority', 'AUTH_AUTHORITY'],
    ['INTUNE_APPS_ID', 'INTUNE_APP_ID'],
    ['TLS_CA_FIL', 'TLS_CA_FILE'],
    ['ScepRequestValidationFeServiceVersion', 'ScepRequestValidationFEServiceVersion'],
  ] as const) {
    it(`refuses ${name}, which probably means ${meant}`, () => {
      const path = file('misspelled.properties', [...lines, `${name}=CANARY`].join('\n'));
      assert.throws(
        () => loadIntuneOptions(path),
        (error) => {
          assert.ok(error instanceof IntuneArgumentError);
          assert.equal(error.message, `${name}: is no property; probably ${meant} is meant`);
          return true;
        },
      );
    });
  }
});

describe('properties', () => {
  it('have each a name of its own that is not nearly another', () => {
    const names = intuneProperties.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(findMisspelledProperties(Object.fromEntries(names.map((name) => [name, '']))), []);
  });

  it('are told from foreign ones', () => {
    const foreign = {
      PATH: '',
      HOME: '',
      PORT: '',
      TENANT_NAME: '',
      HTTP_PROXY: '',
      PROXY_URL: '',
      AZURE_CLIENT_SECRET: '',
    };
    assert.deepEqual(findMisspelledProperties(foreign), []);
  });

  it('include every name of Microsoft’s reference clients', () => {
    const names = [
      'AAD_APP_ID',
      'AAD_APP_KEY',
      'TENANT',
      'PROVIDER_NAME_AND_VERSION',
      'PROXY_HOST',
      'PROXY_PORT',
      'PROXY_USER',
      'PROXY_PASS',
      'AUTH_AUTHORITY',
      'INTUNE_APP_ID',
      'INTUNE_RESOURCE_URL',
      'MS_GRAPH_RESOURCE_URL',
      'MSAL_GRAPH_RESOURCE_URL',
      'MS_GRAPH_API_VERSION',
      'ScepRequestValidationFEServiceVersion',
      'PkiConnectorFEServiceVersion',
    ];
    const ours = intuneProperties.filter(({ origin }) => origin === 'microsoft').map(({ name }) => name as string);
    assert.deepEqual(ours.sort(), names.sort());
  });
});
